//! Publishing by a sink.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::{Sink, SinkExt, StreamExt, stream};
use oxide_bus::{AsyncBus, AsyncSubscription, Bus, PublishSink, SubscribeOptions};

use crate::{Counter, LOSSLESS, current_thread};

/// A sink, and a subscriber that has room for one.
fn open() -> (AsyncBus<u64>, PublishSink<u64>, AsyncSubscription<u64>) {
    let bus = Bus::new();
    let options = SubscribeOptions::new().capacity(1).overflow(LOSSLESS);
    let subscription = bus.subscribe_with(options).unwrap().into_async();
    bus.grant_capability("count".into());
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
fn who_gives_up_flushing_a_sink_loses_nothing_and_is_woken_when_he_asks_again() {
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
        bus.revoke_capability(&"count".into()).await;
        let error = sink.send(7).await.unwrap_err();
        assert_eq!(error.into_envelope().message, 7);
        bus.grant_capability("count".into()).await;
        sink.send(8).await.unwrap();
        assert_eq!(subscription.recv().await.unwrap().message, 8);
        bus.close();
        assert!(sink.send(9).await.unwrap_err().is_closed());
    });
}
