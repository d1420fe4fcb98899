//! Tasks that could go on for ever let others run.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures::StreamExt;
use oxide_bus::{AsyncBus, Bus, SubscribeOptions};
use tokio::task::yield_now;

use crate::{Counter, current_thread, envelope, poll_once};

#[test]
fn a_subscription_that_always_has_something_gives_others_a_turn() {
    type BlockOn = fn(Pin<&mut dyn Future<Output = ()>>);
    let runtimes: [BlockOn; 2] = [
        |future| current_thread().block_on(future),
        |future| futures::executor::block_on(future),
    ];
    for block_on in runtimes {
        let bus = Bus::new();
        let options = SubscribeOptions::new().capacity(10_000);
        let mut subscription = bus.subscribe_with(options).unwrap().into_async();
        bus.publish_batch((0..10_000).map(envelope)).unwrap();
        bus.close();
        let turns = AtomicUsize::new(0);
        let other = poll_fn(|context| {
            turns.fetch_add(1, Ordering::Relaxed);
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        let receive = async {
            let mut received = 0;
            while let Some(item) = subscription.next().await {
                item.unwrap();
                received += 1;
            }
            assert_eq!(received, 10_000);
        };
        block_on(pin!(async {
            futures::future::select(pin!(receive), pin!(other)).await;
        }));
        let turns = turns.load(Ordering::Relaxed);
        assert!((50..1_000).contains(&turns), "{turns} turns");
    }
}

#[test]
fn a_publisher_that_always_finds_room_gives_others_a_turn() {
    let bus = AsyncBus::<u64>::new();
    let options = SubscribeOptions::new().capacity(10_000);
    let queue = Bus::from(bus.clone()).subscribe_with(options).unwrap();
    let turns = Arc::new(AtomicUsize::new(0));
    current_thread().block_on(async {
        let counting = Arc::clone(&turns);
        let other = tokio::spawn(async move {
            loop {
                counting.fetch_add(1, Ordering::Relaxed);
                yield_now().await;
            }
        });
        let publisher = tokio::spawn(async move {
            for number in 0..10_000 {
                bus.publish(envelope(number)).await.unwrap();
            }
        });
        publisher.await.unwrap();
        other.abort();
    });
    assert_eq!(queue.len(), 10_000);
    let turns = turns.load(Ordering::Relaxed);
    assert!((70..90).contains(&turns), "{turns} turns"); // one in 129
}

#[test]
fn who_has_waited_has_his_whole_turn_again() {
    let bus = Bus::new();
    let options = SubscribeOptions::new().capacity(200);
    let mut subscription = bus.subscribe_with(options).unwrap().into_async();
    let (_, waker) = Counter::new();
    for _ in 0..3 {
        bus.publish_batch((0..128).map(envelope)).unwrap();
        for _ in 0..128 {
            assert!(poll_once(pin!(subscription.recv()), &waker).is_ready());
        }
        assert!(poll_once(pin!(subscription.recv()), &waker).is_pending());
        assert!(poll_once(pin!(subscription.recv()), &waker).is_pending());
    }
}
