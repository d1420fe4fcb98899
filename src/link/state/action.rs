//! The actions of the exporting part of a running link: what it does next.
//!
//! [`State::action`](super::State::action) decides it, so the decision needs no engine, and no time passes in it.

use tokio::time::Instant;

use crate::link::engine::StreamProgress;
use crate::link::frames::frame::Frame;

/// What the exporting part does next.
#[derive(Debug)]
pub(in crate::link) enum Action {
    /// Make a round trip, to see whether the connection is there.
    Establish(u64),
    /// Send a control frame.
    Control(Frame),
    /// Send a numbered frame.
    Data(u64, Frame),
    /// Make a round trip that confirms everything up to this number.
    Confirm(u64),
    /// Hand over a numbered frame for the stream.
    Store(u64, Frame),
    /// Say how far the link is with the frames of the stream.
    Acknowledge(StreamProgress),
    /// Take from the bus, if there is room, until something happens or this time comes.
    Take {
        has_room: bool,
        until: Option<Instant>,
    },
}
