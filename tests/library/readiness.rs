//! Tests of waiting for subscriptions in crossbeam's own `select!`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::yield_now;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError as NoToken, bounded, select, tick};
use oxide_bus::{Bus, Overflow, Select, SubscribeOptions, Subscription, TryRecvError};

use crate::select::{PATIENCE, kinds, publish, subscribe};
use crate::support::task::Task;

/// Receives until nothing is left. Returns how many envelopes that were, lost ones included, and the last error.
fn all(subscription: &mut Subscription<u64>) -> (u64, TryRecvError) {
    let mut found = 0;
    loop {
        match subscription.try_recv() {
            Ok(_) => found += 1,
            Err(TryRecvError::Lagged { missed }) => found += missed,
            Err(end) => return (found, end),
        }
    }
}

/// Returns a subscription that has found nothing, and its readiness channel, which is empty.
fn waiting(bus: &Bus<u64>, options: SubscribeOptions<u64>) -> (Subscription<u64>, Receiver<()>) {
    let mut subscription = subscribe(bus, options);
    let ready = subscription.readiness();
    assert_eq!(ready.try_recv(), Ok(()), "there may have been something");
    assert_eq!(all(&mut subscription), (0, TryRecvError::Empty));
    assert_eq!(ready.try_recv(), Err(NoToken::Empty));
    (subscription, ready)
}

#[test]
fn there_is_a_token_when_something_comes_and_again_after_each_time_that_nothing_was_left() {
    for (overflow, options) in kinds() {
        let bus = Bus::new();
        let (mut subscription, ready) = waiting(&bus, options.clone());
        let many = match overflow {
            Overflow::DropNewest | Overflow::DropOldest => 200,
            _ => 4,
        };
        for count in [1, 2, many] {
            (0..count).for_each(|number| publish(&bus, number));
            assert_eq!(ready.try_recv(), Ok(()), "{count}, {options:?}");
            assert_eq!(ready.try_recv(), Err(NoToken::Empty));
            assert_eq!(all(&mut subscription), (count, TryRecvError::Empty));
        }
        assert_eq!(ready.try_recv(), Err(NoToken::Empty), "{options:?}");
    }
}

#[test]
fn whichever_way_it_is_found_empty_the_next_token_is_asked_for() {
    type Way = fn(&mut Subscription<u64>);
    let ways: [Way; 6] = [
        |it| assert_eq!(it.try_iter().count(), 2),
        |it| assert_eq!(it.try_recv_each(|_| ()), Ok(2)),
        |it| assert_eq!(it.recv_batch(&mut Vec::new(), 3), Ok(2)),
        |it| while it.try_recv_ref().is_ok() {},
        |it| while it.recv_timeout(Duration::ZERO).is_ok() {},
        |it| while it.recv_timeout(Duration::from_millis(1)).is_ok() {},
    ];
    for options in [
        SubscribeOptions::new(),
        SubscribeOptions::new().source("select"),
    ] {
        for (place, way) in ways.iter().enumerate() {
            let bus = Bus::new();
            let (mut subscription, ready) = waiting(&bus, options.clone());
            for _ in 0..2 {
                publish(&bus, 1);
                publish(&bus, 2);
                assert_eq!(ready.try_recv(), Ok(()), "way {place}, {options:?}");
                way(&mut subscription);
                while ready.try_recv().is_ok() {
                    way(&mut subscription); // the token may be spurious
                }
            }
        }
    }
}

#[test]
fn a_wait_of_another_kind_leaves_a_token() {
    for (_, options) in kinds() {
        let bus = Bus::new();
        let (mut subscription, ready) = waiting(&bus, options);
        let receiving = Task::start(move || {
            assert_eq!(subscription.recv().unwrap().message, 1);
            subscription
        });
        receiving.assert_waits();
        publish(&bus, 1);
        let mut subscription = receiving.end();
        publish(&bus, 2);
        assert_eq!(ready.try_recv(), Ok(()));
        assert_eq!(all(&mut subscription), (1, TryRecvError::Empty));

        let now = Instant::now();
        let mut select = Select::new();
        let moment = now + Duration::from_millis(1);
        let _none = ready.try_recv();
        assert_eq!(select.wait_deadline(&mut [&mut subscription], moment), None);
        publish(&bus, 3);
        assert_eq!(ready.try_recv(), Ok(()));
    }
}

