//! The limits of a bus, and the measure of a payload's size.
//!
//! The constants here are fixed. The limits that a [`BusBuilder`](crate::BusBuilder) sets are not among them.
//!
//! A payload says how large it is by [`Measure`]; only a bus with [`max_payload`](crate::BusBuilder::max_payload) asks
//! it.

pub use crate::engine::requests::MAX_PENDING_REQUESTS;
pub use crate::engine::retained::{MAX_RETAINED, MAX_RETAINED_PATTERNS};
pub use crate::message::measure::{LimitExceeded, Measure, Meter};
pub use crate::message::pattern::{
    MAX_PATTERN_BYTES, MAX_PATTERN_SHAPES, MAX_PATTERN_TOKENS, MAX_PATTERNS, MAX_PATTERNS_BYTES,
};
pub use crate::queue::terms::{DEFAULT_CAPACITY, MAX_CAPACITY};
