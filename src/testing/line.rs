//! An envelope in one line, for messages that a person reads.

use std::fmt::Debug;

use crate::message::excerpt;
use crate::message::subject::Payload;
use crate::queue::delivery::Delivery;
use crate::support::visible::escaped;

/// Returns its source, and its subject if it has one: `#4 order.placed from shop`.
pub(super) fn address<M: Payload>(delivery: &Delivery<M>) -> String {
    let sequence = delivery.sequence();
    let source = escaped(excerpt::name(&delivery.source).chars());
    match excerpt::subject(&delivery.message) {
        Some(subject) => format!("#{sequence} {subject} from {source}"),
        None => format!("#{sequence} from {source}"),
    }
}

/// Returns the address and the payload: `#4 order.placed from shop: Placed { order: 7 }`.
pub(super) fn whole<M: Payload + Debug>(delivery: &Delivery<M>) -> String {
    let message = format!("{:?}", delivery.message);
    let message = escaped(excerpt::name(&message).chars());
    format!("{}: {message}", address(delivery))
}
