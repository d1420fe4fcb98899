//! Tests of tasks on the bus.
#![cfg(feature = "tokio")]

#[path = "../support/mod.rs"]
mod support;

mod fairness;
mod looking;
mod parity;
mod publishing;
mod requests;
mod revoking;
mod runtimes;
mod sinks;
mod twins;
mod waiting;
mod wakers;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use oxide_bus::{AsyncSubscription, Envelope, Overflow, RecvError, SubscribeOptions};
use tokio::runtime::{Builder, Runtime};

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
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

const LOSSLESS: Overflow = Overflow::Block;

/// Returns all kinds of queue. None loses anything here.
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
    fn new() -> (Arc<Self>, Waker) {
        let counter = Arc::new(Counter::default());
        (Arc::clone(&counter), Waker::from(counter))
    }

    fn woken(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Polls a future once.
fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}
