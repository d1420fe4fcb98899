//! What the benchmark sends, and what its threads do.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use hdrhistogram::Histogram;
use oxide_bus::{Payload, PublishError, Publisher, RecvError, Subscription};

/// One envelope in so many of each publisher is timed.
const TIMED: u64 = 16;

/// After so many envelopes a publisher tells how far it is.
const TOLD: u64 = 256;

/// What an envelope carries.
pub(super) struct Load {
    /// When it was about to be published, where it is one of those that are timed.
    published: Option<Instant>,
    bytes: Box<[u8]>,
}

impl Payload for Load {}

/// What a publisher is to do.
pub(super) struct Orders {
    /// How many envelopes it publishes at most.
    pub(super) quota: u64,
    /// The bytes in each.
    pub(super) payload: usize,
    /// Set when it is to end before.
    pub(super) stop: Arc<AtomicBool>,
    /// How many all publishers have published, roughly.
    pub(super) progress: Arc<AtomicU64>,
}

/// What a publisher was told by its receipts.
pub(super) struct Sent {
    pub(super) published: u64,
    pub(super) delivered: u64,
    pub(super) dropped: u64,
    pub(super) began: Instant,
    pub(super) ended: Instant,
}

/// What a subscriber has counted.
pub(super) struct Intake {
    pub(super) received: u64,
    pub(super) lost: u64,
    /// Whether it was put out, for want of room.
    pub(super) evicted: bool,
    /// From before the publish to after the receive, in nanoseconds.
    pub(super) latency: Histogram<u64>,
    pub(super) ended: Instant,
}

/// A publisher's life.
pub(super) fn publish(
    handle: &Publisher<Load>,
    orders: &Orders,
) -> Result<Sent, PublishError<Load>> {
    let began = Instant::now();
    let (mut published, mut delivered, mut dropped) = (0, 0, 0);
    while published < orders.quota && !orders.stop.load(Ordering::Relaxed) {
        let receipt = handle.publish(Load {
            bytes: vec![0xA5; orders.payload].into(),
            published: published.is_multiple_of(TIMED).then(Instant::now),
        })?;
        published += 1;
        delivered += receipt.delivered() as u64;
        dropped += receipt.dropped() as u64;
        if published.is_multiple_of(TOLD) {
            orders.progress.fetch_add(TOLD, Ordering::Relaxed);
        }
    }
    Ok(Sent {
        published,
        delivered,
        dropped,
        began,
        ended: Instant::now(),
    })
}

/// A subscriber's life, up to the end of the bus, or its own.
pub(super) fn receive(mut subscription: Subscription<Load>) -> Intake {
    let mut latency = new_histogram();
    let (mut received, mut lost) = (0, 0);
    let evicted = loop {
        match subscription.recv() {
            Ok(delivery) => {
                received += 1;
                black_box(&delivery.message.bytes);
                if let Some(published) = delivery.message.published {
                    let nanoseconds = published.elapsed().as_nanos();
                    latency
                        .record(nanoseconds.try_into().unwrap_or(u64::MAX))
                        .expect("the histogram grows as it must");
                }
            }
            Err(RecvError::Lagged(lagged)) => lost += lagged.missed,
            Err(RecvError::Disconnected) => break false,
            Err(RecvError::Evicted) => break true,
        }
    };
    Intake {
        received,
        lost,
        evicted,
        latency,
        ended: Instant::now(),
    }
}

/// An empty histogram, which grows, and keeps three digits of any value.
pub(super) fn new_histogram() -> Histogram<u64> {
    Histogram::new(3).expect("three digits are within its bounds")
}
