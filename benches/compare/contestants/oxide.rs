//! This crate.

use oxide_bus::{MessageBus, Overflow, SubscribeOptions, Subscription, TryRecvError};

use super::{
    Absence, Burst, CAPACITY, Contestant, Entrant, Publish, Role, Subscribe, Threads, entrant, read,
};
use crate::run::envelopes::Envelopes;

/// How subscribers receive.
#[derive(Debug, Clone, Copy)]
enum Receiving {
    Owned,
    ByReference,
    /// All that is queued at once.
    Drained,
    /// Like `Drained`, and published as one batch.
    Batches,
}

#[derive(Debug)]
pub(crate) struct Oxide {
    name: &'static str,
    receiving: Receiving,
}

pub(crate) const OWNED: Oxide = Oxide {
    name: "oxide-bus",
    receiving: Receiving::Owned,
};

pub(crate) const BY_REFERENCE: Oxide = Oxide {
    name: "oxide-bus recv_ref",
    receiving: Receiving::ByReference,
};

pub(crate) const DRAINED: Oxide = Oxide {
    name: "oxide-bus drain",
    receiving: Receiving::Drained,
};

pub(crate) const BATCHES: Oxide = Oxide {
    name: "oxide-bus publish_batch, drain",
    receiving: Receiving::Batches,
};

const ONLY_BATCHES: Absence = "takes part in the batch cell";
const ONLY_WHOLE: Absence = "takes part where a subscriber takes all there is";

impl Contestant for Oxide {
    fn name(&self) -> &'static str {
        self.name
    }

    fn role(&self) -> Role {
        Role::Ours
    }

    fn burst(&self, subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        if let Receiving::Batches = self.receiving {
            return Err(ONLY_BATCHES);
        }
        self.batches(subscribers)
    }

    fn batches(&self, subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        let bus = MessageBus::new();
        Ok(Box::new(OneThread {
            subscribers: (0..subscribers)
                .map(|_| subscribe(&bus, Overflow::DropNewest))
                .collect(),
            bus,
            receiving: self.receiving,
        }))
    }

    fn lossy(&self, subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        self.one_by_one()?;
        self.batches(subscribers)
    }

    fn threads(&self, publishers: usize, subscribers: usize) -> Result<Threads, Absence> {
        self.one_by_one()?;
        Ok(self.handles(publishers, subscribers, Overflow::Block))
    }

    fn at_rest(&self, subscribers: usize) -> Result<Threads, Absence> {
        self.one_by_one()?;
        Ok(self.handles(1, subscribers, Overflow::DropNewest))
    }
}

impl Oxide {
    /// Fails unless subscribers receive one envelope at a time.
    fn one_by_one(&self) -> Result<(), Absence> {
        match self.receiving {
            Receiving::Owned | Receiving::ByReference => Ok(()),
            Receiving::Drained => Err(ONLY_WHOLE),
            Receiving::Batches => Err(ONLY_BATCHES),
        }
    }

    fn handles(&self, publishers: usize, subscribers: usize, overflow: Overflow) -> Threads {
        let bus = MessageBus::new();
        let subscribers: Vec<_> = (0..subscribers)
            .map(|_| Subscriber {
                subscription: subscribe(&bus, overflow),
                receiving: self.receiving,
            })
            .collect();
        Threads::new((0..publishers).map(|_| bus.clone()), subscribers)
    }
}

fn subscribe(bus: &MessageBus, overflow: Overflow) -> Subscription {
    let options = SubscribeOptions::new().capacity(CAPACITY);
    bus.subscribe_with(options.overflow(overflow))
        .expect("open")
}

impl Publish for MessageBus {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        for envelope in envelopes.take(count) {
            MessageBus::publish(self, envelope).expect("open");
        }
    }
}

/// Makes a bus with these subscriptions twice: received from by value and by reference.
pub(super) fn both_ways<I: IntoIterator<Item = SubscribeOptions>>(
    options: impl Fn() -> I,
) -> Vec<Entrant<Box<dyn Burst>>> {
    let make = |oxide: Oxide| {
        let bus = MessageBus::new();
        let subscribe = |options| bus.subscribe_with(options).expect("open");
        let one_thread = OneThread {
            subscribers: options().into_iter().map(subscribe).collect(),
            bus,
            receiving: oxide.receiving,
        };
        entrant(oxide.name, Role::Ours, one_thread)
    };
    vec![make(OWNED), make(BY_REFERENCE)]
}

struct OneThread {
    bus: MessageBus,
    subscribers: Vec<Subscription>,
    receiving: Receiving,
}

impl Burst for OneThread {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        if let Receiving::Batches = self.receiving {
            let batch = envelopes.take_whole();
            debug_assert_eq!(batch.len(), count);
            self.bus.publish_batch(batch).expect("open");
        } else {
            Publish::publish(&mut self.bus, envelopes, count);
        }
    }

    fn receive(&mut self, subscriber: usize, at_most: usize) -> usize {
        let subscription = &mut self.subscribers[subscriber];
        match self.receiving {
            Receiving::Owned => receive_owned(subscription, at_most),
            Receiving::ByReference => receive_by_reference(subscription, at_most),
            // A burst is drained as a whole, so there are never more.
            Receiving::Drained | Receiving::Batches => {
                subscription.try_recv_each(read).unwrap_or(0)
            }
        }
    }
}

pub(super) fn receive_owned(subscription: &mut Subscription, at_most: usize) -> usize {
    let mut taken = 0;
    while taken < at_most {
        match subscription.try_recv() {
            Ok(delivery) => {
                read(&delivery);
                taken += 1;
            }
            Err(TryRecvError::Lagged { .. }) => {}
            Err(_) => break,
        }
    }
    taken
}

fn receive_by_reference(subscription: &mut Subscription, at_most: usize) -> usize {
    let mut taken = 0;
    while taken < at_most {
        match subscription.try_recv_ref() {
            Ok(envelope) => {
                read(envelope);
                taken += 1;
            }
            Err(TryRecvError::Lagged { .. }) => {}
            Err(_) => break,
        }
    }
    taken
}

struct Subscriber {
    subscription: Subscription,
    receiving: Receiving,
}

impl Subscribe for Subscriber {
    fn receive(&mut self, count: usize) {
        match self.receiving {
            Receiving::Owned => {
                for _ in 0..count {
                    read(&self.subscription.recv().expect("lossless"));
                }
            }
            _ => {
                for _ in 0..count {
                    read(self.subscription.recv_ref().expect("lossless"));
                }
            }
        }
    }
}
