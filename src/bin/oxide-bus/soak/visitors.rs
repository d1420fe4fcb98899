//! Those that come and go: subscribing and leaving are barriers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use oxide_bus::{Overflow, SubscribeError, SubscribeOptions, Subscription};

use super::account::{Account, End};
use super::load::{Filter, KINDS, Load};
use super::publishers::Pen;
use super::round::Seat;
use super::subscriber::{BRIEF, Subscriber, Way};
use super::topology::Right;
use super::worker::Worker;

/// How long the end of a subscription may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A subscription that comes, and what it asks for; one that joins a group has its seat.
struct Visit {
    subscriber: Subscriber,
    account: Account,
    terms: (Filter, Overflow),
    seat: Option<Arc<Seat>>,
}

/// The life of a visitor, that has a line of its own.
pub(super) async fn visit(mut worker: Worker, line: usize) {
    let mut pen = Pen::new(&worker.round, line, worker.task, Right::Trusted);
    while worker.goes_on().await {
        let groups = worker.round.seats.iter().filter(|seat| seat.plan.group);
        let group = worker.rng.choice(groups.cloned().collect::<Vec<_>>());
        let joins = worker.one_in(3);
        let Some(mut visit) = begin(&mut worker, group.filter(|_| joins)) else {
            return;
        };
        while visit.stays(&mut worker, &mut pen).await && worker.one_in(3) {
            let Some(next) = visit.again(&mut worker) else {
                return;
            };
            visit = next;
        }
    }
}

fn begin(worker: &mut Worker, group: Option<Arc<Seat>>) -> Option<Visit> {
    let round = worker.round.clone();
    let lines = round.lines.len();
    let terms = group
        .as_ref()
        .map(|seat| (seat.plan.filter, seat.plan.overflow));
    let (filter, overflow) =
        terms.unwrap_or_else(|| draw(&mut worker.rng, lines, round.topology.plain));
    let options = match &group {
        Some(seat) => seat.options.clone(),
        None => filter.apply(SubscribeOptions::new(), &round.panics),
    };
    let options = if group.is_some() {
        options
    } else {
        options
            .overflow(overflow)
            .capacity(worker.rng.usize(1..300))
    };
    arrive(worker, (filter, overflow), group, || {
        round.bus.subscribe_with(options)
    })
}

fn draw(rng: &mut Rng, lines: usize, plain: bool) -> (Filter, Overflow) {
    let kind = rng.choice(KINDS).expect("there are some");
    let filters = [
        Filter::None,
        Filter::None,
        Filter::Everything,
        Filter::Kind(kind),
        Filter::Sources(rng.usize(0..lines), rng.usize(0..lines)),
        Filter::KindAndPredicate(kind),
    ];
    let policies = [
        Overflow::DropNewest,
        Overflow::DropOldest,
        Overflow::Evict,
        Overflow::BlockFor(Duration::from_micros(50)),
        Overflow::Block,
    ];
    let filter = if plain {
        Filter::None
    } else {
        rng.choice(filters).expect("there are some")
    };
    (filter, rng.choice(policies).expect("there are some"))
}

/// Subscribes; nothing once the bus has closed.
fn arrive(
    worker: &mut Worker,
    terms: (Filter, Overflow),
    seat: Option<Arc<Seat>>,
    subscribe: impl FnOnce() -> Result<Subscription<Load>, SubscribeError>,
) -> Option<Visit> {
    let round = worker.round.clone();
    worker.step("subscribes", 0);
    let done = round.done();
    let subscription = match subscribe() {
        Ok(subscription) => subscription,
        Err(SubscribeError::Closed) if round.is_closing() => return None,
        Err(error) => worker.broken(format!("could not subscribe: {error}")),
    };
    let begun = round.begun();
    let account = match &seat {
        Some(seat) => Account::of(&round, seat),
        None => Account::new(&round, terms, done, begun),
    };
    Some(Visit {
        subscriber: Subscriber::new(subscription, worker.task),
        account,
        terms,
        seat,
    })
}

impl Visit {
    /// Receives some, says something in between, and leaves; true if it has seen its end.
    async fn stays(&mut self, worker: &mut Worker, pen: &mut Pen) -> bool {
        // It must not wait for itself, and a task waits for room without a clock.
        let waits = match self.terms.1 {
            Overflow::Block => true,
            Overflow::BlockFor(_) => worker.task,
            _ => false,
        };
        let may_speak = self.seat.is_some() || !waits;
        for _ in 0..worker.below(0..30) {
            if may_speak && worker.one_in(4) {
                let _ = pen.publish(worker).await; // the bus may have closed
            }
            let way = worker.rng.choice(BRIEF).expect("there are some");
            if let Err(end) = self
                .subscriber
                .receive(way, worker, &mut self.account)
                .await
            {
                self.finish(worker, end);
                return true;
            }
        }
        let subscription = self.subscriber.inner();
        let done = worker.round.done();
        match worker.below(0..3) {
            0 => {
                worker.step("closes its subscription", 0);
                subscription.close();
            }
            1 => {
                worker.step("is unsubscribed", 0);
                worker.round.bus.unsubscribe(subscription.id());
            }
            _ => {
                worker.step("drops its subscription", 0);
                return false; // by the caller
            }
        }
        self.account.leave(done, worker.round.begun());
        if !subscription.is_closed() {
            worker.broken("has left, and is still subscribed");
        }
        let since = Instant::now();
        loop {
            match self
                .subscriber
                .receive(Way::Look, worker, &mut self.account)
                .await
            {
                Ok(true) => {}
                // A publish that overlaps with its leaving may still be on its way.
                Ok(false) if since.elapsed() < PATIENCE => worker.give_way().await,
                Ok(false) => worker.broken("has left, and does not come to its end"),
                Err(end) => {
                    self.finish(worker, end);
                    return true;
                }
            }
        }
    }

    /// A bus that has closed in the midst may have taken more than is known of.
    fn finish(&mut self, worker: &Worker, end: End) {
        let dropped = self.subscriber.inner().dropped();
        if !worker.round.is_closing() {
            self.account
                .finish(worker, end, &worker.round.begun(), dropped);
        }
    }

    /// Subscribes again, as it had.
    fn again(&self, worker: &mut Worker) -> Option<Visit> {
        arrive(worker, self.terms, self.seat.clone(), || {
            self.subscriber.inner().resubscribe()
        })
    }
}
