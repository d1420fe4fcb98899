//! Requests across links: which links may answer, and when nobody will.
//!
//! Each link announces what it imports. So an exporter knows which links may answer, and a request fails early if
//! nobody can. Tests: `tests/link/requests/`.

pub(in crate::link) mod announcement;
pub(in crate::link) mod announcement_times;
pub(in crate::link) mod known_importers;
pub(in crate::link) mod requests_out;
