//! Frames: what links say to each other. A frame has headers, a subject and a body; [`wire`] defines them for an
//! envelope.
//!
//! Links of other versions read these frames too, so change them only with care. Nothing here needs a running link.

pub(in crate::link) mod control;
pub(in crate::link) mod frame;
pub(in crate::link) mod import_subject;
pub(in crate::link) mod subject;
pub(in crate::link) mod wire;
