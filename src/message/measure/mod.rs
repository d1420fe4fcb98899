//! The size of a payload, measured part by part against a limit.
//!
//! A bus with a payload limit measures each payload before any subscriber receives it. Measuring stops at the first
//! part that is too much, so that an enormous payload is cheap to refuse.

mod measures;

use std::error::Error;
use std::fmt;

/// The most levels that are ever measured, since measuring is recursive.
const MAX_DEPTH: usize = 127;

/// Measures a payload, for [`BusBuilder::max_payload`](crate::BusBuilder::max_payload).
///
/// It is implemented for all payloads of this crate:
///
/// - A text counts its bytes.
/// - A list counts its elements, one level deeper.
/// - A [`serde_json::Value`] counts its texts and keys, 8 for a number and 1 for anything else. Each list and object is
///   one level deeper.
/// - A [`Message`](crate::kernel::Message) counts its names and its payload.
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
    /// Reports each part to the meter, one after the other, and stops at the meter's first error. The default reports
    /// the payload's own size, without what it holds on the heap.
    ///
    /// The bus calls it at each publish, before any subscriber receives the envelope. It should always report the same
    /// for the same payload.
    ///
    /// # Errors
    ///
    /// Returns the meter's error.
    fn measure(&self, meter: &mut Meter) -> Result<(), LimitExceeded> {
        meter.bytes(size_of_val(self))
    }
}

/// Counts the parts of a payload, and returns an error at the first that is too much.
///
/// So refusing an enormous payload costs no more than measuring the largest one that passes.
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

    /// Adds this many bytes.
    ///
    /// # Errors
    ///
    /// [`LimitExceeded::Bytes`] if they are more than the limit leaves.
    pub fn bytes(&mut self, bytes: usize) -> Result<(), LimitExceeded> {
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left = left.ok_or(LimitExceeded::Bytes {
            limit: self.max_bytes,
        })?;
        Ok(())
    }

    /// Measures parts that are one level deeper.
    ///
    /// # Errors
    ///
    /// [`LimitExceeded::Depth`] if that is too deep, and the error of `measure` if it returns one.
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

/// The limit that an envelope exceeds, see [`BusBuilder::max_payload`](crate::BusBuilder::max_payload).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitExceeded {
    /// The payload has too many bytes.
    Bytes {
        /// How many bytes the payload may have.
        limit: usize,
    },
    /// The payload is nested too deep.
    Depth {
        /// How many levels the payload may have.
        limit: usize,
    },
    /// The name of the source is too long.
    Source {
        /// How many bytes the name may have.
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
