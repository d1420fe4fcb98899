//! An envelope of the tree, and its places in the logs.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, Utc};
use oxide_bus::{Payload, Subject};
use uuid::Uuid;

use super::super::audit::log_line::{LoggedEnvelope, LoggedEvent};

/// The header that a link adds to each envelope that it brings: the name of the link that sent it.
const LINK_ORIGIN: &str = "link-origin";

/// How many bytes of a message are shown.
const MAX_MESSAGE: usize = 256;

/// An envelope of the tree.
pub(super) struct FoundEnvelope {
    pub(super) id: Uuid,
    pub(super) cause: NamedCause,
    /// Its content. `None` if each log says only that it could not be written.
    pub(super) content: Option<Content>,
    pub(super) places: Vec<FoundPlace>,
    /// How many envelopes name it as their cause and are not in the tree.
    pub(super) others_caused: u64,
}

/// What caused an envelope: the envelope that its correlation id names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NamedCause {
    None,
    Envelope(Uuid),
    NotRecorded,
}

/// What an envelope says.
pub(super) struct Content {
    pub(super) source: String,
    pub(super) time: DateTime<Utc>,
    /// The tokens of its subject, if its message is a command or an event.
    tokens: Option<Vec<String>>,
    /// Without the header by which a link marks it.
    pub(super) headers: BTreeMap<String, String>,
    /// The beginning of the message.
    pub(super) message: String,
    /// The hash of the whole content.
    hash: u64,
}

/// A record of an envelope.
pub(super) struct FoundPlace {
    /// The index of the log.
    pub(super) log: usize,
    pub(super) line: u64,
    pub(super) record: u64,
    pub(super) sequence: u64,
    /// The index of the run.
    pub(super) run: usize,
    /// The link that sent it, if it came by one.
    pub(super) link_origin: Option<String>,
    /// Whether this record has another content than the first one.
    pub(super) differs: bool,
    /// Why the envelope could not be written. Then the log has its source, and perhaps its subject.
    pub(super) unwritable: Option<Unwritten>,
}

/// What the log has of an envelope that could not be written.
pub(super) struct Unwritten {
    pub(super) source: String,
    pub(super) subject: Option<String>,
    pub(super) why: String,
}

impl FoundEnvelope {
    pub(super) fn new(id: Uuid) -> Self {
        FoundEnvelope {
            id,
            cause: NamedCause::NotRecorded,
            content: None,
            places: Vec::new(),
            others_caused: 0,
        }
    }

    /// Adds a record of it, which has this content.
    pub(super) fn add(&mut self, mut place: FoundPlace, envelope: &LoggedEnvelope<'_>) {
        let content = Content::of(envelope);
        place.link_origin = envelope.headers.get(LINK_ORIGIN).cloned();
        if let Some(first) = &self.content {
            place.differs = first.hash != content.hash;
        } else {
            let cause = envelope.correlation_id.as_ref();
            self.cause = cause.map_or(NamedCause::None, |cause| NamedCause::Envelope(cause.0));
            self.content = Some(content);
        }
        self.places.push(place);
    }

    /// Adds a record which says that it could not be written.
    pub(super) fn add_unwritable(&mut self, mut place: FoundPlace, event: &LoggedEvent) {
        place.unwritable = Some(Unwritten {
            source: event.source.clone().unwrap_or_default(),
            subject: event.subject.clone(),
            why: event.why.clone().unwrap_or_default(),
        });
        self.places.push(place);
    }

    /// Returns its source, as far as a log has it.
    pub(super) fn source(&self) -> &str {
        match (&self.content, self.places.first()) {
            (Some(content), _) => &content.source,
            (
                None,
                Some(FoundPlace {
                    unwritable: Some(it),
                    ..
                }),
            ) => &it.source,
            _ => "",
        }
    }

    /// Returns its subject in words, if a log tells it.
    pub(super) fn subject(&self) -> Option<Cow<'_, str>> {
        let told = || {
            self.places
                .iter()
                .find_map(|place| place.unwritable.as_ref()?.subject.as_deref())
        };
        match &self.content {
            Some(content) => content.subject().map(|subject| subject.to_string().into()),
            None => told().map(Cow::from),
        }
    }

    pub(super) fn time(&self) -> Option<DateTime<Utc>> {
        self.content.as_ref().map(|content| content.time)
    }
}

impl Content {
    fn of(envelope: &LoggedEnvelope<'_>) -> Self {
        let tokens =
            |subject: Subject<'_>| subject.tokens().iter().map(|&it| it.to_owned()).collect();
        let mut headers = envelope.headers.clone();
        headers.remove(LINK_ORIGIN);
        let message = envelope.message.get();
        let mut hasher = DefaultHasher::new();
        (&*envelope.source, envelope.timestamp.0, &headers, message).hash(&mut hasher);
        (envelope.correlation_id.as_ref().map(|id| id.0)).hash(&mut hasher);
        Content {
            source: envelope.source.clone().into_owned(),
            time: envelope.timestamp.0,
            tokens: (envelope.known_message()).map(|message| tokens(message.subject())),
            headers,
            message: beginning(message),
            hash: hasher.finish(),
        }
    }

    /// Returns its subject, if its message is a command or an event.
    pub(super) fn subject(&self) -> Option<Subject<'_>> {
        (self.tokens.as_ref()).map(|tokens| Subject::new(tokens.iter().map(String::as_str)))
    }
}

fn beginning(message: &str) -> String {
    let end = message.floor_char_boundary(MAX_MESSAGE);
    let more = if end < message.len() { "…" } else { "" };
    format!("{}{more}", &message[..end])
}
