//! A bus with limits of its own.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::advisory::Board;
use crate::bus::Bus;
use crate::fanout::Core;
use crate::grants::{Grants, MAX_GRANTS, MAX_NAME};
use crate::message::Message;
use crate::subject::Payload;
use crate::weight::MaxWeight;

/// Makes a [`Bus`] that is not as [`Bus::new`] makes it.
///
/// # Defaults
///
/// | option | default |
/// | --- | --- |
/// | [`max_weight`](Self::max_weight) | none: payloads are not weighed |
/// | [`max_grants`](Self::max_grants) | 65,536 |
/// | [`max_name`](Self::max_name) | 256 bytes |
///
/// # Examples
///
/// ```
/// use oxide_bus::{Grant, GrantError, MessageBus};
///
/// let bus = MessageBus::builder().max_grants(1).build();
/// bus.grant(Grant::new("log:write"))?;
/// let error = bus.grant(Grant::new("log:read")).unwrap_err();
/// assert_eq!(error, GrantError::TooMany { limit: 1 });
/// # Ok::<(), GrantError>(())
/// ```
#[must_use = "there is no bus before `build`"]
pub struct BusBuilder<M = Message> {
    max_weight: Option<MaxWeight>,
    max_grants: usize,
    max_name: usize,
    carries: PhantomData<fn(M)>,
}

impl<M: Payload> BusBuilder<M> {
    /// Refuses envelopes that are heavier, whoever publishes them.
    ///
    /// Each publish then [weighs](Payload::weigh) its payload, which costs as much as walking through it. So what
    /// one module publishes is nothing that an [audit log](crate::audit) or a peer could not hold.
    pub fn max_weight(mut self, max: MaxWeight) -> Self {
        self.max_weight = Some(max);
        self
    }

    /// How many capabilities may be granted at once.
    pub fn max_grants(mut self, grants: usize) -> Self {
        self.max_grants = grants;
        self
    }

    /// How many bytes the name of a capability may have that is granted, or of a source in a grant.
    pub fn max_name(mut self, bytes: usize) -> Self {
        self.max_name = bytes;
        self
    }

    /// Makes the bus.
    pub fn build(self) -> Bus<M> {
        let mut core = Core::new(Board::new());
        core.grants = Arc::new(Grants::new(self.max_grants, self.max_name));
        core.max_weight = self.max_weight;
        Bus {
            core: Arc::new(core),
        }
    }
}

impl<M: Payload> Bus<M> {
    /// A bus with limits of its own.
    pub fn builder() -> BusBuilder<M> {
        BusBuilder {
            max_weight: None,
            max_grants: MAX_GRANTS,
            max_name: MAX_NAME,
            carries: PhantomData,
        }
    }
}

impl<M> fmt::Debug for BusBuilder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusBuilder")
            .field("max_weight", &self.max_weight)
            .field("max_grants", &self.max_grants)
            .field("max_name", &self.max_name)
            .finish_non_exhaustive()
    }
}