#[test]
fn the_channel_disconnects_at_the_end_whatever_that_is() {
    type End = fn(Bus<u64>, &mut Subscription<u64>);
    let ends: [End; 4] = [
        |bus, _| bus.close(),
        |bus, _| drop(bus),
        |_, it| it.close(),
        |bus, it| assert!(bus.unsubscribe(it.id())),
    ];
    for (_, options) in kinds() {
        for end in ends {
            let bus = Bus::new();
            let (mut subscription, ready) = waiting(&bus, options.clone());
            publish(&bus, 1);
            assert_eq!(all(&mut subscription), (1, TryRecvError::Empty));
            assert_eq!(
                ready.try_recv(),
                Err(NoToken::Empty),
                "it was for what is gone"
            );
            let others = bus.downgrade();
            end(bus, &mut subscription);
            assert_eq!(ready.recv_timeout(PATIENCE), Ok(()), "{options:?}");
            assert_eq!(all(&mut subscription), (0, TryRecvError::Disconnected));
            assert_eq!(ready.try_recv(), Err(NoToken::Disconnected));
            assert_eq!(
                subscription.readiness().try_recv(),
                Err(NoToken::Disconnected)
            );
            drop(others);
        }
        let bus = Bus::new();
        let (subscription, ready) = waiting(&bus, options);
        drop(subscription);
        let _in_vain = ready.try_recv();
        assert_eq!(ready.try_recv(), Err(NoToken::Disconnected));
    }
}

#[test]
fn an_eviction_is_a_token_and_then_the_end() {
    for filtered in [false, true] {
        let bus = Bus::new();
        let options = SubscribeOptions::new()
            .capacity(1)
            .overflow(Overflow::Evict);
        let options = if filtered {
            options.source("select")
        } else {
            options
        };
        let (mut subscription, ready) = waiting(&bus, options);
        publish(&bus, 1);
        publish(&bus, 2);
        assert_eq!(ready.try_recv(), Ok(()));
        let end = loop {
            match subscription.try_recv() {
                Ok(_) | Err(TryRecvError::Lagged { .. }) => {}
                Err(TryRecvError::Empty) => assert_eq!(ready.recv_timeout(PATIENCE), Ok(())),
                Err(end) => break end,
            }
        };
        assert_eq!(end, TryRecvError::Evicted);
        assert_eq!(ready.try_recv(), Err(NoToken::Disconnected));
    }
}

#[test]
fn members_of_a_group_get_a_token_each_and_what_one_leaves_another_finds() {
    let bus = Bus::new();
    let group = || SubscribeOptions::new().group("workers");
    let (mut one, ready) = waiting(&bus, group());
    let (other, other_ready) = waiting(&bus, group());
    let mut sleeper = subscribe(&bus, group());
    let sleeping = Task::start(move || sleeper.recv().map(|it| it.message));
    sleeping.assert_waits();
    publish(&bus, 1);
    assert_eq!(ready.try_recv(), Ok(()));
    assert_eq!(other_ready.try_recv(), Ok(()));
    drop(other); // its token goes with it, and the envelope stays
    assert_eq!(sleeping.end(), Ok(1));
    assert_eq!(all(&mut one), (0, TryRecvError::Empty));
    publish(&bus, 2);
    assert_eq!(ready.try_recv(), Ok(()));
    assert_eq!(all(&mut one), (1, TryRecvError::Empty));
}

