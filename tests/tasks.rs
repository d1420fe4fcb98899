//! Tasks on the bus: every kind of runtime, waits that are given up, fairness, threads beside them.
#![cfg(feature = "tokio")]

mod support;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures::StreamExt;
use oxide_bus::{
    AsyncBus, AsyncSubscription, Bus, Envelope, MaxWeight, Overflow, RecvError, SubscribeOptions,
    TryRecvError,
};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{LocalSet, yield_now};

use support::task::Task;

fn current_thread() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn two_threads() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap()
}

fn envelope(number: u64) -> Envelope<u64> {
    Envelope::new("counter", number)
}

const LOSSLESS: Overflow = Overflow::Block { timeout: None };

/// All kinds of queue; none loses anything here.
fn kinds() -> [SubscribeOptions<u64>; 4] {
    let options = || SubscribeOptions::new().capacity(16);
    [
        options().overflow(LOSSLESS),
        options().overflow(LOSSLESS).source("counter"),
        options().capacity(1 << 14).overflow(Overflow::DropOldest),
        options().overflow(LOSSLESS).group("workers"),
    ]
}

async fn sum(mut subscription: AsyncSubscription<u64>) -> u64 {
    let mut sum = 0;
    loop {
        match subscription.recv().await {
            Ok(delivery) => sum += delivery.message,
            Err(RecvError::Disconnected) => return sum,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Counts how often it is woken.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Counter {
    fn woken(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Asks a future once.
fn poll_once<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

#[test]
fn tasks_receive_all_that_threads_publish_whatever_the_queue() {
    const COUNT: u64 = 3_000;
    for runtime in [current_thread(), two_threads()] {
        for options in kinds() {
            let bus = Bus::new();
            let sums = [(); 3].map(|()| {
                let subscription = bus.subscribe_with(options.clone()).unwrap();
                runtime.spawn(sum(subscription.into_async()))
            });
            let publisher = Task::start(move || {
                for number in 1..=COUNT {
                    bus.publish(envelope(number)).unwrap();
                }
            });
            let sums = runtime.block_on(async {
                let mut all = Vec::new();
                for sum in sums {
                    all.push(sum.await.unwrap());
                }
                all
            });
            publisher.end();
            let all = COUNT * (COUNT + 1) / 2;
            let is_group = sums.iter().sum::<u64>() == all;
            assert!(is_group || sums == [all; 3], "{sums:?}");
        }
    }
}

#[test]
fn threads_receive_all_that_tasks_publish() {
    const COUNT: u64 = 3_000;
    let bus = AsyncBus::new();
    let options = SubscribeOptions::new().capacity(1 << 13);
    let mut subscription = Bus::from(bus.clone()).subscribe_with(options).unwrap();
    let thread =
        Task::start(move || -> u64 { subscription.iter().flatten().map(|it| it.message).sum() });
    two_threads().block_on(async {
        let publishers = [(); 2].map(|()| {
            let bus = bus.clone();
            tokio::spawn(async move {
                for number in 1..=COUNT {
                    bus.publish(envelope(number)).await.unwrap();
                }
            })
        });
        for publisher in publishers {
            publisher.await.unwrap();
        }
    });
    drop(bus);
    assert_eq!(thread.end(), COUNT * (COUNT + 1));
}

#[test]
fn a_task_that_is_bound_to_its_thread_receives_too() {
    let bus = AsyncBus::<u64>::new();
    let local = LocalSet::new();
    let sum = local.block_on(&current_thread(), async {
        let subscription = bus.subscribe().await;
        let sum = tokio::task::spawn_local(sum(subscription));
        yield_now().await; // it waits now
        for number in 1..=100 {
            bus.publish(envelope(number)).await.unwrap();
        }
        bus.close();
        sum.await.unwrap()
    });
    assert_eq!(sum, 5050);
}

#[test]
fn any_executor_will_do() {
    let bus = AsyncBus::<u64>::new();
    let mut subscription = Bus::from(bus.clone()).subscribe().into_async();
    let reader = Task::start(move || {
        futures::executor::block_on(async {
            let mut sum = 0;
            while let Some(item) = subscription.next().await {
                sum += item.unwrap().message;
            }
            sum
        })
    });
    reader.assert_waits();
    futures::executor::block_on(async {
        for number in 1..=100 {
            bus.publish(envelope(number)).await.unwrap();
        }
    });
    drop(bus);
    assert_eq!(reader.end(), 5050);
}

#[test]
fn a_task_that_waits_is_woken_once_for_all_that_comes_until_it_runs() {
    for options in kinds() {
        let bus = Bus::new();
        let mut subscription = bus.subscribe_with(options).unwrap().into_async();
        let counter = Arc::new(Counter::default());
        let waker = Waker::from(Arc::clone(&counter));
        for round in 1..=3 {
            {
                let mut recv = pin!(subscription.recv());
                assert!(poll_once(recv.as_mut(), &waker).is_pending());
                for number in 0..10 {
                    bus.publish(envelope(number)).unwrap();
                }
                assert_eq!(counter.woken(), round);
                assert!(poll_once(recv.as_mut(), &waker).is_ready());
            }
            assert_eq!(subscription.try_iter().count(), 9);
        }
    }
}

#[test]
fn a_receive_that_is_given_up_keeps_no_waker() {
    for options in kinds() {
        let bus = Bus::new();
        let mut subscription = bus.subscribe_with(options).unwrap().into_async();
        let counter = Arc::new(Counter::default());
        let waker = Waker::from(Arc::clone(&counter));
        {
            let mut recv = pin!(subscription.recv());
            assert!(poll_once(recv.as_mut(), &waker).is_pending());
        }
        drop(waker);
        assert_eq!(Arc::strong_count(&counter), 1);
        bus.publish(envelope(7)).unwrap();
        assert_eq!(counter.woken(), 0);
        assert_eq!(subscription.try_recv().unwrap().message, 7);
    }
}

#[test]
fn a_hundred_thousand_receives_given_up_under_load_lose_nothing() {
    const GIVEN_UP: usize = 25_000; // for each of four kinds of queue
    let seed = 0x5eed;
    println!("seed {seed:#x}");
    let mut random = fastrand::Rng::with_seed(seed);
    for options in kinds() {
        let bus = Bus::new();
        let mut subscription = bus.subscribe_with(options).unwrap().into_async();
        let is_over = Arc::new(AtomicBool::new(false));
        let publisher = {
            let is_over = Arc::clone(&is_over);
            Task::start(move || {
                let mut published = 0;
                while !is_over.load(Ordering::Relaxed) {
                    bus.publish(envelope(published)).unwrap();
                    published += 1;
                }
                published
            })
        };
        let mut received = 0;
        let mut given_up = 0;
        while given_up < GIVEN_UP {
            let polls = random.u8(..3);
            let mut recv = pin!(subscription.recv());
            let mut found = None;
            for _ in 0..polls {
                if let Poll::Ready(delivery) = poll_once(recv.as_mut(), Waker::noop()) {
                    found = Some(delivery);
                    break;
                }
            }
            match found {
                Some(delivery) => {
                    assert_eq!(delivery.unwrap().message, received);
                    received += 1;
                }
                None => given_up += 1,
            }
        }
        is_over.store(true, Ordering::Relaxed);
        let mut subscription = subscription.into_sync();
        for delivery in &mut subscription {
            assert_eq!(delivery.unwrap().message, received);
            received += 1;
        }
        assert_eq!(publisher.end(), received);
        assert_eq!(subscription.dropped(), 0);
    }
}

#[test]
fn a_member_that_was_woken_and_gives_up_leaves_the_envelope_to_the_others() {
    let bus = Bus::new();
    let mut members = [(); 2].map(|()| {
        let options = SubscribeOptions::new().group("workers");
        bus.subscribe_with(options).unwrap().into_async()
    });
    let counters = [(); 2].map(|()| Arc::new(Counter::default()));
    let [first, second] = &mut members;
    let mut waits = Box::pin(first.recv());
    let mut gives_up = Box::pin(second.recv());
    let wakers = counters.each_ref().map(|it| Waker::from(Arc::clone(it)));
    assert!(poll_once(waits.as_mut(), &wakers[0]).is_pending());
    assert!(poll_once(gives_up.as_mut(), &wakers[1]).is_pending());
    bus.publish(envelope(7)).unwrap();
    drop(gives_up);
    assert_eq!(counters[0].woken(), 1);
    let Poll::Ready(delivery) = poll_once(waits.as_mut(), &wakers[0]) else {
        panic!("it was left to this one")
    };
    assert_eq!(delivery.unwrap().message, 7);
}

#[test]
fn threads_and_tasks_share_one_group() {
    const COUNT: u64 = 2_000;
    let bus = Bus::new();
    for overflow in [LOSSLESS, Overflow::DropOldest] {
        let member = || {
            let options = SubscribeOptions::new()
                .capacity(1 << 12)
                .overflow(overflow)
                .group(format!("{overflow:?}"));
            bus.subscribe_with(options).unwrap()
        };
        let threads = [(); 2].map(|()| {
            let mut member = member();
            Task::start(move || {
                let numbers = member.iter().map_while(|item| {
                    let number = item.unwrap().message;
                    (number > 0).then_some(number)
                });
                numbers.sum::<u64>()
            })
        });
        let runtime = two_threads();
        let tasks = [(); 2].map(|()| {
            let mut member = member().into_async();
            runtime.spawn(async move {
                let mut sum = 0;
                loop {
                    match member.recv().await.unwrap().message {
                        0 => return sum,
                        number => sum += number,
                    }
                }
            })
        });
        for number in 1..=COUNT {
            bus.publish(envelope(number)).unwrap();
        }
        for _end_for_each in 0..4 {
            bus.publish(envelope(0)).unwrap();
        }
        let mut sum: u64 = threads.map(Task::end).iter().sum();
        for task in tasks {
            sum += runtime.block_on(task).unwrap();
        }
        assert_eq!(sum, COUNT * (COUNT + 1) / 2);
    }
}

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
    assert!((50..1_000).contains(&turns), "{turns} turns");
}

#[test]
fn a_subscription_goes_from_threads_to_tasks_and_back_in_the_midst() {
    let bus = Bus::new();
    let mut subscription = bus.subscribe();
    for number in 0..4 {
        bus.publish(envelope(number)).unwrap();
    }
    assert_eq!(subscription.recv().unwrap().message, 0);
    let mut for_tasks = subscription.into_async();
    let second = futures::executor::block_on(for_tasks.recv());
    assert_eq!(second.unwrap().message, 1);
    let mut subscription = for_tasks.into_sync();
    assert_eq!(subscription.try_recv().unwrap().message, 2);
    assert_eq!(subscription.recv().unwrap().message, 3);
    let error = subscription.try_recv().unwrap_err();
    assert_eq!(error, TryRecvError::Empty);
}

#[test]
fn what_is_too_heavy_is_refused_to_tasks_too() {
    let max = MaxWeight {
        bytes: 10,
        ..MaxWeight::default()
    };
    let bus = Bus::<String>::builder().max_weight(max).build();
    let queue = bus.subscribe();
    let bus = bus.into_async();
    let heavy = || Envelope::new("counter", "x".repeat(1_000));
    futures::executor::block_on(async {
        assert!(bus.publish(heavy()).await.is_err());
        let light = Envelope::new("counter", String::new());
        let error = bus.publish_batch([light, heavy()]).await.unwrap_err();
        assert_eq!(error.into_envelopes().len(), 2);
    });
    assert!(queue.is_empty());
}

#[test]
fn a_hundred_thousand_requests_given_up_leave_nothing_behind() {
    let bus = AsyncBus::<u64>::new();
    let options = SubscribeOptions::new().overflow(Overflow::DropOldest);
    let _nobody_answers = Bus::from(bus.clone()).subscribe_with(options).unwrap();
    let counter = Arc::new(Counter::default());
    let waker = Waker::from(Arc::clone(&counter));
    for number in 0..100_000 {
        let mut request = pin!(bus.request(envelope(number)));
        assert!(poll_once(request.as_mut(), &waker).is_pending());
    }
    drop(waker);
    assert_eq!(Arc::strong_count(&counter), 1);
    // There may be 65,536 at once: none of them counts any more.
    let runtime = current_thread();
    let answered = runtime.block_on(async {
        bus.grant_capability("answer".into()).await;
        let server = bus.publisher("server", "answer");
        let mut questions = bus.subscribe().await;
        tokio::spawn(async move {
            let question = questions.recv().await.unwrap();
            question.reply_async(&server, 7).await
        });
        bus.request(envelope(0)).await
    });
    assert_eq!(answered.unwrap().message, 7);
}

#[test]
fn who_asks_gets_his_own_answer_among_many() {
    two_threads().block_on(async {
        let bus = AsyncBus::<u64>::new();
        bus.grant_capability("answer".into()).await;
        let server = bus.publisher("server", "answer");
        let options = SubscribeOptions::new().source("counter").capacity(1_000);
        let mut questions = bus.subscribe_with(options).await.unwrap();
        tokio::spawn(async move {
            while let Ok(question) = questions.recv().await {
                let square = question.message * question.message;
                question.reply_async(&server, square).await.unwrap();
            }
        });
        let askers: Vec<_> = (0..20)
            .map(|asker| {
                let bus = bus.clone();
                tokio::spawn(async move {
                    for number in (asker * 100)..(asker * 100 + 100) {
                        let answer = bus.request(envelope(number)).await.unwrap();
                        assert_eq!(answer.message, number * number);
                    }
                })
            })
            .collect();
        for asker in askers {
            asker.await.unwrap();
        }
    });
}

#[test]
fn who_asks_learns_that_the_bus_closes() {
    let bus = AsyncBus::<u64>::new();
    let _nobody_answers = Bus::from(bus.clone()).subscribe();
    let counter = Arc::new(Counter::default());
    let waker = Waker::from(Arc::clone(&counter));
    let mut request = pin!(bus.request(envelope(0)));
    assert!(poll_once(request.as_mut(), &waker).is_pending());
    bus.close();
    assert_eq!(counter.woken(), 1);
    match poll_once(request.as_mut(), &waker) {
        Poll::Ready(Err(error)) => assert!(error.is_closed()),
        other => panic!("{other:?}"),
    }
}
