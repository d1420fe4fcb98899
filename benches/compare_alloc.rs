//! The cells of the comparison that count allocations. `compare` runs it; see there.
//!
//! It is a program of its own because counting makes an allocation up to a quarter slower, which would distort the
//! timed cells.

#[path = "compare/run.rs"]
mod run;

use std::alloc::System;
use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    run::main(Some(ALLOCATOR))
}
