//! How heavy an envelope may be, and whether it must be possible to write it.

use std::fmt;

use crate::codec::{Codec, EncodeError};
use crate::envelope::Envelope;
use crate::fanout::Refusal;
use crate::subject::Payload;

/// How heavy an envelope may be, see [`BusBuilder::max_weight`](crate::BusBuilder::max_weight).
///
/// # Examples
///
/// ```
/// use oxide_bus::{Bus, Envelope, Excess, MaxWeight, PublishError};
///
/// let bus = Bus::<String>::builder()
///     .max_weight(MaxWeight { bytes: 8, ..MaxWeight::default() })
///     .build();
/// bus.publish(Envelope::new("poet", "short".to_owned()))?;
/// let error = bus.publish(Envelope::new("poet", "far too long".to_owned())).unwrap_err();
/// let exceeded = Excess::Bytes { limit: 8 };
/// assert!(matches!(error, PublishError::TooLarge { exceeded: it, .. } if it == exceeded));
/// # Ok::<(), oxide_bus::PublishError<String>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxWeight {
    /// Bytes of the payload, as it [weighs](Payload::weigh) itself. Default 1 MiB.
    pub bytes: usize,
    /// Levels of nesting in the payload. Default 60, so that a [`Message`](crate::Message) fits into the codec's
    /// default limits; more than [`MAX_DEPTH`](Self::MAX_DEPTH) counts as that.
    pub depth: usize,
    /// Bytes of the source's name. Default 256.
    pub source: usize,
}

impl MaxWeight {
    /// More levels than this are never weighed, since weighing goes down by recursion.
    pub const MAX_DEPTH: usize = 127;
}

impl Default for MaxWeight {
    fn default() -> Self {
        MaxWeight {
            bytes: 1024 * 1024,
            depth: 60,
            source: 256,
        }
    }
}

/// In what an envelope is over the [limit](MaxWeight).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Excess {
    /// Its payload has too many bytes.
    Bytes {
        /// How many it may have.
        limit: usize,
    },
    /// Its payload is nested too deep.
    Depth {
        /// How many levels it may have.
        limit: usize,
    },
    /// The name of its source is too long.
    Source {
        /// How many bytes it may have.
        limit: usize,
    },
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Excess::Bytes { limit } => write!(f, "a payload of more than {limit} bytes"),
            Excess::Depth { limit } => write!(f, "a payload nested more than {limit} deep"),
            Excess::Source { limit } => write!(f, "a source of more than {limit} bytes"),
        }
    }
}

/// What may be tried many times, and is weighed once.
#[derive(Debug, Default)]
pub(crate) struct Weighed {
    is_done: bool,
}

impl Weighed {
    pub(crate) fn once<E>(&mut self, weigh: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        if !self.is_done {
            weigh()?;
            self.is_done = true; // not before: it may panic
        }
        Ok(())
    }
}

/// What a bus asks of an envelope, whoever publishes it.
pub(crate) struct Demands<M> {
    pub(crate) max_weight: Option<MaxWeight>,
    pub(crate) written: Option<Written<M>>,
}

/// By which codec it must be possible to write it, and how that is done.
#[derive(Debug)]
pub(crate) struct Written<M> {
    pub(crate) codec: Codec,
    pub(crate) encode: fn(&Codec, &Envelope<M>) -> Result<String, EncodeError>,
}

impl<M> Clone for Written<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Written<M> {}

impl<M: Payload> Demands<M> {
    #[cold]
    pub(crate) fn check(&self, envelope: &Envelope<M>) -> Result<(), Refusal> {
        if let Some(max) = self.max_weight {
            Scale::check(max, envelope).map_err(Refusal::TooLarge)?;
        }
        if let Some(written) = &self.written {
            let json = (written.encode)(&written.codec, envelope);
            json.map_err(|error| Refusal::Unwritable(Box::new(error)))?;
        }
        Ok(())
    }
}

/// What a payload weighs itself on: it tells of each of its parts, and stops at the first that is too much.
/// So an enormous payload costs no more to refuse than the heaviest that is let pass.
#[derive(Debug)]
pub struct Scale {
    max: MaxWeight,
    bytes_left: usize,
    depth_left: usize,
}

impl Scale {
    fn new(max: MaxWeight) -> Self {
        let depth = max.depth.min(MaxWeight::MAX_DEPTH);
        Scale {
            max: MaxWeight { depth, ..max },
            bytes_left: max.bytes,
            depth_left: depth,
        }
    }

    /// Weighs an envelope.
    pub(crate) fn check<M: Payload>(max: MaxWeight, envelope: &Envelope<M>) -> Result<(), Excess> {
        if envelope.source.len() > max.source {
            return Err(Excess::Source { limit: max.source });
        }
        envelope.message.weigh(&mut Scale::new(max))
    }

    /// Adds so many bytes.
    ///
    /// # Errors
    ///
    /// [`Excess::Bytes`] if these are too many.
    pub fn bytes(&mut self, bytes: usize) -> Result<(), Excess> {
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left = left.ok_or(Excess::Bytes {
            limit: self.max.bytes,
        })?;
        Ok(())
    }

    /// Weighs what is one level deeper.
    ///
    /// # Errors
    ///
    /// [`Excess::Depth`] if that is too deep, and what weighing it says.
    pub fn deeper(
        &mut self,
        weigh: impl FnOnce(&mut Self) -> Result<(), Excess>,
    ) -> Result<(), Excess> {
        let left = self.depth_left.checked_sub(1);
        self.depth_left = left.ok_or(Excess::Depth {
            limit: self.max.depth,
        })?;
        weigh(self)?;
        self.depth_left += 1;
        Ok(())
    }
}
