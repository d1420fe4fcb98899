//! The answers to a request that takes several.

use std::fmt;
use std::task::Poll;

use super::Asked;
use crate::engine::receipt::Receipt;
use crate::message::kernel::Message;
use crate::queue::delivery::Delivery;
use crate::support::clock;

/// The answers to one request, made by [`Publisher::request_many`](crate::Publisher::request_many).
///
/// The iterator waits for each answer. It ends at the time-out or when the bus closes, after the answers that came
/// before. It keeps up to 128 answers that were not taken yet. An answer that finds no room goes to subscribers only,
/// and is [counted](Replies::dropped).
///
/// It does not keep the bus open. Until it is dropped, it counts as a pending request; dropping it leaves nothing
/// behind.
#[must_use = "the answers come here"]
pub struct Replies<M = Message> {
    asked: Asked<M>,
    receipt: Receipt,
}

impl<M> Replies<M> {
    pub(super) fn new(asked: Asked<M>, receipt: Receipt) -> Self {
        Replies { asked, receipt }
    }

    /// The receipt of the request. [`delivered`](Receipt::delivered) is how many subscribers have it.
    pub fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// How many answers found no room here.
    pub fn dropped(&self) -> u64 {
        self.asked.dropped()
    }
}

impl<M> Iterator for Replies<M> {
    type Item = Delivery<M>;

    fn next(&mut self) -> Option<Delivery<M>> {
        let is_late = (self.asked.deadline()).is_some_and(|deadline| deadline <= clock::now());
        if !is_late && let Poll::Ready(answered) = self.asked.wait() {
            return answered.ok();
        }
        // Takes what has come and nothing more: else it would not end while answers go on coming.
        self.asked.close();
        match self.asked.try_take() {
            Poll::Ready(answered) => answered.ok(),
            Poll::Pending => None,
        }
    }
}

impl<M> fmt::Debug for Replies<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies")
            .field("receipt", &self.receipt)
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}
