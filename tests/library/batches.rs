//! Tests of batches: publishing, draining and receiving many envelopes at once.

use std::panic::{AssertUnwindSafe, catch_unwind};

use oxide_bus::{
    BatchReceipt, Bus, Envelope, RecvError, SubscribeOptions, Subscription, TryRecvError,
};

fn numbers(range: std::ops::Range<u32>) -> impl Iterator<Item = Envelope<u32>> {
    range.map(|number| Envelope::new("counter", number))
}

fn of_capacity(bus: &Bus<u32>, capacity: usize) -> Subscription<u32> {
    let options = SubscribeOptions::new().capacity(capacity);
    bus.subscribe_with(options).expect("open")
}

fn drained(subscription: &mut Subscription<u32>) -> Result<Vec<u32>, TryRecvError> {
    let mut seen = Vec::new();
    let shown = subscription.try_recv_each(|envelope| seen.push(envelope.message))?;
    assert_eq!(shown, seen.len());
    Ok(seen)
}

#[test]
fn a_batch_arrives_whole_and_in_order_whatever_its_size() {
    let bus = Bus::<u32>::new();
    let (mut all, mut filtered) = (of_capacity(&bus, 1_000), {
        let options = SubscribeOptions::new().capacity(1_000).source("counter");
        bus.subscribe_with(options).expect("open")
    });
    for size in [0, 1, 63, 64, 65, 300] {
        let receipt = bus.publish_batch(numbers(0..size)).expect("open");
        let size_of_it = size as usize;
        assert_eq!(receipt.published(), size_of_it);
        assert_eq!((receipt.matched(), receipt.dropped()), (2 * size_of_it, 0));
        let expected: Vec<_> = (0..size).collect();
        for subscription in [&mut all, &mut filtered] {
            assert_eq!(drained(subscription).unwrap_or_default(), expected);
        }
    }
}

#[test]
fn what_a_batch_loses_is_in_its_receipt_and_told_in_its_place() {
    let bus = Bus::<u32>::new();
    let (mut small, mut large) = (of_capacity(&bus, 5), of_capacity(&bus, 100));
    let receipt = bus.publish_batch(numbers(0..20)).expect("open");
    assert_eq!((receipt.delivered(), receipt.dropped()), (25, 15));
    assert_eq!(drained(&mut large), Ok((0..20).collect()));
    assert_eq!(drained(&mut small), Ok((0..5).collect()));
    let gap = TryRecvError::Lagged { missed: 15 };
    assert_eq!(drained(&mut small), Err(gap));
    assert_eq!(drained(&mut small), Err(TryRecvError::Empty));
}

#[test]
fn a_batch_that_nobody_has_room_for_is_lost_to_the_last_whatever_its_size() {
    const MANY: u32 = 5_000;
    let bus = Bus::<u32>::new();
    let mut full = of_capacity(&bus, 1);
    bus.publish_batch(numbers(0..1)).expect("open");
    for batch in [1..MANY, MANY..2 * MANY, 2 * MANY..2 * MANY + 1] {
        let size = batch.len();
        let receipt = bus.publish_batch(numbers(batch)).expect("open");
        assert_eq!((receipt.published(), receipt.dropped()), (size, size));
    }
    assert_eq!(drained(&mut full), Ok(vec![0]));
    let missed = 2 * u64::from(MANY);
    assert_eq!(drained(&mut full), Err(TryRecvError::Lagged { missed }));
    assert_eq!(full.dropped(), 2 * u64::from(MANY));
}

