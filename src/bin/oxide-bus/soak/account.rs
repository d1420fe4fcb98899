//! What one subscription has received, and what it was told it missed, checked with each envelope.
//!
//! Of each line it knows up to which number all is settled: received, or missed. What it must have missed may never be
//! more than what it was told; at the end, it is as much.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use oxide_bus::{Delivery, Envelope, Overflow};

use super::load::{Filter, LINES, Load, Role};
use super::round::{Round, Seat};
use super::worker::Worker;

pub(super) struct Account {
    filter: Filter,
    overflow: Overflow,
    /// The subscription that it is one of, if that stays.
    seat: Option<Arc<Seat>>,
    /// It has a part only of what is received.
    is_member: bool,
    /// Each gap shows in the sequence.
    is_gapless: bool,
    is_rising: bool,
    /// The numbers below are settled, for each line.
    next: Vec<u64>,
    /// The numbers from here on are offered to it for certain. Those before may be.
    firm: Vec<u64>,
    /// It has left: the numbers from the first on may be offered to it, those from the second on are not.
    end: Option<(Vec<u64>, Vec<u64>)>,
    missing: u64,
    /// What may be missing, or was never offered.
    doubtful: u64,
    pub(super) received: u64,
    pub(super) missed: u64,
    /// The next one's sequence number, once that is known.
    next_sequence: Option<u64>,
}

/// How a subscription ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Disconnected,
    Evicted,
}

impl Account {
    /// Of a subscription, made after that much was `done` and before that much had `begun`.
    pub(super) fn new(
        round: &Round,
        (filter, overflow): (Filter, Overflow),
        done: Vec<u64>,
        begun: Vec<u64>,
    ) -> Self {
        let mut next = done;
        for (next, role) in next.iter_mut().zip(&round.topology.roles) {
            if *role == Role::Keep {
                *next = 0; // some are retained
            }
        }
        Account {
            filter,
            overflow,
            seat: None,
            is_member: false,
            is_gapless: filter == Filter::None && overflow != Overflow::DropOldest,
            is_rising: round.topology.total_order,
            next,
            firm: begun,
            end: None,
            missing: 0,
            doubtful: 0,
            received: 0,
            missed: 0,
            next_sequence: None,
        }
    }

    /// Of one of the subscriptions that stay: of a group, one of the members.
    pub(super) fn of(round: &Round, seat: &Arc<Seat>) -> Self {
        let none = || vec![0; round.lines.len()];
        let plan = &seat.plan;
        Account {
            seat: Some(Arc::clone(seat)),
            is_member: plan.group,
            is_gapless: plan.is_gapless(),
            ..Account::new(round, (plan.filter, plan.overflow), none(), none())
        }
    }

    pub(super) fn delivery(&mut self, worker: &Worker, delivery: &Delivery<Load>) {
        self.envelope(worker, delivery, Some(delivery.sequence()));
    }

    /// Takes down an envelope; one that is lent does not say its sequence number.
    pub(super) fn envelope(
        &mut self,
        worker: &Worker,
        envelope: &Envelope<Load>,
        sequence: Option<u64>,
    ) {
        let &Load {
            line,
            number,
            witness,
            ..
        } = &envelope.message;
        let (name, role) = (LINES[line], worker.round.topology.roles[line]);
        let is_sure = self.filter.accepts(line, role, number);
        if !is_sure && !self.filter.tolerates(role, number) {
            worker.broken(format!(
                "received {name} {number}, which it does not listen to"
            ));
        }
        if envelope.source != name {
            worker.broken(format!(
                "received {name} {number} from {:?}",
                envelope.source
            ));
        }
        if number < self.next[line] {
            let next = self.next[line];
            worker.broken(format!(
                "received {name} {number} twice, too late or too early: {next} would be next"
            ));
        }
        if (self.end.as_ref()).is_some_and(|(_, end)| number >= end[line]) {
            worker.broken(format!(
                "received {name} {number}, published after it had left"
            ));
        }
        self.settle(worker, witness.0, witness.1);
        self.settle(worker, line, number);
        self.next[line] = number + 1;
        self.in_sequence(worker, line, number, sequence);
        self.received += 1;
        if let Some(seat) = &self.seat {
            if self.is_member && !seat.takes(line, number) {
                worker.broken(format!("received {name} {number}, as another member has"));
            }
            seat.received.fetch_add(1, Ordering::Relaxed);
        } else {
            worker.round.received_apart.fetch_add(1, Ordering::Relaxed);
        }
        self.is_told(worker);
    }

