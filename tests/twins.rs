//! What holds for threads holds for tasks: the same bodies, run with the methods of threads, with
//! those of tasks on tokio, and on another executor.
#![cfg(feature = "tokio")]

mod support;

use std::time::{Duration, Instant};

use futures::StreamExt;
use oxide_bus::{
    AsyncSubscription, BatchError, BatchReceipt, Bus, Delivery, Envelope, Lagged, Overflow,
    PublishError, Receipt, RecvError, RecvTimeoutError, SubscribeOptions, Subscription,
    TryRecvError,
};
use tokio::runtime::{Builder, Runtime};

use support::task::Task;

const LOSSLESS: Overflow = Overflow::Block { timeout: None };

/// The methods of one side.
trait Side: Copy + Send + 'static {
    type Subscription: Send + 'static;

    fn subscribe_with(self, bus: &Bus<u64>, options: SubscribeOptions<u64>) -> Self::Subscription;
    fn publish(self, bus: &Bus<u64>, number: u64) -> Result<Receipt, PublishError<u64>>;
    fn publish_batch(
        self,
        bus: &Bus<u64>,
        numbers: std::ops::Range<u64>,
    ) -> Result<BatchReceipt, BatchError<u64>>;
    fn recv(self, subscription: &mut Self::Subscription) -> Result<Delivery<u64>, RecvError>;
    fn recv_ref(self, subscription: &mut Self::Subscription) -> Result<u64, RecvError>;
    fn recv_batch(
        self,
        subscription: &mut Self::Subscription,
        deliveries: &mut Vec<Delivery<u64>>,
        max: usize,
    ) -> Result<usize, RecvError>;
    fn next(self, subscription: &mut Self::Subscription) -> Option<Result<Delivery<u64>, Lagged>>;
    fn try_recv(self, subscription: &mut Self::Subscription)
    -> Result<Delivery<u64>, TryRecvError>;
    fn drain(self, subscription: &mut Self::Subscription) -> Result<Vec<u64>, TryRecvError>;
    fn queued(self, subscription: &Self::Subscription) -> (usize, u64);
}

/// The side that has a clock, too.
trait Timed: Side {
    fn recv_timeout(
        self,
        subscription: &mut Self::Subscription,
        timeout: Duration,
    ) -> Result<Delivery<u64>, RecvTimeoutError>;
    fn recv_deadline(
        self,
        subscription: &mut Self::Subscription,
        deadline: Instant,
    ) -> Result<Delivery<u64>, RecvTimeoutError>;
    fn publish_timeout(
        self,
        bus: &Bus<u64>,
        number: u64,
        timeout: Duration,
    ) -> Result<Receipt, PublishError<u64>>;
}

fn envelope(number: u64) -> Envelope<u64> {
    Envelope::new("counter", number)
}

#[derive(Clone, Copy)]
struct Threads;

impl Side for Threads {
    type Subscription = Subscription<u64>;

    fn subscribe_with(self, bus: &Bus<u64>, options: SubscribeOptions<u64>) -> Subscription<u64> {
        bus.subscribe_with(options).unwrap()
    }

    fn publish(self, bus: &Bus<u64>, number: u64) -> Result<Receipt, PublishError<u64>> {
        bus.publish(envelope(number))
    }

    fn publish_batch(
        self,
        bus: &Bus<u64>,
        numbers: std::ops::Range<u64>,
    ) -> Result<BatchReceipt, BatchError<u64>> {
        bus.publish_batch(numbers.map(envelope))
    }

    fn recv(self, subscription: &mut Subscription<u64>) -> Result<Delivery<u64>, RecvError> {
        subscription.recv()
    }

    fn recv_ref(self, subscription: &mut Subscription<u64>) -> Result<u64, RecvError> {
        Ok(subscription.recv_ref()?.message)
    }

    fn recv_batch(
        self,
        subscription: &mut Subscription<u64>,
        deliveries: &mut Vec<Delivery<u64>>,
        max: usize,
    ) -> Result<usize, RecvError> {
        subscription.recv_batch(deliveries, max)
    }

    fn next(self, subscription: &mut Subscription<u64>) -> Option<Result<Delivery<u64>, Lagged>> {
        subscription.iter().next()
    }

