//! One round: a fresh bus, and what its workers share.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use oxide_bus::{Bus, SubscribeOptions};
use uuid::Uuid;

use super::load::Load;
use super::topology::{SeatPlan, Topology};
use super::worker::Trace;

pub(super) struct Round {
    pub(super) topology: Topology,
    pub(super) bus: Bus<Load>,
    pub(super) began: Instant,
    pub(super) lines: Vec<Line>,
    pub(super) seats: Vec<Arc<Seat>>,
    /// The payloads that are there.
    pub(super) alive: Arc<AtomicI64>,
    /// How often a predicate was made to panic.
    pub(super) panics: Arc<AtomicU64>,
    /// The sums of all receipts.
    pub(super) delivered: AtomicU64,
    pub(super) dropped: AtomicU64,
    /// What comers and goers have received.
    pub(super) received_apart: AtomicU64,
    lull: AtomicBool,
    over: AtomicBool,
    closing: AtomicBool,
    settled: AtomicBool,
    /// How many of those that answer are at the end of their questions.
    pub(super) answered: AtomicUsize,
    /// How many workers rest, or are done.
    pub(super) parked: AtomicUsize,
    traces: Mutex<Vec<Arc<Trace>>>,
}

/// How far a line is.
#[derive(Default)]
pub(super) struct Line {
    /// All numbers below have begun to be published.
    begun: AtomicU64,
    /// All numbers below were published.
    done: AtomicU64,
    /// Whether its capability is granted: see [`Right`](super::publishers).
    pub(super) phase: AtomicU64,
}

/// A subscription that stays, and what its readers have counted.
pub(super) struct Seat {
    pub(super) name: String,
    pub(super) plan: SeatPlan,
    pub(super) options: SubscribeOptions<Load>,
    /// That of its first subscription.
    pub(super) id: Mutex<Option<Uuid>>,
    pub(super) received: AtomicU64,
    pub(super) missed: AtomicU64,
    /// For each line, one bit for each number that some member of a group has received.
    taken: Mutex<Vec<Vec<u64>>>,
    /// How far each line was counted, and how many of them it matches.
    pub(super) counted: Mutex<(Vec<u64>, u64)>,
}

impl Seat {
    /// Notes that a member of a group has this one now; false if some member had it before.
    pub(super) fn takes(&self, line: usize, number: u64) -> bool {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let word = (number / 64) as usize;
        if taken[line].len() <= word {
            taken[line].resize(word + 1, 0);
        }
        let bit = 1 << (number % 64);
        let was_free = taken[line][word] & bit == 0;
        taken[line][word] |= bit;
        was_free
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.plan.pace == super::topology::Pace::Stuck
    }
}

impl Round {
    pub(super) fn new(topology: Topology) -> Self {
        let builder = Bus::builder().max_segment(topology.segment);
        let bus = if topology.total_order {
            builder.total_order().build()
        } else {
            builder.build()
        };
        let lines = topology.roles.len();
        let panics = Arc::default();
        let seats = topology.seats.iter().enumerate().map(|(index, plan)| {
            let name = format!("s{index}");
            let options = SubscribeOptions::new()
                .capacity(plan.capacity)
                .overflow(plan.overflow)
                .name(&name);
            let options = plan.filter.apply(options, &panics);
            Arc::new(Seat {
                options: if plan.group {
                    options.group(&name)
                } else {
                    options
                },
                name,
                plan: plan.clone(),
                id: Mutex::new(None),
                received: AtomicU64::new(0),
                missed: AtomicU64::new(0),
                taken: Mutex::new(vec![Vec::new(); lines]),
                counted: Mutex::new((vec![0; lines], 0)),
            })
        });
        Round {
            bus,
            began: Instant::now(),
            lines: (0..lines).map(|_| Line::default()).collect(),
            seats: seats.collect(),
            alive: Arc::default(),
            panics: Arc::clone(&panics),
            delivered: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            received_apart: AtomicU64::new(0),
            lull: AtomicBool::new(false),
            over: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            settled: AtomicBool::new(false),
            answered: AtomicUsize::new(0),
            parked: AtomicUsize::new(0),
            traces: Mutex::default(),
            topology,
        }
    }

    pub(super) fn take_part(&self, trace: Arc<Trace>) {
        let mut traces = self.traces.lock().unwrap_or_else(PoisonError::into_inner);
        traces.push(trace);
    }

    pub(super) fn traces(&self) -> Vec<Arc<Trace>> {
        let traces = self.traces.lock().unwrap_or_else(PoisonError::into_inner);
        traces.clone()
    }

    /// Notes that all numbers below are published from now on, or have been: before the publish.
    ///
    /// The fence pairs with that in [`begun`](Round::begun): if that does not see this, whatever its thread did before
    /// is seen by the publish that follows.
    pub(super) fn begin(&self, line: usize, below: u64) {
        self.lines[line].begun.store(below, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Notes that all numbers below were published: after the publish.
    pub(super) fn end(&self, line: usize, below: u64) {
        self.lines[line].done.store(below, Ordering::Release); // pairs with `done`
    }

    /// What may have been published by now; all above begins after what this thread did before.
    pub(super) fn begun(&self) -> Vec<u64> {
        fence(Ordering::SeqCst);
        let begun = |line: &Line| line.begun.load(Ordering::Relaxed);
        self.lines.iter().map(begun).collect()
    }

    /// What was published for certain.
    pub(super) fn done(&self) -> Vec<u64> {
        self.lines.iter().map(Line::done).collect()
    }

    /// How many subscriptions an envelope must match, and how many it may.
    pub(super) fn matching(&self, line: usize, number: u64) -> (usize, usize) {
        let role = self.topology.roles[line];
        let (mut least, mut most) = (0, self.topology.transients());
        for SeatPlan { filter, .. } in self.seats.iter().map(|seat| &seat.plan) {
            most += usize::from(filter.tolerates(role, number));
        }
        for seat in &self.seats {
            if seat.plan.filter.accepts(line, role, number) {
                most += 1;
                least += usize::from(!seat.plan.may_go());
            }
        }
        if self.is_closing() {
            (0, most)
        } else {
            (least, most)
        }
    }

    pub(super) fn is_lull(&self) -> bool {
        self.lull.load(Ordering::SeqCst)
    }

    pub(super) fn set_lull(&self, lull: bool) {
        self.lull.store(lull, Ordering::SeqCst);
    }

    /// Whether publishers are to end.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    pub(super) fn set_over(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Whether the bus has closed, or is about to.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.bus.close();
    }

    /// Whether all is published.
    pub(super) fn is_settled(&self) -> bool {
        self.settled.load(Ordering::SeqCst)
    }

    pub(super) fn set_settled(&self) {
        self.settled.store(true, Ordering::SeqCst);
    }

    /// Whether all questions are answered.
    pub(super) fn has_answered(&self) -> bool {
        let servers = self.seats.iter().filter(|seat| seat.plan.answers.is_some());
        self.answered.load(Ordering::SeqCst) == servers.count()
    }
}

impl Line {
    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Acquire) // pairs with `Round::end`
    }
}
