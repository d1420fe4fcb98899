//! Requests from a thread, on a bus and by a publisher.

use std::task::Poll;
use std::time::{Duration, Instant};

use super::{Asked, Replies, after};
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

/// A registered request and its envelope, which is still to be published.
type Registered<M> = (Asked<M>, Envelope<M>);

/// Publishes a registered request.
fn ask<M>(
    (asked, envelope): Registered<M>,
    publish: impl FnOnce(Envelope<M>) -> Result<Receipt, PublishError<M>>,
) -> Result<(Asked<M>, Receipt), RequestError<M>> {
    let receipt = publish(envelope)?;
    asked.published(&receipt)?;
    Ok((asked, receipt))
}

/// Publishes a registered request and waits for the first answer.
fn ask_once<M>(
    registered: Registered<M>,
    timeout: Duration,
    publish: impl FnOnce(Envelope<M>) -> Result<Receipt, PublishError<M>>,
) -> Result<Delivery<M>, RequestError<M>> {
    let (asked, _receipt) = ask(registered, publish)?;
    match asked.wait() {
        Poll::Ready(answered) => answered,
        Poll::Pending => Err(RequestError::TimedOut(timeout)),
    }
}

/// # Requests
impl<M: Payload> Bus<M> {
    /// Publishes a message in a new envelope of this source, and waits for the first answer. That is the first envelope
    /// whose correlation id is the request's id. The answer goes to subscribers as well. No capability is checked.
    ///
    /// Any publisher may answer. Each of several concurrent requests gets its own answer. A request that is over leaves
    /// nothing behind, however it ended.
    ///
    /// It waits up to the [time-out](crate::BusBuilder::request_timeout) of the bus, 10 s by default. The time-out
    /// covers publishing and waiting. But if a subscriber with [`Overflow::Block`](crate::Overflow::Block) has no room,
    /// publishing takes as long as that subscriber takes.
    ///
    /// # Errors
    ///
    /// - [`RequestError::NotPublished`], with the envelope, if the bus has closed;
    /// - [`RequestError::NoResponders`] at once if no subscriber listens to it;
    /// - [`RequestError::Overloaded`] at once if every subscriber that listens to it has lost it;
    /// - [`RequestError::TimedOut`] if no answer came in time;
    /// - [`RequestError::Closed`] if the bus closes meanwhile;
    /// - [`RequestError::TooManyPending`] with [`MAX_PENDING_REQUESTS`](crate::limits::MAX_PENDING_REQUESTS) pending.
    ///
    /// It is not promised that a subscriber that listens to it means to answer.
    ///
    /// # Panics
    ///
    /// As [`publish`](Bus::publish).
    ///
    /// # Cost
    ///
    /// An allocation, and an entry in a sharded map. While any request is pending, each publish with a correlation id
    /// looks into that map, which takes a lock on one of its shards.
    ///
    /// A thread whose last answer came within 50 µs looks for the next one for some microseconds before it sleeps.
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
        let timeout = self.core.request_timeout;
        let registered = Asked::register(&self.core, None, envelope, Wanted::One, after(timeout))?;
        ask_once(registered, timeout, |envelope| self.publish(envelope))
    }
}

/// # Requests
impl<M: Payload> Publisher<M> {
    /// Publishes a message and waits for the first answer: as [`Bus::request`], with this publisher's source and
    /// capability.
    ///
    /// It waits up to this publisher's time-out: that of [`with_request_timeout`](Publisher::with_request_timeout),
    /// else that of the bus.
    ///
    /// # Errors
    ///
    /// As [`Bus::request`]. Also [`RequestError::NotPublished`] if the capability is not granted, and
    /// [`RequestError::TooManyPending`] with 1,024 pending under it. (A [`BusBuilder`](crate::BusBuilder::max_requests)
    /// sets another limit.)
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

    /// Like [`request`](Publisher::request), with the given time-out. One that the clock cannot hold counts as none.
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
        let registered = self.register(message, Wanted::One, after(timeout))?;
        ask_once(registered, timeout, |envelope| {
            self.publish_stamped(envelope, Limit::Theirs)
        })
    }

    /// Publishes a message and returns its answers as they come, until the time-out. Use `.take(n)` to stop after `n`
    /// answers.
    ///
    /// # Errors
    ///
    /// As [`request`](Publisher::request), except for the time-out: then there are no more answers. Nothing fails
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
        let registered = self.register(message, Wanted::Many, after(timeout))?;
        let (asked, receipt) = ask(registered, |envelope| {
            self.publish_stamped(envelope, Limit::Theirs)
        })?;
        Ok(Replies::new(asked, receipt))
    }

    /// Registers a request. It takes a place among those under its capability until it is over.
    pub(crate) fn register(
        &self,
        message: impl Into<Draft<M>>,
        wanted: Wanted,
        deadline: Option<Instant>,
    ) -> Result<Registered<M>, RequestError<M>> {
        let envelope = self.stamp(message);
        match self.ask() {
            Ok(place) => Asked::register(&self.bus().core, Some(place), envelope, wanted, deadline),
            Err(limit) => Err(RequestError::TooManyPending {
                envelope: Box::new(envelope),
                limit,
            }),
        }
    }
}
