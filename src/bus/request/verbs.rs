//! How a thread asks.

use std::task::Poll;
use std::time::Duration;

use super::{Asked, Replies, after, can_be_answered};
use crate::bus::error::{PublishError, RequestError};
use crate::bus::handle::Bus;
use crate::bus::publisher::Publisher;
use crate::engine::attempt::Limit;
use crate::engine::receipt::Receipt;
use crate::engine::requests::Wanted;
use crate::message::draft::Draft;
use crate::message::envelope::Envelope;
use crate::message::source::Source;
use crate::message::subject::Payload;
use crate::queue::delivery::Delivery;

/// A request that is registered, and its envelope, which is to be published.
type Registered<M> = (Asked<M>, Envelope<M>);

/// Publishes a request that is registered.
fn ask<M>(
    (asked, envelope): Registered<M>,
    publish: impl FnOnce(Envelope<M>) -> Result<Receipt, PublishError<M>>,
) -> Result<(Asked<M>, Receipt), RequestError<M>> {
    let receipt = publish(envelope)?;
    can_be_answered(&receipt)?;
    Ok((asked, receipt))
}

/// Publishes a request that is registered, and waits for the first answer.
fn ask_once<M>(
    registered: Registered<M>,
    timeout: Duration,
    publish: impl FnOnce(Envelope<M>) -> Result<Receipt, PublishError<M>>,
) -> Result<Delivery<M>, RequestError<M>> {
    let deadline = after(timeout);
    let (asked, _receipt) = ask(registered, publish)?;
    match asked.wait(deadline) {
        Poll::Ready(answered) => answered,
        Poll::Pending => Err(RequestError::TimedOut(timeout)),
    }
}

/// # Asking
impl<M: Payload> Bus<M> {
    /// Publishes a message, unguarded, in a new envelope of this source, and waits for the first answer: the first
    /// envelope whose correlation id is the id of the request. The answer goes to subscribers as well.
    ///
    /// An answer is taken from whoever publishes it. Concurrent requests get each their own answer,
    /// and one that is over, however it ended, leaves nothing behind.
    ///
    /// It waits up to the [time-out](crate::BusBuilder::request_timeout) of the bus, which is 10 s by default. The
    /// time-out is for the whole. But where a subscriber with [`Overflow::Block`](crate::Overflow::Block) has no room,
    /// publishing takes as long as it does.
    ///
    /// # Errors
    ///
    /// [`RequestError::NotPublished`] with the envelope where the bus has closed;
    /// [`RequestError::NoResponders`] at once if nobody listens to it,
    /// [`RequestError::Overloaded`] at once if everybody who does has lost it;
    /// [`RequestError::TimedOut`]; [`RequestError::Closed`] if the bus closes meanwhile;
    /// [`RequestError::TooManyPending`] with [`MAX_PENDING_REQUESTS`](crate::limits::MAX_PENDING_REQUESTS) pending.
    ///
    /// Not promised: that somebody who listens to it means to answer.
    ///
    /// # Panics
    ///
    /// As [`publish`](Bus::publish).
    ///
    /// # Cost
    ///
    /// An allocation, and an entry in a sharded map. While any request is pending, each publish with a
    /// correlation id looks into that map, which takes a lock on one of its shards.
    ///
    /// A thread whose last answer came within 50 µs looks for the next one some microseconds long before it sleeps.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    /// use oxide_bus::Bus;
    ///
    /// let bus = Bus::<u32>::new();
    /// let server = bus.trusted_publisher("server");
    /// let mut questions = bus.subscribe();
    /// thread::spawn(move || {
    ///     let question = questions.recv().expect("it is asked");
    ///     server.reply(&question, question.message * question.message)
    /// });
    ///
    /// let answer = bus.request("client", 7)?;
    /// assert_eq!((answer.message, answer.source.as_str()), (49, "server"));
    /// # Ok::<(), oxide_bus::RequestError<u32>>(())
    /// ```
    pub fn request(
        &self,
        source: impl Into<Source>,
        message: impl Into<Draft<M>>,
    ) -> Result<Delivery<M>, RequestError<M>> {
        let envelope = self.stamp(source, message);
        let registered = Asked::register(&self.core, None, envelope, Wanted::One)?;
        ask_once(registered, self.core.request_timeout, |envelope| {
            self.publish(envelope)
        })
    }
}

