//! The recorder: a subscriber that keeps what came, and says what came instead of the expected. Tests:
//! `tests/library/testing/recorder.rs`.

use std::fmt::{self, Debug};
use std::time::{Duration, Instant};

use super::line;
use crate::bus::handle::Bus;
use crate::bus::options::SubscribeOptions;
use crate::bus::subscription::Subscription;
use crate::message::envelope::Envelope;
use crate::message::pattern::{Pattern, PatternError};
use crate::message::subject::Payload;
use crate::queue::delivery::Delivery;
use crate::queue::recv_error::RecvTimeoutError;
use crate::support::clock;

/// How many envelopes may come between two receives of a recorder.
const CAPACITY: usize = 16_384;

/// How many envelopes the message of a failure shows.
const SHOWN: usize = 50;

/// A subscriber that records what it receives, for a test to look at.
///
/// It receives when one of its methods is called, in the test's own thread. Up to 16,384 envelopes may come between two
/// calls. It never blocks a publisher. For another queue, or for payloads without a subject, make a recorder from any
/// [`Subscription`] by `Recorder::from`.
///
/// # Panics
///
/// Every method panics if the recorder has lost something, because its answer would be wrong.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use std::time::Duration;
/// use oxide_bus::kernel::{Command, Event};
/// use oxide_bus::testing::Recorder;
/// use oxide_bus::MessageBus;
///
/// let bus = MessageBus::new();
/// let mut events = Recorder::new(&bus, "event.>");
/// let module = {
///     let (bus, mut commands) = (bus.clone(), bus.subscribe_to("command.>")?);
///     thread::spawn(move || {
///         commands.recv().unwrap();
///         bus.emit_event("echo", Event::Pong { from: "echo".into() }).unwrap();
///     })
/// };
/// bus.send_command("kernel", Command::Ping)?;
///
/// let pong = events.expect("event.pong.*").within(Duration::from_secs(10));
/// assert_eq!(pong.source, "echo");
/// module.join().expect("it has not panicked");
/// events.expect_nothing();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Recorder<M> {
    subscription: Subscription<M>,
    received: Vec<Delivery<M>>,
    /// For each received envelope, whether it was expected.
    taken: Vec<bool>,
}

impl<M: Payload> Recorder<M> {
    /// Subscribes to a pattern.
    ///
    /// # Panics
    ///
    /// If the text is not a pattern, or the bus takes no more subscribers.
    #[track_caller]
    pub fn new<P>(bus: &Bus<M>, pattern: P) -> Self
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        let options = SubscribeOptions::new()
            .name("recorder")
            .capacity(CAPACITY)
            .pattern(pattern);
        match bus.subscribe_with(options) {
            Ok(subscription) => subscription.into(),
            Err(error) => panic!("the recorder cannot subscribe: {error}"),
        }
    }
}

/// Records what a subscription receives.
impl<M> From<Subscription<M>> for Recorder<M> {
    fn from(subscription: Subscription<M>) -> Self {
        Recorder {
            subscription,
            received: Vec::new(),
            taken: Vec::new(),
        }
    }
}

