//! Tests of fairness: tasks that could run for ever let others run.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::select_all;
use futures::{FutureExt, StreamExt};
use oxide_bus::{AsyncBus, AsyncSubscription, Bus, SubscribeOptions};

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
    let turns = turns_beside(async move {
        for number in 0..10_000 {
            bus.publish(envelope(number)).await.unwrap();
        }
    });
    assert_eq!(queue.len(), 10_000);
    assert!((70..90).contains(&turns), "{turns} turns"); // one in 129
}

/// Counts how often another task runs while this one does.
fn turns_beside(task: impl Future<Output = ()> + Send + 'static) -> usize {
    let turns = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&turns);
    let other = poll_fn(move |context| {
        counting.fetch_add(1, Ordering::Relaxed);
        context.waker().wake_by_ref();
        Poll::<()>::Pending
    });
    current_thread().block_on(async {
        let other = tokio::spawn(other);
        let counted = async move {
            task.await;
            turns.load(Ordering::Relaxed)
        };
        let turns = tokio::spawn(counted).await.unwrap();
        other.abort();
        turns
    })
}

#[test]
fn a_publisher_that_waits_for_something_else_meanwhile_gives_others_a_turn() {
    let turns = turns_beside(async {
        let control = AsyncBus::<u64>::new();
        let mut commands = control.subscribe().await;
        let data = AsyncBus::new();
        for number in 0..10_000 {
            tokio::select! { biased;
                _ = commands.recv() => unreachable!("nobody commands"),
                published = data.publish(envelope(number)) => { published.unwrap(); }
            }
        }
    });
    assert!((70..90).contains(&turns), "{turns} turns");
}

#[test]
fn a_publisher_that_looks_for_a_command_between_two_publishes_learns_of_it() {
    current_thread().block_on(async {
        let control = AsyncBus::<u64>::new();
        let mut commands = control.subscribe().await;
        tokio::spawn(async move { control.publish(envelope(0)).await });
        let data = AsyncBus::new();
        for number in 0..10_000 {
            if commands.recv().now_or_never().is_some() {
                return;
            }
            data.publish(envelope(number)).await.unwrap();
        }
        panic!("it never learns of it");
    });
}

#[test]
fn a_task_that_publishes_batches_gives_others_a_turn() {
    let turns = turns_beside(async {
        let bus = AsyncBus::<u64>::new();
        for _ in 0..100 {
            bus.publish_batch((0..64).map(envelope)).await.unwrap();
        }
    });
    assert!((40..60).contains(&turns), "{turns} turns");
}

#[test]
fn a_task_that_receives_from_whichever_is_ready_gives_others_a_turn() {
    type Receive = fn(Vec<AsyncSubscription<u64>>) -> BoxFuture<'static, ()>;
    let ways: [(&str, Receive); 2] = [
        ("select!", |mut subscriptions| {
            async move {
                let [a, b, c] = &mut subscriptions[..] else {
                    unreachable!()
                };
                for _ in 0..100_000 {
                    let received = tokio::select! {
                        received = a.recv() => received,
                        received = b.recv() => received,
                        received = c.recv() => received,
                    };
                    received.unwrap();
                }
            }
            .boxed()
        }),
        ("select_all", |subscriptions| {
            let mut merged = select_all(subscriptions).take(100_000);
            async move { while merged.next().await.is_some() {} }.boxed()
        }),
    ];
    for (way, receive) in ways {
        let bus = Bus::new();
        let subscribe = |_| {
            let options = SubscribeOptions::new().capacity(100_000);
            bus.subscribe_with(options).unwrap().into_async()
        };
        let subscriptions = (0..3).map(subscribe).collect();
        bus.publish_batch((0..100_000).map(envelope)).unwrap();
        let turns = turns_beside(receive(subscriptions));
        assert!((30..1_000).contains(&turns), "{turns} turns by {way}");
    }
}

#[test]
fn a_task_that_awaits_many_that_are_always_ready_gives_others_a_turn() {
    for count in [2, 8, 20, 40] {
        let bus = Bus::new();
        let subscribe = |_| {
            let options = SubscribeOptions::new().capacity(50_000);
            bus.subscribe_with(options).unwrap().into_async()
        };
        let mut subscriptions: Vec<_> = (0..count).map(subscribe).collect();
        bus.publish_batch((0..50_000).map(envelope)).unwrap();
        let mut first = 0_usize;
        let turns = turns_beside(async move {
            for _ in 0..50_000 {
                poll_fn(|context| {
                    first = first.wrapping_mul(31).wrapping_add(7);
                    (0..count)
                        .map(|next| (first + next) % count)
                        .map(|at| pin!(subscriptions[at].recv()).poll(context))
                        .find(Poll::is_ready)
                        .map_or(Poll::Pending, |found| found.map(Result::unwrap))
                })
                .await;
            }
        });
        assert!(turns >= 10, "{turns} turns beside {count}");
    }
}

#[test]
fn a_batch_of_any_size_passes_at_once_on_a_thread_that_has_not_published() {
    for size in [1, 127, 128, 256, 1_000] {
        let pass = move || {
            let bus = AsyncBus::<u64>::new();
            let batch = (0..size).map(envelope);
            bus.publish_batch(batch).now_or_never().is_some()
        };
        assert!(thread::spawn(pass).join().unwrap(), "{size}");
    }
}

#[test]
fn a_task_that_yielded_publishes_next_time_whatever_others_publish_on_its_thread() {
    current_thread().block_on(async {
        let bus = AsyncBus::<u64>::new();
        let (_, waker) = Counter::new();
        for others in [64, 127, 128, 129, 256] {
            let publish_others = async || {
                for number in 0..others {
                    let mut publish = pin!(bus.publish(envelope(number)));
                    while poll_once(publish.as_mut(), &waker).is_pending() {}
                }
            };
            for _ in 0..300 {
                let mut publish = pin!(bus.publish(envelope(0)));
                if poll_once(publish.as_mut(), &waker).is_pending() {
                    publish_others().await;
                    assert!(poll_once(publish, &waker).is_ready(), "after {others}");
                }
            }
        }
    });
}

#[test]
fn another_executor_inside_a_task_of_tokios_goes_on() {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        let task = async {
            let bus = AsyncBus::<u64>::new();
            let options = SubscribeOptions::new().capacity(10_000);
            let mut queue = bus.subscribe_with(options).await.unwrap();
            futures::executor::block_on(async {
                for number in 0..10_000 {
                    bus.publish(envelope(number)).await.unwrap();
                }
                for _ in 0..10_000 {
                    queue.recv().await.unwrap();
                }
            });
        };
        current_thread().block_on(async { tokio::spawn(task).await.unwrap() });
        done.send(()).unwrap();
    });
    let patience = Duration::from_secs(20);
    assert_eq!(is_done.recv_timeout(patience), Ok(()), "it hangs");
}

#[test]
fn a_task_that_has_waited_has_its_whole_budget_again() {
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
