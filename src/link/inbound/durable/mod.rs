//! The importing side of a durable link: what comes from a stream.
//!
//! The stream keeps what was sent, so the link asks for nothing again and waits for no gaps. But the stream may hold an
//! envelope twice, and hand one over again. The link publishes each envelope once. Tests: `tests/link/durable.rs`.

mod intake;
mod numbers;

pub(in crate::link) use self::intake::{StreamFrame, StreamIntake};
