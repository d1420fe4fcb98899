//! A bus with many subscribers, while others subscribe and leave again.

use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use async_broadcast::broadcast;
use oxide_bus::{Envelope, MessageBus, SubscribeOptions, Subscription};
use tokio::sync::broadcast as tokio_channel;

use super::channel::Channel;
use super::crossbeam::Crossbeam;
use super::{CAPACITY, Entrant, Role, Shared, async_broadcast as async_peer, entrant_with};
use super::{oxide, tokio_broadcast};

/// A bus used by two threads: one publishes, and on the other subscribers come and go.
pub(crate) trait Crowd: Send + Sync {
    fn publish(&self, envelope: Envelope);
    /// Subscribes one more and lets it leave.
    fn come_and_go(&self);
    /// Lets those that stay receive what they have. Returns the total of their envelopes.
    fn receive(&mut self) -> usize;
}

pub(crate) fn crowds(subscribers: usize) -> Vec<Entrant<Box<dyn Crowd>>> {
    fn peer(name: &'static str, crowd: impl Crowd + 'static) -> Entrant<Box<dyn Crowd>> {
        entrant_with(name, Role::Peer, Box::new(crowd))
    }
    vec![
        entrant_with(
            "oxide-bus",
            Role::Ours,
            Box::new(Oxide::new(subscribers)) as Box<dyn Crowd>,
        ),
        peer(tokio_broadcast::NAME, TokioBroadcast::new(subscribers)),
        peer(async_peer::NAME, AsyncBroadcast::new(subscribers)),
        peer(
            "crossbeam fan-out behind arc-swap",
            FanOut::new(subscribers),
        ),
    ]
}

struct Oxide {
    bus: MessageBus,
    subscriptions: Vec<Subscription>,
}

fn subscribe(bus: &MessageBus) -> Subscription {
    let options = SubscribeOptions::new().capacity(CAPACITY);
    bus.subscribe_with(options).expect("open")
}

impl Oxide {
    fn new(subscribers: usize) -> Self {
        let bus = MessageBus::new();
        Oxide {
            subscriptions: (0..subscribers).map(|_| subscribe(&bus)).collect(),
            bus,
        }
    }
}

impl Crowd for Oxide {
    fn publish(&self, envelope: Envelope) {
        self.bus.publish(envelope).expect("open");
    }

    fn come_and_go(&self) {
        drop(subscribe(&self.bus));
    }

    fn receive(&mut self) -> usize {
        let subscriptions = self.subscriptions.iter_mut();
        let received = subscriptions.map(|it| oxide::receive_owned(it, usize::MAX));
        received.sum()
    }
}

struct TokioBroadcast {
    sender: tokio_channel::Sender<Shared>,
    receivers: Vec<tokio_channel::Receiver<Shared>>,
}

impl TokioBroadcast {
    fn new(subscribers: usize) -> Self {
        let sender = tokio_channel::Sender::new(CAPACITY);
        TokioBroadcast {
            receivers: (0..subscribers).map(|_| sender.subscribe()).collect(),
            sender,
        }
    }
}

impl Crowd for TokioBroadcast {
    fn publish(&self, envelope: Envelope) {
        self.sender.send(Shared::new(envelope)).expect("subscribed");
    }

    fn come_and_go(&self) {
        drop(self.sender.subscribe());
    }

    fn receive(&mut self) -> usize {
        let receivers = self.receivers.iter_mut();
        count(receivers.map(|it| || it.try_recv().ok()))
    }
}

struct AsyncBroadcast {
    sender: ::async_broadcast::Sender<Shared>,
    receivers: Vec<::async_broadcast::Receiver<Shared>>,
}

impl AsyncBroadcast {
    fn new(subscribers: usize) -> Self {
        let (sender, first) = broadcast(CAPACITY);
        AsyncBroadcast {
            sender,
            receivers: vec![first; subscribers],
        }
    }
}

impl Crowd for AsyncBroadcast {
    fn publish(&self, envelope: Envelope) {
        let sent = self.sender.try_broadcast(Shared::new(envelope));
        sent.expect("all have room");
    }

    fn come_and_go(&self) {
        drop(self.sender.new_receiver());
    }

    fn receive(&mut self) -> usize {
        let receivers = self.receivers.iter_mut();
        count(receivers.map(|it| || it.try_recv().ok()))
    }
}

/// A list of channels that is replaced as a whole.
struct FanOut {
    senders: ArcSwap<Vec<(u64, Sender)>>,
    next_id: AtomicU64,
    receivers: Vec<Receiver>,
}

type Sender = <Crossbeam as Channel<Shared>>::Sender;
type Receiver = <Crossbeam as Channel<Shared>>::Receiver;

impl FanOut {
    fn new(subscribers: usize) -> Self {
        let channel = |id| {
            let (sender, receiver) = Crossbeam::bounded(CAPACITY);
            ((id, sender), receiver)
        };
        let ids = 0..subscribers as u64;
        let (senders, receivers): (Vec<_>, _) = ids.map(channel).unzip();
        FanOut {
            senders: ArcSwap::from_pointee(senders),
            next_id: AtomicU64::new(subscribers as u64),
            receivers,
        }
    }
}

impl Crowd for FanOut {
    fn publish(&self, envelope: Envelope) {
        let envelope = Shared::new(envelope);
        for (_, sender) in self.senders.load().iter() {
            Crossbeam::try_send(sender, Shared::clone(&envelope));
        }
    }

    fn come_and_go(&self) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed); // only a unique number
        let (sender, _receiver): (Sender, Receiver) = Crossbeam::bounded(CAPACITY);
        self.senders.rcu(|senders| {
            let mut more = Vec::with_capacity(senders.len() + 1);
            more.extend_from_slice(senders);
            more.push((id, sender.clone()));
            more
        });
        self.senders.rcu(|senders| {
            let others = senders.iter().filter(|(other, _)| *other != id);
            others.cloned().collect::<Vec<_>>()
        });
    }

    fn receive(&mut self) -> usize {
        let receivers = self.receivers.iter_mut();
        count(receivers.map(|it| || Crossbeam::try_receive(it)))
    }
}

/// Counts the envelopes of all these receivers.
fn count<F: FnMut() -> Option<Shared>>(receivers: impl Iterator<Item = F>) -> usize {
    let all = receivers.map(|receive| std::iter::from_fn(receive).count());
    all.sum()
}
