//! What a link imports, as the server sees it.

use serde::{Deserialize, Serialize};

use crate::link::subject;

/// One import: what is subscribed to at the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Imported {
    pub(super) subject: String,
    /// The links with this group share what comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
}

impl Imported {
    /// An import of its own, of no group.
    pub(super) fn alone(subject: String) -> Self {
        Imported {
            subject,
            group: None,
        }
    }

    pub(super) fn matches(&self, subject: &str) -> bool {
        subject::matches(&self.subject, subject)
    }
}