#[test]
fn one_select_waits_for_two_subscriptions_a_ticker_and_a_stop_signal() {
    let (numbers, words) = (Bus::<u64>::new(), Bus::<String>::new());
    let (mut number, mut word) = (numbers.subscribe(), words.subscribe());
    let (stop, stopped) = bounded::<()>(0);
    let (seen, sees) = bounded(8);
    let waiting = Task::start(move || {
        let (number_ready, word_ready) = (number.readiness(), word.readiness());
        let ticker = tick(Duration::from_millis(1));
        let (mut sum, mut length, mut ticks) = (0, 0, 0);
        loop {
            select! {
                recv(number_ready) -> _ => for it in number.try_iter().flatten() {
                    sum += it.message;
                    seen.send(()).unwrap();
                },
                recv(word_ready) -> _ => for it in word.try_iter().flatten() {
                    length += it.message.len();
                    seen.send(()).unwrap();
                },
                recv(ticker) -> _ => ticks += 1,
                recv(stopped) -> _ => return (sum, length, ticks),
            }
        }
    });
    for _ in 0..20 {
        publish(&numbers, 2);
        sees.recv_timeout(PATIENCE).unwrap();
        words.send("select", "abc".to_owned()).unwrap();
        sees.recv_timeout(PATIENCE).unwrap();
    }
    drop(stop);
    let (sum, length, _ticks) = waiting.end();
    assert_eq!((sum, length), (40, 60));
}

/// One thread publishes to either or both of two subscriptions, and sometimes waits until everything is received. The
/// other often waits for such a short time that its wait ends just as an envelope arrives. A lost wake-up would run
/// into the time-out and fail the test.
#[test]
fn nothing_is_missed_in_many_rounds_in_which_waits_are_given_up_at_a_channel() {
    let rounds = std::env::var("OXIDE_BUS_ROUNDS").map_or(100_000, |it| it.parse().unwrap());
    let seed = fastrand::u64(..);
    println!("seed {seed}, {rounds} rounds");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut of_waits = random.fork();
    let buses = [(); 2].map(|()| Bus::<u64>::new());
    let options = || SubscribeOptions::new().capacity(1 << 18);
    let mut plain = subscribe(&buses[0], options());
    let mut filtered = subscribe(&buses[1], options().source("select"));
    let received = Arc::new(AtomicU64::new(0));
    let publisher = {
        let received = Arc::clone(&received);
        Task::start(move || {
            let mut published = 0;
            for _ in 0..rounds {
                let which = random.u8(1..4);
                for (place, bus) in buses.iter().enumerate() {
                    if which & 1 << place != 0 {
                        publish(bus, published);
                        published += 1;
                    }
                }
                let deadline = Instant::now() + PATIENCE;
                while random.u8(..16) == 0 && received.load(Ordering::Relaxed) < published {
                    assert!(Instant::now() < deadline, "{published} were published");
                    yield_now();
                }
            }
            published
        })
    };
    let (ready, filtered_ready) = (plain.readiness(), filtered.readiness());
    let (mut has_ended, mut filtered_has_ended) = (false, false);
    while !(has_ended && filtered_has_ended) {
        let timeout = match of_waits.u8(..3) {
            0 => Duration::ZERO,
            1 => Duration::from_nanos(of_waits.u64(..5_000)),
            _ => PATIENCE,
        };
        let (found, end, ended) = select! {
            recv(ready) -> _ => {
                let (found, end) = all(&mut plain);
                (found, end, &mut has_ended)
            }
            recv(filtered_ready) -> _ => {
                let (found, end) = all(&mut filtered);
                (found, end, &mut filtered_has_ended)
            }
            default(timeout) => {
                assert!(timeout < PATIENCE, "{received:?} received");
                continue;
            }
        };
        received.fetch_add(found, Ordering::Relaxed);
        *ended = end == TryRecvError::Disconnected;
    }
    assert_eq!(publisher.end(), received.load(Ordering::Relaxed));
}
