//! How large a payload is.

mod measures;

use std::error::Error;
use std::fmt;

/// More levels than this are never measured, since measuring goes down by recursion.
const MAX_DEPTH: usize = 127;

/// How large a payload is, for [`BusBuilder::max_payload`](crate::BusBuilder::max_payload).
///
/// It is implemented for all payloads of this crate. Texts count their bytes; a list counts its elements, and a
/// [`serde_json::Value`] its texts and keys, 8 for a number, 1 for anything else, each list and object one level deeper;
/// a [`Message`](crate::kernel::Message) its names and its payload.
///
/// # Examples
///
/// ```
/// use oxide_bus::limits::{LimitExceeded, Measure, Meter};
/// use oxide_bus::{Bus, Envelope, Payload, PublishError};
///
/// struct Image {
///     title: String,
///     pixels: Vec<u8>,
/// }
///
/// impl Payload for Image {}
///
/// impl Measure for Image {
///     fn measure(&self, meter: &mut Meter) -> Result<(), LimitExceeded> {
///         self.title.measure(meter)?;
///         meter.bytes(self.pixels.len())
///     }
/// }
///
/// let bus = Bus::<Image>::builder().max_payload(1_024, 1).build();
/// let image = Image { title: "night".into(), pixels: vec![0; 1_020] };
/// let error = bus.publish(Envelope::new("camera", image)).unwrap_err();
/// let PublishError::TooLarge { exceeded, .. } = error else { panic!() };
/// assert_eq!(exceeded, LimitExceeded::Bytes { limit: 1_024 });
/// ```
pub trait Measure {
    /// Tells the meter of each part, one after the other, until that says that it is too much. By default its own
    /// size, without what it holds on the heap.
    ///
    /// It is asked for at each publish, before anybody receives the envelope, and should always say the same.
    ///
    /// # Errors
    ///
    /// What the meter says.
    fn measure(&self, meter: &mut Meter) -> Result<(), LimitExceeded> {
        meter.bytes(size_of_val(self))
    }
}

/// Counts the parts of a payload, and stops at the first that is too much.
///
/// So it costs no more to refuse an enormous payload than to let the largest pass.
#[derive(Debug)]
pub struct Meter {
    max_bytes: usize,
    max_depth: usize,
    bytes_left: usize,
    depth_left: usize,
}

impl Meter {
    pub(crate) fn new(bytes: usize, depth: usize) -> Self {
        let depth = depth.min(MAX_DEPTH);
        Meter {
            max_bytes: bytes,
            max_depth: depth,
            bytes_left: bytes,
            depth_left: depth,
        }
    }

    /// Adds so many bytes.
    ///
    /// # Errors
    ///
    /// [`LimitExceeded::Bytes`] if these are too many.
    pub fn bytes(&mut self, bytes: usize) -> Result<(), LimitExceeded> {
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left = left.ok_or(LimitExceeded::Bytes {
            limit: self.max_bytes,
        })?;
        Ok(())
    }

    /// Measures what is one level deeper.
    ///
    /// # Errors
    ///
    /// [`LimitExceeded::Depth`] if that is too deep, and what measuring it says.
    pub fn nested(
        &mut self,
        measure: impl FnOnce(&mut Self) -> Result<(), LimitExceeded>,
    ) -> Result<(), LimitExceeded> {
        let left = self.depth_left.checked_sub(1);
        self.depth_left = left.ok_or(LimitExceeded::Depth {
            limit: self.max_depth,
        })?;
        measure(self)?;
        self.depth_left += 1;
        Ok(())
    }
}

/// The limit that an envelope is over, see [`BusBuilder::max_payload`](crate::BusBuilder::max_payload).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitExceeded {
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

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LimitExceeded::Bytes { limit } => write!(f, "a payload of more than {limit} bytes"),
            LimitExceeded::Depth { limit } => write!(f, "a payload nested more than {limit} deep"),
            LimitExceeded::Source { limit } => write!(f, "a source of more than {limit} bytes"),
        }
    }
}

impl Error for LimitExceeded {}
