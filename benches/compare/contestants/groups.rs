//! Threads that share the work: each envelope goes to one of them.

use oxide_bus::{Envelope, MessageBus, Overflow, RecvError, SubscribeOptions, Subscription};

use super::async_channel::AsyncChannel;
use super::channel::{Channel, Named, Receiving, Sending};
use super::crossbeam::Crossbeam;
use super::crossfire::Crossfire;
use super::flume::Flume;
use super::kanal::Kanal;
use super::{CAPACITY, Entrant, Publish, Role, entrant_with, read};

/// Publishers, and the members that share what they publish.
pub(crate) struct Group {
    pub(crate) publishers: Vec<Box<dyn Publish>>,
    pub(crate) members: Vec<Box<dyn Work>>,
}

/// A member with a thread of its own.
pub(crate) trait Work: Send {
    /// Receives and reads until all publishers are gone. Returns how many envelopes there were.
    fn work(&mut self) -> usize;
}

/// Makes a group with this many publishers and members.
type Make = fn(usize, usize) -> Group;

pub(crate) fn groups() -> Vec<Entrant<Make>> {
    fn channel<C: Named + Channel<Envelope>>() -> Entrant<Make>
    where
        C::Receiver: Clone,
    {
        entrant_with(C::NAME, Role::Peer, one_channel::<C> as Make)
    }
    vec![
        entrant_with("oxide-bus", Role::Ours, |publishers, members| {
            ours(publishers, members, |subscription| {
                subscription.recv().map(|delivery| read(&delivery))
            })
        }),
        entrant_with("oxide-bus recv_ref", Role::Ours, |publishers, members| {
            ours(publishers, members, |subscription| {
                subscription.recv_ref().map(read)
            })
        }),
        channel::<Crossbeam>(),
        channel::<Crossfire>(),
        channel::<Flume>(),
        channel::<Kanal>(),
        channel::<AsyncChannel>(),
    ]
}

impl Group {
    fn new<P, W>(publishers: Vec<P>, members: impl Iterator<Item = W>) -> Self
    where
        P: Publish + 'static,
        W: Work + 'static,
    {
        Group {
            publishers: publishers.into_iter().map(|p| Box::new(p) as _).collect(),
            members: members.map(|m| Box::new(m) as _).collect(),
        }
    }
}

/// Receives and reads one envelope.
type Receive = fn(&mut Subscription) -> Result<(), RecvError>;

fn ours(publishers: usize, members: usize, receive: Receive) -> Group {
    let bus = MessageBus::new();
    let options = SubscribeOptions::new()
        .capacity(CAPACITY)
        .overflow(Overflow::Block)
        .group("workers");
    let members: Vec<_> = (0..members)
        .map(|_| Member {
            subscription: bus.subscribe_with(options.clone()).expect("open"),
            receive,
        })
        .collect();
    Group::new(vec![bus; publishers], members.into_iter())
}

struct Member {
    subscription: Subscription,
    receive: Receive,
}

impl Work for Member {
    fn work(&mut self) -> usize {
        let mut taken = 0;
        while (self.receive)(&mut self.subscription).is_ok() {
            taken += 1;
        }
        taken
    }
}

/// Makes a group around one channel for many senders and many receivers.
fn one_channel<C: Channel<Envelope>>(publishers: usize, members: usize) -> Group
where
    C::Receiver: Clone,
{
    let (sender, receiver) = C::bounded(CAPACITY);
    let publishers = vec![sender; publishers].into_iter().map(Sending::<C>);
    let members = vec![receiver; members].into_iter().map(Receiving::<C>);
    Group::new(publishers.collect(), members)
}

impl<C: Channel<Envelope>> Work for Receiving<C> {
    fn work(&mut self) -> usize {
        let mut taken = 0;
        while let Some(envelope) = C::receive(&mut self.0) {
            read(&envelope);
            taken += 1;
        }
        taken
    }
}
