//! The exporting half of a link: each frame has a number, and is kept until it is confirmed.
//!
//! Importers ask again for missing frames, so a frame is kept for some time after that too. Promise 1 of `docs::links`;
//! tests: `tests/link/faults.rs`.

pub(in crate::link) mod outgoing;
pub(in crate::link) mod resend_queue;