/// # Asking
impl<M: Payload> Publisher<M> {
    /// Publishes a message, and waits for the first answer: as [`Bus::request`], with this publisher's source
    /// and capability.
    ///
    /// It waits up to the time-out of this publisher: what
    /// [`with_request_timeout`](Publisher::with_request_timeout) says, else that of the bus.
    ///
    /// # Errors
    ///
    /// As [`Bus::request`]; [`RequestError::NotPublished`] also where the capability is not granted;
    /// [`RequestError::TooManyPending`] also with 1,024 pending under it (a
    /// [`BusBuilder`](crate::BusBuilder::max_requests) sets another limit).
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`].
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::kernel::Command;
    /// use oxide_bus::{MessageBus, RequestError};
    ///
    /// let bus = MessageBus::new();
    /// let kernel = bus.trusted_publisher("kernel");
    /// let error = kernel.request(Command::Ping).unwrap_err();
    /// assert!(matches!(error, RequestError::NoResponders));
    /// ```
    pub fn request(&self, message: impl Into<Draft<M>>) -> Result<Delivery<M>, RequestError<M>> {
        self.request_timeout(message, self.patience())
    }

    /// The same, with a time-out of its own. One too far for the clock is none.
    ///
    /// # Errors
    ///
    /// As [`request`](Publisher::request).
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use oxide_bus::{Bus, RequestError};
    ///
    /// let bus = Bus::<u32>::new();
    /// let client = bus.trusted_publisher("client");
    /// let nobody_answers = bus.subscribe();
    /// let timeout = Duration::from_millis(5);
    /// let error = client.request_timeout(7, timeout).unwrap_err();
    /// assert!(matches!(error, RequestError::TimedOut(it) if it == timeout));
    /// # drop(nobody_answers);
    /// ```
    pub fn request_timeout(
        &self,
        message: impl Into<Draft<M>>,
        timeout: Duration,
    ) -> Result<Delivery<M>, RequestError<M>> {
        let registered = self.register(message, Wanted::One)?;
        ask_once(registered, timeout, |envelope| {
            self.admit(envelope, Limit::Theirs)
        })
    }

    /// Publishes a message, and returns its answers as they come, until the time-out. How many: `.take(n)`.
    ///
    /// # Errors
    ///
    /// As [`request`](Publisher::request), but that it does not time out: then there are no answers. Nothing fails
    /// later.
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    /// use std::time::Duration;
    /// use oxide_bus::Bus;
    ///
    /// let bus = Bus::<u32>::new();
    /// for (name, price) in [("north", 12), ("south", 9)] {
    ///     let shop = bus.trusted_publisher(name);
    ///     let mut questions = bus.subscribe();
    ///     thread::spawn(move || {
    ///         let question = questions.recv().expect("it is asked");
    ///         shop.reply(&question, price)
    ///     });
    /// }
    ///
    /// let client = bus.trusted_publisher("client");
    /// let answers = client.request_many(0, Duration::from_secs(10))?;
    /// let best = answers.take(2).map(|answer| answer.message).min();
    /// assert_eq!(best, Some(9));
    /// # Ok::<(), oxide_bus::RequestError<u32>>(())
    /// ```
    pub fn request_many(
        &self,
        message: impl Into<Draft<M>>,
        timeout: Duration,
    ) -> Result<Replies<M>, RequestError<M>> {
        let deadline = after(timeout);
        let registered = self.register(message, Wanted::Many)?;
        let (asked, receipt) = ask(registered, |envelope| self.admit(envelope, Limit::Theirs))?;
        Ok(Replies::new(asked, receipt, deadline))
    }

    /// Registers a request, which takes a place among those under its capability until it is over.
    pub(crate) fn register(
        &self,
        message: impl Into<Draft<M>>,
        wanted: Wanted,
    ) -> Result<Registered<M>, RequestError<M>> {
        let envelope = self.stamp(message);
        match self.ask() {
            Ok(place) => Asked::register(&self.bus().core, Some(place), envelope, wanted),
            Err(limit) => Err(RequestError::TooManyPending {
                envelope: Box::new(envelope),
                limit,
            }),
        }
    }
}
