//! The report about each envelope: the same for people and, as JSON, for programs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::super::audit::log_line::LoggedEvent;
use super::super::audit::open_log::LogFlaws;
use super::account::WhyAccount;
use super::filter_words::Passes;
use super::found::{Content, FoundEnvelope, FoundPlace, NamedCause};
use super::run_past::SubscriptionPast;

/// What an audit log does not hold.
pub(super) const NOT_RECORDED: [&str; 6] = [
    "who has received an envelope (a subscription whose filter it passes has matched)",
    "which envelope a subscription has lost, and what it has lost since the log told it last",
    "the id of an envelope that was refused",
    "a subscription from before the log, until it loses something or ends; which are members of a group",
    "what a predicate says; the subject of a message that is no command and no event",
    "whether an envelope is a request, or is retained",
];

#[derive(Serialize)]
pub(super) struct WhyEnvelope<'a> {
    pub(super) id: String,
    pub(super) is_asked: bool,
    pub(super) cause: CauseFound,
    pub(super) caused_by: Option<String>,
    pub(super) source: &'a str,
    pub(super) subject: Option<String>,
    pub(super) time: Option<String>,
    pub(super) headers: Option<&'a BTreeMap<String, String>>,
    /// Its beginning.
    pub(super) message: Option<&'a str>,
    pub(super) records: Vec<WhyRecord<'a>>,
    pub(super) caused: Vec<String>,
    pub(super) others_caused: u64,
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum CauseFound {
    None,
    InTree,
    InNoLog,
    NotRecorded,
}

#[derive(Serialize)]
pub(super) struct WhyRecord<'a> {
    pub(super) log: String,
    pub(super) line: u64,
    pub(super) record: u64,
    pub(super) sequence: u64,
    pub(super) link_origin: Option<&'a str>,
    pub(super) differs: bool,
    pub(super) unwritable: Option<&'a str>,
    pub(super) matched: Vec<WhyListener<'a>>,
    /// The log does not tell whether these match.
    pub(super) undecided: Vec<WhyListener<'a>>,
    pub(super) not_matched: usize,
}

#[derive(Serialize)]
pub(super) struct WhyListener<'a> {
    pub(super) id: String,
    pub(super) name: Option<&'a str>,
    pub(super) listens_to: String,
    pub(super) lost: Option<WhyLoss>,
    pub(super) evicted: Option<WhyEviction<'a>>,
}

/// This many envelopes were lost while the bus went from one sequence number to another.
#[derive(Serialize)]
pub(super) struct WhyLoss {
    pub(super) count: u64,
    pub(super) from: u64,
    pub(super) to: u64,
}

#[derive(Serialize)]
pub(super) struct WhyEviction<'a> {
    pub(super) at: u64,
    pub(super) why: &'a str,
}

/// What is said beside the tree.
#[derive(Serialize)]
pub(super) struct WhyRest<'a> {
    pub(super) left_out: u64,
    pub(super) same_trace: Vec<WhySameTrace<'a>>,
    pub(super) more_of_same_trace: u64,
    pub(super) meanwhile: Vec<WhyEvent<'a>>,
    pub(super) more_meanwhile: u64,
    pub(super) not_recorded: [&'static str; 6],
    pub(super) bad_lines: u64,
    pub(super) cut_lines: usize,
}

#[derive(Serialize)]
pub(super) struct WhySameTrace<'a> {
    pub(super) log: String,
    pub(super) line: u64,
    pub(super) id: String,
    pub(super) source: &'a str,
}

#[derive(Serialize)]
pub(super) struct WhyEvent<'a> {
    pub(super) log: String,
    pub(super) line: u64,
    pub(super) time: String,
    pub(super) event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) claimed: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) capability: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) count: Option<u64>,
}

/// Makes the parts of the report of an account.
pub(super) struct Reporter<'a> {
    pub(super) account: &'a WhyAccount,
    pub(super) paths: Vec<&'a PathBuf>,
}

