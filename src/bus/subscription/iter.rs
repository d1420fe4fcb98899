//! Iterators over what a subscription receives: those of [`iter`](Subscription::iter) and
//! [`try_iter`](Subscription::try_iter), and the owned one.
//!
//! ```
//! use oxide_bus::{Bus, Envelope, iter};
//!
//! let bus = Bus::<u32>::new();
//! let numbers: iter::IntoIter<u32> = bus.subscribe().into_iter();
//! bus.publish(Envelope::new("counter", 7))?;
//! drop(bus);
//! assert_eq!(numbers.flatten().map(|it| it.message).sum::<u32>(), 7);
//! # Ok::<(), oxide_bus::PublishError<u32>>(())
//! ```
//!
//! Each item is a `Result`: an envelope, or what happened in its place. [`RecvError::Lagged`] stands where envelopes
//! were lost, and the iteration goes on. [`RecvError::Evicted`] is the last item of a subscription that was evicted. It
//! comes once, from the first iterator or stream that comes to it. When the bus or the subscription closes, the
//! iteration ends without such an item.

use std::iter::FusedIterator;

use super::Subscription;
use crate::message::kernel::Message;
use crate::queue::delivery::Delivery;
use crate::queue::recv_error::RecvError;
use crate::queue::wait::Wait;

/// An iterator that waits for each item; see [`Subscription::iter`].
///
/// It ends when the last [`Bus`](crate::Bus) and the last [`Publisher`](crate::Publisher) are gone. So a thread that
/// publishes in the loop should hold a [`WeakPublisher`](crate::WeakPublisher).
#[derive(Debug)]
#[must_use = "iterators do nothing unless they are consumed"]
pub struct Iter<'a, M = Message> {
    pub(crate) subscription: &'a mut Subscription<M>,
}

impl<M> Iterator for Iter<'_, M> {
    type Item = Result<Delivery<M>, RecvError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.subscription.next_item(Wait::Forever)
    }
}

impl<M> FusedIterator for Iter<'_, M> {}

/// An iterator that does not wait; see [`Subscription::try_iter`].
///
/// It ends when the queue is empty, and may go on when something has come.
#[derive(Debug)]
#[must_use = "iterators do nothing unless they are consumed"]
pub struct TryIter<'a, M = Message> {
    pub(crate) subscription: &'a mut Subscription<M>,
}

impl<M> Iterator for TryIter<'_, M> {
    type Item = Result<Delivery<M>, RecvError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.subscription.next_item(Wait::No)
    }
}

/// An iterator that owns its subscription and waits for each item.
///
/// It ends when the last [`Bus`](crate::Bus) and the last [`Publisher`](crate::Publisher) are gone, as [`Iter`] does.
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
    type Item = Result<Delivery<M>, RecvError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.subscription.next_item(Wait::Forever)
    }
}

impl<M> FusedIterator for IntoIter<M> {}

impl<M> IntoIterator for Subscription<M> {
    type Item = Result<Delivery<M>, RecvError>;
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
    type Item = Result<Delivery<M>, RecvError>;
    type IntoIter = Iter<'a, M>;

    fn into_iter(self) -> Iter<'a, M> {
        self.iter()
    }
}
