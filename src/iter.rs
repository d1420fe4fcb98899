//! Iterators over what a subscription receives.

use std::iter::FusedIterator;

use crate::delivery::Delivery;
use crate::error::{Lagged, RecvError, TryRecvError};
use crate::message::Message;
use crate::subscription::Subscription;

/// An iterator that waits for each item; see [`Subscription::iter`].
#[derive(Debug)]
#[must_use = "iterators do nothing unless they are consumed"]
pub struct Iter<'a, M = Message> {
    pub(crate) subscription: &'a mut Subscription<M>,
}

impl<M> Iterator for Iter<'_, M> {
    type Item = Result<Delivery<M>, Lagged>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.subscription.recv() {
            Ok(delivery) => Some(Ok(delivery)),
            Err(RecvError::Lagged(lagged)) => Some(Err(lagged)),
            Err(RecvError::Disconnected | RecvError::Evicted) => None,
        }
    }
}

impl<M> FusedIterator for Iter<'_, M> {}

/// An iterator that waits for nothing; see [`Subscription::try_iter`].
#[derive(Debug)]
#[must_use = "iterators do nothing unless they are consumed"]
pub struct TryIter<'a, M = Message> {
    pub(crate) subscription: &'a mut Subscription<M>,
}

impl<M> Iterator for TryIter<'_, M> {
    type Item = Result<Delivery<M>, Lagged>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.subscription.try_recv() {
            Ok(delivery) => Some(Ok(delivery)),
            Err(TryRecvError::Lagged(lagged)) => Some(Err(lagged)),
            Err(TryRecvError::Empty | TryRecvError::Disconnected | TryRecvError::Evicted) => None,
        }
    }
}

/// An iterator that owns its subscription and waits for each item.
///
/// # Examples
///
/// ```
/// use oxide_bus::{Bus, Envelope};
///
/// let bus = Bus::<u32>::new();
/// let numbers = bus.subscribe().into_iter();
/// bus.publish_batch((1..=4).map(|number| Envelope::new("counter", number)))?;
/// drop(bus); // the end of the iteration
/// assert_eq!(numbers.flatten().map(|delivery| delivery.message).sum::<u32>(), 10);
/// # Ok::<(), oxide_bus::BatchError<u32>>(())
/// ```
#[derive(Debug)]
#[must_use = "iterators do nothing unless they are consumed"]
pub struct IntoIter<M = Message> {
    subscription: Subscription<M>,
}

impl<M> Iterator for IntoIter<M> {
    type Item = Result<Delivery<M>, Lagged>;

    fn next(&mut self) -> Option<Self::Item> {
        self.subscription.iter().next()
    }
}

impl<M> FusedIterator for IntoIter<M> {}

impl<M> IntoIterator for Subscription<M> {
    type Item = Result<Delivery<M>, Lagged>;
    type IntoIter = IntoIter<M>;

    fn into_iter(self) -> IntoIter<M> {
        IntoIter { subscription: self }
    }
}

#[expect(
    clippy::into_iter_without_iter,
    reason = "receiving changes the subscription, so its `iter` takes `&mut self` already"
)]
impl<'a, M> IntoIterator for &'a mut Subscription<M> {
    type Item = Result<Delivery<M>, Lagged>;
    type IntoIter = Iter<'a, M>;

    fn into_iter(self) -> Iter<'a, M> {
        self.iter()
    }
}