#[test]
fn draining_and_batches_stop_before_a_gap_which_is_told_next() {
    let bus = Bus::<u32>::new();
    let (mut drains, mut batches) = (of_capacity(&bus, 2), of_capacity(&bus, 2));
    bus.publish_batch(numbers(0..3)).expect("open");
    assert_eq!(drains.recv().expect("queued").message, 0);
    assert_eq!(batches.recv().expect("queued").message, 0);
    bus.publish_batch(numbers(3..4)).expect("open");

    assert_eq!(drained(&mut drains), Ok(vec![1]));
    let missed = 1;
    assert_eq!(drained(&mut drains), Err(TryRecvError::Lagged { missed }));
    assert_eq!(drained(&mut drains), Ok(vec![3]));

    let mut batch = Vec::new();
    assert_eq!(batches.recv_batch(&mut batch, 10), Ok(1));
    assert_eq!(
        batches.recv_batch(&mut batch, 10),
        Err(RecvError::Lagged { missed })
    );
    assert_eq!(batches.recv_batch(&mut batch, 10), Ok(1));
    let received: Vec<_> = batch.iter().map(|delivery| delivery.message).collect();
    assert_eq!(received, [1, 3]);
}

#[test]
fn a_batch_is_received_in_parts_of_the_size_that_is_asked_for() {
    let bus = Bus::<u32>::new();
    let mut subscription = bus.subscribe();
    bus.publish_batch(numbers(0..10)).expect("open");
    let mut batch = Vec::new();
    assert_eq!(subscription.recv_batch(&mut batch, 0), Ok(0));
    assert_eq!(subscription.recv_batch(&mut batch, 4), Ok(4));
    assert_eq!(subscription.len(), 6);
    assert_eq!(subscription.recv_batch(&mut batch, usize::MAX), Ok(6));
    drop(bus);
    let end = subscription.recv_batch(&mut batch, 1);
    assert_eq!(end, Err(RecvError::Disconnected));
    assert_eq!(batch.len(), 10);
}

#[test]
fn a_look_that_panics_counts_as_a_receive_and_the_rest_stays_queued() {
    let bus = Bus::<u32>::new();
    let mut subscription = of_capacity(&bus, 4);
    bus.publish_batch(numbers(0..4)).expect("open");
    let look = |envelope: &Envelope<u32>| assert_ne!(envelope.message, 1, "what it cannot bear");
    let panicked = catch_unwind(AssertUnwindSafe(|| subscription.try_recv_each(look)));
    assert!(panicked.is_err());
    assert_eq!(subscription.len(), 2);
    let receipt = bus.publish_batch(numbers(4..7)).expect("open");
    assert_eq!((receipt.delivered(), receipt.dropped()), (2, 1));
    assert_eq!(drained(&mut subscription), Ok(vec![2, 3, 4, 5]));
}

#[test]
fn a_batch_that_is_refused_comes_back_whole_and_in_order() {
    let bus = Bus::<u32>::new();
    let publisher = bus.publisher("counter", "count");
    let denied = publisher.publish_batch([1, 2, 3]).unwrap_err();
    assert!(denied.cause().is_denied());
    assert_eq!(denied.cause().envelope().message, 1);
    assert_eq!(
        denied.to_string(),
        "3 envelopes not published: `counter` may not publish: capability `count` is not granted"
    );
    bus.grant("count").unwrap();
    bus.close();
    let closed = publisher.publish_batch([1, 2, 3]).unwrap_err();
    assert!(closed.cause().is_closed());
    assert_eq!(closed.receipt().published(), 0);
    for error in [denied, closed] {
        let messages: Vec<_> = (error.into_envelopes().into_iter())
            .map(|envelope| (envelope.source.to_string(), envelope.message))
            .collect();
        let counter = |number| ("counter".to_owned(), number);
        assert_eq!(messages, [counter(1), counter(2), counter(3)]);
    }
}

#[test]
fn an_empty_batch_is_never_refused() {
    let bus = Bus::<u32>::new();
    let publisher = bus.publisher("counter", "count");
    for _ in 0..2 {
        let receipts = [
            bus.publish_batch([]).expect("nothing is refused"),
            publisher
                .publish_batch([0_u32; 0])
                .expect("nothing is refused"),
        ];
        assert_eq!(receipts, [BatchReceipt::default(); 2]);
        bus.close();
    }
    assert_eq!(bus.stats().denied, 0);
}
