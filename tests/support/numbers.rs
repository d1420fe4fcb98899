//! A bus of numbers: publish some, and see what is queued.

use oxide_bus::{Bus, Envelope, Lagged, Receipt, Subscription};

pub(crate) fn publish(bus: &Bus<u64>, number: u64) -> Receipt {
    bus.publish(Envelope::new("counter", number)).unwrap()
}

pub(crate) fn publish_all(bus: &Bus<u64>, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        publish(bus, number);
    }
}

/// What is queued: numbers, and gaps where they lie.
pub(crate) fn queued(subscription: &mut Subscription<u64>) -> Vec<Result<u64, u64>> {
    subscription
        .try_iter()
        .map(|item| {
            item.map(|delivery| delivery.message)
                .map_err(|Lagged { missed }| missed)
        })
        .collect()
}
