//! Tests of waiting for several subscriptions at once.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use oxide_bus::{
    Bus, Envelope, Overflow, Select, Selectable, SubscribeOptions, Subscription, TryRecvError,
};

use crate::support::task::Task;

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Returns one subscription of each kind: without a filter, with a filter and in a group, under each policy.
pub(crate) fn kinds() -> Vec<(Overflow, SubscribeOptions<u64>)> {
    let policies = [
        Overflow::DropNewest,
        Overflow::DropOldest,
        Overflow::Block,
        Overflow::BlockFor(PATIENCE),
        Overflow::Evict,
    ];
    let kinds = policies.map(|overflow| {
        let options = SubscribeOptions::new().capacity(4).overflow(overflow);
        let group = options.clone().group(format!("{overflow:?}"));
        [options.clone(), options.source("select"), group].map(|options| (overflow, options))
    });
    kinds.into_iter().flatten().collect()
}

pub(crate) fn subscribe(bus: &Bus<u64>, options: SubscribeOptions<u64>) -> Subscription<u64> {
    bus.subscribe_with(options).expect("the bus is open")
}

pub(crate) fn publish(bus: &Bus<u64>, number: u64) {
    bus.publish(Envelope::new("select", number)).expect("open");
}

fn all(subscriptions: &mut [Subscription<u64>]) -> Vec<&mut dyn Selectable> {
    (subscriptions.iter_mut())
        .map(|it| it as &mut dyn Selectable)
        .collect()
}

#[test]
fn whichever_has_something_is_named_and_nothing_is_taken() {
    for (_, options) in kinds() {
        let (bus, other) = (Bus::new(), Bus::<String>::new());
        let (mut numbers, mut words) = (subscribe(&bus, options.clone()), other.subscribe());
        let mut select = Select::new();
        let now = Instant::now();
        let mut look = |numbers: &mut Subscription<u64>, words: &mut Subscription<String>| {
            select.wait_deadline(&mut [numbers, words], now)
        };
        assert_eq!(look(&mut numbers, &mut words), None, "{options:?}");
        publish(&bus, 1);
        for _ in 0..3 {
            assert_eq!(look(&mut numbers, &mut words), Some(0), "{options:?}");
        }
        assert_eq!(numbers.len(), 1);
        other.send("select", "a".to_owned()).expect("open");
        // Each subscription has its turn.
        assert_eq!(look(&mut numbers, &mut words), Some(1));
        assert_eq!(look(&mut numbers, &mut words), Some(0));
        assert_eq!(numbers.try_recv().map(|it| it.message), Ok(1));
        assert_eq!(look(&mut numbers, &mut words), Some(1));
        assert_eq!(words.try_recv().map(|it| it.message.len()), Ok(1));
        assert_eq!(look(&mut numbers, &mut words), None);
        assert_eq!(numbers.try_recv().unwrap_err(), TryRecvError::Empty);
    }
}

#[test]
fn losses_and_the_end_are_something_too() {
    for (overflow, options) in kinds() {
        let bus = Bus::new();
        let mut subscription = subscribe(&bus, options.clone());
        let loses = matches!(overflow, Overflow::DropNewest | Overflow::DropOldest);
        let mut select = Select::new();
        for number in 0..if loses { 200 } else { 4 } {
            publish(&bus, number);
        }
        bus.close();
        let mut told = Vec::new();
        while select.wait_timeout(&mut [&mut subscription], PATIENCE) == Some(0) {
            match subscription.try_recv() {
                Ok(_) => told.push("envelope"),
                Err(TryRecvError::Lagged { .. }) => told.push("loss"),
                Err(end) => {
                    assert_eq!(end, TryRecvError::Disconnected);
                    break;
                }
            }
        }
        assert!(told.contains(&"envelope"), "{options:?}");
        assert_eq!(told.contains(&"loss"), loses, "{options:?}");
    }
}

