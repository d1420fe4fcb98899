//! The counts of a round: those of the publishers and those of the subscribers must agree.

use std::time::{Duration, Instant};

use oxide_bus::Pattern;

use super::super::failure::Failure;
use super::intake::Intake;
use super::sent::Sent;
use super::timeline::Timeline;

/// What the publishers and the subscribers counted, each for itself.
pub(super) struct Counts {
    /// When the thread that times the run saw it begin.
    pub(super) began: Instant,
    pub(super) sent: Vec<Sent>,
    pub(super) intakes: Vec<Intake>,
    /// How many queues the subscribers have.
    pub(super) queues: usize,
    /// What the subscribers listen to; everything, if this is empty.
    pub(super) subjects: Vec<Pattern>,
    /// Whether the subscribers know what they lost.
    pub(super) tells_losses: bool,
    /// How full the queues were, if that was to be sampled.
    pub(super) timeline: Timeline,
}

impl Counts {
    pub(super) fn published(&self) -> u64 {
        self.sent.iter().map(|sent| sent.published).sum()
    }

    pub(super) fn delivered(&self) -> u64 {
        self.sent.iter().map(|sent| sent.delivered).sum()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.sent.iter().map(|sent| sent.dropped).sum()
    }

    pub(super) fn received(&self) -> u64 {
        self.intakes.iter().map(|intake| intake.received).sum()
    }

    /// Returns how many envelopes the subscribers lost. If nobody tells the subscribers, the publishers' counts are
    /// used.
    pub(super) fn lost(&self) -> u64 {
        if !self.tells_losses {
            return self.dropped();
        }
        self.intakes.iter().map(|intake| intake.lost).sum()
    }

    /// Returns how many subscribers were evicted.
    pub(super) fn evicted(&self) -> usize {
        self.intakes.iter().filter(|intake| intake.evicted).count()
    }

    /// Returns the time from the start to the end of the last publisher or subscriber. The start is the earlier of two:
    /// a publisher began, or the thread that times the run did. A requested duration counts from the latter.
    pub(super) fn elapsed(&self) -> Duration {
        let began = self.sent.iter().map(|sent| sent.began);
        let ended = (self.sent.iter().map(|sent| sent.ended))
            .chain(self.intakes.iter().map(|intake| intake.ended))
            .max();
        ended.map_or(Duration::ZERO, |ended| {
            ended - began.fold(self.began, Instant::min)
        })
    }

    /// Checks that the two sides agree, and that every envelope is accounted for at every queue.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let (delivered, dropped) = (self.delivered(), self.dropped());
        let (received, lost) = (self.received(), self.lost());
        if delivered + dropped != received + lost {
            return Err(Failure::new(format_args!(
                "the counts do not agree: by the receipts {delivered} deliveries were made and \
                 {dropped} dropped; the subscribers received {received} and lost {lost}"
            )));
        }
        if !self.tells_losses {
            return Ok(());
        }
        let queues = self.queues().map(|queue| (self.due(queue.number), queue));
        match { queues }.find(|(due, queue)| !queue.is_complete(*due)) {
            None => Ok(()),
            Some((due, QueueTotals { received, lost, .. })) => Err(Failure::new(format_args!(
                "the counts do not agree: of {due} envelopes at one queue {received} were \
                 received and {lost} lost"
            ))),
        }
    }

    /// Returns how many envelopes were published for a queue, whatever became of them.
    fn due(&self, queue: usize) -> u64 {
        let due = |sent: &Sent| sent.due(queue, &self.subjects);
        self.sent.iter().map(due).sum()
    }

    /// Returns what was counted at each queue. The members of a group share one queue; the subscribers join the groups
    /// in turn.
    fn queues(&self) -> impl Iterator<Item = QueueTotals> {
        (0..self.queues).map(|number| {
            let members = (self.intakes.iter()).skip(number).step_by(self.queues);
            let queue = QueueTotals {
                number,
                ..QueueTotals::default()
            };
            members.fold(queue, |queue, intake| QueueTotals {
                number,
                received: queue.received + intake.received,
                lost: queue.lost + intake.lost,
                evicted: queue.evicted || intake.evicted,
            })
        })
    }
}

/// The counts of one queue.
#[derive(Default)]
struct QueueTotals {
    number: usize,
    received: u64,
    lost: u64,
    evicted: bool,
}

impl QueueTotals {
    /// Returns whether the queue accounts for everything that was due, or for everything up to the eviction.
    fn is_complete(&self, due: u64) -> bool {
        let seen = self.received + self.lost;
        if self.evicted {
            self.lost == 1 && seen <= due
        } else {
            seen == due
        }
    }
}
