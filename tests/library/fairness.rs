//! Tests of fairness: publishers that wait for room each get their share of it.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use oxide_bus::{Bus, Envelope, Overflow, SubscribeOptions};

const PUBLISHERS: usize = 8;

/// Counts the envelopes of each publisher that are received within a second.
fn shares_of_a_second(options: SubscribeOptions<usize>) -> [usize; PUBLISHERS] {
    let bus = Bus::<usize>::new();
    let options = options.capacity(16).overflow(Overflow::Block);
    let mut subscription = bus.subscribe_with(options).unwrap();
    let begin = Barrier::new(PUBLISHERS + 1);
    let mut shares = [0; PUBLISHERS];
    thread::scope(|scope| {
        for publisher in 0..PUBLISHERS {
            let (bus, begin) = (&bus, &begin);
            scope.spawn(move || {
                begin.wait();
                while bus.publish(Envelope::new("counter", publisher)).is_ok() {}
            });
        }
        begin.wait();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(1) {
            shares[subscription.recv().unwrap().message] += 1;
        }
        bus.close();
    });
    shares
}

#[test]
fn of_eight_publishers_that_one_subscriber_blocks_none_starves() {
    for options in [
        SubscribeOptions::new(),
        SubscribeOptions::new().source("counter"),
    ] {
        // Other work on the machine disturbs the shares of a second, and an unfair queue spoils those of all.
        let has_fair_shares = (0..5).any(|_| {
            let shares = shares_of_a_second(options.clone());
            println!("{shares:?}");
            let half = shares.iter().sum::<usize>() / PUBLISHERS / 2;
            shares.iter().all(|share| *share > half)
        });
        assert!(has_fair_shares);
    }
}
