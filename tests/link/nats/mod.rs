//! Tests with a NATS server, which they start themselves. Without the program `nats-server` they print that they were
//! skipped, and fail where the environment variable `CI` is set.

mod across;
#[cfg(feature = "cli")]
mod command;
mod contract;
mod cuts;
mod durable;
mod durable_errors;
mod limits;
mod links;
mod permissions;
mod server;
#[path = "../../support/command.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod support;
