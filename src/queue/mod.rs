//! One subscriber's queue: where its envelopes wait until it receives them.
//!
//! There are two kinds. A subscriber without a filter has a [shared queue](shared): it reads the bus's
//! [segments](segment) in place, through a [cursor](shared::cursor). So a publish does not touch the queue, except with
//! the first envelope of each segment. A subscriber with a filter, or a group, has a [direct queue](direct): the
//! publisher sends every matching envelope to it.
//!
//! Both kinds are bounded and account for every envelope: matched = received + queued + dropped. What happens in a full
//! queue is the subscriber's [overflow policy](crate::message::overflow::Overflow). A publisher that waits for a free
//! place does so at the queue's [vacancy].
//!
//! So this layer keeps promises 3 and 9. The tests are in `tests/library/accounts.rs`, `tests/library/overflow.rs` and
//! `tests/library/bounded.rs`.

pub(crate) mod accounts;
pub(crate) mod credits;
pub(crate) mod delivery;
pub(crate) mod direct;
pub(crate) mod drains;
pub(crate) mod entry;
pub(crate) mod gathering;
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
