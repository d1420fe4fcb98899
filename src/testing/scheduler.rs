//! The scheduler: all deliveries in a seeded order, on one thread. So a test finds modules that rely on the order in
//! which they are served. Tests: `tests/library/testing/scheduler.rs`.

use std::fmt;
use std::thread;

use fastrand::Rng;

use super::line;
use super::{ManualClock, SeededIds};
use crate::bus::subscription::Subscription;
use crate::message::subject::Payload;
use crate::queue::delivery::Delivery;
use crate::queue::recv_error::{RecvError, TryRecvError};
use crate::support::substitutes::Entered;

/// How many deliveries a run may take before it counts as endless.
const ENDLESS: usize = 100_000;

/// How many lines of the trace a failure shows.
const SHOWN: usize = 20;

/// Runs the handlers of several modules on one thread, in an order that a seed chooses.
///
/// Modules in threads of their own may be served in any order. The scheduler takes one such order: each
/// [`step`](Self::step) takes the next item of a subscription that has some. It never reorders the items of one
/// subscription. The same seed makes the same order, ids and timestamps. Another seed makes another order, so a loop
/// over seeds finds modules that rely on luck. The buses and subscriptions are real: patterns, policies, losses and
/// grants work as always, and several buses may take part.
///
/// While the scheduler exists, the thread uses its [clock](Self::clock) and its ids. If the thread panics, the
/// scheduler prints the seed and the last deliveries.
///
/// # Handlers do not wait
///
/// No other thread could end a handler's wait. So a wait with a time-out (a request, a receive, a publish to a full
/// queue with [`BlockFor`](crate::Overflow::BlockFor)) moves the clock to its end and times out. A wait without a
/// time-out panics. A handler that needs an answer publishes the question, and handles the answer as an envelope.
///
/// # Examples
///
/// Two modules may be served in either order:
///
/// ```
/// use std::cell::RefCell;
/// use oxide_bus::Bus;
/// use oxide_bus::testing::Scheduler;
///
/// let order = |seed| {
///     let bus = Bus::<u32>::new();
///     let seen = RefCell::new(Vec::new());
///     let mut scheduler = Scheduler::new(seed);
///     scheduler.handle("left", bus.subscribe(), |_| seen.borrow_mut().push("left"));
///     scheduler.handle("right", bus.subscribe(), |_| seen.borrow_mut().push("right"));
///     bus.send("counter", 7).expect("the bus is open");
///     assert_eq!(scheduler.run(), 2);
///     drop(scheduler);
///     seen.into_inner()
/// };
/// assert_eq!(order(0), order(0));
/// assert!((1..20).any(|seed| order(seed) != order(0)));
/// ```
pub struct Scheduler<'a> {
    seed: u64,
    random: Rng,
    modules: Vec<Box<dyn Module + 'a>>,
    trace: Vec<String>,
    clock: ManualClock,
    _entered: [Entered; 2],
}

/// A handler with its subscription, of whatever payload.
trait Module {
    /// Whether there is something for it to handle.
    fn is_ready(&mut self) -> bool;
    /// Takes the next item, notes it in the trace, and handles it.
    fn handle_next(&mut self, trace: &mut Vec<String>);
}

struct Handler<M, F> {
    name: String,
    subscription: Subscription<M>,
    handle: F,
    has_ended: bool,
}

impl<'a> Scheduler<'a> {
    /// Makes a scheduler, and lets this thread use its clock and its ids.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let clock = ManualClock::alone();
        Scheduler {
            seed,
            random: Rng::with_seed(seed),
            modules: Vec::new(),
            trace: Vec::new(),
            _entered: [clock.enter(), SeededIds::new(seed).enter()],
            clock,
        }
    }

    /// Gives the scheduler a module: its name in the trace, its subscription, and its handler for each item.
    ///
    /// The items are those of [`Subscription::iter`]: envelopes and losses. The last one is
    /// [`Disconnected`](RecvError::Disconnected) or [`Evicted`](RecvError::Evicted). A handler may publish, subscribe,
    /// grant and close. A handler that holds its bus keeps the bus open, as threads do. Declare what it borrows before
    /// the scheduler, so that it lives longer; move other things in.
    pub fn handle<M: Payload>(
        &mut self,
        name: impl Into<String>,
        subscription: Subscription<M>,
        handler: impl FnMut(Result<Delivery<M>, RecvError>) + 'a,
    ) {
        self.modules.push(Box::new(Handler {
            name: name.into(),
            subscription,
            handle: handler,
            has_ended: false,
        }));
    }

    /// Lets one module handle its next item. Returns false if no module has one.
    pub fn step(&mut self) -> bool {
        let ready: Vec<usize> = (self.modules.iter_mut().enumerate())
            .filter_map(|(place, module)| module.is_ready().then_some(place))
            .collect();
        let Some(&place) = self.random.choice(&ready) else {
            return false;
        };
        self.modules[place].handle_next(&mut self.trace);
        true
    }

    /// Steps until no module has anything to handle. Returns the number of steps.
    ///
    /// # Panics
    ///
    /// If a handler panics, or if 100,000 steps are not enough. A loop over [`step`](Self::step) has no such limit.
    pub fn run(&mut self) -> usize {
        let mut steps = 0;
        while self.step() {
            steps += 1;
            assert!(
                steps < ENDLESS,
                "after {steps} steps the modules still go on"
            );
        }
        steps
    }

    /// Returns the trace so far, one item a line: `billing: #4 order.placed from shop`.
    #[must_use]
    pub fn trace(&self) -> &[String] {
        &self.trace
    }

    /// Returns the clock of this thread. Between two runs a test may [advance](ManualClock::advance) it.
    #[must_use]
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }
}

impl<M: Payload, F: FnMut(Result<Delivery<M>, RecvError>)> Module for Handler<M, F> {
    fn is_ready(&mut self) -> bool {
        !self.has_ended && self.subscription.is_ready()
    }

    fn handle_next(&mut self, trace: &mut Vec<String>) {
        let item = match self.subscription.try_recv() {
            Ok(delivery) => Ok(delivery),
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Lagged { missed }) => Err(RecvError::Lagged { missed }),
            Err(TryRecvError::Evicted) => Err(RecvError::Evicted),
            Err(TryRecvError::Disconnected) => Err(RecvError::Disconnected),
        };
        self.has_ended = matches!(item, Err(RecvError::Evicted | RecvError::Disconnected));
        trace.push(match &item {
            Ok(delivery) => format!("{}: {}", self.name, line::address(delivery)),
            Err(error) => format!("{}: {error}", self.name),
        });
        (self.handle)(item);
    }
}

impl Drop for Scheduler<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let (seed, count) = (self.seed, self.trace.len());
            let last = &self.trace[count.saturating_sub(SHOWN)..];
            eprintln!("The scheduler's seed was {seed}. After {count} steps, the last were:");
            for line in last {
                eprintln!("  {line}");
            }
        }
    }
}

impl fmt::Debug for Scheduler<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler")
            .field("seed", &self.seed)
            .field("modules", &self.modules.len())
            .field("steps", &self.trace.len())
            .finish_non_exhaustive()
    }
}
