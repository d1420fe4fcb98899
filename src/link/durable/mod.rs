//! What a durable link brings from a stream.
//!
//! The stream keeps what was sent, so nothing is asked for again, and there are no gaps to wait for. But it may hold an
//! envelope twice, and hand over one again.

mod intake;
mod numbers;

pub(super) use self::intake::{StreamFrame, StreamIntake};
