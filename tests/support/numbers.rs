//! A bus of numbers: publish some, and see what is queued.

use oxide_bus::{Bus, Envelope, Receipt, RecvError, Subscription};

pub(crate) fn publish(bus: &Bus<u64>, number: u64) -> Receipt {
    bus.publish(Envelope::new("counter", number)).unwrap()
}

pub(crate) fn publish_all(bus: &Bus<u64>, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        publish(bus, number);
    }
}

/// Returns what is queued: numbers, and gaps where they lie. An eviction counts as neither.
pub(crate) fn queued(subscription: &mut Subscription<u64>) -> Vec<Result<u64, u64>> {
    subscription
        .try_iter()
        .filter_map(|item| match item {
            Ok(delivery) => Some(Ok(delivery.message)),
            Err(RecvError::Lagged { missed: lost }) => Some(Err(lost)),
            Err(RecvError::Evicted | RecvError::Disconnected) => None,
        })
        .collect()
}
