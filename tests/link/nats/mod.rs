//! Tests with a NATS server, which they start themselves. Without the program `nats-server` they print that they were
//! skipped, and fail where the environment variable `CI` is set.

mod across;
mod cable;
#[cfg(feature = "cli")]
mod command;
#[cfg(feature = "cli")]
mod command_options;
mod contract;
#[cfg(feature = "nats-nkeys")]
mod credentials;
mod cuts;
mod durable;
mod durable_errors;
mod faults;
mod limits;
mod links;
mod pair;
mod permissions;
mod server;
#[path = "../../support/command.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod support;
mod tls;
