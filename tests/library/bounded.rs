//! Tests of memory that must stay bounded: nothing grows with the number of past operations, and a publish allocates
//! once.

use std::array;
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use oxide_bus::kernel::{Command, Message};
use oxide_bus::{Bus, Capability, Envelope, MessageBus, Overflow, Source, SubscribeOptions};

use crate::support::task::Task;

/// How often a test repeats an operation that must leave nothing behind.
const OFTEN: usize = 100_000;

/// How many bytes may stay after the first time: lists and tables that have grown to their size.
const SMALL: i64 = 4_096;

fn assert_left_nothing(of: &str, info: AllocationInfo) {
    assert!(info.count_total > 0, "{of}: the counter does not count");
    let left = info.bytes_current;
    assert!(
        left <= SMALL,
        "{of}: {left} bytes left of {}",
        info.bytes_total
    );
}

#[test]
fn subscriptions_that_are_gone_leave_nothing_behind() {
    let bus = Bus::<u64>::new();
    let _stays = bus.subscribe();
    let info = measure(|| {
        for _ in 0..OFTEN {
            let options = SubscribeOptions::new().capacity(4).name("passer-by");
            drop(bus.subscribe_with(options).unwrap());
        }
    });
    assert_left_nothing("subscriptions", info);
    assert_eq!(bus.subscriber_count(), 1);
}

#[test]
fn capabilities_that_are_revoked_leave_nothing_behind() {
    let bus = Bus::<u64>::new();
    let info = measure(|| {
        for index in 0..OFTEN {
            let capability = Capability::new(format!("capability:{index}"));
            bus.grant(&capability).unwrap();
            bus.revoke(&capability);
        }
    });
    assert_left_nothing("capabilities", info);
}

#[test]
fn publishers_that_are_gone_leave_nothing_behind() {
    let bus = Bus::<u64>::new();
    bus.grant("granted").unwrap();
    let info = measure(|| {
        for index in 0..OFTEN {
            let publisher = bus.publisher("module", format!("capability:{index}"));
            drop(publisher.downgrade().upgrade());
            drop(bus.publisher("module", "granted"));
        }
    });
    assert_left_nothing("publishers", info);
}

#[test]
fn revoking_what_publishers_hold_leaves_nothing_behind_when_they_go() {
    let bus = Bus::<u64>::new();
    let info = measure(|| {
        for index in 0..OFTEN {
            let capability = Capability::new(format!("capability:{index}"));
            let publisher = bus.publisher("module", &capability);
            bus.grant(&capability).unwrap();
            bus.revoke(&capability);
            assert!(publisher.publish(0).is_err());
        }
    });
    assert_left_nothing("revoked publishers", info);
}

#[test]
fn what_a_subscriber_is_too_slow_for_takes_no_memory() {
    let bus = Bus::<u64>::new();
    let source = Source::from("counter");
    let mut slow = bus.subscribe();
    let info = measure(|| {
        for number in 0..OFTEN as u64 {
            bus.publish(Envelope::new(&source, number)).unwrap();
            if number % 1_000 == 0 {
                slow.try_iter().take(3).for_each(drop); // gaps in every part
            }
        }
        slow.try_iter().for_each(drop);
    });
    assert_left_nothing("lost envelopes", info);
}

#[test]
fn an_idle_subscription_of_the_default_capacity_takes_no_more_than_4_kib() {
    let bus = MessageBus::new();
    let _others: [_; 16] = array::from_fn(|_| bus.subscribe());
    let mut subscription = None;
    let info = measure(|| subscription = Some(bus.subscribe()));
    assert!((1..=4_096).contains(&info.bytes_current), "{info:?}");
}