impl<'a> Reporter<'a> {
    pub(super) fn envelope(&self, id: Uuid, caused: &[Uuid]) -> Option<WhyEnvelope<'a>> {
        let found = self.account.envelopes.get(&id)?;
        let (cause, caused_by) = match found.cause {
            NamedCause::None => (CauseFound::None, None),
            NamedCause::NotRecorded => (CauseFound::NotRecorded, None),
            NamedCause::Envelope(cause) if self.account.envelopes.contains_key(&cause) => {
                (CauseFound::InTree, Some(cause.to_string()))
            }
            NamedCause::Envelope(cause) => (CauseFound::InNoLog, Some(cause.to_string())),
        };
        let content = found.content.as_ref();
        Some(WhyEnvelope {
            id: id.to_string(),
            is_asked: self.account.asked.contains(&id),
            cause,
            caused_by,
            source: found.source(),
            subject: found.subject().map(Into::into),
            time: found.time().map(rfc3339),
            headers: content.map(|content| &content.headers),
            message: content.map(|content| &*content.message),
            records: (found.places.iter())
                .map(|place| self.record(found, place))
                .collect(),
            caused: caused.iter().map(Uuid::to_string).collect(),
            others_caused: found.others_caused,
        })
    }

    fn record(&self, found: &'a FoundEnvelope, place: &'a FoundPlace) -> WhyRecord<'a> {
        let mut record = WhyRecord {
            log: self.log(place.log),
            line: place.line,
            record: place.record,
            sequence: place.sequence,
            link_origin: place.link_origin.as_deref(),
            differs: place.differs,
            unwritable: (place.unwritable.as_ref()).map(|unwritten| &*unwritten.why),
            matched: Vec::new(),
            undecided: Vec::new(),
            not_matched: 0,
        };
        let subject = found.content.as_ref().and_then(Content::subject);
        for (id, past) in self.account.runs[place.run].listeners(place.sequence) {
            let filter = past.filter(place.sequence);
            let listener = || listener(id, past, place.sequence, filter.to_string());
            match filter.passes(found.source(), subject.as_ref()) {
                Passes::Yes => record.matched.push(listener()),
                Passes::NotRecorded => record.undecided.push(listener()),
                Passes::No => record.not_matched += 1,
            }
        }
        record
    }

    pub(super) fn rest(&self) -> WhyRest<'a> {
        let WhyAccount {
            same_trace,
            meanwhile,
            flaws,
            ..
        } = self.account;
        WhyRest {
            left_out: self.account.left_out,
            same_trace: (same_trace.first.iter())
                .map(|it| WhySameTrace {
                    log: self.log(it.log),
                    line: it.line,
                    id: it.id.to_string(),
                    source: &it.source,
                })
                .collect(),
            more_of_same_trace: same_trace.more,
            meanwhile: (meanwhile.first.iter())
                .map(|it| event(self.log(it.log), it.line, &it.event))
                .collect(),
            more_meanwhile: meanwhile.more,
            not_recorded: NOT_RECORDED,
            bad_lines: flaws.iter().map(|flaws: &LogFlaws| flaws.bad).sum(),
            cut_lines: flaws.iter().filter(|flaws| flaws.is_cut).count(),
        }
    }

    fn log(&self, log: usize) -> String {
        self.paths[log].display().to_string()
    }
}

fn listener(
    id: Uuid,
    past: &SubscriptionPast,
    sequence: u64,
    listens_to: String,
) -> WhyListener<'_> {
    let evicted = past.evicted.as_ref();
    WhyListener {
        id: id.to_string(),
        name: past.name.as_deref(),
        listens_to,
        lost: past.lost_around(sequence).map(|lost| WhyLoss {
            count: lost.count,
            from: lost.from,
            to: lost.to,
        }),
        evicted: evicted.map(|(at, why)| WhyEviction { at: *at, why }),
    }
}

fn event(log: String, line: u64, event: &LoggedEvent) -> WhyEvent<'_> {
    WhyEvent {
        log,
        line,
        time: rfc3339(event.time),
        event: &event.kind,
        id: event.id.map(|id| id.to_string()),
        name: event.name.as_deref(),
        source: event.source.as_deref(),
        claimed: event.claimed.as_deref(),
        subject: event.subject.as_deref(),
        capability: event.capability.as_deref(),
        why: event.why.as_deref(),
        count: event.count,
    }
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
