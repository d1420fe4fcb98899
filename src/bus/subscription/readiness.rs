//! A channel that has a token when a subscription may have something to receive, for crossbeam's `select!`.
//!
//! The channel is one more kind of waiter. It keeps this invariant: while the channel is empty, the subscription is
//! registered with it. Three steps keep it. A receive that finds nothing registers the channel and looks once more.
//! Waking the channel from the wait list puts a token in. Any other waiter that takes the channel's place in the list
//! puts a token in first. `tests/library/readiness.rs` shows it.

use crossbeam_channel::{Receiver, Sender, bounded};

use super::Subscription;
use crate::support::wait_list::Waiter;

/// Both ends of the channel.
#[derive(Debug)]
pub(super) struct Readiness {
    /// None once the subscription has come to its end.
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
    /// Returns a channel that has a token when there may be something to receive. With it, one `select!` of
    /// [`crossbeam_channel`] waits for this subscription, others, channels, a ticker or a
    /// stop signal.
    ///
    /// After each token, receive with [`try_recv`](Subscription::try_recv) or [`try_iter`](Subscription::try_iter)
    /// until nothing is left: only a receive that finds the queue empty asks for the next token. A token may come in
    /// vain. At the end the channel disconnects, and a `select!` finds that as it finds a token. The end is when
    /// `try_recv` has returned `Disconnected` or `Evicted`, or the subscription is dropped.
    ///
    /// Each call returns a clone of one receiver, and each token goes to one of the clones.
    ///
    /// # Cost
    ///
    /// Nothing before the first call. After it, a receive that finds nothing takes an entry in the wait list, and the
    /// next publish sends a token, as it would wake a thread. In a group, each member with such a channel gets a token
    /// for each envelope that comes while the channel waits.
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

    /// Whether the channel was ever asked for.
    #[inline]
    pub(super) fn has_readiness(&self) -> bool {
        self.readiness.get().is_some()
    }

    /// Registers the channel, if there is one, after a receive found nothing. Returns true if there is something now.
    #[inline]
    pub(super) fn is_ready_or_gets_token(&mut self) -> bool {
        self.has_readiness() && self.register_readiness()
    }

    #[cold]
    fn register_readiness(&mut self) -> bool {
        let Some(readiness) = self.readiness.get() else {
            return false;
        };
        let _in_vain = readiness.receiver.try_recv(); // there is nothing left for this token
        let sender = readiness.sender.clone();
        sender.is_some_and(|sender| self.register_or_find(&|| Waiter::Channel(sender.clone())))
    }

    /// Puts a token into the channel, because another waiter takes its place in the wait list.
    pub(super) fn put_token(&self) {
        if let Some(readiness) = self.readiness.get() {
            readiness.put_token();
        }
    }

    /// Disconnects the channel: nothing will be received any more.
    #[cold]
    pub(super) fn end_readiness(&mut self) {
        if let Some(readiness) = self.readiness.get_mut() {
            readiness.sender = None;
            self.leave_wait_list(); // the list holds a sender too
        }
    }
}
