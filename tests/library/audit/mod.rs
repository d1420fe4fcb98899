//! Tests of the audit log.

mod fails;
mod forms;
mod hostile;
mod log;
mod order;
mod rotate;
mod start;
mod verify;
