//! An import, as the server sees it: a subject, and the group that shares it.

use serde::{Deserialize, Serialize};

use crate::link::frames::subject;

/// One import: what is subscribed to at the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::link) struct ImportSubject {
    pub(in crate::link) subject: String,
    /// The links of this group share what comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::link) group: Option<String>,
}

impl ImportSubject {
    /// Makes an import without a group.
    pub(in crate::link) fn alone(subject: String) -> Self {
        ImportSubject {
            subject,
            group: None,
        }
    }

    /// Whether this import brings everything that the other one brings.
    pub(in crate::link) fn covers(&self, other: &Self) -> bool {
        self.group == other.group
            && (self == other
                || self.group.is_none() && subject::covers(&self.subject, &other.subject))
    }

    /// Whether the server sends frames with this subject.
    pub(in crate::link) fn matches(&self, subject: &str) -> bool {
        subject::matches(&self.subject, subject)
    }

    /// Whether frames with this subject are imported. The server's wildcards match payloads without a subject, but the
    /// wildcards of the bus do not. So such payloads have an import of their own.
    pub(in crate::link) fn is_for(&self, subject: &str) -> bool {
        let is_same =
            subject::is_without_subject(&self.subject) == subject::is_without_subject(subject);
        is_same && self.matches(subject)
    }
}
