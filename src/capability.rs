//! The right to publish: capabilities, and the set of those that are granted.

use std::fmt;
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use foldhash::fast::RandomState;

use crate::sync::{AtomicBool, Ordering};

/// A named right to publish, such as `browser:navigate` or `log:write`.
///
/// Cloning one costs a reference count.
///
/// # Examples
///
/// ```
/// use oxide_bus::Capability;
///
/// let capability = Capability::new("browser:navigate");
/// assert_eq!(capability.as_str(), "browser:navigate");
/// assert_eq!(capability, Capability::from("browser:navigate"));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capability(Arc<str>);

impl Capability {
    /// The capability of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Capability(name.into().into())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Capability {
    fn from(name: &str) -> Self {
        Capability(name.into())
    }
}

impl From<String> for Capability {
    fn from(name: String) -> Self {
        Capability(name.into())
    }
}

impl From<&Capability> for Capability {
    fn from(capability: &Capability) -> Self {
        capability.clone()
    }
}

impl fmt::Debug for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Capability").field(&self.as_str()).finish()
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

/// The capabilities of one bus: those that are granted, and those that some publisher holds.
///
/// A capability has one [`Grant`] for as long as either is true, so that revoking reaches every
/// publisher and granting again revives them; then it is forgotten, so that nothing grows with the
/// number of capabilities revoked.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    known: DashMap<Capability, Known, RandomState>,
}

#[derive(Debug)]
struct Known {
    grant: Arc<Grant>,
    /// How many [`GrantHandle`]s there are; changed and read while the map's shard is locked.
    handles: usize,
}

/// Whether one capability is granted now.
#[derive(Debug)]
struct Grant {
    granted: AtomicBool,
}

impl Grant {
    fn new(granted: bool) -> Arc<Self> {
        Arc::new(Grant {
            granted: AtomicBool::new(granted),
        })
    }

    fn set(&self, granted: bool) {
        // Release, against the acquire in `is_granted`: who publishes under a grant sees what its
        // granter had prepared.
        self.granted.store(granted, Ordering::Release);
    }

    fn is_granted(&self) -> bool {
        self.granted.load(Ordering::Acquire)
    }
}

impl Grants {
    pub(crate) fn grant(&self, capability: Capability) {
        let known = self.known.entry(capability).or_insert_with(|| Known {
            grant: Grant::new(true),
            handles: 0,
        });
        known.grant.set(true);
    }

    pub(crate) fn revoke(&self, capability: &Capability) {
        if let Entry::Occupied(known) = self.known.entry(capability.clone()) {
            known.get().grant.set(false);
            if known.get().handles == 0 {
                known.remove();
            }
        }
    }

    pub(crate) fn is_granted(&self, capability: &Capability) -> bool {
        self.known
            .get(capability)
            .is_some_and(|known| known.grant.is_granted())
    }

    /// A handle that answers for one capability without a look-up, granted or not.
    pub(crate) fn handle(self: &Arc<Self>, capability: Capability) -> GrantHandle {
        let mut known = self
            .known
            .entry(capability.clone())
            .or_insert_with(|| Known {
                grant: Grant::new(false),
                handles: 0,
            });
        known.handles += 1;
        GrantHandle {
            grant: Arc::clone(&known.grant),
            capability,
            grants: Arc::clone(self),
        }
    }
}

/// A publisher's hold on its grant.
#[derive(Debug)]
pub(crate) struct GrantHandle {
    grant: Arc<Grant>,
    capability: Capability,
    grants: Arc<Grants>,
}

impl GrantHandle {
    /// Costs one atomic load.
    pub(crate) fn is_granted(&self) -> bool {
        self.grant.is_granted()
    }

    pub(crate) fn capability(&self) -> &Capability {
        &self.capability
    }
}

impl Drop for GrantHandle {
    fn drop(&mut self) {
        if let Entry::Occupied(mut known) = self.grants.known.entry(self.capability.clone()) {
            known.get_mut().handles -= 1;
            if known.get().handles == 0 && !known.get().grant.is_granted() {
                known.remove();
            }
        }
    }
}

#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use super::*;

    fn grants() -> Arc<Grants> {
        Arc::new(Grants::default())
    }

    #[test]
    fn a_handle_follows_its_capability_through_grant_revoke_and_grant_again() {
        let grants = grants();
        let write = Capability::new("log:write");
        let handle = grants.handle(write.clone());
        assert!(!handle.is_granted());
        for _ in 0..2 {
            grants.grant(write.clone());
            assert!(handle.is_granted());
            grants.revoke(&write);
            assert!(!handle.is_granted());
        }
    }

    #[test]
    fn nothing_is_kept_of_a_capability_that_is_neither_granted_nor_held() {
        let grants = grants();
        for index in 0..1_000 {
            let capability = Capability::new(format!("capability:{index}"));
            grants.grant(capability.clone());
            grants.revoke(&capability);
            let (first, second) = (
                grants.handle(capability.clone()),
                grants.handle(capability.clone()),
            );
            grants.grant(capability.clone());
            grants.revoke(&capability);
            drop((first, second));
        }
        assert_eq!(grants.known.len(), 0);
    }

    #[test]
    fn a_granted_capability_outlives_its_handles() {
        let grants = grants();
        let write = Capability::new("log:write");
        grants.grant(write.clone());
        drop(grants.handle(write.clone()));
        assert!(grants.is_granted(&write));
    }
}

#[cfg(all(test, oxide_loom))]
mod loom_models {
    use std::sync::Arc;

    use loom::thread;

    use super::*;
    use crate::sync::explore;

    /// dashmap is no part of it: what a publisher reads is the grant alone.
    #[test]
    fn a_publish_that_begins_after_a_revoke_is_refused_and_one_after_a_new_grant_is_not() {
        explore(3, || {
            let grant = Grant::new(true);
            let revoked = Arc::new(AtomicBool::new(false));
            let publisher = {
                let (grant, revoked) = (Arc::clone(&grant), Arc::clone(&revoked));
                thread::spawn(move || {
                    let is_revoked = revoked.load(Ordering::Acquire);
                    assert!(!(is_revoked && grant.is_granted()));
                })
            };
            grant.set(false);
            revoked.store(true, Ordering::Release);
            publisher.join().unwrap();

            let again = {
                let grant = Arc::clone(&grant);
                thread::spawn(move || grant.set(true))
            };
            again.join().unwrap();
            assert!(grant.is_granted());
        });
    }

    #[test]
    fn who_publishes_under_a_grant_sees_what_its_granter_had_prepared() {
        explore(3, || {
            let grant = Grant::new(false);
            let prepared = Arc::new(AtomicBool::new(false));
            let granter = {
                let (grant, prepared) = (Arc::clone(&grant), Arc::clone(&prepared));
                thread::spawn(move || {
                    prepared.store(true, Ordering::Relaxed);
                    grant.set(true);
                })
            };
            if grant.is_granted() {
                assert!(prepared.load(Ordering::Relaxed));
            }
            granter.join().unwrap();
        });
    }
}
