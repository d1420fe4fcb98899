//! The fan-out of the `enso-channel` crate: a preallocated ring, read by reference.
//!
//! It does less than the others: the number of subscribers is fixed when it is compiled, and nobody waits. So it takes
//! part where one thread does everything.

use enso_channel::fanout::{Receiver, Sender, channel};
use enso_channel::{ChanReadRefs, ChanReceiver, ChanSender, ChanWritePermit, ChanWritePermits};
use oxide_bus::Envelope;

use super::{Absence, Burst, CAPACITY, Contestant, Role, Threads, read};
use crate::run::envelopes::Envelopes;

/// A place in the ring, empty until its first use.
type Slot = Option<Envelope>;

#[derive(Debug)]
pub(crate) struct Enso {
    name: &'static str,
    in_batches: bool,
}

pub(crate) const ONE_BY_ONE: Enso = Enso {
    name: "enso-channel",
    in_batches: false,
};

pub(crate) const BATCH: Enso = Enso {
    name: "enso-channel try_send_at_most",
    in_batches: true,
};

const ONLY_BATCHES: Absence = "takes part in the batch cell";
const FIXED: Absence = "how many subscribers there are is fixed when it is compiled";

impl Contestant for Enso {
    fn name(&self) -> &'static str {
        self.name
    }

    fn role(&self) -> Role {
        Role::Reference
    }

    fn burst(&self, subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        if self.in_batches {
            return Err(ONLY_BATCHES);
        }
        self.batches(subscribers)
    }

    fn batches(&self, subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        Ok(match subscribers {
            1 => self.one_thread::<1>(),
            4 => self.one_thread::<4>(),
            16 => self.one_thread::<16>(),
            64 => self.one_thread::<64>(),
            256 => self.one_thread::<256>(),
            _ => return Err(FIXED),
        })
    }

    fn lossy(&self, _subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        if self.in_batches {
            return Err(ONLY_BATCHES);
        }
        Err("a full subscriber stops the publisher, for all")
    }

    fn threads(&self, _publishers: usize, _subscribers: usize) -> Result<Threads, Absence> {
        if self.in_batches {
            return Err(ONLY_BATCHES);
        }
        Err("nobody waits")
    }
}

impl Enso {
    fn one_thread<const N: usize>(&self) -> Box<dyn Burst> {
        let (sender, receivers) = channel::<N, Slot>(CAPACITY).expect("a power of two");
        Box::new(OneThread {
            sender,
            receivers,
            in_batches: self.in_batches,
        })
    }
}

struct OneThread<const N: usize> {
    sender: Sender<N, Slot>,
    receivers: [Receiver<Slot>; N],
    in_batches: bool,
}

impl<const N: usize> Burst for OneThread<N> {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        let envelopes = envelopes.take(count);
        if self.in_batches {
            let permits = self.sender.try_send_at_most(count, |_: &mut Slot| ());
            let mut permits = permits.expect("all have room");
            for envelope in envelopes {
                permits.next().expect("room").write(Some(envelope));
            }
            permits.commit();
        } else {
            for envelope in envelopes {
                let sent = self.sender.try_send(Some(envelope));
                assert!(sent.is_ok(), "all have room");
            }
        }
    }

    fn receive(&mut self, subscriber: usize, at_most: usize) -> usize {
        let Ok(slots) = self.receivers[subscriber].try_recv_at_most(at_most) else {
            return 0;
        };
        let taken = slots.len();
        slots.iter().flatten().for_each(read);
        slots.finish();
        taken
    }
}
