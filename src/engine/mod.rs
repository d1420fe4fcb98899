//! The engine: the sequence of envelopes, and which subscriber gets which.
//!
//! Everything meets in its [core](mod@self::core): a publish appends to the current segment through the current
//! [head], or makes the next one from the [subscriber list](subscriber_list). Nothing here knows of permissions,
//! tasks or the public types that a user holds.
//!
//! This layer keeps promises 1 to 5. `docs::guarantees` names the tests of each.

pub(crate) mod activation_point;
pub(crate) mod attempt;
pub(crate) mod core;
pub(crate) mod demands;
pub(crate) mod drain;
pub(crate) mod filter;
pub(crate) mod head;
pub(crate) mod index;
pub(crate) mod listener;
pub(crate) mod loss_notices;
pub(crate) mod matches;
pub(crate) mod notices;
pub(crate) mod pending;
pub(crate) mod queue_kind;
pub(crate) mod receipt;
pub(crate) mod refusal;
pub(crate) mod requests;
pub(crate) mod reserved_places;
pub(crate) mod retained;
pub(crate) mod subscriber_list;