    fn try_recv(self, subscription: &mut Subscription<u64>) -> Result<Delivery<u64>, TryRecvError> {
        subscription.try_recv()
    }

    fn drain(self, subscription: &mut Subscription<u64>) -> Result<Vec<u64>, TryRecvError> {
        let mut seen = Vec::new();
        subscription.drain(|envelope| seen.push(envelope.message))?;
        Ok(seen)
    }

    fn queued(self, subscription: &Subscription<u64>) -> (usize, u64) {
        (subscription.len(), subscription.dropped())
    }
}

impl Timed for Threads {
    fn recv_timeout(
        self,
        subscription: &mut Subscription<u64>,
        timeout: Duration,
    ) -> Result<Delivery<u64>, RecvTimeoutError> {
        subscription.recv_timeout(timeout)
    }

    fn recv_deadline(
        self,
        subscription: &mut Subscription<u64>,
        deadline: Instant,
    ) -> Result<Delivery<u64>, RecvTimeoutError> {
        subscription.recv_deadline(deadline)
    }

    fn publish_timeout(
        self,
        bus: &Bus<u64>,
        number: u64,
        timeout: Duration,
    ) -> Result<Receipt, PublishError<u64>> {
        bus.publish_timeout(envelope(number), timeout)
    }
}

/// What runs one future to its end, on this thread.
trait Executor: Copy + Send + 'static {
    fn block_on<F: Future>(self, future: F) -> F::Output;
}

#[derive(Clone, Copy)]
struct Tokio;

impl Executor for Tokio {
    fn block_on<F: Future>(self, future: F) -> F::Output {
        thread_local! {
            static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().unwrap();
        }
        RUNTIME.with(|runtime| runtime.block_on(future))
    }
}

#[derive(Clone, Copy)]
struct Another;

impl Executor for Another {
    fn block_on<F: Future>(self, future: F) -> F::Output {
        futures::executor::block_on(future)
    }
}

impl<E: Executor> Side for E {
    type Subscription = AsyncSubscription<u64>;

    fn subscribe_with(
        self,
        bus: &Bus<u64>,
        options: SubscribeOptions<u64>,
    ) -> AsyncSubscription<u64> {
        let bus = bus.clone().into_async();
        self.block_on(bus.subscribe_with(options)).unwrap()
    }

    fn publish(self, bus: &Bus<u64>, number: u64) -> Result<Receipt, PublishError<u64>> {
        self.block_on(bus.clone().into_async().publish(envelope(number)))
    }

    fn publish_batch(
        self,
        bus: &Bus<u64>,
        numbers: std::ops::Range<u64>,
    ) -> Result<BatchReceipt, BatchError<u64>> {
        self.block_on(
            bus.clone()
                .into_async()
                .publish_batch(numbers.map(envelope)),
        )
    }

    fn recv(self, subscription: &mut AsyncSubscription<u64>) -> Result<Delivery<u64>, RecvError> {
        self.block_on(subscription.recv())
    }

    fn recv_ref(self, subscription: &mut AsyncSubscription<u64>) -> Result<u64, RecvError> {
        Ok(self.block_on(subscription.recv_ref())?.message)
    }

    fn recv_batch(
        self,
        subscription: &mut AsyncSubscription<u64>,
        deliveries: &mut Vec<Delivery<u64>>,
        max: usize,
    ) -> Result<usize, RecvError> {
        self.block_on(subscription.recv_batch(deliveries, max))
    }

    fn next(
        self,
        subscription: &mut AsyncSubscription<u64>,
    ) -> Option<Result<Delivery<u64>, Lagged>> {
        self.block_on(StreamExt::next(subscription))
    }

    fn try_recv(
        self,
        subscription: &mut AsyncSubscription<u64>,
    ) -> Result<Delivery<u64>, TryRecvError> {
        subscription.try_recv()
    }

    fn drain(self, subscription: &mut AsyncSubscription<u64>) -> Result<Vec<u64>, TryRecvError> {
        let mut seen = Vec::new();
        subscription.drain(|envelope| seen.push(envelope.message))?;
        Ok(seen)
    }

    fn queued(self, subscription: &AsyncSubscription<u64>) -> (usize, u64) {
        (subscription.len(), subscription.dropped())
    }
}

