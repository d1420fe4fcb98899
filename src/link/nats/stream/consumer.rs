//! Consumers: where a durable link goes on in its stream.

use super::api::{Api, ConsumerConfig, ConsumerInfo, StreamInfo, failed};
use crate::link::engine::{EngineError, LinkPlan};
use crate::link::frames::subject;
use crate::link::stream::{StreamError, StreamStart};

/// How long the server waits until it sends a message again. It is long because this is not needed: after each cut
/// there is another consumer.
const ACK_WAIT_NANOS: u64 = 60 * 60 * 1_000_000_000;

const LAST_PER_SUBJECT: &str = "last_per_subject";

/// Checks that the stream keeps what the link sends, and some of what it asks for.
pub(super) fn check(stream: &str, info: &StreamInfo, plan: &LinkPlan) -> Result<(), EngineError> {
    let subjects = &info.config.subjects;
    let is_kept = |export: &&String| subjects.iter().any(|it| subject::covers(it, export));
    // A mirror has no subjects of its own.
    let is_there = |import: &&String| {
        subjects.is_empty() || subjects.iter().any(|it| subject::overlaps(it, import))
    };
    let exports = plan.exports.iter().find(|it| !is_kept(it));
    let missing = exports.or_else(|| plan.imports.iter().find(|it| !is_there(it)));
    missing.map_or(Ok(()), |subject| {
        Err(failed(StreamError::NotKept {
            stream: stream.to_owned(),
            subject: subject.clone(),
        }))
    })
}

/// Returns one pattern that covers all imports, if the stream's subjects are such that the server takes it.
fn filter(info: &StreamInfo, imports: &[String]) -> Option<String> {
    let (first, others) = imports.split_first()?;
    let filter = (others.iter()).fold(first.clone(), |wide, it| subject::joined(&wide, it));
    let subjects = &info.config.subjects;
    let is_narrower = subjects.iter().any(|it| subject::covers(it, &filter));
    is_narrower.then_some(filter)
}

/// Makes a consumer that begins where the link is, and replaces the previous one. `position` says how far the link is,
/// if it knows. Returns the name of the consumer, and the position that it begins after.
pub(super) async fn begin(
    api: &Api<'_>,
    info: &StreamInfo,
    plan: &LinkPlan,
    position: Option<u64>,
) -> Result<(String, Option<u64>), EngineError> {
    let names = ["1", "2"].map(|suffix| format!("{}_{suffix}", plan.name));
    let known = [
        api.consumer(&names[0]).await?,
        api.consumer(&names[1]).await?,
    ];
    let positions = known.each_ref().map(|it| it.as_ref().and_then(reached));
    let position = position
        .or(positions[0].max(positions[1]))
        .or(match plan.start {
            StreamStart::New => Some(info.state.last_seq),
            StreamStart::First => Some(0),
            StreamStart::LastPerSubject => None,
        });
    // The consumer that is further stays until the other one exists.
    let stays = usize::from(known[0].is_none() || positions[1] > positions[0]);
    let made = 1 - stays;
    if known[made].is_some() {
        api.delete(&names[made]).await?;
    }
    let policy = position.map_or(LAST_PER_SUBJECT, |_| "by_start_sequence");
    let filter = filter(info, &plan.imports);
    let config = ConsumerConfig {
        durable_name: names[made].clone(),
        deliver_policy: policy.to_owned(),
        opt_start_seq: position.map(|position| position + 1),
        // The server requires a filter for the last message of each subject.
        filter_subject: filter.or_else(|| position.is_none().then(|| ">".to_owned())),
        ack_policy: "all".to_owned(),
        ack_wait: ACK_WAIT_NANOS,
        max_ack_pending: 1 << 16,
    };
    api.create(&config).await?;
    if known[stays].is_some() {
        api.delete(&names[stays]).await?;
    }
    Ok((config.durable_name, position))
}

/// Returns how far the link of this consumer was.
fn reached(consumer: &ConsumerInfo) -> Option<u64> {
    let (floor, config) = (consumer.ack_floor, &consumer.config);
    if floor.consumer_seq == 0 && config.deliver_policy == LAST_PER_SUBJECT {
        return None;
    }
    let begun = config.opt_start_seq.map_or(0, |start| start - 1);
    Some(floor.stream_seq.max(begun))
}
