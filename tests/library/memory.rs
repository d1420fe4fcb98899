//! Tests of how much memory something takes: a queue, what is queued, what is retained. `bounded.rs` shows that nothing
//! grows with the number of past operations.

use std::array;
use std::sync::Arc;

use allocation_counter::measure;
use oxide_bus::limits::MAX_PATTERNS;
use oxide_bus::{
    Bus, Envelope, Overflow, Payload, Source, Subject, SubscribeOptions, Subscription,
};

/// The most envelopes in a segment.
const SEGMENT: usize = 64;

/// Returns every kind of queue, with its bytes for each envelope of capacity, and the most KiB that it may take beside
/// them.
fn kinds<M>() -> [(SubscribeOptions<M>, i64, i64); 8] {
    let all = SubscribeOptions::new;
    let rare = || all().source("rare");
    let block = Overflow::Block;
    [
        (all(), 2, 2),
        (all().overflow(block), 2, 2),
        (all().overflow(Overflow::Evict), 2, 2),
        (rare(), 24, 2),
        (rare().overflow(block), 24, 2),
        (rare().group("workers"), 24, 3),
        (all().overflow(Overflow::DropOldest), 0, 3),
        (rare().overflow(Overflow::DropOldest), 24, 2),
    ]
}

#[test]
fn a_queue_takes_so_many_bytes_for_each_envelope_of_its_capacity_and_up_to_2_or_3_kib_more() {
    let bus = Bus::<u64>::new();
    let _others: [_; 8] = array::from_fn(|_| bus.subscribe());
    for (options, bytes, most) in kinds() {
        for capacity in [1, 128, 1_000, 100_003] {
            let mut subscription = None;
            let info = measure(|| {
                let options = options.clone().capacity(capacity);
                subscription = Some(bus.subscribe_with(options).unwrap());
            });
            let queue = bytes * i64::try_from(capacity).unwrap();
            let more = info.bytes_current - queue;
            assert!((0..=most * 1_024).contains(&more), "{options:?}: {info:?}");
        }
    }
}

#[test]
fn a_queue_that_fills_takes_no_more_memory_for_itself() {
    const CAPACITY: usize = 1_000;
    let bus = Bus::<u64>::new();
    let source = Source::from("rare");
    let mut fast = bus.subscribe();
    for (options, ..) in kinds() {
        let options = match format!("{options:?}") {
            blocks if blocks.contains("Block") => continue, // the publisher would wait
            _ => options.capacity(CAPACITY),
        };
        let stuck = bus.subscribe_with(options).unwrap();
        let mut publish = |count| {
            for number in 0..count {
                bus.publish(Envelope::new(&source, number)).unwrap();
                fast.try_recv().unwrap();
            }
        };
        publish(1);
        // All subscribers share the queued envelopes, so no subscription is charged for them: each takes less than 128
        // bytes.
        let info = measure(|| publish(2 * CAPACITY as u64));
        let envelopes = 128 * i64::try_from(CAPACITY + 2 * SEGMENT).unwrap();
        assert!(info.bytes_current <= envelopes, "{stuck:?}: {info:?}");
    }
}

/// A payload whose token shows whether it is alive.
struct Token {
    number: usize,
    _alive: Arc<()>,
}

impl Payload for Token {
    fn subject(&self) -> Subject<'_> {
        Subject::new(["token"])
    }
}

/// Publishes in segments of full length; segments of 64 are rare. `fast` keeps up.
fn publish(bus: &Bus<Token>, fast: &mut Subscription<Token>, token: &Arc<()>, count: usize) {
    let (rare, usual) = (Source::from("rare"), Source::from("usual"));
    for number in 0..count {
        let source = if number % SEGMENT == 0 { &rare } else { &usual };
        let message = Token {
            number,
            _alive: Arc::clone(token),
        };
        let envelope = Envelope::new(source, message);
        bus.publish(envelope).map_err(drop).unwrap();
        if number % SEGMENT == SEGMENT - 1 {
            fast.try_iter().for_each(drop);
        }
    }
}

#[test]
fn what_is_queued_keeps_no_more_than_63_neighbours_each_and_without_a_filter_one_segment_in_all() {
    const CAPACITY: usize = 4;
    for (options, bytes, _) in kinds() {
        if format!("{options:?}").contains("Block") {
            continue; // the publisher would wait
        }
        let (bus, token) = (Bus::new(), Arc::new(()));
        let mut fast = bus.subscribe();
        let is_filtered = bytes > 16;
        let stuck = bus.subscribe_with(options.capacity(CAPACITY)).unwrap();
        publish(&bus, &mut fast, &token, 50 * SEGMENT);
        let alive = Arc::strong_count(&token) - 1;
        // The bus keeps its newest segment, and `fast` reads in it.
        let queued = match bytes {
            0 => CAPACITY + 2 * SEGMENT, // `DropOldest` without a filter
            _ if is_filtered => CAPACITY * SEGMENT,
            _ => CAPACITY,
        };
        assert!(alive <= queued + SEGMENT, "{alive} for {stuck:?}");
        assert!(alive >= CAPACITY, "it keeps what it holds");
    }
}

