//! Tests of tasks that wait, and of waits that are dropped.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FusedStream;
use oxide_bus::{AsyncSubscription, Bus, Overflow, RecvError, SubscribeOptions};

use crate::support::task::Task;
use crate::{Counter, current_thread, envelope, kinds, poll_once};

/// Nobody drives a clock here.
const LONG: Duration = Duration::from_secs(10);

#[test]
fn a_task_that_waits_is_woken_once_for_all_that_comes_until_it_runs() {
    for options in kinds() {
        let bus = Bus::new();
        let mut subscription = bus.subscribe_with(options).unwrap().into_async();
        let (counter, waker) = Counter::new();
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
        let (counter, waker) = Counter::new();
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

/// Returns a subscription that has received everything and holds a segment with free slots.
fn with_an_open_segment(bus: &Bus<u64>) -> AsyncSubscription<u64> {
    let mut subscription = bus.subscribe().into_async();
    for number in 0..2 {
        bus.publish(envelope(number)).unwrap(); // one segment has one slot, the next two
        assert_eq!(subscription.try_recv().unwrap().message, number);
    }
    subscription
}

#[test]
fn a_task_that_holds_an_open_segment_is_woken_by_an_append_by_the_next_segment_and_by_the_close() {
    let events: [fn(&Bus<u64>); 3] = [
        |bus| drop(bus.publish(envelope(2))),
        |bus| {
            drop(bus.subscribe()); // which closes the segment
            bus.publish(envelope(2)).unwrap();
        },
        Bus::close,
    ];
    for event in events {
        let bus = Bus::new();
        let mut subscription = with_an_open_segment(&bus);
        let (counter, waker) = Counter::new();
        let mut recv = pin!(subscription.recv());
        assert!(poll_once(recv.as_mut(), &waker).is_pending());
        event(&bus);
        assert_eq!(counter.woken(), 1);
        assert!(poll_once(recv.as_mut(), &waker).is_ready());
    }
}

#[test]
fn a_receive_that_is_given_up_at_an_open_segment_keeps_no_waker() {
    let bus = Bus::new();
    let mut subscription = with_an_open_segment(&bus);
    let (counter, waker) = Counter::new();
    {
        let mut recv = pin!(subscription.recv());
        assert!(poll_once(recv.as_mut(), &waker).is_pending());
    }
    drop(waker);
    assert_eq!(Arc::strong_count(&counter), 1);
    bus.publish(envelope(2)).unwrap();
    assert_eq!(counter.woken(), 0);
}

/// Receives the next number: by value, by reference, or with a time-out by tokio's clock.
type Receive =
    for<'a> fn(&'a mut AsyncSubscription<u64>) -> Pin<Box<dyn Future<Output = u64> + 'a>>;

const LENT_OR_TIMED: [Receive; 3] = [
    |it| Box::pin(async { it.recv_ref().await.unwrap().message }),
    |it| Box::pin(async { it.recv_timeout(LONG).await.unwrap().message }),
    |it| {
        Box::pin(async {
            it.recv_deadline(Instant::now() + LONG)
                .await
                .unwrap()
                .message
        })
    },
];

#[test]
fn a_receive_that_lends_or_may_time_out_takes_nothing_with_it_when_it_is_given_up() {
    let runtime = current_thread();
    let _inside = runtime.enter();
    for receive in LENT_OR_TIMED {
        for options in kinds() {
            let bus = Bus::new();
            let mut subscription = bus.subscribe_with(options).unwrap().into_async();
            for round in 0..3 {
                // From the second round on, a shared cursor holds a segment with free slots.
                let (counter, waker) = Counter::new();
                assert!(poll_once(receive(&mut subscription).as_mut(), &waker).is_pending());
                drop(waker);
                assert_eq!(Arc::strong_count(&counter), 1, "it keeps no waker");
                let numbers = round * 10..round * 10 + 10;
                for number in numbers.clone() {
                    bus.publish(envelope(number)).unwrap();
                }
                assert_eq!(counter.woken(), 0);
                for number in numbers {
                    let mut receive = receive(&mut subscription);
                    let received = poll_once(receive.as_mut(), Waker::noop());
                    assert_eq!(received, Poll::Ready(number));
                }
            }
            assert_eq!(subscription.dropped(), 0);
        }
    }
}

#[test]
fn a_receive_that_lends_or_may_time_out_leaves_what_it_was_woken_for_when_it_is_given_up() {
    let runtime = current_thread();
    let _inside = runtime.enter();
    for receive in LENT_OR_TIMED {
        for options in kinds() {
            let bus = Bus::new();
            let mut subscription = bus.subscribe_with(options).unwrap().into_async();
            let (counter, waker) = Counter::new();
            for number in 0..10 {
                let mut given_up = receive(&mut subscription);
                assert!(poll_once(given_up.as_mut(), &waker).is_pending());
                bus.publish(envelope(number)).unwrap();
                drop(given_up);
                assert_eq!(subscription.try_recv().unwrap().message, number);
            }
            assert_eq!((counter.woken(), subscription.dropped()), (10, 0));
        }
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
fn recv_batch_waits_for_the_first_and_takes_what_is_queued_up_to_the_next_gap() {
    let bus = Bus::new();
    let options = SubscribeOptions::new().capacity(3);
    let mut subscription = bus.subscribe_with(options).unwrap().into_async();
    let (counter, waker) = Counter::new();
    let mut many = Vec::new();
    {
        let mut given_up = pin!(subscription.recv_batch(&mut many, 9));
        assert!(poll_once(given_up.as_mut(), &waker).is_pending());
    }
    bus.publish(envelope(0)).unwrap();
    assert_eq!((many.len(), counter.woken()), (0, 0));
    for number in 1..5 {
        bus.publish(envelope(number)).unwrap();
    }
    let mut receive = |max| {
        let mut receive = pin!(subscription.recv_batch(&mut many, max));
        match poll_once(receive.as_mut(), &waker) {
            Poll::Ready(received) => received,
            Poll::Pending => panic!("it should not wait"),
        }
    };
    assert_eq!(receive(0), Ok(0));
    assert_eq!(receive(2), Ok(2));
    assert_eq!(receive(9), Ok(1));
    assert_eq!(receive(9).unwrap_err().missed(), Some(2));
    bus.close();
    assert!(receive(9).is_err());
    let numbers: Vec<_> = many.iter().map(|delivery| delivery.message).collect();
    assert_eq!(numbers, [0, 1, 2]);
}

#[test]
fn an_eviction_is_the_last_item_of_a_stream_and_the_end_of_a_bus_is_none() {
    let items = |options: SubscribeOptions<u64>| {
        let bus = Bus::new();
        let mut stream = bus.subscribe_with(options).unwrap().into_async();
        for number in 0..2 {
            bus.publish(envelope(number)).unwrap();
        }
        drop(bus);
        assert!(!stream.is_terminated());
        let mut items = Vec::new();
        while let Some(item) = futures::executor::block_on(stream.next()) {
            items.push(item.map(|delivery| delivery.message));
        }
        assert!(stream.is_terminated());
        assert!(futures::executor::block_on(stream.next()).is_none());
        items
    };
    for filter in [None, Some("counter")] {
        let options = SubscribeOptions::new().capacity(1);
        let options = filter.into_iter().fold(options, SubscribeOptions::source);
        let lost_one = RecvError::Lagged { missed: 1 };
        assert_eq!(items(options.clone()), [Ok(0), Err(lost_one)]);
        let evicted = Err(RecvError::Evicted);
        let expected = [Ok(0), Err(lost_one), evicted];
        assert_eq!(items(options.overflow(Overflow::Evict)), expected);
    }
}

#[test]
fn a_task_that_waits_is_woken_by_the_end_of_its_subscription() {
    for options in kinds() {
        for begins in [false, true] {
            let bus = Bus::new();
            let subscription = bus.subscribe_with(options.clone()).unwrap();
            let mut subscription = subscription.into_async();
            let (counter, waker) = Counter::new();
            if begins {
                bus.publish(envelope(7)).unwrap();
                assert_eq!(subscription.try_recv().unwrap().message, 7);
            }
            let id = subscription.id();
            {
                let mut recv = pin!(subscription.recv());
                assert!(poll_once(recv.as_mut(), &waker).is_pending());
                assert!(bus.unsubscribe(id));
                assert!(counter.woken() > 0);
                let end = poll_once(recv.as_mut(), &waker).map(|it| it.map(drop));
                assert_eq!(end, Poll::Ready(Err(RecvError::Disconnected)));
            }
            assert!(subscription.is_closed());
        }
    }
}

#[test]
fn a_task_that_closes_its_subscription_receives_the_rest() {
    current_thread().block_on(async {
        for options in kinds() {
            let bus = Bus::new();
            let mut jobs = bus.subscribe_with(options).unwrap().into_async();
            bus.publish(envelope(1)).unwrap();
            jobs.close();
            assert_eq!(bus.publish(envelope(2)).unwrap().matched(), 0);
            assert_eq!(jobs.next().await.unwrap().unwrap().message, 1);
            assert!(jobs.next().await.is_none());
        }
    });
}

#[test]
fn a_member_that_a_task_receives_from_is_woken_when_it_is_ended() {
    let bus = Bus::new();
    let join = || bus.subscribe_with(SubscribeOptions::new().group("workers"));
    let (mut one, mut other) = (join().unwrap().into_async(), join().unwrap().into_async());
    let ((counter, waker), id) = (Counter::new(), one.id());
    let mut recv = pin!(one.recv());
    assert!(poll_once(recv.as_mut(), &waker).is_pending());
    assert!(bus.unsubscribe(id));
    assert_eq!(counter.woken(), 1);
    let end = poll_once(recv.as_mut(), &waker).map(|it| it.map(drop));
    assert_eq!(end, Poll::Ready(Err(RecvError::Disconnected)));
    bus.publish(envelope(7)).unwrap();
    assert_eq!(other.try_recv().unwrap().message, 7);
}

#[test]
fn a_task_subscribes_again_with_the_same_options() {
    for options in kinds() {
        let bus = Bus::new();
        let first = bus
            .subscribe_with(options.name("again"))
            .unwrap()
            .into_async();
        let mut second = first.resubscribe().unwrap();
        first.close();
        bus.publish(envelope(7)).unwrap();
        assert_eq!(second.name(), Some("again"));
        assert_eq!(second.try_recv().unwrap().message, 7);
    }
}
