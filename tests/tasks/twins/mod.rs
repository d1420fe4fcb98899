//! Tests of what holds for threads and tasks alike: the same bodies run with the methods of threads, with those of
//! tasks on tokio, and with those of tasks on another executor.

use oxide_bus::{Bus, Overflow, SubscribeOptions};

/// Runs each body on each of the sides.
macro_rules! on_sides {
    ($($side:ident as $module:ident)+: $bodies:tt) => {
        $(on_sides! { @one $side $module $bodies })+
    };
    (@one $side:ident $module:ident { $($body:ident)+ }) => {
        mod $module {
            $(#[test]
            fn $body() {
                super::$body(crate::twins::sides::$side);
            })+
        }
    };
}

mod publishing;
mod receiving;
mod sides;
mod timed;

use self::sides::Side;

const LOSSLESS: Overflow = Overflow::Block;

fn open<S: Side>(side: S, capacity: usize, overflow: Overflow) -> (Bus<u64>, S::Subscription) {
    let bus = Bus::new();
    let options = SubscribeOptions::new()
        .capacity(capacity)
        .overflow(overflow);
    let subscription = side.subscribe_with(&bus, options);
    (bus, subscription)
}

fn publish_all<S: Side>(side: S, bus: &Bus<u64>, numbers: std::ops::Range<u64>) {
    for number in numbers {
        side.publish(bus, number).unwrap();
    }
}

/// Returns all kinds of queue.
fn kinds() -> [SubscribeOptions<u64>; 4] {
    let options = SubscribeOptions::new;
    [
        options(),
        options().source("counter"),
        options().overflow(Overflow::DropOldest),
        options().group("workers"),
    ]
}

/// Returns queues that publishers wait for.
fn lossless(capacity: usize) -> [SubscribeOptions<u64>; 2] {
    let options = SubscribeOptions::new()
        .capacity(capacity)
        .overflow(LOSSLESS);
    [options.clone(), options.source("counter")]
}
