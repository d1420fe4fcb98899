//! What holds of the whole bus: while nobody speaks, and at the end of a round.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use oxide_bus::{Overflow, Stats, SubscriptionStats};

use super::load::Filter;
use super::report::Totals;
use super::round::{Round, Seat};
use super::worker::Worker;

/// How many envelopes a queue may hold beside its capacity: while it tells of a gap, and with two segments.
const BESIDE: u64 = 1;
const SEGMENTS: u64 = 128;

/// A seat's part in the figures, unless it was evicted.
fn figures<'a>(seat: &Seat, stats: &'a Stats) -> Option<&'a SubscriptionStats> {
    let id = *seat.id.lock().unwrap_or_else(PoisonError::into_inner);
    let mut all = stats.subscriptions.iter();
    all.find(|it| {
        Some(it.id) == id || it.group.is_some() && it.group.as_deref() == seat.name.as_str().into()
    })
}

/// Whether all who read have read and noted everything.
pub(super) fn is_received(round: &Round, stats: &Stats) -> bool {
    let mut open = round.seats.iter().filter(|seat| !seat.is_stuck());
    open.all(|seat| {
        figures(seat, stats).is_none_or(|it| {
            it.queued == 0
                && it.received == seat.received.load(Ordering::Relaxed)
                && it.dropped == seat.missed.load(Ordering::Relaxed)
        })
    })
}

/// Compares the figures with what was published.
pub(super) fn at_rest(worker: &Worker, stats: &Stats) {
    let round = &worker.round;
    let done = round.done();
    let published: u64 = done.iter().sum();
    if stats.published != published {
        let counted = stats.published;
        worker.broken(format!(
            "{published} were published, and the bus counts {counted}"
        ));
    }
    for seat in &round.seats {
        let name = &seat.name;
        let Some(it) = figures(seat, stats) else {
            if !seat.plan.may_go() {
                worker.broken(format!("{name} is not listed any more"));
            }
            continue;
        };
        let expected = expected(round, seat, &done);
        if it.matched != expected && seat.plan.filter != Filter::Changing {
            worker.broken(format!("{name} was to match {expected}: {it:?}"));
        }
        if it.matched != it.received + it.queued + it.dropped {
            worker.broken(format!("{name}: the figures do not add up: {it:?}"));
        }
        let beside = match seat.plan.overflow {
            Overflow::DropOldest => SEGMENTS,
            _ => BESIDE,
        };
        if it.queued > it.capacity + beside || it.high_water > it.capacity + SEGMENTS {
            worker.broken(format!("{name} holds too many: {it:?}"));
        }
        if it.dropped > 0 && it.high_water < it.capacity {
            worker.broken(format!("{name} has lost some and was never full: {it:?}"));
        }
        if seat.is_stuck()
            && !seat.plan.group
            && (it.received > 0 || it.queued < it.matched.min(it.capacity))
        {
            worker.broken(format!(
                "{name} does not read, and does not hold as much: {it:?}"
            ));
        }
    }
    let (alive, most) = (round.alive.load(Ordering::Relaxed), most_alive(round));
    if usize::try_from(alive).is_ok_and(|alive| alive > most) {
        worker.broken(format!(
            "{alive} payloads are there, and at most {most} should be"
        ));
    }
}

/// How many a seat matches, if it is not evicted.
fn expected(round: &Round, seat: &Seat, done: &[u64]) -> u64 {
    let mut counted = seat.counted.lock().unwrap_or_else(PoisonError::into_inner);
    for (line, &done) in done.iter().enumerate() {
        let role = round.topology.roles[line];
        let new = counted.0[line]..done;
        let accepted = new.filter(|&number| seat.plan.filter.accepts(line, role, number));
        counted.1 += accepted.count() as u64;
        counted.0[line] = done;
    }
    counted.1
}

/// A queue with a filter keeps the segment of each envelope; the others, their own and one beside.
fn most_alive(round: &Round) -> usize {
    let seats = round.seats.iter().map(|seat| {
        let segments = if seat.plan.is_gapless() { 1 } else { 64 };
        seat.plan.capacity * segments + 256
    });
    seats.sum::<usize>() + 64 * 64 + 256 * round.lines.len()
}

/// Compares the sums when all have come to their ends.
pub(super) fn at_the_end(worker: &Worker, looked_over: u64) -> Totals {
    let round = &worker.round;
    let done = round.done();
    let (mut received, mut missed, mut displaced) = (0, 0, 0);
    for seat in &round.seats {
        let its_received = seat.received.load(Ordering::Relaxed);
        let its_missed = seat.missed.load(Ordering::Relaxed);
        let expected = expected(round, seat, &done);
        let is_known = !seat.plan.may_go() && seat.plan.filter != Filter::Changing;
        if is_known && its_received + its_missed != expected {
            let name = &seat.name;
            worker.broken(format!(
                "{name} received {its_received} and missed {its_missed} of {expected}"
            ));
        }
        received += its_received;
        missed += its_missed;
        if seat.plan.overflow == Overflow::DropOldest {
            displaced += its_missed;
        }
    }
    let delivered = round.delivered.load(Ordering::Relaxed);
    let dropped = round.dropped.load(Ordering::Relaxed);
    // A question that the end of the bus comes upon has no receipt.
    let has_receipts = !round.topology.abrupt || round.topology.askers.is_empty();
    if round.topology.is_settled()
        && has_receipts
        && (delivered, dropped) != (received + displaced, missed - displaced)
    {
        worker.broken(format!(
            "receipts say {delivered} delivered and {dropped} dropped; {received} were received, {missed} lost, {displaced} of these displaced"
        ));
    }
    let stats = round.bus.stats();
    let panics = round.panics.load(Ordering::Relaxed);
    if stats.predicate_panics != panics {
        worker.broken(format!(
            "predicates have panicked {panics} times: {stats:?}"
        ));
    }
    if stats.pending_requests != 0 || round.bus.subscriber_count() != 0 {
        let count = round.bus.subscriber_count();
        worker.broken(format!("after the end {count} are subscribed: {stats:?}"));
    }
    Totals {
        published: done.iter().sum(),
        received: received + round.received_apart.load(Ordering::Relaxed),
        lost: missed,
        looked_over,
        ..Totals::default()
    }
}
