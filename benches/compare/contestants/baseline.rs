//! The baseline: the design of the message bus of the `oxide-k` crate, written anew.
//!
//! It keeps a list of tokio mpsc senders behind an async lock. Every publish takes the lock for writing and rebuilds
//! the list, and makes a deep clone for every subscriber: in that design an envelope owns its source. Its ids and times
//! cost more there than here. That is left out, because all contestants publish the same envelopes.

use std::collections::HashSet;
use std::sync::Arc;

use oxide_bus::{Envelope, Source};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::RwLock;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::channel::receive_up_to;
use super::{Absence, Burst, CAPACITY, Contestant, Publish, Role, Subscribe, Threads, read};
use crate::run::envelopes::Envelopes;

pub(super) const NAME: &str = "baseline";

#[derive(Debug)]
pub(crate) struct Baseline;

impl Contestant for Baseline {
    fn name(&self) -> &'static str {
        NAME
    }

    fn role(&self) -> Role {
        Role::Baseline
    }

    fn burst(&self, subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        Ok(Box::new(OneThread::new(subscribers, Guard::None)))
    }

    fn threads(&self, publishers: usize, subscribers: usize) -> Result<Threads, Absence> {
        let (bus, receivers) = BaselineBus::new(subscribers);
        let bus = Arc::new(bus);
        let publishers = (0..publishers).map(|_| Publisher {
            bus: Arc::clone(&bus),
            runtime: runtime(),
        });
        Ok(Threads::new(publishers, receivers))
    }
}

pub(super) const CAPABILITY: &str = "thermometer:report";

/// Whether a publish is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    None,
    Capability,
}

pub(crate) struct BaselineBus {
    subscribers: RwLock<Vec<Sender<Envelope>>>,
    granted: RwLock<HashSet<String>>,
}

impl BaselineBus {
    pub(super) fn new(subscribers: usize) -> (Self, Vec<Receiver<Envelope>>) {
        let (senders, receivers) = (0..subscribers).map(|_| channel(CAPACITY)).unzip();
        let bus = BaselineBus {
            subscribers: RwLock::new(senders),
            granted: RwLock::new(HashSet::from([CAPABILITY.to_owned()])),
        };
        (bus, receivers)
    }

    pub(super) async fn publish(&self, envelope: Envelope) {
        let mut subscribers = self.subscribers.write().await;
        let mut alive = Vec::with_capacity(subscribers.len());
        for sender in subscribers.drain(..) {
            if sender.is_closed() {
                continue;
            }
            match sender.try_send(deep_clone(&envelope)) {
                Ok(()) | Err(TrySendError::Full(_)) => alive.push(sender),
                Err(TrySendError::Closed(_)) => {}
            }
        }
        *subscribers = alive;
    }

    async fn publish_with_capability(&self, envelope: Envelope, capability: &str) {
        let granted = self.granted.read().await.contains(capability);
        assert!(granted, "granted when the bus was made");
        self.publish(envelope).await;
    }

    /// Waits for room. The original drops the envelope. This is the smallest change that avoids it.
    async fn publish_lossless(&self, envelope: Envelope) {
        let subscribers = self.subscribers.write().await;
        for sender in subscribers.iter() {
            let sent = sender.send(deep_clone(&envelope)).await;
            sent.expect("connected");
        }
    }
}

fn deep_clone(envelope: &Envelope) -> Envelope {
    let mut copy = envelope.clone();
    copy.source = Source::from(envelope.source.as_str());
    copy
}

/// Makes a runtime, which a thread runs for as long as it publishes.
fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

struct Publisher {
    bus: Arc<BaselineBus>,
    runtime: Runtime,
}

impl Publish for Publisher {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        self.runtime.block_on(async {
            for envelope in envelopes.take(count) {
                self.bus.publish_lossless(envelope).await;
            }
        });
    }
}

impl Subscribe for Receiver<Envelope> {
    fn receive(&mut self, count: usize) {
        for _ in 0..count {
            read(&self.blocking_recv().expect("connected"));
        }
    }
}

pub(super) struct OneThread {
    bus: BaselineBus,
    pub(super) receivers: Vec<Receiver<Envelope>>,
    guard: Guard,
    runtime: Runtime,
}

impl OneThread {
    pub(super) fn new(subscribers: usize, guard: Guard) -> Self {
        let (bus, receivers) = BaselineBus::new(subscribers);
        OneThread {
            bus,
            receivers,
            guard,
            runtime: runtime(),
        }
    }
}

impl Burst for OneThread {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        self.runtime.block_on(async {
            for envelope in envelopes.take(count) {
                match self.guard {
                    Guard::None => self.bus.publish(envelope).await,
                    Guard::Capability => {
                        (self.bus.publish_with_capability(envelope, CAPABILITY)).await;
                    }
                }
            }
        });
    }

    fn receive(&mut self, subscriber: usize, at_most: usize) -> usize {
        let receiver = &mut self.receivers[subscriber];
        receive_up_to(at_most, || receiver.try_recv().ok())
    }
}
