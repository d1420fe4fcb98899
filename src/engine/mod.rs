//! The engine: the sequence of envelopes, and who gets which.

pub(crate) mod attempt;
pub(crate) mod core;
pub(crate) mod demands;
pub(crate) mod drain;
pub(crate) mod filter;
pub(crate) mod head;
pub(crate) mod index;
pub(crate) mod notices;
pub(crate) mod pending;
pub(crate) mod queue;
pub(crate) mod receipt;
pub(crate) mod refusal;
pub(crate) mod requests;
pub(crate) mod retained;
pub(crate) mod subscriber_list;
