//! Helpers that several test binaries share.
#![allow(dead_code, reason = "no test binary uses all of it")]

pub(crate) mod audited;
pub(crate) mod cases;
#[cfg(feature = "cli")]
pub(crate) mod command;
pub(crate) mod draw;
pub(crate) mod model;
pub(crate) mod numbers;
pub(crate) mod script;
pub(crate) mod task;
