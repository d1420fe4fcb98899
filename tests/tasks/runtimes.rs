//! Tests of every kind of runtime, and of threads beside it.

use futures::StreamExt;
use oxide_bus::{AsyncBus, AsyncPublisher, Bus, Grant, Overflow, SubscribeOptions, TryRecvError};
use tokio::task::{LocalSet, yield_now};

use crate::support::task::Task;
use crate::{LOSSLESS, current_thread, envelope, kinds, sum, two_threads};

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
fn a_task_that_loops_and_publishes_through_a_weak_publisher_ends_when_the_owner_drops_the_bus() {
    for options in kinds() {
        let bus = Bus::new();
        bus.grant(Grant::new("count")).unwrap();
        let owner = bus.publisher("counter", "count").into_async();
        let mut numbers = bus.subscribe_with(options).unwrap().into_async();
        let weak = owner.downgrade();
        let (is_there, third) = std::sync::mpsc::channel();
        let looping = Task::start(move || {
            futures::executor::block_on(async {
                let mut sum = 0;
                while let Some(item) = numbers.next().await {
                    let number = item.unwrap().message;
                    sum += number;
                    if number < 3 {
                        let counter: AsyncPublisher<u64> = weak.upgrade().expect("it is held");
                        counter.publish(number + 1).await.unwrap();
                    } else {
                        is_there.send(()).unwrap();
                    }
                }
                (sum, weak.clone().upgrade().is_none())
            })
        });
        futures::executor::block_on(owner.publish(1)).unwrap();
        third.recv().unwrap();
        drop((bus, owner));
        assert_eq!(looping.end(), (6, true));
    }
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
