//! The bus that carries the advisories of another bus.
//!
//! It is made for the first subscription to advisories, so a bus without one pays next to nothing.

use std::sync::{Arc, OnceLock};

use super::BusState;
use crate::engine::attempt::Limit;
use crate::engine::notices::AdvisorySink;
use crate::message::advisory::Advisory;
use crate::message::envelope::Envelope;
use crate::message::source::Source;
use crate::support::wait_list::Waking;

/// The state of the bus that carries advisories, once there is one; `None` if the other bus had closed before. The cell
/// is not that of [`sync`](crate::support::sync), since no model subscribes to advisories.
#[derive(Default)]
pub(crate) struct Advisories {
    carrier: OnceLock<Option<Carrier>>,
    /// How its threads will be woken.
    waking: Waking,
}

struct Carrier {
    bus: Arc<BusState<Advisory>>,
    source: Source,
}

impl Advisories {
    pub(crate) fn new(waking: Waking) -> Self {
        Advisories {
            waking,
            ..Self::default()
        }
    }

    /// Returns the bus that carries the advisories; a closed one if the other bus has closed.
    pub(crate) fn bus(&self) -> Arc<BusState<Advisory>> {
        let carrier = self.carrier.get_or_init(|| {
            Some(Carrier {
                bus: Arc::new(BusState::silent(self.waking)),
                source: Source::from("bus"),
            })
        });
        if let Some(carrier) = carrier {
            return Arc::clone(&carrier.bus);
        }
        let closed = Arc::new(BusState::silent(self.waking));
        closed.close();
        closed
    }

    fn carrier(&self) -> Option<&Carrier> {
        let carrier = self.carrier.get()?.as_ref()?;
        (carrier.bus.core.subscriber_count() > 0).then_some(carrier)
    }
}

impl AdvisorySink for Advisories {
    fn listens(&self) -> bool {
        self.carrier().is_some()
    }

    fn record(&self, advisory: &Advisory) {
        let Some(Carrier { bus, source }) = self.carrier() else {
            return;
        };
        let mut envelope = Some(Envelope::new(source, advisory.clone()));
        // A refusal means that the bus has closed meanwhile: then everything was reported.
        let _closed = bus.core.publish(&mut envelope, Limit::Theirs);
    }

    fn close(&self) {
        if let Some(carrier) = self.carrier.get_or_init(|| None) {
            carrier.bus.close();
        }
    }
}
