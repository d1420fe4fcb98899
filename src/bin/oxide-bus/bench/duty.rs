//! A subscriber's duty for each envelope that it receives: nothing, work, or a publish of its own.

use std::hint::spin_loop;
use std::time::{Duration, Instant};

use oxide_bus::{Draft, Envelope, Publisher};

use super::payload::{Address, BenchLoad};
use super::sent::Sent;

/// What a subscriber does with each envelope.
pub(super) enum Duty {
    /// It drops it.
    Listen,
    /// It works this long.
    Work(Duration),
    /// It publishes the same for the next stage.
    PassOn(Publisher<BenchLoad>, u16, Address),
    /// It publishes the same as an answer.
    Answer(Publisher<BenchLoad>, u16),
}

impl Duty {
    /// Returns whether the time of an envelope ends here, because nothing comes after it.
    pub(super) fn times(&self) -> bool {
        matches!(self, Duty::Listen | Duty::Work(_))
    }

    /// Returns the counts of what it publishes for other subscribers.
    pub(super) fn passes_on(&self) -> Option<Sent> {
        match self {
            Duty::PassOn(_, number, address) => Some(Sent::begin(*number, *address)),
            _ => None,
        }
    }

    /// Performs the duty. Returns what to publish then, and by which publisher.
    pub(super) fn perform(
        &self,
        envelope: &Envelope<BenchLoad>,
    ) -> Option<(Draft<BenchLoad>, &Publisher<BenchLoad>)> {
        let load = |publisher, address: Address, published| {
            Draft::new(BenchLoad {
                publisher,
                target: address.of(0),
                published,
                bytes: envelope.message.bytes.clone(),
            })
        };
        match self {
            Duty::Listen => None,
            Duty::Work(time) => {
                let began = Instant::now();
                while began.elapsed() < *time {
                    spin_loop();
                }
                None
            }
            Duty::PassOn(publisher, number, address) => Some((
                load(*number, *address, envelope.message.published),
                publisher,
            )),
            Duty::Answer(publisher, number) => {
                let answer = load(*number, Address::All, None);
                Some((answer.with_correlation_id(envelope.id), publisher))
            }
        }
    }
}
