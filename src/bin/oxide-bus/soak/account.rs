//! The account of one subscription: what it receives and misses, checked with each envelope.
//!
//! For each line it knows up to which number everything is settled: received, or missing. There may never be more
//! missing envelopes than reported losses; at the end the two are equal. Subscribing, changing patterns and leaving
//! each begin an *era*, and are barriers. An envelope that was published before does not belong to the era. An envelope
//! whose publish begins after does.

use std::sync::Arc;

use oxide_bus::{Envelope, Overflow};
use parking_lot::Mutex;

use super::part::{Part, SoakLoad};
use super::report::broken;
use super::state::{RETAINED, RoundState};

/// An era: what a subscription listens to for a while, if anything. The numbers say, for each line, how many envelopes
/// were published when it began, and how many publishes had begun by then.
struct Era(Option<Part>, Vec<u64>, Vec<u64>);

/// The accounts of subscriptions that stay, and of members of groups.
pub(super) type SharedAccounts = Arc<Mutex<Vec<Arc<Mutex<Account>>>>>;

#[derive(Default)]
pub(super) struct Account {
    pub(super) part: Part,
    eras: Vec<Era>,
    next: Vec<u64>,
    next_sequence: Option<u64>,
    pub(super) received: u64,
    /// How many losses were reported to it.
    pub(super) lost: u64,
    /// How many envelopes were certainly offered and did not come, and how many were perhaps offered and did not come.
    pub(super) missing: u64,
    doubtful: u64,
    /// At the end: whether it was evicted, and how many it has lost by its own count.
    pub(super) end: Option<(bool, u64)>,
}

impl Account {
    /// Returns the account of a subscription. These publishes were `done` before it was made, and no more than these
    /// had `begun` after it was made.
    pub(super) fn new(
        round: &RoundState,
        part: &Part,
        mut done: Vec<u64>,
        mut begun: Vec<u64>,
    ) -> Self {
        let nothing = vec![0; done.len()];
        if part.group.is_some() {
            (done, begun) = (nothing.clone(), nothing.clone()); // it receives what is queued, too
        } else if let Some(line) = round.retained {
            done[line] = done[line].saturating_sub(RETAINED.into());
            begun[line] = begun[line].saturating_sub(RETAINED.into());
        }
        Account {
            part: part.clone(),
            next: done.clone(),
            eras: vec![
                Era(None, nothing.clone(), nothing),
                Era(Some(part.clone()), done, begun),
            ],
            ..Account::default()
        }
    }

    /// Returns whether there are too many eras to look through them fast.
    pub(super) fn is_busy(&self) -> bool {
        self.eras.len() > 9
    }

    /// Begins an era.
    pub(super) fn turn(&mut self, listens: Option<Part>, done: Vec<u64>, begun: Vec<u64>) {
        self.eras.push(Era(listens, done, begun));
    }

    /// Returns whether an envelope is certainly offered, and whether it may be.
    fn fits(&self, round: &RoundState, line: usize, number: u64) -> (bool, bool) {
        let (mut surely, mut perhaps) = (true, false);
        for (index, Era(listens, done, _)) in self.eras.iter().enumerate() {
            let next = self.eras.get(index + 1);
            if number >= done[line] && next.is_none_or(|next| number < next.2[line]) {
                let fits = |it: &Part| it.accepts(&round.parts[line], number);
                let fits = listens.as_ref().is_some_and(fits);
                (surely, perhaps) = (surely && fits, perhaps || fits);
            }
        }
        (surely && perhaps, perhaps)
    }

    /// Notes a received envelope. A lent envelope has no sequence number.
    pub(super) fn note(
        &mut self,
        round: &RoundState,
        it: &Envelope<SoakLoad>,
        sequence: Option<u64>,
    ) {
        let (by, line, number) = (self.part.name, it.message.line, it.message.number);
        let (name, next) = (round.parts[line].name, self.next[line]);
        let fits = it.source == name && self.fits(round, line, number).1;
        promise!(fits => by, "got {name} {number}, which is not for it, or not now");
        promise!(number >= next => by, "got {name} {number} twice or out of order, {next} is next");
        let (other, before) = it.message.witness;
        self.settle(round, other, before);
        self.settle(round, line, number);
        self.next[line] = number + 1;
        self.received += 1;
        self.check_told(round);
        if let (Some(next), Some(found)) = (self.next_sequence, sequence) {
            let may_skip = !self.part.is_gapless();
            let fits = found == next || may_skip && (found > next || !round.total_order);
            promise!(fits => by, "got {name} {number} as {found} of the sequence, {next} is next");
        }
        let first = self
            .eras
            .get(1)
            .map_or(0, |it| it.2[line] + u64::from(RETAINED));
        let is_retained = round.retained == Some(line) && number < first; // it may be
        if self.next_sequence.is_some() || !is_retained {
            self.next_sequence = sequence.or(self.next_sequence).map(|it| it + 1);
        }
    }

    /// Notes a reported loss.
    pub(super) fn note_lost(&mut self, round: &RoundState, lost: u64) {
        let waits = self.part.overflow == Overflow::Block && !self.part.speaks(); // one that speaks may leave
        let may = lost > 0 && (!waits || round.is_closing());
        promise!(may => self.part.name, "is told that it lost {lost}");
        self.lost += lost;
        let next = self.next_sequence.filter(|_| self.part.group.is_none()); // other members may have lost some
        self.next_sequence = next.map(|next| next + lost);
    }

    /// Settles everything below these numbers: each envelope is received by now, or missing.
    pub(super) fn settle_all(&mut self, round: &RoundState, below: &[u64]) {
        (below.iter().enumerate()).for_each(|(line, &below)| self.settle(round, line, below));
        self.check_told(round);
    }

    fn settle(&mut self, round: &RoundState, line: usize, below: u64) {
        while self.next[line] < below {
            let (surely, perhaps) = self.fits(round, line, self.next[line]);
            self.missing += u64::from(surely);
            self.doubtful += u64::from(perhaps && !surely);
            self.next[line] += 1;
        }
    }

    fn check_told(&self, round: &RoundState) {
        let Account { missing, lost, .. } = self;
        // The other members of a group may have received them. A subscribe that overlaps with the close may come too
        // late.
        let may = self.part.group.is_some() || self.part.speaks() && round.is_closing();
        promise!(may || missing <= lost => self.part.name, "misses {missing} and is told of {lost}");
    }

    /// Checks the account at the end of its subscription. By then these publishes had `begun`.
    pub(super) fn finish(&mut self, round: &RoundState, begun: &[u64]) {
        let (by, (evicted, dropped)) = (self.part.name, self.end.unwrap_or((false, self.lost)));
        promise!(!evicted || self.part.may_be_evicted() => by, "is evicted");
        if !evicted {
            self.settle_all(round, begun);
        }
        let most = match self.part.overflow {
            _ if !evicted => self.missing + self.doubtful,
            Overflow::Evict => 1,
            _ => u64::MAX, // it is not known when its predicate has panicked
        };
        let lost = self.lost;
        let fits = self.part.group.is_some() || lost <= most && lost == dropped;
        promise!(fits => by, "is told of {lost} losses of {most}, and says {dropped}");
    }
}
