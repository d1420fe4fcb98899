//! Tests of the audit log.

#[cfg(feature = "hash-chain")]
mod chain;
mod fails;
mod forms;
mod hostile;
mod log;
mod order;
mod rotate;
mod start;
mod verify;
