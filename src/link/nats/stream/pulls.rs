//! Pulls: the requests for messages of a stream. The server sends only as many messages as a link asks for.

use std::time::Duration;

use async_nats::Message;
use bytes::Bytes;
use tokio::time::Instant;

use super::traffic::Trip;

/// The most frames that wait for the link or are asked for. The link asks for more when there is room for half of them.
const WINDOW: u64 = 1024;

/// The most bytes of the messages that are asked for at once.
const MAX_BYTES: u64 = 16 << 20;

/// How long the server waits for messages, and how long after that it may take to say so.
const EXPIRES: Duration = Duration::from_secs(20);
const GRACE: Duration = Duration::from_secs(5);

/// The requests since the last round trip.
#[derive(Debug, Default)]
pub(super) struct Pulls {
    /// The number of the round trip.
    trip: u64,
    requests: u64,
    /// How many messages were asked for and have not come.
    pending: u64,
    /// When all requests must have ended.
    end_at: Option<Instant>,
    /// The number of the next message, as the consumer counts.
    next: u64,
    /// Whether a message has come since the last request.
    has_come: bool,
    /// Whether the next message is larger than [`MAX_BYTES`].
    is_large: bool,
}

/// A request for messages.
#[derive(Debug)]
pub(super) struct Pull {
    pub(super) next: String,
    pub(super) reply: String,
    batch: u64,
    max_bytes: u64,
}

/// What a message means beside its content.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PullOutcome {
    Nothing,
    /// The stream or the consumer is not as it must be.
    Failed(String),
}

impl Pulls {
    /// Returns the request that is due, while this many frames wait for the link.
    pub(super) fn due(&mut self, trip: Trip, waiting: u64) -> Option<Pull> {
        if trip.number != self.trip {
            *self = Pulls {
                trip: trip.number,
                next: 1,
                ..Pulls::default()
            };
        }
        let taken = self.pending + waiting;
        if taken > WINDOW / 2 {
            return None;
        }
        Some(Pull {
            next: trip.next?,
            reply: format!("{}.p.{}", trip.inbox, self.requests),
            batch: if self.is_large { 1 } else { WINDOW - taken },
            max_bytes: if self.is_large { 0 } else { MAX_BYTES },
        })
    }

    pub(super) fn sent(&mut self, pull: &Pull) {
        self.requests += 1;
        self.pending += pull.batch;
        self.end_at = Some(Instant::now() + EXPIRES + GRACE);
        (self.has_come, self.is_large) = (false, false);
    }

    /// When an unended request shows that something is wrong.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.end_at.filter(|_| self.pending > 0)
    }

    /// Notes that a request has ended before it was served whole.
    pub(super) fn ended(&mut self, message: &Message) -> PullOutcome {
        let status = message.status.map_or(0, |status| status.as_u16());
        let description = message.description.as_deref().unwrap_or_default();
        let left = message
            .headers
            .as_ref()
            .and_then(|it| it.get("Nats-Pending-Messages"));
        let left = left.and_then(|it| it.as_str().parse().ok());
        let is_large = description.contains("MaxBytes");
        match status {
            100 => return PullOutcome::Nothing, // a sign of life
            404 | 408 => {}
            409 if is_large => self.is_large = !self.has_come,
            _ => return PullOutcome::Failed(format!("no more messages: {status} {description}")),
        }
        self.pending = self.pending.saturating_sub(left.unwrap_or(self.pending));
        PullOutcome::Nothing
    }

    /// Notes that a message has come. Returns its number in the stream.
    ///
    /// # Errors
    ///
    /// [`PullOutcome::Failed`] if it is not the next one, or is none of a stream.
    pub(super) fn came(&mut self, message: &Message, trip: &Trip) -> Result<u64, PullOutcome> {
        let reply = message.reply.as_deref().unwrap_or_default();
        let Some(place) = MessagePlace::read(reply) else {
            return Err(PullOutcome::Nothing);
        };
        if trip.number != self.trip
            || !(trip.next.as_ref()).is_some_and(|it| it.ends_with(place.consumer))
        {
            return Err(PullOutcome::Nothing); // of the consumer before
        }
        if place.number != self.next {
            return Err(PullOutcome::Failed(
                "messages of the stream are missing".to_owned(),
            ));
        }
        self.next += 1;
        self.has_come = true;
        self.pending = self.pending.saturating_sub(1);
        Ok(place.sequence)
    }
}

impl Pull {
    pub(super) fn body(&self) -> Bytes {
        let expires = EXPIRES.as_nanos();
        let batch = self.batch;
        let max_bytes = match self.max_bytes {
            0 => String::new(),
            bytes => format!(",\"max_bytes\":{bytes}"),
        };
        format!("{{\"batch\":{batch},\"expires\":{expires}{max_bytes}}}").into()
    }
}

/// The place of a message, which is in the subject for its acknowledgement.
struct MessagePlace<'a> {
    consumer: &'a str,
    sequence: u64,
    /// Counted by the consumer, from 1.
    number: u64,
}

impl<'a> MessagePlace<'a> {
    /// Reads `$JS.ACK.<stream>.<consumer>.<times>.<sequence>.<number>.<time>.<left>`. A server of a later version puts
    /// a domain and an account before the stream, and one more token at the end.
    fn read(reply: &'a str) -> Option<Self> {
        let tokens: Vec<_> = reply.strip_prefix("$JS.ACK.")?.split('.').collect();
        let from_consumer = match tokens.len() {
            7 => &tokens[1..],
            9.. => &tokens[3..],
            _ => return None,
        };
        Some(MessagePlace {
            consumer: from_consumer[0],
            sequence: from_consumer[2].parse().ok()?,
            number: from_consumer[3].parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_message_stands_is_read_in_both_forms() {
        for reply in [
            "$JS.ACK.EVENTS.south_1.1.70.7.1795952070761406615.3",
            "$JS.ACK.hub.ACCHASH.EVENTS.south_1.1.70.7.1795952070761406615.3.random",
        ] {
            let place = MessagePlace::read(reply).expect("it is one");
            assert_eq!(
                (place.consumer, place.sequence, place.number),
                ("south_1", 70, 7)
            );
        }
        assert!(MessagePlace::read("$JS.ACK.EVENTS.south_1").is_none());
        assert!(MessagePlace::read("_INBOX.x").is_none());
    }
}
