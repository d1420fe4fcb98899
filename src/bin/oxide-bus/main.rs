//! The `oxide-bus` command.
fn main() {}