impl Timed for Tokio {
    fn recv_timeout(
        self,
        subscription: &mut AsyncSubscription<u64>,
        timeout: Duration,
    ) -> Result<Delivery<u64>, RecvTimeoutError> {
        self.block_on(subscription.recv_timeout(timeout))
    }

    fn recv_deadline(
        self,
        subscription: &mut AsyncSubscription<u64>,
        deadline: Instant,
    ) -> Result<Delivery<u64>, RecvTimeoutError> {
        self.block_on(subscription.recv_deadline(deadline))
    }

    fn publish_timeout(
        self,
        bus: &Bus<u64>,
        number: u64,
        timeout: Duration,
    ) -> Result<Receipt, PublishError<u64>> {
        let bus = bus.clone().into_async();
        self.block_on(bus.publish_timeout(envelope(number), timeout))
    }
}

/// Each body on each of the sides.
macro_rules! on_sides {
    ($($side:ident as $module:ident)+: $bodies:tt) => {
        $(on_sides! { @one $side $module $bodies })+
    };
    (@one $side:ident $module:ident { $($body:ident)+ }) => {
        mod $module {
            $(#[test]
            fn $body() {
                super::$body(super::$side);
            })+
        }
    };
}

on_sides! {
    Threads as threads Tokio as tasks Another as tasks_elsewhere: {
        all_ways_take_the_envelopes_in_one_order
        nothing_queued_is_empty_and_not_the_end
        who_waits_wakes_whatever_it_waits_with_and_whatever_its_queue
        a_gap_is_told_once_where_it_lies_whatever_the_way
        a_batch_takes_what_is_queued_up_to_the_next_gap
        the_end_comes_after_what_is_queued_and_stays
        who_waits_learns_of_the_end
        who_is_too_slow_receives_what_is_queued_and_then_that_it_was_evicted
        the_newest_stay
        a_group_shares_and_its_end_reaches_all_who_wait
        a_publisher_waits_until_there_is_room
        a_batch_waits_until_there_is_room
        a_publisher_that_waits_goes_on_when_the_subscriber_goes
        a_publisher_that_waits_learns_that_the_bus_closes
        a_closed_bus_gives_everything_back
    }
}

on_sides! {
    Threads as threads_in_time Tokio as tasks_in_time: {
        a_time_out_is_waited_for_and_nothing_is_lost
        a_time_that_is_up_still_takes_what_is_queued
        a_publish_waits_no_longer_than_its_time_out
    }
}

fn open<S: Side>(side: S, capacity: usize, overflow: Overflow) -> (Bus<u64>, S::Subscription) {
    let bus = Bus::new();
    let options = SubscribeOptions::new()
        .capacity(capacity)
        .overflow(overflow);
    let subscription = side.subscribe_with(&bus, options);
    (bus, subscription)
}

fn publish_all<S: Side>(side: S, bus: &Bus<u64>, numbers: std::ops::Range<u64>) {
    for number in numbers {
        side.publish(bus, number).unwrap();
    }
}

fn all_ways_take_the_envelopes_in_one_order<S: Side>(side: S) {
    let (bus, mut subscription) = open(side, 16, Overflow::DropNewest);
    publish_all(side, &bus, 0..4);
    side.publish_batch(&bus, 4..8).unwrap();
    assert_eq!(side.recv(&mut subscription).unwrap().message, 0);
    assert_eq!(side.try_recv(&mut subscription).unwrap().message, 1);
    assert_eq!(side.recv_ref(&mut subscription), Ok(2));
    let next = side.next(&mut subscription).unwrap();
    assert_eq!(next.unwrap().message, 3);
    let mut batch = Vec::new();
    assert_eq!(side.recv_batch(&mut subscription, &mut batch, 2), Ok(2));
    assert_eq!((batch[0].message, batch[1].message), (4, 5));
    assert_eq!(side.drain(&mut subscription), Ok(vec![6, 7]));
}

