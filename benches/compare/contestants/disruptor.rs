//! The `disruptor` crate: a preallocated ring, read by reference, in batches of whatever is there.
//!
//! It does less than the others: no subscriber owns what it receives, none joins or leaves, and none sleeps. Its own
//! wait strategy keeps a core busy for each thread. Here both sides spin a little and then yield, because with more
//! threads than cores pure spinning measures the scheduler.

use std::{hint, thread};

use disruptor::{
    BusySpin, EventPoller, MultiProducerBarrier, Polling, Producer, SingleProducerBarrier,
    build_multi_producer, build_single_producer,
};
use oxide_bus::Envelope;

use super::{Absence, Burst, CAPACITY, Contestant, Publish, Role, Subscribe, Threads, read};
use crate::run::envelopes::Envelopes;

/// A place in the ring, empty until its first use.
type Slot = Option<Envelope>;

#[derive(Debug)]
pub(crate) struct Disruptor {
    name: &'static str,
    in_batches: bool,
}

pub(crate) const ONE_BY_ONE: Disruptor = Disruptor {
    name: "disruptor",
    in_batches: false,
};

pub(crate) const BATCH: Disruptor = Disruptor {
    name: "disruptor batch_publish",
    in_batches: true,
};

const ONLY_BATCHES: Absence = "takes part in the batch cell";

impl Contestant for Disruptor {
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
        let (producer, pollers) = single(subscribers);
        Ok(Box::new(OneThread {
            producer,
            pollers,
            in_batches: self.in_batches,
        }))
    }

    fn lossy(&self, _subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        if self.in_batches {
            return Err(ONLY_BATCHES);
        }
        Err("a full subscriber stops the publisher, for all")
    }

    fn at_rest(&self, _subscribers: usize) -> Result<Threads, Absence> {
        if self.in_batches {
            return Err(ONLY_BATCHES);
        }
        Err("nobody sleeps")
    }

    fn latency(&self) -> Result<Threads, Absence> {
        self.threads(1, 1)
    }

    fn threads(&self, publishers: usize, subscribers: usize) -> Result<Threads, Absence> {
        if self.in_batches {
            return Err(ONLY_BATCHES);
        }
        if publishers == 1 {
            let (producer, pollers) = single(subscribers);
            let publisher = Publisher(producer);
            return Ok(Threads::new(
                [publisher],
                pollers.into_iter().map(Subscriber),
            ));
        }
        let mut builder =
            build_multi_producer(CAPACITY, Slot::default, BusySpin).with_multi_consumer();
        let mut pollers = Vec::with_capacity(subscribers);
        for _ in 0..subscribers {
            let (poller, next): (EventPoller<Slot, MultiProducerBarrier>, _) =
                builder.new_event_poller();
            pollers.push(poller);
            builder = next;
        }
        let producer = builder.build();
        let publishers = (0..publishers).map(|_| Publisher(producer.clone()));
        Ok(Threads::new(
            publishers,
            pollers.into_iter().map(Subscriber),
        ))
    }
}

type Poller = EventPoller<Slot, SingleProducerBarrier>;

fn single(subscribers: usize) -> (impl Producer<Slot> + Send + 'static, Vec<Poller>) {
    let mut builder =
        build_single_producer(CAPACITY, Slot::default, BusySpin).with_multi_consumer();
    let mut pollers = Vec::with_capacity(subscribers);
    for _ in 0..subscribers {
        let (poller, next) = builder.new_event_poller();
        pollers.push(poller);
        builder = next;
    }
    (builder.build(), pollers)
}

/// Spins a little, then yields the core.
fn wait(turns: &mut u32) {
    *turns += 1;
    if *turns < 128 {
        hint::spin_loop();
    } else {
        thread::yield_now();
    }
}

struct Publisher<P>(P);

impl<P: Producer<Slot> + Send> Publish for Publisher<P> {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        for envelope in envelopes.take(count) {
            let mut turns = 0;
            let mut envelope = Some(envelope);
            while self.0.try_publish(|slot| *slot = envelope.take()).is_err() {
                wait(&mut turns);
            }
        }
    }
}

struct Subscriber<B>(EventPoller<Slot, B>);

macro_rules! subscribe {
    ($barrier:ty) => {
        impl Subscribe for Subscriber<$barrier> {
            fn receive(&mut self, count: usize) {
                let mut taken = 0;
                let mut turns = 0;
                while taken < count {
                    match self.0.take((count - taken) as u64) {
                        Ok(mut slots) => {
                            for slot in &mut slots {
                                slot.as_ref().map(read);
                                taken += 1;
                            }
                            turns = 0;
                        }
                        Err(Polling::NoEvents) => wait(&mut turns),
                        Err(Polling::Shutdown) => panic!("the publisher is still there"),
                    }
                }
            }
        }
    };
}

// The trait that would make this generic is private to the crate.
subscribe!(SingleProducerBarrier);
subscribe!(MultiProducerBarrier);

struct OneThread<P> {
    producer: P,
    pollers: Vec<Poller>,
    in_batches: bool,
}

impl<P: Producer<Slot>> Burst for OneThread<P> {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        if self.in_batches {
            self.producer.batch_publish(count, |slots| {
                for (slot, envelope) in slots.zip(envelopes.take(count)) {
                    *slot = Some(envelope);
                }
            });
        } else {
            for envelope in envelopes.take(count) {
                self.producer.publish(|slot| *slot = Some(envelope));
            }
        }
    }

    fn receive(&mut self, subscriber: usize, at_most: usize) -> usize {
        let Ok(mut slots) = self.pollers[subscriber].take(at_most as u64) else {
            return 0;
        };
        let mut taken = 0;
        for slot in &mut slots {
            slot.as_ref().map(read);
            taken += 1;
        }
        taken
    }
}
