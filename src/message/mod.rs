//! Messages: what is said, by whom, when, and about what; and what the bus says about itself.

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