#[test]
fn a_delivery_that_is_kept_keeps_no_more_than_16_kib_of_others() {
    let bus = Bus::<(Arc<()>, [u8; 1_000])>::new();
    let mut subscription = bus.subscribe();
    let token = Arc::new(());
    let mut kept = Vec::new();
    for _ in 0..8 {
        for _ in 0..64 {
            let payload = (Arc::clone(&token), [0; 1_000]);
            bus.publish(Envelope::new("large", payload)).unwrap();
        }
        kept = subscription.try_iter().flatten().take(64).collect();
        assert_eq!(kept.len(), 64);
    }
    let one = kept.swap_remove(32);
    drop((kept, subscription, bus));
    let alive = Arc::strong_count(&token) - 1;
    assert!((1..=16).contains(&alive), "{alive} are kept with {one:?}");
}

#[test]
fn a_delivery_that_is_kept_keeps_no_more_others_than_the_owner_of_the_bus_allows() {
    for max in [1, 2, 7, 64] {
        let bus = Bus::<Arc<()>>::builder().max_segment(max).build();
        let token = Arc::new(());
        for in_a_batch in [false, true] {
            let mut subscription = bus.subscribe();
            let envelopes = || (0..256).map(|_| Envelope::new("large", Arc::clone(&token)));
            if in_a_batch {
                for _ in 0..4 {
                    bus.publish_batch(envelopes().take(32)).unwrap();
                }
            } else {
                for envelope in envelopes().take(128) {
                    bus.publish(envelope).unwrap();
                }
            }
            let mut kept: Vec<_> = subscription.try_iter().flatten().collect();
            assert_eq!(kept.len(), 128);
            let one = kept.swap_remove(100);
            drop((kept, subscription)); // the bus drops its newest segment, too
            let alive = Arc::strong_count(&token) - 1;
            assert!((1..=max).contains(&alive), "{alive} of {max} with {one:?}");
        }
    }
}

#[test]
fn a_segment_of_no_envelopes_or_of_more_than_64_is_a_mistake() {
    for out_of_range in [0, 65] {
        let builder = || Bus::<u32>::builder().max_segment(out_of_range);
        assert!(std::panic::catch_unwind(builder).is_err());
    }
}

/// One partial copy of the list for each eviction would take 3 KiB each here, and more with more subscribers.
#[test]
fn a_publish_that_evicts_many_copies_the_list_once_and_not_for_each() {
    const MANY: usize = 4_000;
    let all = || SubscribeOptions::<Message>::new().capacity(1);
    let kinds: [&dyn Fn(usize) -> SubscribeOptions<Message>; 4] = [
        &|_| all(),
        &|_| all().source("kernel"),
        &|_| all().pattern("command.>"),
        &|index| {
            let own = format!("command.start.module {index}");
            all().pattern("command.*").pattern(own)
        },
    ];
    for (kind, options) in kinds.iter().enumerate() {
        let bus = MessageBus::new();
        let options = |index| options(index).overflow(Overflow::Evict);
        let _all = bus.subscribe_many((0..MANY).map(options)).unwrap();
        bus.send_command("kernel", Command::Ping).unwrap();
        let info = measure(|| drop(bus.send_command("kernel", Command::Ping)));
        assert_eq!(bus.subscriber_count(), 0);
        let bytes = info.bytes_total / MANY as u64;
        assert!(bytes < 512, "{bytes} for each, where {kind}");
        bus.close(); // so that nobody has to unsubscribe
    }
}

/// A waiting publisher keeps nothing alive of subscribers for which it does not wait.
#[test]
fn a_queue_is_freed_with_its_subscription_though_a_publisher_waits_for_another() {
    const PLACES: u32 = 100_000;
    let bus = Bus::<u64>::new();
    let options = SubscribeOptions::new()
        .capacity(1)
        .overflow(Overflow::Block);
    let full = bus.subscribe_with(options).unwrap();
    let large = bus
        .subscribe_with(SubscribeOptions::new().capacity(PLACES as usize))
        .unwrap();
    bus.publish(Envelope::new("counter", 0)).unwrap();
    let publisher = {
        let bus = bus.clone();
        Task::start(move || bus.publish(Envelope::new("counter", 1)).unwrap())
    };
    publisher.assert_waits();
    let info = measure(|| drop(large));
    assert!(
        info.bytes_current < -i64::from(PLACES),
        "it is kept: {info:?}"
    );
    publisher.assert_waits();
    drop(full);
    publisher.end();
}

