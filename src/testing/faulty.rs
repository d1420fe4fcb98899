//! The faulty publisher: it loses, doubles, delays and reorders what it publishes, by a seed. Tests:
//! `tests/library/testing/faulty.rs`.

use std::fmt;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::bus::error::PublishError;
use crate::bus::publisher::Publisher;
use crate::engine::attempt::Limit;
use crate::message::draft::Draft;
use crate::message::envelope::Envelope;
use crate::message::subject::Payload;
use crate::support::clock;

/// A publisher with faults, for tests of a module that must cope with loss, repetition and disorder, as networks,
/// restarted peers and full queues cause them.
///
/// Each fault has a probability from 0 to 1. The same seed makes the same faults. Envelopes are stamped, checked
/// against the grant, and refused like those of the [`Publisher`] that it is made of. A double has the id and time of
/// the first, like a repeated delivery.
///
/// # Examples
///
/// ```
/// use oxide_bus::Bus;
/// use oxide_bus::testing::FaultyPublisher;
///
/// let bus = Bus::<u32>::new();
/// let mut numbers = bus.subscribe();
/// let mut counter = FaultyPublisher::new(bus.trusted_publisher("counter"), 7)
///     .loses(0.1)
///     .doubles(0.1)
///     .reorders(0.2, 3);
/// for number in 0..100 {
///     counter.publish(number)?;
/// }
/// counter.release_all()?;
///
/// let faults = counter.faults();
/// assert!(faults.lost > 0 && faults.doubled > 0 && faults.held_back > 0);
/// assert_eq!(numbers.len() as u64, 100 - faults.lost + faults.doubled);
/// let seen: Vec<u32> = numbers.try_iter().flatten().map(|it| it.message).collect();
/// assert!(!seen.is_sorted());
/// # Ok::<(), oxide_bus::PublishError<u32>>(())
/// ```
pub struct FaultyPublisher<M> {
    publisher: Publisher<M>,
    random: Rng,
    loss: f64,
    doubling: Option<(f64, CloneOf<M>)>,
    reordering: (f64, u32),
    delay: (f64, Duration),
    held: Vec<(Release, Envelope<M>)>,
    faults: FaultCounts,
}

/// Kept as a function, so that only a publisher that doubles needs payloads that can be cloned.
type CloneOf<M> = fn(&Envelope<M>) -> Envelope<M>;

/// When an envelope that is held back is published.
#[derive(Clone, Copy)]
enum Release {
    /// After this many others.
    After(u32),
    At(Instant),
}

/// What a [`FaultyPublisher`] has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FaultCounts {
    /// How many envelopes were never published.
    pub lost: u64,
    /// How many were published twice.
    pub doubled: u64,
    /// How many were published after later ones, or are still held.
    pub held_back: u64,
}

impl<M: Payload> FaultyPublisher<M> {
    /// Makes a publisher that has no faults yet.
    #[must_use]
    pub fn new(publisher: Publisher<M>, seed: u64) -> Self {
        FaultyPublisher {
            publisher,
            random: Rng::with_seed(seed),
            loss: 0.0,
            doubling: None,
            reordering: (0.0, 0),
            delay: (0.0, Duration::ZERO),
            held: Vec::new(),
            faults: FaultCounts::default(),
        }
    }

    /// Loses an envelope with this probability.
    #[must_use]
    pub fn loses(mut self, probability: f64) -> Self {
        self.loss = probability;
        self
    }

    /// Publishes an envelope twice with this probability.
    #[must_use]
    pub fn doubles(mut self, probability: f64) -> Self
    where
        M: Clone,
    {
        self.doubling = Some((probability, Envelope::clone));
        self
    }

    /// Holds an envelope back with this probability, until 1 to `most` others have been published.
    #[must_use]
    pub fn reorders(mut self, probability: f64, most: u32) -> Self {
        self.reordering = (probability, most);
        self
    }

    /// Holds an envelope back with this probability for this long, by a [manual clock](super::ManualClock) if this
    /// thread has entered one. No thread waits for that time: the envelope goes out with the next
    /// [`publish`](Self::publish) or [`release`](Self::release) after it.
    #[must_use]
    pub fn delays(mut self, probability: f64, time: Duration) -> Self {
        self.delay = (probability, time);
        self
    }

    /// Publishes a message, unless a fault happens to it, and then the envelopes whose turn it is.
    ///
    /// # Errors
    ///
    /// As [`Publisher::publish`], for the first envelope that is refused. A fault is no error: the publisher of a lost
    /// message does not learn of the loss.
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    pub fn publish(&mut self, message: impl Into<Draft<M>>) -> Result<(), PublishError<M>> {
        let envelope = self.publisher.stamp(message);
        // All numbers are drawn each time, so one more kind of fault does not change the faults of later envelopes.
        let [loss, doubling, reordering, delay] = [(); 4].map(|()| self.random.f64());
        let places = self.random.u32(..).checked_rem(self.reordering.1);
        if loss < self.loss {
            self.faults.lost += 1;
            return self.release();
        }
        let twin = (self.doubling)
            .filter(|(probability, _)| doubling < *probability)
            .map(|(_, clone)| clone(&envelope));
        self.faults.doubled += u64::from(twin.is_some());
        let until = match places {
            Some(others) if reordering < self.reordering.0 => Some(Release::After(others + 1)),
            // A time beyond the end of the clock is no delay.
            _ if delay < self.delay.0 => clock::now().checked_add(self.delay.1).map(Release::At),
            _ => None,
        };
        let mut refused = Ok(());
        match until {
            Some(until) => {
                self.faults.held_back += 1;
                self.held.push((until, envelope));
            }
            None => refused = self.publish_now(envelope),
        }
        if let Some(twin) = twin {
            refused = refused.and(self.publish_now(twin));
        }
        refused.and(self.release())
    }

    /// Publishes the envelopes that were held back and whose time has come.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    pub fn release(&mut self) -> Result<(), PublishError<M>> {
        let now = clock::now();
        self.release_if(|until| match until {
            Release::After(others) => others == 0,
            Release::At(time) => time <= now,
        })
    }

    /// Publishes everything that was held back. What is still held when the publisher is dropped is lost.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    pub fn release_all(&mut self) -> Result<(), PublishError<M>> {
        self.release_if(|_| true)
    }

    /// Returns what it has done so far.
    #[must_use]
    pub fn faults(&self) -> FaultCounts {
        self.faults
    }

    fn release_if(&mut self, is_due: impl Fn(Release) -> bool) -> Result<(), PublishError<M>> {
        let mut refused = Ok(());
        while let Some(place) = self.held.iter().position(|(until, _)| is_due(*until)) {
            let (_, envelope) = self.held.remove(place);
            refused = refused.and(self.publish_now(envelope));
        }
        refused
    }

    /// Publishes an envelope now. It counts for the envelopes that wait for others.
    fn publish_now(&mut self, envelope: Envelope<M>) -> Result<(), PublishError<M>> {
        for (until, _) in &mut self.held {
            if let Release::After(others) = until {
                *others = others.saturating_sub(1);
            }
        }
        let published = self.publisher.publish_stamped(envelope, Limit::Theirs);
        published.map(drop)
    }
}

impl<M> fmt::Debug for FaultyPublisher<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyPublisher")
            .field("publisher", &self.publisher)
            .field("held", &self.held.len())
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
