//! Who is compared: one file a peer, all behind the same small traits.

mod async_broadcast;
mod baseline;
mod bus;
mod crossbeam;
mod disruptor;
mod fan_out;
mod flume;
mod guarded;
mod kanal;
mod oxide;
mod targeted;
#[cfg(feature = "tokio")]
pub(crate) mod tasks;
mod tokio_broadcast;
mod tokio_mpsc;

use oxide_bus::Envelope;

use crate::run::envelopes::Envelopes;

pub(crate) use self::guarded::guarded;
pub(crate) use self::targeted::targeted;

/// How many envelopes a subscriber's queue, or a shared ring, holds.
pub(crate) const CAPACITY: usize = 128;

/// Why a contestant does not take part in a cell.
pub(crate) type Absence = &'static str;

/// How a contestant's figures are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// This crate.
    Ours,
    /// What a user would pick instead.
    Peer,
    /// Does less than the others, shown for its speed: never the best peer.
    Reference,
    /// The design that this crate replaces.
    Baseline,
}

/// One of those that are compared.
pub(crate) trait Contestant {
    fn name(&self) -> &'static str;

    fn role(&self) -> Role {
        Role::Peer
    }

    /// For one thread that publishes a burst, then receives it for every subscriber.
    fn burst(&self, subscribers: usize) -> Result<Box<dyn Burst>, Absence>;

    /// The same, where a full subscriber loses envelopes and holds up nobody.
    fn lossy(&self, subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        self.burst(subscribers)
    }

    /// For bursts that are published as one batch, by those who have a way to do that.
    fn batches(&self, subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        self.burst(subscribers)
    }

    /// For threads, without loss: publishers wait for room, subscribers for envelopes.
    fn threads(&self, publishers: usize, subscribers: usize) -> Result<Threads, Absence>;

    /// For one publisher and one subscriber that is never behind.
    fn latency(&self) -> Result<Threads, Absence> {
        self.threads(1, 1)
    }
}

/// A bus whose two sides are used by one thread. Nothing waits.
pub(crate) trait Burst {
    /// Publishes the next `count` envelopes.
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize);

    /// Receives and reads up to `at_most` envelopes; tells how many there were.
    fn receive(&mut self, subscriber: usize, at_most: usize) -> usize;
}

/// A publisher with a thread of its own.
pub(crate) trait Publish: Send {
    /// Publishes the next `count` envelopes.
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize);
}

/// A subscriber with a thread of its own.
pub(crate) trait Subscribe: Send {
    /// Receives and reads `count` envelopes.
    fn receive(&mut self, count: usize);
}

/// A bus whose handles go to a thread each.
pub(crate) struct Threads {
    pub(crate) publishers: Vec<Box<dyn Publish>>,
    pub(crate) subscribers: Vec<Box<dyn Subscribe>>,
}

impl Threads {
    fn new<P, S>(
        publishers: impl IntoIterator<Item = P>,
        subscribers: impl IntoIterator<Item = S>,
    ) -> Self
    where
        P: Publish + 'static,
        S: Subscribe + 'static,
    {
        Threads {
            publishers: publishers.into_iter().map(|p| Box::new(p) as _).collect(),
            subscribers: subscribers.into_iter().map(|s| Box::new(s) as _).collect(),
        }
    }
}

/// Somebody who takes part in a cell, with what it brings.
pub(crate) struct Entrant<T> {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) brings: T,
}

/// One that is made for a single cell.
fn entrant(name: &'static str, role: Role, bus: impl Burst + 'static) -> Entrant<Box<dyn Burst>> {
    Entrant {
        name,
        role,
        brings: Box::new(bus),
    }
}

/// One with anything else.
#[cfg(feature = "tokio")]
pub(crate) fn entrant_with<T>(name: &'static str, role: Role, brings: T) -> Entrant<T> {
    Entrant { name, role, brings }
}

/// Those who take part in a cell, and why others do not.
pub(crate) struct Entrants<T> {
    pub(crate) present: Vec<Entrant<T>>,
    pub(crate) absent: Vec<(&'static str, Absence)>,
}

/// Everybody who can make what is brought to a cell.
pub(crate) fn enter<T>(make: impl Fn(Box<dyn Contestant>) -> Result<T, Absence>) -> Entrants<T> {
    let mut entrants = Entrants {
        present: Vec::new(),
        absent: Vec::new(),
    };
    for contestant in all() {
        let (name, role) = (contestant.name(), contestant.role());
        match make(contestant) {
            Ok(brings) => entrants.present.push(Entrant { name, role, brings }),
            Err(why) => entrants.absent.push((name, why)),
        }
    }
    entrants
}

/// Everybody, in the order of the table.
fn all() -> Vec<Box<dyn Contestant>> {
    vec![
        Box::new(oxide::OWNED),
        Box::new(oxide::BY_REFERENCE),
        Box::new(oxide::BATCHES),
        Box::new(tokio_broadcast::TokioBroadcast),
        Box::new(async_broadcast::AsyncBroadcast),
        Box::new(bus::BusCrate),
        Box::new(crossbeam::FAN_OUT),
        Box::new(crossbeam::Bare),
        Box::new(flume::FAN_OUT),
        Box::new(kanal::FAN_OUT),
        Box::new(tokio_mpsc::FAN_OUT),
        Box::new(disruptor::ONE_BY_ONE),
        Box::new(disruptor::BATCH),
        Box::new(baseline::Baseline),
    ]
}

/// What every subscriber does with what it receives.
fn read(envelope: &Envelope) {
    std::hint::black_box(envelope.id);
}