#[test]
fn a_bus_that_is_gone_leaves_nothing_behind() {
    let info = measure(|| {
        for _ in 0..1_000 {
            let bus = Bus::<String>::new();
            let (dropped_first, dropped_last) = (bus.subscribe(), bus.subscribe());
            bus.grant("kept").unwrap();
            let publisher = bus.publisher("module", "kept");
            publisher.publish("queued".to_owned()).unwrap();
            drop(dropped_first);
            drop((bus, publisher));
            drop(dropped_last);
        }
    });
    assert_left_nothing("buses", info);
}

const PUBLISHES: u64 = 1_000;

/// Counts the allocations of [`PUBLISHES`] publishes to `SUBSCRIBERS` subscribers that receive in the meantime.
fn allocations_of_publishing_to<const SUBSCRIBERS: usize>() -> u64 {
    let bus = Bus::<u64>::new();
    let source = Source::from("counter");
    // When a thread first reads the subscriber list, the list allocates a record in which that reader leaves its marks.
    bus.publish(Envelope::new(&source, 0)).unwrap();
    let mut subscriptions: [_; SUBSCRIBERS] = array::from_fn(|_| bus.subscribe());
    let mut allocations = 0;
    for _ in 0..PUBLISHES / 100 {
        let info = measure(|| {
            for number in 0..100 {
                bus.publish(Envelope::new(&source, number)).unwrap();
            }
        });
        allocations += info.count_total;
        for subscription in &mut subscriptions {
            assert_eq!(subscription.try_iter().flatten().count(), 100);
        }
    }
    allocations
}

#[test]
fn a_publish_allocates_at_most_once_for_any_number_of_subscribers() {
    assert_eq!(allocations_of_publishing_to::<0>(), 0);
    assert!((1..=PUBLISHES).contains(&allocations_of_publishing_to::<1>()));
    assert!((1..=PUBLISHES).contains(&allocations_of_publishing_to::<16>()));
}

#[test]
fn in_steady_bursts_a_publish_allocates_a_sixteenth() {
    let bus = Bus::<u64>::new();
    let source = Source::from("counter");
    let mut subscriptions: [_; 16] = array::from_fn(|_| bus.subscribe());
    let mut burst = || {
        let info = measure(|| {
            for number in 0..64 {
                bus.publish(Envelope::new(&source, number)).unwrap();
            }
        });
        for subscription in &mut subscriptions {
            assert_eq!(subscription.try_iter().flatten().count(), 64);
        }
        info.count_total
    };
    // The first segments are smaller.
    for _ in 0..8 {
        burst();
    }
    let allocations = (0..32).map(|_| burst()).sum::<u64>();
    assert!((1..=32 * 64 / 16).contains(&allocations), "{allocations}");
}

/// A thread that sleeps until each envelope comes, and the publisher that wakes it.
#[test]
fn at_rest_waiting_allocates_nothing_and_waking_a_segment_for_every_eighth_envelope() {
    const ROUNDS: usize = 48;
    let bus = Bus::<u64>::new();
    let mut reader = bus.subscribe();
    let reading = Task::start(move || {
        let mut receive = || measure(|| drop(reader.recv().unwrap())).count_total;
        receive(); // makes what it sleeps in
        (1..ROUNDS).map(|_| receive()).sum::<u64>()
    });
    let publish = |number| {
        reading.assert_waits();
        let envelope = Envelope::new("test", number);
        measure(|| _ = bus.publish(envelope).unwrap()).count_total
    };
    let allocating = (0..ROUNDS as u64).filter(|&it| publish(it) > 0).count();
    // The first segments are of one, two and four.
    assert!(allocating <= ROUNDS / 8 + 3, "{allocating} of {ROUNDS}");
    assert_eq!(reading.end(), 0);
}

