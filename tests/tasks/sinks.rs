//! Tests of publishing through a sink.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::{Sink, SinkExt, StreamExt, stream};
use oxide_bus::{
    AsyncBus, AsyncSubscription, Bus, Payload, PublishSink, Subject, SubscribeOptions,
};

use crate::{Counter, LOSSLESS, current_thread};

/// Returns a bus, a sink, and a subscription with room for one envelope.
fn open() -> (AsyncBus<u64>, PublishSink<u64>, AsyncSubscription<u64>) {
    let bus = Bus::new();
    let options = SubscribeOptions::new().capacity(1).overflow(LOSSLESS);
    let subscription = bus.subscribe_with(options).unwrap().into_async();
    bus.grant("count").unwrap();
    let bus = bus.into_async();
    let sink = bus.publisher("counter", "count").sink();
    (bus, sink, subscription)
}

fn flush(sink: &mut PublishSink<u64>, waker: &Waker) -> Poll<bool> {
    let flushed = Pin::new(sink).poll_flush(&mut Context::from_waker(waker));
    flushed.map(|flushed| flushed.is_ok())
}

fn start_send(sink: &mut PublishSink<u64>, number: u64) {
    Pin::new(sink).start_send(number).unwrap();
}

#[test]
fn a_sink_waits_for_room_and_everything_comes_in_order() {
    let (_bus, mut sink, mut subscription) = open();
    current_thread().block_on(async {
        let sending = tokio::spawn(async move {
            sink.send_all(&mut stream::iter(0..100).map(Ok))
                .await
                .unwrap();
            sink.close().await.unwrap();
        });
        for number in 0..100 {
            assert_eq!(subscription.recv().await.unwrap().message, number);
        }
        sending.await.unwrap();
    });
}

#[test]
fn a_task_that_gives_up_flushing_a_sink_loses_nothing_and_is_woken_when_it_flushes_again() {
    let (_bus, mut sink, mut subscription) = open();
    let (counter, waker) = Counter::new();
    start_send(&mut sink, 0);
    assert_eq!(flush(&mut sink, &waker), Poll::Ready(true));
    start_send(&mut sink, 1);
    assert_eq!(flush(&mut sink, Waker::noop()), Poll::Pending);
    assert_eq!(flush(&mut sink, &waker), Poll::Pending);
    assert_eq!(subscription.try_recv().unwrap().message, 0);
    assert_eq!(counter.woken(), 1);
    assert_eq!(flush(&mut sink, &waker), Poll::Ready(true));
    assert_eq!(subscription.try_recv().unwrap().message, 1);
}

#[test]
fn what_a_sink_holds_when_it_is_dropped_is_in_no_queue_and_it_keeps_no_waker() {
    let (bus, mut sink, mut subscription) = open();
    let (counter, waker) = Counter::new();
    for number in 0..2 {
        start_send(&mut sink, number);
        assert_eq!(flush(&mut sink, &waker).is_ready(), number == 0);
    }
    drop((sink, waker));
    assert_eq!(Arc::strong_count(&counter), 1);
    assert_eq!(subscription.try_recv().unwrap().message, 0);
    assert!(subscription.try_recv().is_err());
    assert!(!bus.is_closed());
}

#[test]
fn a_sink_hands_back_what_is_refused_and_goes_on() {
    let (bus, mut sink, mut subscription) = open();
    current_thread().block_on(async {
        bus.revoke("count");
        let error = sink.send(7).await.unwrap_err();
        assert_eq!(error.into_envelope().message, 7);
        bus.grant("count").unwrap();
        sink.send(8).await.unwrap();
        assert_eq!(subscription.recv().await.unwrap().message, 8);
        bus.close();
        assert!(sink.send(9).await.unwrap_err().is_closed());
    });
}

/// Has a subject, except for one number, for which `subject` panics.
#[derive(Debug)]
struct Picky(u64);

impl Payload for Picky {
    fn subject(&self) -> Subject<'_> {
        assert!(self.0 != 13);
        Subject::new(["picky"])
    }
}

#[test]
fn a_sink_goes_on_after_a_payload_that_panics() {
    let bus = Bus::<Picky>::new();
    let options = SubscribeOptions::new().pattern("picky");
    let mut subscription = bus.subscribe_with(options).unwrap();
    bus.grant("count").unwrap();
    let mut sink = bus.publisher("counter", "count").into_async().sink();
    let mut send = |number| {
        let send = || futures::executor::block_on(sink.send(Picky(number)));
        catch_unwind(AssertUnwindSafe(send))
    };
    assert!(send(13).is_err());
    send(14).unwrap().unwrap();
    assert_eq!(subscription.try_recv().unwrap().message.0, 14);
}

#[test]
fn a_sink_that_is_not_ready_panics_rather_than_lose_what_it_holds() {
    let (_bus, mut sink, mut subscription) = open();
    start_send(&mut sink, 0);
    let sent = catch_unwind(AssertUnwindSafe(|| start_send(&mut sink, 1)));
    assert!(sent.is_err());
    assert!(flush(&mut sink, Waker::noop()).is_ready());
    assert_eq!(subscription.try_recv().unwrap().message, 0);
}
