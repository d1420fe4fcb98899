//! The scheduler: all deliveries in a seeded order, on one thread.

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
/// [`step`](Self::step) takes the next item of one of the subscriptions that have some. It never reorders the items of
/// one subscription. The same seed makes the same order, ids and timestamps. Another seed makes another order, so a
/// loop over seeds finds the modules that rely on luck. The buses and subscriptions are real ones: patterns, policies,
/// losses and grants are as ever, and several buses may take part.
///
/// While the scheduler exists, the thread goes by its [clock](Self::clock) and its ids. If the thread panics, it prints
/// the seed and the last deliveries.
///
/// # Handlers do not wait
///
/// There is no other thread that could do what a handler waits for. So a wait with a time-out (a request, a receive, a
/// publish to a full queue with [`BlockFor`](crate::Overflow::BlockFor)) moves the clock to its end and times out. A
/// wait without end panics. A handler that needs an answer publishes the question, and handles the answer as an
/// envelope.
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
    /// Makes a scheduler, and lets this thread go by its clock and its ids.
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

    /// Gives the scheduler a module: what it is called in the trace, its subscription, and what it does with each item.
    ///
    /// The items are those of [`Subscription::iter`]: envelopes and losses. The last one is
    /// [`Disconnected`](RecvError::Disconnected) or [`Evicted`](RecvError::Evicted). A handler may publish, subscribe,
    /// grant and close. A handler that holds its bus keeps it open, as threads do. What it borrows is to be declared
    /// before the scheduler, so that it lives longer; other things are moved in.
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

    /// Lets one of the modules that have something to handle do so. Returns false if none has.
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

    /// Goes on until no module has anything to handle. Returns the number of steps.
    ///
    /// # Panics
    ///
    /// If a handler panics, or 100,000 steps come to no end. A loop over [`step`](Self::step) has no such limit.
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

    /// Returns what was handled so far, an item a line: `billing: #4 order.placed from shop`.
    #[must_use]
    pub fn trace(&self) -> &[String] {
        &self.trace
    }

    /// Returns the clock that this thread goes by. Between two runs a test may [advance](ManualClock::advance) it.
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
