//! The contestants: one file for each peer, all behind the same small traits.

mod async_broadcast;
mod async_channel;
mod baseline;
mod bus;
mod channel;
mod coming;
mod crossbeam;
mod crossfire;
mod disruptor;
mod enso;
mod fan_out;
mod fibre;
mod filtered;
mod flume;
mod groups;
mod guarded;
mod kanal;
mod newest;
mod oxide;
pub(crate) mod requests;
mod ring;
mod targeted;
#[cfg(feature = "tokio")]
pub(crate) mod tasks;
mod tokio_broadcast;
mod tokio_mpsc;
pub(crate) mod wire;

use std::sync::Arc;

use oxide_bus::Envelope;

use crate::run::envelopes::Envelopes;

pub(crate) use self::coming::{Crowd, crowds};
pub(crate) use self::filtered::{Question, filtered};
pub(crate) use self::groups::{Group, groups};
pub(crate) use self::guarded::guarded;
pub(crate) use self::newest::newest;
pub(crate) use self::targeted::targeted;

/// How many envelopes a subscriber's queue or a shared ring holds.
pub(crate) const CAPACITY: usize = 128;

/// An envelope that several subscribers share.
type Shared = Arc<Envelope>;

/// Why a contestant does not take part in a cell.
pub(crate) type Absence = &'static str;

/// How a contestant's figures are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// This crate.
    Ours,
    /// What a user would pick instead.
    Peer,
    /// Does less than the others. It is shown for its speed, and is never the best peer.
    Reference,
    /// The design that this crate replaces.
    Baseline,
}

/// A contestant of the comparison.
pub(crate) trait Contestant {
    fn name(&self) -> &'static str;

    fn role(&self) -> Role {
        Role::Peer
    }

    /// Makes a bus for one thread that publishes a burst, then receives it for every subscriber.
    fn burst(&self, subscribers: usize) -> Result<Box<dyn Burst>, Absence>;

    /// Like `burst`, but a full subscriber loses envelopes and delays nobody.
    fn lossy(&self, subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        self.burst(subscribers)
    }

    /// Makes a bus for bursts that are published as one batch, if the contestant has a way to do that.
    fn batches(&self, subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        self.burst(subscribers)
    }

    /// Makes a bus for threads, without loss: publishers wait for room, subscribers for envelopes.
    fn threads(&self, publishers: usize, subscribers: usize) -> Result<Threads, Absence>;

    /// Makes a bus for one publisher, and subscribers that sleep until it publishes and are never behind.
    fn at_rest(&self, subscribers: usize) -> Result<Threads, Absence> {
        self.threads(1, subscribers)
    }

    /// Makes a bus for one publisher and one subscriber that is never behind.
    fn latency(&self) -> Result<Threads, Absence> {
        self.at_rest(1)
    }
}

/// A bus whose two sides are used by one thread. Nothing waits.
pub(crate) trait Burst {
    /// Publishes the next `count` envelopes.
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize);

    /// Receives and reads up to `at_most` envelopes. Returns how many there were.
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

/// A bus whose handles go to one thread each.
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

    fn only_two(mut self) -> (Box<dyn Publish>, Box<dyn Subscribe>) {
        let publisher = self.publishers.pop().expect("one publisher");
        let subscriber = self.subscribers.pop().expect("one subscriber");
        (publisher, subscriber)
    }
}

/// Two threads that talk to each other.
pub(crate) struct Conversation {
    /// Asks, and waits for the answer.
    pub(crate) ask: Box<dyn FnMut(&mut Envelopes) + Send>,
    /// Waits for a question, and answers it.
    pub(crate) answer: Box<dyn FnMut(&mut Envelopes) + Send>,
}

impl Conversation {
    fn new(
        ask: impl FnMut(&mut Envelopes) + Send + 'static,
        answer: impl FnMut(&mut Envelopes) + Send + 'static,
    ) -> Self {
        Conversation {
            ask: Box::new(ask),
            answer: Box::new(answer),
        }
    }

    /// Makes a conversation of two buses, one in each direction.
    pub(crate) fn between(forth: Threads, back: Threads) -> Self {
        let (mut call, mut hear_call) = forth.only_two();
        let (mut answer, mut hear_answer) = back.only_two();
        Conversation::new(
            move |envelopes| {
                call.publish(envelopes, 1);
                hear_answer.receive(1);
            },
            move |envelopes| {
                hear_call.receive(1);
                answer.publish(envelopes, 1);
            },
        )
    }
}

/// A contestant that takes part in a cell, with what it brings.
pub(crate) struct Entrant<T> {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) brings: T,
}

/// Makes an entrant for a single cell.
fn entrant(name: &'static str, role: Role, bus: impl Burst + 'static) -> Entrant<Box<dyn Burst>> {
    Entrant {
        name,
        role,
        brings: Box::new(bus),
    }
}

/// Makes an entrant that brings anything else.
pub(crate) fn entrant_with<T>(name: &'static str, role: Role, brings: T) -> Entrant<T> {
    Entrant { name, role, brings }
}

/// The contestants that take part in a cell, and why the others do not.
pub(crate) struct Entrants<T> {
    pub(crate) present: Vec<Entrant<T>>,
    pub(crate) absent: Vec<(&'static str, Absence)>,
}

impl<T> From<Vec<Entrant<T>>> for Entrants<T> {
    fn from(present: Vec<Entrant<T>>) -> Self {
        Entrants {
            present,
            absent: Vec::new(),
        }
    }
}

/// Returns every contestant that can make what the cell needs.
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

/// Returns every contestant, in the order of the table.
fn all() -> Vec<Box<dyn Contestant>> {
    vec![
        Box::new(oxide::OWNED),
        Box::new(oxide::BY_REFERENCE),
        Box::new(oxide::DRAINED),
        Box::new(oxide::BATCHES),
        Box::new(tokio_broadcast::TokioBroadcast),
        Box::new(async_broadcast::AsyncBroadcast),
        Box::new(bus::RING),
        Box::new(fibre::RING),
        Box::new(crossbeam::FAN_OUT),
        Box::new(crossbeam::Bare),
        Box::new(flume::FAN_OUT),
        Box::new(kanal::FAN_OUT),
        Box::new(crossfire::FAN_OUT),
        Box::new(tokio_mpsc::FAN_OUT),
        Box::new(disruptor::ONE_BY_ONE),
        Box::new(disruptor::BATCH),
        Box::new(enso::ONE_BY_ONE),
        Box::new(enso::BATCH),
        Box::new(baseline::Baseline),
    ]
}

/// Does what every subscriber does with an envelope that it receives.
fn read(envelope: &Envelope) {
    std::hint::black_box(envelope.id);
}
