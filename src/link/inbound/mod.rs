//! The importing half of a link: it puts what comes in order, and passes each envelope on once.
//!
//! Frames come late, twice, in any order, or not at all. The importer asks for each missing frame and waits for it
//! before it gives up. A frame goes through `origins`, `neighbour`, `incoming` and `inbound_queue`; if a stream keeps
//! the frames, through `durable`. Promises 2 and 8 of `docs::links`; tests: `tests/link/faults.rs`,
//! `tests/link/hostile.rs`.

pub(in crate::link) mod arrival;
pub(in crate::link) mod durable;
pub(in crate::link) mod gap_patience;
pub(in crate::link) mod gaps;
pub(in crate::link) mod held;
pub(in crate::link) mod inbound_queue;
pub(in crate::link) mod incoming;
pub(in crate::link) mod neighbour;
pub(in crate::link) mod origins;
pub(in crate::link) mod want_times;