fn nothing_queued_is_empty_and_not_the_end<S: Side>(side: S) {
    let (bus, mut subscription) = open(side, 4, Overflow::DropNewest);
    for number in 0..3 {
        let error = side.try_recv(&mut subscription).unwrap_err();
        assert_eq!(error, TryRecvError::Empty);
        assert_eq!(side.drain(&mut subscription), Err(TryRecvError::Empty));
        assert_eq!(side.queued(&subscription), (0, 0));
        side.publish(&bus, number).unwrap();
        assert_eq!(side.queued(&subscription), (1, 0));
        assert_eq!(side.recv(&mut subscription).unwrap().message, number);
    }
}

/// All kinds of queue.
fn kinds() -> [SubscribeOptions<u64>; 4] {
    let options = SubscribeOptions::new;
    [
        options(),
        options().source("counter"),
        options().overflow(Overflow::DropOldest),
        options().group("workers"),
    ]
}

fn who_waits_wakes_whatever_it_waits_with_and_whatever_its_queue<S: Side>(side: S) {
    type Way<S> = fn(S, &mut <S as Side>::Subscription) -> u64;
    let ways: [Way<S>; 4] = [
        |side, subscription| side.recv(subscription).unwrap().message,
        |side, subscription| side.recv_ref(subscription).unwrap(),
        |side, subscription| side.next(subscription).unwrap().unwrap().message,
        |side, subscription| {
            let mut batch = Vec::new();
            side.recv_batch(subscription, &mut batch, 8).unwrap();
            batch[0].message
        },
    ];
    for options in kinds() {
        let receivers = ways.map(|receive| {
            let bus = Bus::new();
            let mut subscription = side.subscribe_with(&bus, options.clone());
            let task = Task::start(move || [(); 2].map(|()| receive(side, &mut subscription)));
            (bus, task)
        });
        for (_, task) in &receivers {
            task.assert_waits();
        }
        for (bus, task) in receivers {
            publish_all(side, &bus, 7..8);
            task.assert_waits();
            publish_all(side, &bus, 8..9);
            assert_eq!(task.end(), [7, 8]);
        }
    }
}

fn a_gap_is_told_once_where_it_lies_whatever_the_way<S: Side>(side: S) {
    for way in 0..4 {
        let (bus, mut subscription) = open(side, 2, Overflow::DropNewest);
        publish_all(side, &bus, 0..5);
        assert_eq!(side.queued(&subscription), (2, 3));
        assert_eq!(side.recv(&mut subscription).unwrap().message, 0);
        assert_eq!(side.recv(&mut subscription).unwrap().message, 1);
        let lagged = match way {
            0 => side.recv(&mut subscription).unwrap_err().lagged(),
            1 => side.recv_ref(&mut subscription).unwrap_err().lagged(),
            2 => side.next(&mut subscription).unwrap().err(),
            _ => side.try_recv(&mut subscription).unwrap_err().lagged(),
        };
        assert_eq!(lagged.unwrap().missed, 3);
        publish_all(side, &bus, 5..6);
        assert_eq!(side.recv(&mut subscription).unwrap().message, 5);
    }
}

fn a_batch_takes_what_is_queued_up_to_the_next_gap<S: Side>(side: S) {
    let (bus, mut subscription) = open(side, 3, Overflow::DropNewest);
    publish_all(side, &bus, 0..4);
    side.recv(&mut subscription).unwrap();
    publish_all(side, &bus, 4..5);
    let mut batch = Vec::new();
    assert_eq!(side.recv_batch(&mut subscription, &mut batch, 0), Ok(0));
    assert_eq!(side.recv_batch(&mut subscription, &mut batch, 9), Ok(2));
    let error = side.recv_batch(&mut subscription, &mut batch, 9);
    assert_eq!(error.unwrap_err().lagged(), Some(Lagged { missed: 1 }));
    assert_eq!(side.recv_batch(&mut subscription, &mut batch, 9), Ok(1));
    let numbers: Vec<_> = batch.iter().map(|delivery| delivery.message).collect();
    assert_eq!(numbers, [1, 2, 4]);
}

fn the_end_comes_after_what_is_queued_and_stays<S: Side>(side: S) {
    for options in kinds() {
        let bus = Bus::new();
        let mut subscription = side.subscribe_with(&bus, options);
        publish_all(side, &bus, 0..2);
        bus.close();
        assert_eq!(side.recv(&mut subscription).unwrap().message, 0);
        let next = side.next(&mut subscription).unwrap();
        assert_eq!(next.unwrap().message, 1);
        for _ in 0..3 {
            let error = side.recv(&mut subscription).unwrap_err();
            assert_eq!(error, RecvError::Disconnected);
            assert!(side.next(&mut subscription).is_none());
        }
    }
}

