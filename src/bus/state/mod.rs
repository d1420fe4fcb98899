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

use crate::authority::grants::{GrantLimits, Grants};
#[cfg(all(unix, feature = "inspect"))]
use crate::bus::link_figures::LinkRegister;
use crate::engine::core::Core;
use crate::engine::notices::{AdvisorySink, Notices};
#[cfg(feature = "link")]
use crate::support::sync::Mutex;
use crate::support::wait_list::{WaitList, Waking};

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
    pub(crate) fn new(waking: Waking) -> Self {
        let advisories = Arc::new(Advisories::new(waking));
        let listeners: Vec<Arc<dyn AdvisorySink>> = vec![
            #[cfg(feature = "tracing")]
            Arc::new(crate::bus::trace::TracingSink),
            Arc::clone(&advisories) as _,
        ];
        Self::with(Notices::new(listeners), advisories, waking)
    }

    /// Makes the state of a bus that reports nothing, such as one that carries advisories.
    pub(crate) fn silent(waking: Waking) -> Self {
        Self::with(Notices::new(Vec::new()), Arc::default(), waking)
    }

    fn with(notices: Notices, advisories: Arc<Advisories>, waking: Waking) -> Self {
        let mut core = Core::new(notices);
        core.readers = Arc::new(WaitList::waking(waking));
        core.listed = Arc::new(WaitList::waking(waking));
        BusState {
            core,
            grants: Arc::new(Grants::new(GrantLimits::default(), waking)),
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

#[cfg(all(test, not(oxide_loom), feature = "tokio"))]
mod tests {
    use std::sync::Arc;

    use crate::engine::queue_kind::Queue;
    use crate::queue::vacancy::Waits;
    use crate::support::parker::{Nap, Parker};
    use crate::support::wait_list::{Registration, WaitList, Waiter};
    use crate::{Bus, Overflow, SubscribeOptions};

    /// Whether all of nine threads are woken by `wake`, where each has registered by `register`.
    fn wakes_all<R>(register: impl Fn(Waiter) -> R, wake: impl FnOnce()) -> bool {
        let parkers = [(); 9].map(|()| Arc::<Parker>::default());
        let naps = parkers.each_ref().map(|parker| parker.nap());
        let _registered = (parkers.each_ref()).map(|it| register(Waiter::Thread(Arc::clone(it))));
        wake();
        naps.iter().all(Nap::was_woken)
    }

    fn list_wakes_all(list: &Arc<WaitList>) -> bool {
        let register = |waiter| {
            let mut registration = Registration::new(list);
            registration.register_and_fence(waiter);
            registration
        };
        wakes_all(register, || list.wake_every_thread())
    }

    #[test]
    fn every_wait_list_of_a_bus_wakes_directly_if_the_program_asks_for_that() {
        let buses = [
            Bus::<u32>::builder().wake_directly().build(),
            Bus::builder().build(),
        ];
        for (bus, directly) in buses.iter().zip([true, false]) {
            let core = &bus.core;
            let group = SubscribeOptions::<u32>::new()
                .group("workers")
                .overflow(Overflow::Block);
            let (terms, queue, _inbox) = group.queue(&core.readers, &core.occupied);
            let Queue::Direct(queue, _) = queue else {
                unreachable!("a group has a queue of its own");
            };
            let grant = core.grants.handle("log:write".into(), "log");
            let advisories = core.advisories.bus();
            let lists = [
                &core.readers,
                &core.listed,
                queue.readers(),
                grant.admission().drains(),
                &advisories.readers,
            ];
            assert!(lists.into_iter().all(|it| list_wakes_all(it) == directly));
            let vacancy = terms.vacancy.as_ref().expect("publishers wait for it");
            let register = |waiter| {
                let mut waits = Waits::default();
                assert!(waits.register(vacancy, false, waiter));
                waits
            };
            let woken = wakes_all(register, || vacancy.wake_everybody());
            assert_eq!(woken, directly);
        }
    }
}
