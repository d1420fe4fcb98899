//! The intake of a subscriber: what it has received and lost.

use std::hint::black_box;
use std::ops::Deref;
use std::time::Instant;

use hdrhistogram::Histogram;
use oxide_bus::{Envelope, RecvError};

use super::duty::Duty;
use super::medium::LoadReceipt;
use super::payload::BenchLoad;
use super::sent::{Sent, new_histogram, record};

/// A subscriber's counts.
pub(super) struct Intake {
    pub(super) received: u64,
    pub(super) lost: u64,
    /// Whether it was evicted, because its queue was full.
    pub(super) evicted: bool,
    /// Whether the time of an envelope ends here.
    times: bool,
    /// The times from before the publish to after the receive, in nanoseconds.
    pub(super) latency: Histogram<u64>,
    /// What it published for the next stage.
    pub(super) passed_on: Option<Sent>,
    pub(super) ended: Instant,
}

impl Intake {
    pub(super) fn begin(duty: &Duty) -> Self {
        Intake {
            received: 0,
            lost: 0,
            evicted: false,
            times: duty.times(),
            latency: new_histogram(),
            passed_on: duty.passes_on(),
            ended: Instant::now(),
        }
    }

    /// Counts a receive. Returns whether there is more to come.
    pub(super) fn count(
        &mut self,
        received: &Result<impl Deref<Target = Envelope<BenchLoad>>, RecvError>,
    ) -> bool {
        match received {
            Ok(delivery) => {
                self.received += 1;
                black_box(&delivery.message.bytes);
                if let Some(published) = delivery.message.published
                    && self.times
                {
                    record(&mut self.latency, published.elapsed());
                }
            }
            Err(RecvError::Lagged { missed: lost }) => self.lost += lost,
            Err(RecvError::Disconnected) => return false,
            Err(RecvError::Evicted) => {
                self.evicted = true;
                return false;
            }
        }
        true
    }

    /// Counts what was published for other subscribers.
    pub(super) fn count_passed_on(&mut self, receipt: impl Into<LoadReceipt>) {
        if let Some(sent) = &mut self.passed_on {
            sent.count(receipt.into());
        }
    }

    pub(super) fn end(mut self) -> Self {
        self.ended = Instant::now();
        self
    }
}