fn who_waits_learns_of_the_end<S: Side>(side: S) {
    for options in kinds() {
        for by_close in [true, false] {
            let bus = Bus::new();
            let mut subscription = side.subscribe_with(&bus, options.clone());
            let task = Task::start(move || side.recv(&mut subscription).unwrap_err());
            task.assert_waits();
            if by_close {
                bus.close();
            } else {
                drop(bus);
            }
            assert_eq!(task.end(), RecvError::Disconnected);
        }
    }
}

fn who_is_too_slow_receives_what_is_queued_and_then_that_it_was_evicted<S: Side>(side: S) {
    for options in [
        SubscribeOptions::new(),
        SubscribeOptions::new().source("counter"),
    ] {
        let bus = Bus::new();
        let options = options.capacity(1).overflow(Overflow::Disconnect);
        let mut subscription = side.subscribe_with(&bus, options);
        publish_all(side, &bus, 0..2);
        assert_eq!(side.recv(&mut subscription).unwrap().message, 0);
        let lagged = side.recv(&mut subscription).unwrap_err().lagged();
        assert_eq!(lagged, Some(Lagged { missed: 1 }));
        let error = side.recv(&mut subscription).unwrap_err();
        assert_eq!(error, RecvError::Evicted);
        assert!(side.next(&mut subscription).is_none());
    }
}

fn the_newest_stay<S: Side>(side: S) {
    let (bus, mut subscription) = open(side, 2, Overflow::DropOldest);
    publish_all(side, &bus, 0..5);
    let lagged = side.recv(&mut subscription).unwrap_err().lagged();
    assert_eq!(lagged, Some(Lagged { missed: 3 }));
    assert_eq!(side.drain(&mut subscription), Ok(vec![3, 4]));
}

fn a_group_shares_and_its_end_reaches_all_who_wait<S: Side>(side: S) {
    let bus = Bus::new();
    let members = [(); 3].map(|()| {
        let options = SubscribeOptions::new().group("workers");
        let mut member = side.subscribe_with(&bus, options);
        Task::start(move || {
            let mut sum = 0;
            while let Ok(delivery) = side.recv(&mut member) {
                sum += delivery.message;
            }
            sum
        })
    });
    for member in &members {
        member.assert_waits();
    }
    publish_all(side, &bus, 0..100);
    bus.close();
    assert_eq!(members.map(Task::end).iter().sum::<u64>(), 4950);
}

/// Queues that publishers wait for.
fn lossless(capacity: usize) -> [SubscribeOptions<u64>; 2] {
    let options = SubscribeOptions::new()
        .capacity(capacity)
        .overflow(LOSSLESS);
    [options.clone(), options.source("counter")]
}

fn a_publisher_waits_until_there_is_room<S: Side>(side: S) {
    for options in lossless(2) {
        let bus = Bus::new();
        let mut subscription = side.subscribe_with(&bus, options);
        publish_all(side, &bus, 0..2);
        let publisher = {
            let bus = bus.clone();
            Task::start(move || publish_all(side, &bus, 2..20))
        };
        publisher.assert_waits();
        for number in 0..20 {
            assert_eq!(side.recv(&mut subscription).unwrap().message, number);
        }
        publisher.end();
        assert_eq!(side.queued(&subscription), (0, 0));
    }
}

fn a_batch_waits_until_there_is_room<S: Side>(side: S) {
    for options in lossless(4) {
        let bus = Bus::new();
        let mut subscription = side.subscribe_with(&bus, options);
        let publisher = {
            let bus = bus.clone();
            Task::start(move || side.publish_batch(&bus, 0..200).unwrap())
        };
        publisher.assert_waits();
        for number in 0..200 {
            assert_eq!(side.recv(&mut subscription).unwrap().message, number);
        }
        let receipt = publisher.end();
        assert_eq!((receipt.published(), receipt.delivered()), (200, 200));
    }
}

