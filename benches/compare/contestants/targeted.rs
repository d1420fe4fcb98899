//! Commands to one of many modules, each of which listens to its own.
//!
//! A contestant without patterns delivers every command to every module, which discards commands for others.

use std::sync::Arc;

use oxide_bus::kernel::{Command, Message};
use oxide_bus::{Envelope, SubscribeOptions};
use tokio::sync::broadcast::{Receiver, Sender};

use super::{
    Burst, CAPACITY, Entrant, Publish, Role, baseline, entrant, oxide, read, tokio_broadcast,
};
use crate::run::envelopes::{Envelopes, module_id};

pub(crate) fn targeted(modules: usize) -> Vec<Entrant<Box<dyn Burst>>> {
    let options = |index| {
        let pattern = format!("command.*.{}", module_id(index));
        SubscribeOptions::new().capacity(CAPACITY).pattern(pattern)
    };
    let mut entrants = oxide::both_ways(|| (0..modules).map(options));
    entrants.push(entrant(
        tokio_broadcast::NAME,
        Role::Peer,
        TokioBroadcast::new(modules),
    ));
    entrants.push(entrant(
        baseline::NAME,
        Role::Baseline,
        Baseline::new(modules),
    ));
    entrants
}

/// Returns the ids of all modules, to compare with.
fn module_ids(modules: usize) -> Vec<String> {
    (0..modules).map(module_id).collect()
}

/// Reads the envelope if it is for this module.
fn accept(envelope: &Envelope, own_id: &str) -> bool {
    let own = matches!(
        &envelope.message,
        Message::Command(Command::Stop { module_id }) if module_id == own_id
    );
    if own {
        read(envelope);
    }
    own
}

struct TokioBroadcast {
    sender: Sender<Arc<Envelope>>,
    receivers: Vec<Receiver<Arc<Envelope>>>,
    module_ids: Vec<String>,
}

impl TokioBroadcast {
    fn new(modules: usize) -> Self {
        let sender = Sender::new(CAPACITY);
        TokioBroadcast {
            receivers: (0..modules).map(|_| sender.subscribe()).collect(),
            sender,
            module_ids: module_ids(modules),
        }
    }
}

impl Burst for TokioBroadcast {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        Publish::publish(&mut self.sender, envelopes, count);
    }

    fn receive(&mut self, subscriber: usize, at_most: usize) -> usize {
        let own_id = &self.module_ids[subscriber];
        let receiver = &mut self.receivers[subscriber];
        let mut taken = 0;
        while taken < at_most
            && let Ok(envelope) = receiver.try_recv()
        {
            taken += usize::from(accept(&envelope, own_id));
        }
        taken
    }
}

struct Baseline {
    bus: baseline::OneThread,
    module_ids: Vec<String>,
}

impl Baseline {
    fn new(modules: usize) -> Self {
        Baseline {
            bus: baseline::OneThread::new(modules, baseline::Guard::None),
            module_ids: module_ids(modules),
        }
    }
}

impl Burst for Baseline {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        self.bus.publish(envelopes, count);
    }

    fn receive(&mut self, subscriber: usize, at_most: usize) -> usize {
        let own_id = &self.module_ids[subscriber];
        let receiver = &mut self.bus.receivers[subscriber];
        let mut taken = 0;
        while taken < at_most
            && let Ok(envelope) = receiver.try_recv()
        {
            taken += usize::from(accept(&envelope, own_id));
        }
        taken
    }
}
