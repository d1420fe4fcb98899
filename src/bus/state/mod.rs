//! The state that all handles of one bus share: the engine, and what the engine does not need to know.
//!
//! The grants and the advisories stand beside the engine, so that the engine imports neither.

mod advisories;

#[cfg(feature = "link")]
use std::any::Any;
use std::ops::Deref;
use std::sync::Arc;
#[cfg(feature = "link")]
use std::sync::Weak;
use std::time::Duration;

use crate::authority::grants::Grants;
#[cfg(all(unix, feature = "inspect"))]
use crate::bus::link_figures::LinkRegister;
use crate::engine::core::Core;
use crate::engine::notices::{AdvisorySink, Notices};
#[cfg(feature = "link")]
use crate::support::sync::Mutex;

use self::advisories::Advisories;

/// How long a request waits for its answer by default.
pub(crate) const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A time-out that never comes, because no clock goes that far.
pub(crate) const NEVER: Duration = Duration::MAX;

/// The state that all handles of one bus share. When the last handle goes, the bus closes.
pub(crate) struct BusState<M> {
    pub(crate) core: Core<M>,
    pub(crate) grants: Arc<Grants>,
    /// The subscriptions to what the bus says about itself.
    pub(crate) advisories: Arc<Advisories>,
    /// How long a request waits for its answer by default.
    pub(crate) request_timeout: Duration,
    /// What all links of this bus share, as long as there is one.
    #[cfg(feature = "link")]
    pub(crate) of_links: Mutex<Option<Weak<dyn Any + Send + Sync>>>,
    /// The links of this bus, for those that inspect it.
    #[cfg(all(unix, feature = "inspect"))]
    pub(crate) links: LinkRegister,
}

impl<M> BusState<M> {
    /// Makes the state of a bus that reports what happens on it.
    pub(crate) fn new() -> Self {
        let advisories = Arc::<Advisories>::default();
        let listeners: Vec<Arc<dyn AdvisorySink>> = vec![
            #[cfg(feature = "tracing")]
            Arc::new(crate::bus::trace::TracingSink),
            Arc::clone(&advisories) as _,
        ];
        Self::with(Notices::new(listeners), advisories)
    }

    /// Makes the state of a bus that reports nothing, such as one that carries advisories.
    pub(crate) fn silent() -> Self {
        Self::with(Notices::new(Vec::new()), Arc::default())
    }

    fn with(notices: Notices, advisories: Arc<Advisories>) -> Self {
        BusState {
            core: Core::new(notices),
            grants: Arc::default(),
            advisories,
            request_timeout: DEFAULT_REQUEST_TIMEOUT,
            #[cfg(feature = "link")]
            of_links: Mutex::new(None),
            #[cfg(all(unix, feature = "inspect"))]
            links: LinkRegister::default(),
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

impl<M> Drop for BusState<M> {
    fn drop(&mut self) {
        self.close();
    }
}

/// Most callers want the engine.
impl<M> Deref for BusState<M> {
    type Target = Core<M>;

    fn deref(&self) -> &Core<M> {
        &self.core
    }
}