#[test]
fn one_that_keeps_the_newest_and_stops_in_the_midst_of_a_segment_keeps_that_and_two_beside_what_it_holds()
 {
    const CAPACITY: usize = 4;
    let (bus, token) = (Bus::new(), Arc::new(()));
    let mut fast = bus.subscribe();
    let options = SubscribeOptions::new().capacity(CAPACITY);
    let options = options.overflow(Overflow::DropOldest);
    let mut stuck = bus.subscribe_with(options).unwrap();
    publish(&bus, &mut fast, &token, 5 * SEGMENT); // so that segments are long
    while stuck.try_recv().is_err() {}
    for _ in 0..20 {
        publish(&bus, &mut fast, &token, 7 * SEGMENT);
        let alive = Arc::strong_count(&token) - 1;
        assert!(alive <= CAPACITY + 3 * SEGMENT, "{alive}");
        assert!((CAPACITY..=CAPACITY + 2 * SEGMENT).contains(&stuck.len()));
    }
    assert!(stuck.dropped() > 0);
}

#[test]
fn what_is_retained_keeps_its_segments_and_nothing_else() {
    const COUNT: usize = 3;
    let (bus, token) = (Bus::<Token>::new(), Arc::new(()));
    let mut fast = bus.subscribe();
    bus.retain("token", COUNT).unwrap();
    for _ in 0..4 {
        publish(&bus, &mut fast, &token, 50 * SEGMENT);
        let alive = Arc::strong_count(&token) - 1;
        assert!((COUNT..=3 * SEGMENT).contains(&alive), "{alive}");
    }
}

#[test]
fn what_is_retained_comes_beside_the_capacity_of_the_new_subscription() {
    let (bus, token) = (Bus::<Token>::new(), Arc::new(()));
    let mut fast = bus.subscribe();
    bus.retain("token", 100).unwrap();
    publish(&bus, &mut fast, &token, 200);
    let options = SubscribeOptions::new().capacity(2);
    let mut late = bus.subscribe_with(options).unwrap();
    publish(&bus, &mut fast, &token, 10);
    assert_eq!((late.capacity(), late.len()), (2, 102));
    let numbers = (late.try_iter().flatten()).map(|it| it.message.number);
    assert!(numbers.eq((100..200).chain(0..2)), "then two of the ten");
}

#[test]
fn the_bus_keeps_its_newest_segment_until_the_list_of_subscribers_changes() {
    let (bus, token) = (Bus::<Token>::new(), Arc::new(()));
    let mut fast = bus.subscribe();
    publish(&bus, &mut fast, &token, SEGMENT);
    assert!((1..=SEGMENT).contains(&(Arc::strong_count(&token) - 1)));
    drop(fast);
    assert_eq!(Arc::strong_count(&token) - 1, 0);
}

#[test]
fn in_segments_of_one_no_envelope_keeps_another_and_the_newest_stays_until_the_next() {
    let bus = Bus::<Arc<()>>::builder().max_segment(1).build();
    let mut subscription = bus.subscribe();
    let publish = || {
        let token = Arc::new(());
        let is_alive = Arc::downgrade(&token);
        bus.publish(Envelope::new("large", token)).unwrap();
        move || is_alive.strong_count() > 0
    };
    let (first, second, third) = (publish(), publish(), publish());
    drop(subscription.recv().unwrap());
    let kept = subscription.recv().unwrap();
    drop(subscription.recv().unwrap());
    assert_eq!([first(), second(), third()], [false, true, true]);
    let _fourth = publish();
    assert!(third(), "it was received last");
    drop(subscription.recv().unwrap());
    assert!(!third());
    drop(kept);
    assert!(!second());
}

#[test]
fn a_holder_of_the_bus_may_subscribe_with_more_patterns_than_can_be_set() {
    let bus = Bus::<u64>::new();
    let options = (0..=MAX_PATTERNS).fold(SubscribeOptions::new(), |options, index| {
        options.pattern(format!("a{index}"))
    });
    assert!(bus.subscribe_with(options).is_ok());
}

#[test]
fn an_envelope_without_headers_allocates_nothing_for_them_and_clones_share_them() {
    let source = Source::from("counter");
    let mut envelope = None;
    let info = measure(|| envelope = Some(Envelope::new(&source, 7_u64)));
    assert_eq!(info.count_total, 0);
    let envelope = envelope.unwrap().with_header("tenant", "north").unwrap();
    let mut clone = None;
    let info = measure(|| clone = Some(envelope.clone()));
    assert_eq!((info.count_total, clone), (0, Some(envelope)));
}
