//! What travels on the bus: the envelope with its id, source, time, headers and payload, and what the bus reports
//! itself.
//!
//! These are value types. They know nothing of queues, subscribers or grants, so every other layer may use them.

pub(crate) mod advisory;
pub(crate) mod capability;
pub(crate) mod denial;
pub(crate) mod draft;
pub(crate) mod envelope;
pub(crate) mod excerpt;
pub(crate) mod headers;
pub(crate) mod id;
pub(crate) mod kernel;
pub(crate) mod measure;
pub(crate) mod overflow;
pub(crate) mod pattern;
pub(crate) mod source;
pub(crate) mod subject;
pub(crate) mod trace_context;
