//! What one subscription receives, checked with each envelope.
//!
//! Of each line it knows up to which number all is settled: received, or missing. What is missing may never be more
//! than what it was told of; at the end it is as much. Subscribing, changing patterns and leaving each begin an *era*,
//! and are barriers: what was published before is not for the era, what begins to be published after is.

use oxide_bus::{Envelope, Overflow};

use super::part::{Load, Part};
use super::report::broken;
use super::round::{RETAINED, Round};

/// What a subscription listens to for a while, if anything. How many of each line were published when that began,
/// and how many had begun to be published.
struct Era(Option<Part>, Vec<u64>, Vec<u64>);

#[derive(Default)]
pub(super) struct Account {
    pub(super) part: Part,
    eras: Vec<Era>,
    next: Vec<u64>,
    next_sequence: Option<u64>,
    pub(super) received: u64,
    /// What it was told that it lost.
    pub(super) lost: u64,
    /// What was offered and did not come, and what was perhaps offered.
    pub(super) missing: u64,
    doubtful: u64,
    /// At the end: whether it was evicted, and how many it has lost as it says.
    pub(super) end: Option<(bool, u64)>,
}

impl Account {
    /// Of a subscription that was made after so much was `done` and before so much had `begun`.
    pub(super) fn new(round: &Round, part: &Part, mut done: Vec<u64>, mut begun: Vec<u64>) -> Self {
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

    /// Whether there are so many eras that it takes long to look through them.
    pub(super) fn is_busy(&self) -> bool {
        self.eras.len() > 9
    }

    /// Begins an era.
    pub(super) fn turn(&mut self, listens: Option<Part>, done: Vec<u64>, begun: Vec<u64>) {
        self.eras.push(Era(listens, done, begun));
    }

    /// Whether an envelope is offered for certain, and whether it may be.
    fn fits(&self, round: &Round, line: usize, number: u64) -> (bool, bool) {
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

    /// Takes down an envelope. One that is lent does not say its sequence number.
    pub(super) fn note(&mut self, round: &Round, it: &Envelope<Load>, sequence: Option<u64>) {
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
        let is_retained = round.retained == Some(line) && number < first; // perhaps
        if self.next_sequence.is_some() || !is_retained {
            self.next_sequence = sequence.or(self.next_sequence).map(|it| it + 1);
        }
    }

    /// Takes down that it was told of losses.
    pub(super) fn note_lost(&mut self, round: &Round, lost: u64) {
        let waits = self.part.overflow == Overflow::Block && !self.part.speaks(); // or it leaves
        let may = lost > 0 && (!waits || round.is_closing());
        promise!(may => self.part.name, "is told that it lost {lost}");
        self.lost += lost;
        let next = self.next_sequence.filter(|_| self.part.group.is_none()); // some are of others
        self.next_sequence = next.map(|next| next + lost);
    }

    /// All below these numbers is received by now, or missing.
    pub(super) fn settle_all(&mut self, round: &Round, below: &[u64]) {
        (below.iter().enumerate()).for_each(|(line, &below)| self.settle(round, line, below));
        self.check_told(round);
    }

    fn settle(&mut self, round: &Round, line: usize, below: u64) {
        while self.next[line] < below {
            let (surely, perhaps) = self.fits(round, line, self.next[line]);
            self.missing += u64::from(surely);
            self.doubtful += u64::from(perhaps && !surely);
            self.next[line] += 1;
        }
    }

    fn check_told(&self, round: &Round) {
        let Account { missing, lost, .. } = self;
        // The other members of a group may have them; a subscribe that overlaps with the close may come too late.
        let may = self.part.group.is_some() || self.part.speaks() && round.is_closing();
        promise!(may || missing <= lost => self.part.name, "misses {missing} and is told of {lost}");
    }

    /// It has come to its end, where so much has begun to be published.
    pub(super) fn finish(&mut self, round: &Round, begun: &[u64]) {
        let (by, (evicted, dropped)) = (self.part.name, self.end.unwrap_or((false, self.lost)));
        promise!(!evicted || self.part.may_be_evicted() => by, "is evicted");
        if !evicted {
            self.settle_all(round, begun);
        }
        let most = match self.part.overflow {
            _ if !evicted => self.missing + self.doubtful,
            Overflow::Evict => 1,
            _ => u64::MAX, // when its predicate has panicked is not known
        };
        let lost = self.lost;
        let fits = self.part.group.is_some() || lost <= most && lost == dropped;
        promise!(fits => by, "is told of {lost} losses of {most}, and says {dropped}");
    }
}
