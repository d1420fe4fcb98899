//! What a link imports, as the server sees it.

use serde::{Deserialize, Serialize};

use crate::link::subject;

/// One import: what is subscribed to at the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ImportSubject {
    pub(super) subject: String,
    /// The links with this group share what comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
}

impl ImportSubject {
    /// An import of its own, of no group.
    pub(super) fn alone(subject: String) -> Self {
        ImportSubject {
            subject,
            group: None,
        }
    }

    /// Whether all that the other brings comes by this one too.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.group == other.group
            && (self == other
                || self.group.is_none() && subject::covers(&self.subject, &other.subject))
    }

    /// Whether the server sends what has this subject.
    pub(super) fn matches(&self, subject: &str) -> bool {
        subject::matches(&self.subject, subject)
    }

    /// Whether what has this subject is imported. The server's wildcards match payloads without a subject, those of the
    /// bus do not; such payloads have an import of their own.
    pub(super) fn is_for(&self, subject: &str) -> bool {
        let is_same =
            subject::is_without_subject(&self.subject) == subject::is_without_subject(subject);
        is_same && self.matches(subject)
    }
}
