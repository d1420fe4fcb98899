//! The lines of a log, as it writes them.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::message::advisory::Advisory;
use crate::message::excerpt;

/// An audit event: anything that is recorded and is not an envelope. Fields are keys of the format.
#[derive(Debug, Default, Serialize)]
pub(super) struct AuditEvent {
    pub(super) at: u64,
    pub(super) time: String,
    #[serde(rename = "event")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sequence: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) claimed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) capability: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hash: Option<String>,
}

impl AuditEvent {
    pub(super) fn new(at: u64, time: DateTime<Utc>, kind: &'static str) -> Self {
        AuditEvent {
            at,
            time: time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            kind,
            ..AuditEvent::default()
        }
    }

    pub(super) fn of(at: u64, time: DateTime<Utc>, advisory: &Advisory) -> Self {
        let event = |event| AuditEvent::new(at, time, event);
        let text = |text: &str| excerpt::text(text).into_owned();
        let subscription = |kind, id: &Uuid, name: &Option<Arc<str>>| AuditEvent {
            id: Some(id.to_string()),
            name: name.as_deref().map(text),
            ..event(kind)
        };
        let of_link = |kind, link: &Arc<str>| AuditEvent {
            name: Some(text(link)),
            ..event(kind)
        };
        match advisory {
            Advisory::Subscribed { id, name, filter } => AuditEvent {
                why: filter.as_deref().map(text),
                ..subscription("subscribed", id, name)
            },
            Advisory::Listening { id, name, patterns } => AuditEvent {
                why: patterns.as_deref().map(text),
                ..subscription("listening", id, name)
            },
            Advisory::Unsubscribed { id, name } => subscription("unsubscribed", id, name),
            Advisory::Evicted { id, name, reason } => AuditEvent {
                why: Some(format!("{reason:?}")),
                ..subscription("evicted", id, name)
            },
            Advisory::Lagging { id, name, dropped } => AuditEvent {
                count: Some(*dropped),
                ..subscription("lagging", id, name)
            },
            Advisory::Denied {
                source,
                claimed,
                subject,
                capability,
                denial,
                suppressed,
            } => AuditEvent {
                source: Some(source.to_string()),
                claimed: Some(claimed.to_string()),
                subject: subject.as_deref().map(str::to_owned),
                capability: Some(excerpt::name(capability.as_str()).into_owned()),
                why: Some(denial.to_string()),
                count: (*suppressed > 0).then_some(*suppressed),
                ..event("denied")
            },
            Advisory::Suppressed { capability, count } => AuditEvent {
                capability: (capability.as_ref())
                    .map(|capability| excerpt::name(capability.as_str()).into_owned()),
                count: Some(*count),
                ..event("suppressed")
            },
            Advisory::Granted { capability, scope } => AuditEvent {
                capability: Some(text(capability.as_str())),
                why: scope.as_deref().map(text),
                ..event("granted")
            },
            Advisory::Revoked { capability } => AuditEvent {
                capability: Some(text(capability.as_str())),
                ..event("revoked")
            },
            Advisory::Drained { capability } => AuditEvent {
                capability: Some(text(capability.as_str())),
                ..event("drained")
            },
            Advisory::LinkLagged { link, missed } => AuditEvent {
                count: Some(*missed),
                ..of_link("link_lagged", link)
            },
            Advisory::LinkCut { link } => of_link("link_cut", link),
            Advisory::LinkRestored { link } => of_link("link_restored", link),
            Advisory::LinkNamesake { link } => of_link("link_namesake", link),
            Advisory::Closed => event("closed"),
        }
    }
}

/// A line with its record number.
#[derive(Serialize)]
pub(super) struct Numbered<T> {
    pub(super) record: u64,
    #[serde(flatten)]
    pub(super) what: T,
}

/// Returns an envelope's line. `json` is written as it is.
pub(super) fn envelope(record: u64, sequence: u64, json: &str) -> String {
    format!("{{\"record\":{record},\"sequence\":{sequence},\"envelope\":{json}}}\n")
}