fn a_publisher_that_waits_goes_on_when_the_subscriber_goes<S: Side>(side: S) {
    for options in lossless(1) {
        let bus = Bus::new();
        let subscription = side.subscribe_with(&bus, options);
        publish_all(side, &bus, 0..1);
        let publisher = {
            let bus = bus.clone();
            Task::start(move || side.publish(&bus, 1).map(|receipt| receipt.delivered()))
        };
        publisher.assert_waits();
        drop(subscription);
        assert_eq!(publisher.end().unwrap(), 0);
    }
}

/// A thread's envelope is in other queues by then, a task's is in none.
fn a_publisher_that_waits_learns_that_the_bus_closes<S: Side>(side: S) {
    for options in lossless(1) {
        let bus = Bus::new();
        let mut subscription = side.subscribe_with(&bus, options);
        publish_all(side, &bus, 0..1);
        let publisher = {
            let bus = bus.clone();
            Task::start(move || match side.publish(&bus, 1) {
                Ok(receipt) => receipt.dropped() == 1,
                Err(error) => error.is_closed(),
            })
        };
        publisher.assert_waits();
        bus.close();
        assert!(publisher.end());
        assert_eq!(side.recv(&mut subscription).unwrap().message, 0);
    }
}

fn a_closed_bus_gives_everything_back<S: Side>(side: S) {
    let (bus, _subscription) = open(side, 4, Overflow::DropNewest);
    bus.close();
    let error = side.publish(&bus, 7).unwrap_err();
    assert!(error.is_closed());
    assert_eq!(error.into_envelope().message, 7);
    let error = side.publish_batch(&bus, 0..3).unwrap_err();
    assert_eq!(error.into_envelopes().len(), 3);
}

fn a_time_out_is_waited_for_and_nothing_is_lost<S: Timed>(side: S) {
    let (bus, mut subscription) = open(side, 4, Overflow::DropNewest);
    let timeout = Duration::from_millis(20);
    let started = Instant::now();
    let error = side.recv_timeout(&mut subscription, timeout).unwrap_err();
    assert_eq!(error, RecvTimeoutError::Timeout);
    let deadline = Instant::now() + timeout;
    let error = side.recv_deadline(&mut subscription, deadline).unwrap_err();
    assert_eq!(error, RecvTimeoutError::Timeout);
    assert!(started.elapsed() >= 2 * timeout);
    publish_all(side, &bus, 0..1);
    let delivery = side.recv_timeout(&mut subscription, Duration::MAX);
    assert_eq!(delivery.unwrap().message, 0);
    bus.close();
    let error = side.recv_timeout(&mut subscription, timeout).unwrap_err();
    assert_eq!(error, RecvTimeoutError::Disconnected);
}

fn a_time_that_is_up_still_takes_what_is_queued<S: Timed>(side: S) {
    let (bus, mut subscription) = open(side, 1_000, Overflow::DropNewest);
    publish_all(side, &bus, 0..1_000);
    for number in 0..500 {
        let delivery = side.recv_timeout(&mut subscription, Duration::ZERO);
        assert_eq!(delivery.unwrap().message, 2 * number);
        let delivery = side.recv_deadline(&mut subscription, Instant::now());
        assert_eq!(delivery.unwrap().message, 2 * number + 1);
    }
    let error = side.recv_timeout(&mut subscription, Duration::ZERO);
    assert_eq!(error.unwrap_err(), RecvTimeoutError::Timeout);
}

fn a_publish_waits_no_longer_than_its_time_out<S: Timed>(side: S) {
    for options in lossless(1) {
        let bus = Bus::new();
        let mut other = side.subscribe_with(&bus, SubscribeOptions::new());
        let subscription = side.subscribe_with(&bus, options);
        let timeout = Duration::from_millis(20);
        let first = side.publish_timeout(&bus, 0, timeout).unwrap();
        assert_eq!((first.delivered(), first.dropped()), (2, 0));
        let started = Instant::now();
        let second = side.publish_timeout(&bus, 1, timeout).unwrap();
        assert!(started.elapsed() >= timeout);
        assert_eq!((second.delivered(), second.dropped()), (1, 1));
        assert_eq!(side.queued(&subscription), (1, 1));
        assert_eq!(side.drain(&mut other), Ok(vec![0, 1]));
    }
}
