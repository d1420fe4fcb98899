//! A bus with limits of its own.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::advisory::Board;
use crate::bus::Bus;
use crate::codec::Codec;
use crate::fanout::Core;
use crate::grants::{Grants, MAX_GRANTS, MAX_NAME};
use crate::message::Message;
use crate::subject::Payload;
use crate::weight::{Demands, MaxWeight, Written};

/// Makes a [`Bus`] that is not as [`Bus::new`] makes it.
///
/// # Defaults
///
/// | option | default |
/// | --- | --- |
/// | [`max_weight`](Self::max_weight) | none: payloads are not weighed |
/// | [`writable_by`](Self::writable_by) | none: nothing is tried to be written |
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
    written: Option<Written<M>>,
    max_grants: usize,
    max_name: usize,
}

impl<M: Payload> BusBuilder<M> {
    /// Refuses envelopes that are heavier, whoever publishes them.
    ///
    /// Each publish then [weighs](Payload::weigh) its payload, which costs as much as walking through it.
    pub fn max_weight(mut self, max: MaxWeight) -> Self {
        self.max_weight = Some(max);
        self
    }

    /// Refuses envelopes that this codec cannot write, whoever publishes them: with its limits, and also what
    /// it would write for nobody, such as a nil id.
    ///
    /// So nothing is published that an [audit log](crate::audit::Options::codec) or a peer with the same codec
    /// cannot hold. Each publish then writes its envelope once more, into memory of no more than
    /// [`Limits::bytes`](crate::codec::Limits::bytes), and throws that away.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::codec::{Codec, EncodeErrorKind};
    /// use oxide_bus::{Command, Envelope, Message, MessageBus};
    ///
    /// let bus = MessageBus::builder().writable_by(Codec::new()).build();
    /// let nameless = Envelope::new("", Message::from(Command::Ping));
    /// let error = bus.publish(nameless).unwrap_err();
    /// assert_eq!(error.to_string(), "cannot be written: source is empty");
    /// assert!(matches!(error.unwritable(), Some(EncodeErrorKind::BadName { .. })));
    /// ```
    pub fn writable_by(mut self, codec: Codec) -> Self
    where
        M: Serialize,
    {
        self.written = Some(Written {
            codec,
            encode: Codec::encode::<M>,
        });
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
        let (max_weight, written) = (self.max_weight, self.written);
        if max_weight.is_some() || written.is_some() {
            core.demands = Some(Demands {
                max_weight,
                written,
            });
        }
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
            written: None,
            max_grants: MAX_GRANTS,
            max_name: MAX_NAME,
        }
    }
}

impl<M> fmt::Debug for BusBuilder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusBuilder")
            .field("max_weight", &self.max_weight)
            .field("writable_by", &self.written.map(|written| written.codec))
            .field("max_grants", &self.max_grants)
            .field("max_name", &self.max_name)
            .finish_non_exhaustive()
    }
}
