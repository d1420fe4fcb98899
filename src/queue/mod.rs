//! Queues: where one subscriber's envelopes wait for it.

pub(crate) mod accounts;
pub(crate) mod credits;
pub(crate) mod cursor;
pub(crate) mod delivery;
pub(crate) mod direct;
pub(crate) mod entry;
pub(crate) mod group;
pub(crate) mod inbox;
pub(crate) mod losses;
pub(crate) mod recv_error;
pub(crate) mod segment;
pub(crate) mod segment_channel;
pub(crate) mod shared;
pub(crate) mod terms;
pub(crate) mod throttle;
pub(crate) mod vacancy;
pub(crate) mod wait;