#[test]
fn choosing_by_source_and_pattern_allocates_nothing() {
    let bus = Bus::<Message>::new();
    let ping = || Message::Command(Command::Ping);
    let options = SubscribeOptions::new()
        .source("kernel")
        .pattern("command.*");
    let mut subscription = bus.subscribe_with(options).unwrap();
    let (kernel, other) = (Source::from("kernel"), Source::from("other"));
    let info = measure(|| {
        for _ in 0..100 {
            bus.publish(Envelope::new(&kernel, ping())).unwrap();
            bus.publish(Envelope::new(&other, ping())).unwrap();
        }
    });
    assert!(info.count_total <= 200, "{info:?}");
    assert_eq!(subscription.try_iter().flatten().count(), 100);
}

#[test]
fn a_publish_through_a_publisher_allocates_at_most_once() {
    let bus = Bus::<u64>::new();
    let subscription = bus.subscribe();
    bus.grant("any").unwrap();
    let publisher = bus.publisher("module", "any");
    let info = measure(|| {
        for number in 0..100 {
            publisher.publish(number).unwrap();
        }
    });
    assert!(info.count_total <= 100, "{info:?}");
    assert_eq!(subscription.len(), 100);
}

#[test]
fn receiving_allocates_nothing_by_whatever_way_and_past_every_gap() {
    let bus = Bus::<u64>::new();
    let mut subscription = bus
        .subscribe_with(SubscribeOptions::new().capacity(8))
        .unwrap();
    for _ in 0..100 {
        for number in 0..9 {
            bus.publish(Envelope::new("counter", number)).unwrap(); // one more than fits
        }
        let info = measure(|| {
            drop(subscription.recv().unwrap());
            subscription.recv_ref().unwrap();
            drop(subscription.try_recv().unwrap());
            drop(subscription.iter().next().unwrap().unwrap());
            let delivery = subscription.recv_timeout(std::time::Duration::MAX).unwrap();
            let kept = delivery.clone();
            drop((delivery, kept));
            subscription.try_iter().for_each(drop);
            assert!(subscription.try_recv().is_err() && subscription.is_empty());
        });
        assert_eq!(info.count_total, 0, "{info:?}");
    }
}

#[test]
fn an_envelope_from_a_source_at_hand_allocates_nothing_and_from_a_text_only_that() {
    let source = Source::from("thermometer");
    let shared = measure(|| {
        for number in 0..100_u64 {
            let envelope = Envelope::new(&source, number);
            drop(envelope.clone().with_correlation_id(envelope.id));
        }
    });
    assert_eq!(shared.count_total, 0, "{shared:?}");
    let text = measure(|| drop(Envelope::new("thermometer", 0_u64)));
    assert_eq!(text.count_total, 1, "{text:?}");
}

#[test]
fn a_publisher_that_gives_up_behind_a_waiting_one_leaves_nothing_behind() {
    for options in [SubscribeOptions::new(), SubscribeOptions::new().source("s")] {
        let bus = Bus::<u64>::new();
        let lossless = Overflow::Block;
        let full = bus
            .subscribe_with(options.capacity(1).overflow(lossless))
            .unwrap();
        let source = Source::from("s");
        bus.publish(Envelope::new(&source, 0)).unwrap();
        let waiting = {
            let (bus, source) = (bus.clone(), source.clone());
            Task::start(move || bus.publish(Envelope::new(source, 1)).unwrap())
        };
        waiting.assert_waits();
        let give_up = |times| {
            for number in 0..times {
                let given_up = bus.publish_timeout(Envelope::new(&source, number), Duration::ZERO);
                assert_eq!(given_up.unwrap().dropped(), 1);
            }
        };
        give_up(100); // until segments have their full length
        assert_left_nothing("giving up", measure(|| give_up(10_000)));
        drop(full);
        waiting.end();
    }
}
