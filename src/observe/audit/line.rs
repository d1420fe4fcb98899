//! A line of a log as it is read back, with the checks whether a log writes such a line.

use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::chain::{Hash, from_hex};
use crate::codec;

use LineKey::{
    At, Capability, Claimed, Count, Hash as HashKey, Id, Name, Sequence, Source, Subject, Time, Why,
};

/// The keys that a record may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum LineKey {
    Record,
    Sequence,
    Envelope,
    At,
    Time,
    Event,
    Id,
    Name,
    Source,
    Claimed,
    Subject,
    Capability,
    Why,
    Count,
    Hash,
    #[serde(other)]
    Unknown,
}

/// How many keys there are, without `Unknown`.
const KEYS: usize = LineKey::Unknown as usize;

/// The keys of one kind of event.
struct Form {
    kind: &'static str,
    /// The keys that it must have beside `record`, `at`, `time` and `event`.
    has: &'static [LineKey],
    may_have: &'static [LineKey],
}

const fn form(kind: &'static str, has: &'static [LineKey], may_have: &'static [LineKey]) -> Form {
    Form {
        kind,
        has,
        may_have,
    }
}

const FORMS: [Form; 20] = [
    form("opened", &[], &[HashKey]),
    form("subscribed", &[Id], &[Name, Why]),
    form("listening", &[Id], &[Name, Why]),
    form("unsubscribed", &[Id], &[Name]),
    form("evicted", &[Id, Why], &[Name]),
    form("lagging", &[Id, Count], &[Name]),
    form("link_lagged", &[Name, Count], &[]),
    form("link_cut", &[Name], &[]),
    form("link_restored", &[Name], &[]),
    form("link_namesake", &[Name], &[]),
    form(
        "denied",
        &[Source, Claimed, Capability, Why],
        &[Subject, Count],
    ),
    form("suppressed", &[Count], &[Capability]),
    form("granted", &[Capability], &[Why]),
    form("revoked", &[Capability], &[]),
    form("drained", &[Capability], &[]),
    form("closed", &[], &[]),
    form("lost", &[Count], &[]),
    form("unwritable", &[Id, Sequence, Source, Why], &[Subject]),
    form("head", &[HashKey], &[]),
    form("ended", &[], &[HashKey]),
];

/// A line: an object with a record number.
pub(super) struct Line<'a> {
    pub(super) record: u64,
    values: [Option<&'a RawValue>; KEYS],
    /// It has a key that no record has, or a key twice.
    is_odd: bool,
}

/// What a line says.
pub(super) enum LineContent<'a> {
    Envelope {
        sequence: u64,
        json: &'a str,
    },
    Event(ParsedEvent),
    /// Nothing that a log writes.
    Nothing,
}

pub(super) struct ParsedEvent {
    /// The kind, as the line gives it.
    pub(super) kind: String,
    pub(super) is_known: bool,
    /// It has the keys of such an event, and no others.
    pub(super) is_well_formed: bool,
    pub(super) at: Option<u64>,
    pub(super) sequence: Option<u64>,
    pub(super) count: Option<u64>,
    pub(super) hash: Option<Hash>,
}

impl<'a> Line<'a> {
    pub(super) fn content(&self) -> LineContent<'a> {
        if let Some(kind) = self.read::<String>(LineKey::Event) {
            return LineContent::Event(self.event(kind));
        }
        let sequence = self.read(Sequence);
        match (sequence, self.values[LineKey::Envelope as usize]) {
            (Some(sequence), Some(json)) if self.has_only(&[Sequence, LineKey::Envelope]) => {
                let json = json.get();
                LineContent::Envelope { sequence, json }
            }
            _ => LineContent::Nothing,
        }
    }

    fn event(&self, kind: String) -> ParsedEvent {
        let form = FORMS.iter().find(|form| form.kind == kind);
        let is_well_formed = form.is_some_and(|form| {
            let has = [At, Time].iter().chain(form.has);
            let may_have = form.may_have.iter().filter(|key| self.has(**key));
            let keys: Vec<_> = has.chain(may_have).copied().collect();
            keys.iter().all(|key| self.is_well_formed(*key))
                && self.has_only(&[&[LineKey::Event], &*keys].concat())
        });
        ParsedEvent {
            kind,
            is_known: form.is_some(),
            is_well_formed,
            at: self.read(At),
            sequence: self.read(Sequence),
            count: self.read(Count),
            hash: self.hash(),
        }
    }

    fn has(&self, key: LineKey) -> bool {
        self.values[key as usize].is_some()
    }

    /// Returns whether it has exactly these keys and its record number.
    fn has_only(&self, keys: &[LineKey]) -> bool {
        !self.is_odd && self.values.iter().flatten().count() == keys.len() + 1
    }

    fn is_well_formed(&self, key: LineKey) -> bool {
        match key {
            At | Sequence => self.read::<u64>(key).is_some(),
            Count => self.read::<u64>(key).is_some_and(|count| count > 0),
            HashKey => self.hash().is_some(),
            Time => (self.read::<String>(key)).is_some_and(|time| codec::is_written_time(&time)),
            Id => (self.read::<String>(key))
                .is_some_and(|id| Uuid::try_parse(&id).is_ok_and(|read| read.to_string() == id)),
            _ => self.read::<String>(key).is_some(),
        }
    }

    fn hash(&self) -> Option<Hash> {
        from_hex(&self.read::<String>(HashKey)?)
    }

    /// Returns the value of a key, if it is there and of that type.
    fn read<T: Deserialize<'a>>(&self, key: LineKey) -> Option<T> {
        serde_json::from_str(self.values[key as usize]?.get()).ok()
    }
}

impl<'de> Deserialize<'de> for Line<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LineVisitor)
    }
}

struct LineVisitor;

impl<'de> Visitor<'de> for LineVisitor {
    type Value = Line<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line<'de>, A::Error> {
        let (mut values, mut is_odd) = ([None; KEYS], false);
        while let Some(key) = map.next_key::<LineKey>()? {
            if key == LineKey::Unknown {
                map.next_value::<IgnoredAny>()?;
                is_odd = true;
            } else {
                let before = values[key as usize].replace(map.next_value::<&RawValue>()?);
                is_odd |= before.is_some();
            }
        }
        let mut line = Line {
            record: 0,
            values,
            is_odd,
        };
        line.record =
            (line.read(LineKey::Record)).ok_or_else(|| A::Error::custom("it has no number"))?;
        Ok(line)
    }
}
