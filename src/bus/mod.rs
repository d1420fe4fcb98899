//! The bus: what a user holds.

pub(crate) mod error;
pub mod iter;
pub mod limits;
pub(crate) mod options;
pub(crate) mod select;
pub(crate) mod shared;
#[cfg(feature = "tracing")]
pub(crate) mod trace;

// What the pages of `Bus`, `Publisher` and `Subscription` say: rustdoc shows it in the order of the modules.
// The lines between them keep rustfmt from sorting them.
pub(crate) mod builder;

pub(crate) mod handle;

pub(crate) mod publisher;

pub(crate) mod retaining;

pub(crate) mod request;

pub(crate) mod granting;

pub(crate) mod stats;

pub(crate) mod advisories;

pub(crate) mod lifecycle;

pub(crate) mod subscription;

pub(crate) mod verbs;
