//! Tests of the command `oxide-bus`.
#![cfg(feature = "cli")]

#[path = "../support/mod.rs"]
mod support;

mod allow;
mod audit;
mod bench;
mod ends;
mod manual;
mod replay;
mod soak;
mod stats;
#[cfg(unix)]
mod top;
mod usage;
mod why;
