//! Notes: advisories in words, for the clients of an inspection.

use chrono::SecondsFormat;
use uuid::Uuid;

use crate::message::advisory::Advisory;
use crate::message::capability::Capability;
use crate::message::envelope::Envelope;
use crate::message::excerpt;
use crate::message::subject::Payload;
use crate::observe::inspect::snapshot::AdvisoryNote;

impl AdvisoryNote {
    pub(super) fn of(told: &Envelope<Advisory>) -> Self {
        let advisory = &told.message;
        let text = words(advisory);
        AdvisoryNote {
            time: told.timestamp.to_rfc3339_opts(SecondsFormat::Millis, true),
            kind: advisory.subject().tokens()[1].to_string(),
            subscription: subscription(advisory).map(|id| id.to_string()),
            text: excerpt::name(&text).into(),
        }
    }
}

fn subscription(advisory: &Advisory) -> Option<Uuid> {
    match advisory {
        Advisory::Subscribed { id, .. }
        | Advisory::Listening { id, .. }
        | Advisory::Unsubscribed { id, .. }
        | Advisory::Evicted { id, .. }
        | Advisory::Lagging { id, .. } => Some(*id),
        _ => None,
    }
}

fn words(advisory: &Advisory) -> String {
    match advisory {
        Advisory::Subscribed { filter, .. } => {
            format!("listens to {}", filter.as_deref().unwrap_or("everything"))
        }
        Advisory::Listening { patterns, .. } => {
            format!("listens to {}", patterns.as_deref().unwrap_or("no pattern"))
        }
        Advisory::Evicted { reason, .. } => format!("{reason:?}"),
        Advisory::Lagging { dropped, .. } => format!("{dropped} lost so far"),
        Advisory::Denied {
            source,
            subject,
            capability,
            denial,
            suppressed,
            ..
        } => {
            let subject = subject.as_deref().unwrap_or("no subject");
            let more = match suppressed {
                0 => String::new(),
                more => format!(" (and {more} more before)"),
            };
            format!("{source}, {subject}: {capability} {denial}{more}")
        }
        Advisory::Suppressed { capability, count } => {
            let capability = capability.as_ref().map_or("any", Capability::as_str);
            format!("{count} more denials under {capability}")
        }
        Advisory::Granted { capability, scope } => {
            let scope = scope.as_deref().unwrap_or("everything");
            format!("{capability}: {scope}")
        }
        Advisory::Revoked { capability } | Advisory::Drained { capability } => {
            capability.to_string()
        }
        Advisory::LinkLagged { link, missed } => format!("link {link} has missed {missed}"),
        Advisory::LinkCut { link }
        | Advisory::LinkRestored { link }
        | Advisory::LinkNamesake { link } => link.to_string(),
        Advisory::Unsubscribed { .. } | Advisory::Closed => String::new(),
    }
}
