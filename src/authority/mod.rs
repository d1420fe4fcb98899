//! Authority: who may publish what.

pub(crate) mod admission;
pub(crate) mod grant;
pub(crate) mod grants;
pub(crate) mod refusals;
pub(crate) mod scope;
