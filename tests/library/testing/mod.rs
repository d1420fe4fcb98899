//! Tests of the kit for tests (feature `testing`).

mod clock;
mod faulty;
mod idle;
mod ids;
mod recorder;
mod scheduler;

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use oxide_bus::{Bus, Payload, Subject};

/// A payload with a subject.
#[derive(Debug, Clone, PartialEq)]
enum Order {
    Placed(u32),
    Paid(u32),
}

impl Payload for Order {
    fn subject(&self) -> Subject<'_> {
        Subject::new(match self {
            Order::Placed(_) => ["order", "placed"],
            Order::Paid(_) => ["order", "paid"],
        })
    }
}

/// The message of the panic that something ends in.
#[track_caller]
fn panic_of<T: Debug>(work: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(work)).expect_err("it should panic");
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => (*panic.downcast::<&str>().expect("a text")).to_owned(),
    }
}

fn send_all<M: Payload>(bus: &Bus<M>, source: &str, messages: impl IntoIterator<Item = M>) {
    for message in messages {
        bus.send(source, message).unwrap();
    }
}
