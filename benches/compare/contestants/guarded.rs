//! Publishing under a capability, in every possible way, beside publishing without.

use oxide_bus::{Capability, MessageBus, Publisher, Subscription};

use super::baseline::{self, CAPABILITY, Guard};
use super::oxide::receive_owned;
use super::{Burst, Entrant, Role, entrant};
use crate::run::envelopes::Envelopes;

/// Makes a bus for each way, so that all have the same number of subscribers.
pub(crate) fn guarded(subscribers: usize) -> Vec<Entrant<Box<dyn Burst>>> {
    let ours = |name, right: fn(&MessageBus, Capability) -> Right| {
        let bus = MessageBus::new();
        let capability = Capability::new(CAPABILITY);
        bus.grant(&capability).expect("granted");
        let guarded = Guarded {
            right: right(&bus, capability),
            subscriptions: (0..subscribers).map(|_| bus.subscribe()).collect(),
            bus,
        };
        entrant(name, Role::Ours, guarded)
    };
    let baseline = |name, guard| {
        let bus = baseline::OneThread::new(subscribers, guard);
        entrant(name, Role::Baseline, bus)
    };
    vec![
        ours("oxide-bus publish", |_, _| Right::Root),
        ours("oxide-bus Publisher", |bus, capability| {
            Right::Publisher(bus.publisher("thermometer", capability))
        }),
        ours("oxide-bus by capability", |_, capability| {
            Right::Capability(capability)
        }),
        baseline("baseline publish", Guard::None),
        baseline("baseline by capability", Guard::Capability),
    ]
}

/// The right to publish.
enum Right {
    Root,
    Publisher(Publisher),
    Capability(Capability),
}

struct Guarded {
    bus: MessageBus,
    right: Right,
    subscriptions: Vec<Subscription>,
}

impl Burst for Guarded {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        match &self.right {
            Right::Root => {
                for envelope in envelopes.take(count) {
                    self.bus.publish(envelope).expect("open");
                }
            }
            Right::Publisher(publisher) => {
                for message in envelopes.take_messages(count) {
                    publisher.publish(message).expect("granted");
                }
            }
            Right::Capability(capability) => {
                for envelope in envelopes.take(count) {
                    let published = self.bus.publish_with_capability(envelope, capability);
                    published.expect("granted");
                }
            }
        }
    }

    fn receive(&mut self, subscriber: usize, at_most: usize) -> usize {
        receive_owned(&mut self.subscriptions[subscriber], at_most)
    }
}
