//! Authority: the right to publish, and what it is restricted to.
//!
//! A [grant] says what a capability is for; its [scope] is that in a form that is quick to check.
//! Publishers see an [admission]: may they publish, and how many publishes are in flight. The
//! [register](grants) has all of them by name.
//!
//! This layer keeps promise 6. The tests are in `tests/library/revoking.rs` and `tests/library/threat_model.rs`.

pub(crate) mod admission;
pub(crate) mod grant;
pub(crate) mod grants;
pub(crate) mod refusals;
pub(crate) mod scope;