    fn in_sequence(&mut self, worker: &Worker, line: usize, number: u64, sequence: Option<u64>) {
        let is_anchor =
            number >= self.firm[line] || worker.round.topology.roles[line] != Role::Keep;
        match (self.next_sequence, sequence) {
            (Some(next), Some(found)) if self.is_gapless && next != found => {
                worker.broken(format!(
                    "received sequence number {found}, after which {next} was next"
                ));
            }
            (Some(next), Some(found)) if self.is_rising && found < next => {
                worker.broken(format!(
                    "received sequence number {found} where it was past {next}"
                ));
            }
            (Some(next), None) => self.next_sequence = Some(next + 1),
            (Some(_), Some(found)) => self.next_sequence = Some(found + 1),
            (None, Some(found)) if is_anchor => self.next_sequence = Some(found + 1),
            (None, _) => {}
        }
    }

    pub(super) fn lagged(&mut self, worker: &Worker, missed: u64) {
        worker.step("told it missed", missed);
        if missed == 0 {
            worker.broken("was told of a gap of nothing");
        }
        self.missed += missed;
        if !self.is_member {
            self.next_sequence = self.next_sequence.map(|next| next + missed);
        }
        if let Some(seat) = &self.seat {
            seat.missed.fetch_add(missed, Ordering::Relaxed);
        }
        if self.overflow == Overflow::Block && self.seat.is_some() && !worker.round.is_closing() {
            worker.broken(format!("has lost {missed}, though publishers wait for it"));
        }
    }

    /// All that was done is received or told by now.
    pub(super) fn is_empty(&mut self, worker: &Worker, done: &[u64]) {
        if !self.is_member {
            for (line, &done) in done.iter().enumerate() {
                self.settle(worker, line, done);
            }
            self.is_told(worker);
        }
    }

    /// Nothing comes any more of these numbers.
    fn settle(&mut self, worker: &Worker, line: usize, below: u64) {
        if self.is_member {
            self.next[line] = self.next[line].max(below); // the others may have them
            return;
        }
        let role = worker.round.topology.roles[line];
        let end = self.end.as_ref();
        let (sure, end) = end.map_or((u64::MAX, u64::MAX), |(sure, end)| (sure[line], end[line]));
        let sure = self.firm[line]..sure;
        for number in self.next[line]..below.min(end) {
            if self.filter.accepts(line, role, number) {
                if sure.contains(&number) {
                    self.missing += 1;
                } else {
                    self.doubtful += 1;
                }
            }
            self.next[line] = number + 1;
        }
    }

    fn is_told(&self, worker: &Worker) {
        if !self.is_member && self.missing > self.missed {
            let (missing, missed, doubtful) = (self.missing, self.missed, self.doubtful);
            worker.broken(format!(
                "misses {missing} envelopes and was told of {missed} ({doubtful} doubtful)"
            ));
        }
    }

    /// It takes nothing new: it left after so much was `done`, and before so much had `begun`.
    pub(super) fn leave(&mut self, done: Vec<u64>, begun: Vec<u64>) {
        self.end = Some((done, begun));
    }

    /// It has come to its end, and so much is done.
    pub(super) fn finish(&mut self, worker: &Worker, end: End, done: &[u64], dropped: u64) {
        worker.step("is at its end, having received", self.received);
        let may_go = self.overflow == Overflow::Evict || matches!(self.filter, Filter::Panics(_));
        if end == End::Evicted && !may_go {
            worker.broken("was evicted");
        }
        if self.is_member {
            return; // the group is looked over as a whole
        }
        let most = if end == End::Disconnected {
            self.is_empty(worker, done);
            self.missing + self.doubtful
        } else if self.overflow == Overflow::Evict {
            1 // and nothing after it is offered
        } else {
            u64::MAX // when its predicate panicked is not known
        };
        if self.missed > most && self.filter != Filter::Changing {
            let missed = self.missed;
            worker.broken(format!(
                "was told of {missed} losses, where there are {most}"
            ));
        }
        if dropped != self.missed {
            let missed = self.missed;
            worker.broken(format!(
                "was told of {missed} losses, and `dropped` says {dropped}"
            ));
        }
    }
}
