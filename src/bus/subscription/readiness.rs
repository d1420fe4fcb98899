//! A channel that has a token when a subscription may have something, for crossbeam's `select!`.
//!
//! It is one more kind of waiter. Invariant: while the channel is empty, the subscription is registered with it. For a
//! receive that finds nothing registers it, and looks once more; whatever wakes it from the list puts a token in; and so
//! does whoever takes its place in the list.

use crossbeam_channel::{Receiver, Sender, bounded};

use super::Subscription;
use crate::support::wait_list::Waiter;

/// Both ends of the channel.
#[derive(Debug)]
pub(super) struct Readiness {
    /// None at the end.
    sender: Option<Sender<()>>,
    receiver: Receiver<()>,
}

impl Readiness {
    fn new() -> Self {
        let (sender, receiver) = bounded(1);
        let readiness = Readiness {
            sender: Some(sender),
            receiver,
        };
        readiness.put_token();
        readiness
    }

    fn put_token(&self) {
        if let Some(sender) = &self.sender {
            let _is_there_already = sender.try_send(());
        }
    }
}

impl<M> Subscription<M> {
    /// A channel that has a token when there may be something to receive, to wait for this subscription and others,
    /// channels, a ticker or a stop signal in one `select!` of [`crossbeam_channel`](crate::crossbeam_channel).
    ///
    /// After each token receive with [`try_recv`](Subscription::try_recv) or [`try_iter`](Subscription::try_iter)
    /// until nothing is left: only a receive that finds the queue empty asks for the next token. A token may come in vain.
    /// At the end the channel disconnects, which a `select!` finds as it does a token: once `try_recv` has said
    /// `Disconnected` or `Evicted`, or the subscription is dropped.
    ///
    /// Each call returns a clone: a token is taken by one of them.
    ///
    /// # Cost
    ///
    /// Nothing before the first call. After it, a receive that finds nothing takes an entry in a list, and the next publish
    /// sends a token, as it would wake a thread. Of a group, whoever has such a channel gets a token for each envelope that
    /// comes while it waits.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use oxide_bus::Bus;
    /// use oxide_bus::crossbeam_channel::{bounded, select, tick};
    ///
    /// let bus = Bus::<u32>::new();
    /// let mut numbers = bus.subscribe();
    /// let (stop, stopped) = bounded::<()>(0);
    /// let summing = std::thread::spawn(move || {
    ///     let (ready, ticker) = (numbers.readiness(), tick(Duration::from_millis(100)));
    ///     let mut sum = 0;
    ///     loop {
    ///         select! {
    ///             recv(ready) -> _ => sum += numbers.try_iter().flatten().map(|it| it.message).sum::<u32>(),
    ///             recv(ticker) -> _ => println!("{sum} so far"),
    ///             recv(stopped) -> _ => return sum,
    ///         }
    ///     }
    /// });
    /// bus.send("counter", 3)?;
    /// bus.send("counter", 4)?;
    /// bus.drain(Duration::from_secs(10))?;
    /// drop(stop);
    /// assert_eq!(summing.join().expect("it has not panicked"), 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn readiness(&self) -> Receiver<()> {
        let readiness = self.readiness.get_or_init(Readiness::new);
        readiness.receiver.clone()
    }

    /// Whether somebody has asked for the channel.
    #[inline]
    pub(super) fn has_readiness(&self) -> bool {
        self.readiness.get().is_some()
    }

    /// Nothing was found: registers the channel, if there is one. True if there is something now.
    #[inline]
    pub(super) fn is_ready_or_gets_token(&mut self) -> bool {
        self.has_readiness() && self.register_readiness()
    }

    #[cold]
    fn register_readiness(&mut self) -> bool {
        let Some(readiness) = self.readiness.get() else {
            return false;
        };
        let _in_vain = readiness.receiver.try_recv(); // what it was for is found to be gone
        let sender = readiness.sender.clone();
        sender.is_some_and(|sender| self.register_or_find(&|| Waiter::Channel(sender.clone())))
    }

    /// Another waiter takes the channel's place in the list: it has a token by the time that one is gone.
    pub(super) fn put_token(&self) {
        if let Some(readiness) = self.readiness.get() {
            readiness.put_token();
        }
    }

    /// Nothing will be received any more: the channel disconnects.
    #[cold]
    pub(super) fn end_readiness(&mut self) {
        if let Some(readiness) = self.readiness.get_mut() {
            readiness.sender = None;
            self.leave_wait_list(); // the list has a sender, too
        }
    }
}