#[test]
fn a_thread_that_sleeps_is_woken_by_an_envelope_and_by_each_kind_of_end() {
    for (overflow, options) in kinds() {
        for end in ["publish", "close", "unsubscribe"] {
            let bus = Bus::new();
            let mut subscription = subscribe(&bus, options.clone());
            let id = subscription.id();
            let waits = Task::start(move || {
                let quiet = Bus::<()>::new();
                let mut silent = quiet.subscribe();
                let found = Select::new().wait(&mut [&mut silent, &mut subscription]);
                (found, subscription.try_recv().map(|it| it.message))
            });
            if overflow == Overflow::DropNewest {
                waits.assert_waits();
            }
            let received = match end {
                "publish" => {
                    publish(&bus, 7);
                    Ok(7)
                }
                "close" => {
                    bus.close();
                    Err(TryRecvError::Disconnected)
                }
                _ => {
                    assert!(bus.unsubscribe(id));
                    Err(TryRecvError::Disconnected)
                }
            };
            assert_eq!(waits.end(), (1, received), "{overflow:?} {end}");
        }
    }
}

#[test]
fn one_of_a_thousand_is_found_wherever_it_is() {
    let bus = Bus::<u64>::new();
    let options = (0..1_000).map(|number| SubscribeOptions::new().source(number.to_string()));
    let mut subscriptions = bus.subscribe_many(options).expect("the bus is open");
    let (told, tell) = channel();
    let publisher = Task::start(move || {
        for number in tell {
            bus.publish(Envelope::new(format!("{number}"), number))
                .expect("open");
        }
    });
    let mut select = Select::new();
    for number in [0, 999, 500, 501, 1, 998] {
        told.send(number).expect("it is there");
        let found = select.wait_timeout(&mut all(&mut subscriptions), PATIENCE);
        let found = &mut subscriptions[found.expect("in time")];
        assert_eq!(found.try_recv().map(|it| it.message), Ok(number));
    }
    drop(told);
    publisher.end();
}

#[test]
fn of_three_that_are_always_ready_each_has_its_turn() {
    let bus = Bus::<u64>::new();
    let mut subscriptions = [(); 3].map(|()| bus.subscribe());
    (0..60).for_each(|number| publish(&bus, number));
    let mut select = Select::new();
    let mut taken = [0; 3];
    for _ in 0..60 {
        let place = select.wait(&mut all(&mut subscriptions));
        assert!(subscriptions[place].try_recv().is_ok());
        taken[place] += 1;
    }
    assert_eq!(taken, [20; 3]);
}

/// Threads publish to subscriptions of several kinds, and one thread waits for all of them, often for such a short time
/// that its wait ends just as an envelope arrives. A lost wake-up would run into the time-out and fail the test.
#[test]
fn nothing_is_missed_in_many_rounds_in_which_waits_are_given_up() {
    let rounds = std::env::var("OXIDE_BUS_ROUNDS").map_or(100_000, |it| it.parse().unwrap());
    let seed = fastrand::u64(..);
    println!("seed {seed}, {rounds} rounds");
    let mut random = fastrand::Rng::with_seed(seed);
    let bus = Bus::<u64>::new();
    let kinds = kinds()
        .into_iter()
        .filter(|(overflow, _)| *overflow != Overflow::Evict);
    let mut subscriptions: Vec<_> = kinds.map(|(_, it)| subscribe(&bus, it)).collect();
    let (answer, answered) = channel::<()>();
    let publisher = Task::start(move || {
        for number in 0..rounds {
            publish(&bus, number);
            if answered.recv().is_err() {
                return; // the test has failed
            }
        }
    });
    let mut select = Select::new();
    for number in 0..rounds {
        let mut left = subscriptions.len();
        while left > 0 {
            let timeout = match random.u8(..3) {
                0 => Duration::ZERO,
                1 => Duration::from_nanos(random.u64(..5_000)),
                _ => PATIENCE,
            };
            let found = select.wait_timeout(&mut all(&mut subscriptions), timeout);
            assert!(
                found.is_some() || timeout < PATIENCE,
                "{left} left of round {number}"
            );
            if let Some(place) = found {
                assert_eq!(
                    subscriptions[place].try_recv().map(|it| it.message),
                    Ok(number)
                );
                left -= 1;
            }
        }
        answer.send(()).expect("it is there");
    }
    publisher.end();
}