impl<M: Payload + Debug> Recorder<M> {
    /// Expects an envelope whose subject matches. [`Expectation::within`] waits for it.
    ///
    /// Each expectation takes the first envelope that matches and that no earlier one has taken. The order of
    /// expectations need not be that of the envelopes. [`received`](Self::received) has that order.
    ///
    /// # Panics
    ///
    /// If the text is not a pattern.
    #[track_caller]
    pub fn expect<P>(&mut self, pattern: P) -> Expectation<'_, M>
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        match pattern.try_into() {
            Ok(pattern) => {
                let what = format!("`{pattern}`");
                self.expect_that(what, move |it| pattern.matches(&it.message.subject()))
            }
            Err(error) => panic!("{}", error.into()),
        }
    }

    /// Expects an envelope for which `is_so` returns true. `what` names it in the message if it does not come.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use oxide_bus::testing::Recorder;
    /// use oxide_bus::Bus;
    ///
    /// let bus = Bus::<u32>::new();
    /// let mut numbers = Recorder::from(bus.subscribe());
    /// bus.send("counter", 41)?;
    /// bus.send("counter", 42)?;
    /// let even = numbers.expect_that("an even number", |it| it.message % 2 == 0);
    /// assert_eq!(even.within(Duration::ZERO).message, 42);
    /// # Ok::<(), oxide_bus::PublishError<u32>>(())
    /// ```
    pub fn expect_that<'a>(
        &'a mut self,
        what: impl Into<String>,
        is_so: impl Fn(&Envelope<M>) -> bool + 'a,
    ) -> Expectation<'a, M> {
        Expectation {
            recorder: self,
            what: what.into(),
            is_so: Box::new(is_so),
        }
    }

    /// Asserts that nothing has come that was not expected. It does not wait: call [`wait_idle`](super::wait_idle)
    /// first, or join the threads.
    ///
    /// # Panics
    ///
    /// If something has come, with a line for each.
    #[track_caller]
    pub fn expect_nothing(&mut self) {
        while self.record(Some(Instant::now())).is_ok() {}
        let is_all_taken = !self.taken.contains(&false);
        assert!(
            is_all_taken,
            "nothing was expected, but there {}",
            self.others()
        );
    }

    /// Returns everything that has come so far, in order, whether it was expected or not.
    ///
    /// # Panics
    ///
    /// If something was lost.
    #[track_caller]
    pub fn received(&mut self) -> &[Delivery<M>] {
        while self.record(Some(Instant::now())).is_ok() {}
        &self.received
    }

    /// Receives one more envelope, until a time of the system's clock.
    #[track_caller]
    fn record(&mut self, until: Option<Instant>) -> Result<(), &'static str> {
        let received = clock::in_real_time(|| match until {
            Some(until) => self.subscription.recv_deadline(until),
            None => self.subscription.recv().map_err(Into::into),
        });
        match received {
            Ok(delivery) => {
                self.received.push(delivery);
                self.taken.push(false);
                Ok(())
            }
            Err(RecvTimeoutError::Timeout) => Err("did not come"),
            Err(RecvTimeoutError::Disconnected) => Err("can no longer come: the bus has closed"),
            Err(error) => panic!("the recorder's queue was too small: {error}"),
        }
    }

    /// Returns the envelopes that were not expected, each in one line.
    fn others(&self) -> String {
        let others: Vec<_> = (self.received.iter().zip(&self.taken))
            .filter_map(|(delivery, is_taken)| (!is_taken).then_some(delivery))
            .collect();
        let mut lines = vec![match others.len() {
            0 => "came nothing else".to_owned(),
            1 => "came 1 envelope:".to_owned(),
            count => format!("came {count} envelopes:"),
        }];
        lines.extend((others.iter().take(SHOWN)).map(|other| line::whole(other)));
        if others.len() > SHOWN {
            lines.push(format!("and {} more", others.len() - SHOWN));
        }
        lines.join("\n  ")
    }
}

impl<M> Debug for Recorder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("subscription", &self.subscription)
            .field("received", &self.received.len())
            .finish_non_exhaustive()
    }
}

type IsSo<'a, M> = dyn Fn(&Envelope<M>) -> bool + 'a;

/// What a [`Recorder`] expects, made by [`Recorder::expect`].
#[must_use = "`within` waits for it"]
pub struct Expectation<'a, M> {
    recorder: &'a mut Recorder<M>,
    what: String,
    is_so: Box<IsSo<'a, M>>,
}

impl<M: Payload + Debug> Expectation<'_, M> {
    /// Waits for the envelope. The time-out uses the system's clock, whatever clock this thread has entered, because it
    /// gives other threads time to work. [`Duration::ZERO`] accepts only an envelope that has come already.
    ///
    /// # Panics
    ///
    /// If it does not come. The message has a line for each envelope that came instead, and the place of this call.
    #[track_caller]
    pub fn within(self, timeout: Duration) -> Delivery<M> {
        let Expectation {
            recorder,
            what,
            is_so,
        } = self;
        let until = Instant::now().checked_add(timeout);
        let mut looked_at = 0;
        loop {
            for place in looked_at..recorder.received.len() {
                if !recorder.taken[place] && is_so(&recorder.received[place]) {
                    recorder.taken[place] = true;
                    return recorder.received[place].clone();
                }
            }
            looked_at = recorder.received.len();
            if let Err(why) = recorder.record(until) {
                let others = recorder.others();
                panic!("{what} {why} (within {timeout:?}); there {others}");
            }
        }
    }
}

impl<M> Debug for Expectation<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expectation")
            .field("what", &self.what)
            .finish_non_exhaustive()
    }
}
