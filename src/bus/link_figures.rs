//! The figures of the links of a bus, as an inspection shows them.
//!
//! The layer of links is above this one, so each link registers here.

use std::sync::{Arc, Weak};

use serde::{Deserialize, Serialize};

use crate::support::sync::Mutex;

/// The figures of one link, a part of a [`Snapshot`](crate::inspect::Snapshot).
///
/// A [link](crate::docs::links)'s own figures have them by origin, and more of them. What came is that of the origins
/// that the link still knows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LinkFigures {
    /// The name of the link.
    pub name: Arc<str>,
    /// Whether its engine is connected.
    pub connected: bool,
    /// Whether the server has confirmed its subscriptions.
    pub ready: bool,
    /// How often it has connected again.
    pub reconnects: u64,
    /// Envelopes that were taken from the bus and numbered.
    pub exported: u64,
    /// Of these: those that are not confirmed yet.
    pub pending: u64,
    /// Of these: those that were refused for good.
    pub lost: u64,
    /// Envelopes that the bus had no room for in the link's queue.
    pub lagged: u64,
    /// Envelopes that came, and were published here.
    pub received: u64,
    /// Envelopes that were sent and will not come.
    pub missed: u64,
    /// Envelopes that came and were denied by the grant of the import.
    pub denied: u64,
    /// What went wrong last, in words.
    pub last_error: Option<Arc<str>>,
}

/// A running link, asked for its figures.
pub(crate) trait ReportsLink: Send + Sync {
    fn report(&self) -> LinkFigures;
}

/// The links of one bus. The register keeps none of them.
#[derive(Default)]
pub(crate) struct LinkRegister {
    links: Mutex<Vec<Weak<dyn ReportsLink>>>,
}

impl LinkRegister {
    /// Adds a link, and removes those that are gone.
    #[cfg(feature = "link")]
    pub(crate) fn add(&self, link: Weak<dyn ReportsLink>) {
        let mut links = self.links.lock();
        links.retain(|known| known.strong_count() > 0);
        links.push(link);
    }

    /// Returns the figures of all links.
    pub(crate) fn figures(&self) -> Vec<LinkFigures> {
        // A link is asked under no lock of the register, since it has one of its own.
        let links = self.links.lock().clone();
        let running = links.iter().filter_map(Weak::upgrade);
        running.map(|link| link.report()).collect()
    }
}
