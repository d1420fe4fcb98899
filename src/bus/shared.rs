//! What all handles of one bus share: the engine, and beside it what the engine needs not know.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::authority::grants::Grants;
use crate::bus::advisories::Advisories;
use crate::bus::request::DEFAULT_TIMEOUT;
use crate::engine::core::Core;
use crate::engine::notices::{Notices, Record};

/// What all handles of one bus share. When the last of them goes, the bus closes.
pub(crate) struct Shared<M> {
    pub(crate) core: Core<M>,
    pub(crate) grants: Arc<Grants>,
    /// Those who read what the bus says about itself.
    pub(crate) advisories: Arc<Advisories>,
    /// How long a request waits for its answer.
    pub(crate) request_timeout: Duration,
}

impl<M> Shared<M> {
    /// Those of a bus that tells what happens.
    pub(crate) fn new() -> Self {
        let advisories = Arc::<Advisories>::default();
        let listeners: Vec<Arc<dyn Record>> = vec![
            #[cfg(feature = "tracing")]
            Arc::new(crate::bus::trace::Trace),
            Arc::clone(&advisories) as _,
        ];
        Self::with(Notices::new(listeners), advisories)
    }

    /// Those of a bus that has nothing to tell.
    pub(crate) fn silent() -> Self {
        Self::with(Notices::new(Vec::new()), Arc::default())
    }

    fn with(notices: Notices, advisories: Arc<Advisories>) -> Self {
        Shared {
            core: Core::new(notices),
            grants: Arc::default(),
            advisories,
            request_timeout: DEFAULT_TIMEOUT,
        }
    }

    /// Closes the bus.
    pub(crate) fn close(&self) {
        if self.core.close() {
            self.grants.tell_all_suppressed(&self.notices);
            self.notices.close();
        }
    }
}

impl<M> Drop for Shared<M> {
    fn drop(&mut self) {
        self.close();
    }
}

/// Mostly it is the engine that is asked.
impl<M> Deref for Shared<M> {
    type Target = Core<M>;

    fn deref(&self) -> &Core<M> {
        &self.core
    }
}
