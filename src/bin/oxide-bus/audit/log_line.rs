//! A line of an audit log, as `audit stats` and `why` read it.
//!
//! They take a line as it is. Only `audit verify` asks whether a log writes such a line.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use oxide_bus::kernel::Message;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

/// A record.
pub(crate) enum LogLine<'a> {
    Envelope {
        record: u64,
        sequence: u64,
        envelope: LoggedEnvelope<'a>,
    },
    Event(LoggedEvent),
}

/// An envelope, with its message as text.
#[derive(serde::Deserialize)]
pub(crate) struct LoggedEnvelope<'a> {
    pub(crate) id: Parsed<Uuid>,
    #[serde(borrow)]
    pub(crate) source: Cow<'a, str>,
    pub(crate) correlation_id: Option<Parsed<Uuid>>,
    pub(crate) timestamp: Parsed<DateTime<Utc>>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(borrow)]
    pub(crate) message: &'a RawValue,
}

/// A record that is no envelope, with its fields as they are.
#[derive(Clone)]
pub(crate) struct LoggedEvent {
    pub(crate) record: u64,
    pub(crate) at: u64,
    pub(crate) time: DateTime<Utc>,
    pub(crate) kind: String,
    pub(crate) id: Option<Uuid>,
    pub(crate) sequence: Option<u64>,
    pub(crate) name: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) claimed: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) capability: Option<String>,
    pub(crate) why: Option<String>,
    pub(crate) count: Option<u64>,
}

/// All keys that a line may have.
#[derive(serde::Deserialize)]
struct Keys<'a> {
    record: u64,
    sequence: Option<u64>,
    #[serde(borrow)]
    envelope: Option<LoggedEnvelope<'a>>,
    at: Option<u64>,
    time: Option<Parsed<DateTime<Utc>>>,
    event: Option<String>,
    id: Option<Parsed<Uuid>>,
    name: Option<String>,
    source: Option<String>,
    claimed: Option<String>,
    subject: Option<String>,
    capability: Option<String>,
    why: Option<String>,
    count: Option<u64>,
}

impl<'a> LogLine<'a> {
    /// Reads a line. `None` if it is no record.
    pub(crate) fn read(line: &'a [u8]) -> Option<Self> {
        let keys: Keys<'a> = serde_json::from_slice(line).ok()?;
        match (keys.event, keys.envelope) {
            (None, Some(envelope)) => Some(LogLine::Envelope {
                record: keys.record,
                sequence: keys.sequence?,
                envelope,
            }),
            (Some(kind), None) => Some(LogLine::Event(LoggedEvent {
                record: keys.record,
                at: keys.at?,
                time: keys.time?.0,
                kind,
                id: keys.id.map(|id| id.0),
                sequence: keys.sequence,
                name: keys.name,
                source: keys.source,
                claimed: keys.claimed,
                subject: keys.subject,
                capability: keys.capability,
                why: keys.why,
                count: keys.count,
            })),
            _ => None,
        }
    }

    pub(crate) fn record(&self) -> u64 {
        match self {
            LogLine::Envelope { record, .. } => *record,
            LogLine::Event(event) => event.record,
        }
    }
}

impl LoggedEnvelope<'_> {
    /// Returns its message, if that is a command or an event. Only then does the log tell its subject.
    pub(crate) fn known_message(&self) -> Option<Message> {
        serde_json::from_str(self.message.get()).ok()
    }
}

/// A value that stands in JSON as text.
pub(crate) struct Parsed<T>(pub(crate) T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ParsedVisitor(PhantomData))
    }
}

struct ParsedVisitor<T>(PhantomData<T>);

impl<T: FromStr<Err: Display>> Visitor<'_> for ParsedVisitor<T> {
    type Value = Parsed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Parsed<T>, E> {
        text.parse().map(Parsed).map_err(E::custom)
    }
}
