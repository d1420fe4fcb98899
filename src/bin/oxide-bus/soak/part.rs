//! The parts of a round and their payloads: everything here is drawn from the seed, and from nothing else.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use oxide_bus::{Envelope, Overflow, Payload, Subject, SubscribeOptions};

/// The names of the parts, the sources of their envelopes, and the first tokens of the subjects.
const NAMES: [&str; 20] = [
    "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13", "p14",
    "p15", "p16", "p17", "p18", "p19",
];

/// The patterns that a part with changing patterns switches between.
pub(super) const CHANGES: [[&str; 2]; 3] = [["*.k0", "*.k1"], ["*.k0", "*.k2"], ["k9.>", "*.k3"]];

/// A payload. The payloads of one part, its *line*, have consecutive numbers, so a subscription knows what it misses.
#[derive(Debug)]
pub(super) struct SoakLoad {
    pub(super) line: usize,
    pub(super) number: u64,
    /// Another line, and how many of its payloads were published before this one. Every subscriber gets those first.
    pub(super) witness: (usize, u64),
    /// The line and the number of the question that this answers.
    pub(super) answers: Option<(usize, u64)>,
    pub(super) subject: [&'static str; 2],
    /// Counts the payloads that are alive.
    pub(super) _alive: Arc<()>,
}

impl Payload for SoakLoad {
    fn subject(&self) -> Subject<'_> {
        Subject::new(self.subject)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) enum Job {
    #[default]
    Publish,
    /// Subscribes, receives, publishes and leaves, over and over.
    Visit,
    /// Revokes capabilities, and grants them again.
    Revoke,
    /// Receives, to the end of the bus.
    Read,
    /// Like `Read`, but receives nothing before the bus closes.
    Stuck,
    /// Like `Read`, and answers questions.
    Answer,
}

/// A worker, or several in one group: how they publish, and their subscription.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) job: Job,
    /// For each worker, whether it is a task.
    pub(super) tasks: Vec<bool>,
    pub(super) pauses: usize,
    /// Whether it publishes under a capability with a scope, which may be revoked.
    pub(super) granted: bool,
    pub(super) patterns: Vec<&'static str>,
    pub(super) changing: bool,
    source: Option<&'static str>,
    /// Its predicate refuses multiples of the first number, and panics from the second one on.
    predicate: Option<(u64, u64)>,
    pub(super) group: Option<&'static str>,
    pub(super) overflow: Overflow,
    pub(super) capacity: usize,
}

impl Part {
    /// Draws a part. A plain round has no filters, so that many publishes only append.
    fn draw(rng: &mut Rng, name: &'static str, job: Job, is_plain: bool) -> Self {
        let largest = 1 << rng.usize(0..=9);
        let mut part = Part {
            name,
            job,
            tasks: vec![rng.bool() && job != Job::Revoke],
            pauses: [0, 2, 2, 60][rng.usize(0..4)],
            granted: job == Job::Publish && rng.bool(),
            capacity: rng.usize(1..=largest),
            ..Part::default()
        };
        let patterns = [["*.k0"], ["*.k1"], ["*.k2"], [">"]][rng.usize(0..4)].to_vec();
        match rng.u8(0..12) {
            _ if job == Job::Answer => part.patterns = vec!["*.ask"],
            _ if is_plain => {}
            0 => part.patterns = patterns,
            1 => part.source = Some(NAMES[rng.usize(0..4)]),
            2 => part.predicate = Some((3, u64::MAX)),
            3 => (part.patterns, part.predicate) = (patterns, Some((3, u64::MAX))),
            4 => part.predicate = Some((u64::MAX, rng.u64(100..20_000))),
            5 => (part.patterns, part.changing) = (CHANGES[0].to_vec(), true),
            6 => part.group = Some(name),
            7 => (part.group, part.patterns) = (Some(name), patterns),
            _ => {}
        }
        if part.group.is_some() && !part.speaks() {
            part.tasks = (0..rng.usize(1..=3)).map(|_| rng.bool()).collect();
        }
        part.overflow = match rng.u8(0..5) {
            _ if job == Job::Answer => Overflow::Block,
            0 => Overflow::DropOldest,
            1 if part.group.is_none() => Overflow::Evict,
            2 if job != Job::Stuck => Overflow::Block,
            3 if job != Job::Stuck => Overflow::BlockFor(Duration::from_micros(rng.u64(10..500))),
            _ => Overflow::DropNewest,
        };
        part
    }

    /// Draws all parts of a round.
    pub(super) fn draw_all(rng: &mut Rng) -> Vec<Self> {
        let (most, is_plain) = (1 << rng.usize(0..=2), rng.u8(0..3) == 0);
        let jobs = [
            (Job::Publish, rng.usize(1..=most)),
            (Job::Visit, rng.usize(0..=most) * rng.usize(0..=1)),
            (Job::Revoke, rng.usize(0..=1)),
            (Job::Read, rng.usize(1..=2 * most)),
            (Job::Stuck, rng.usize(0..=1)),
            (Job::Answer, rng.usize(0..=2) * usize::from(!is_plain)),
        ];
        let jobs = jobs.into_iter().flat_map(|it| vec![it.0; it.1]);
        let parts = NAMES.into_iter().zip(jobs);
        let mut parts: Vec<_> = parts
            .map(|it| Part::draw(rng, it.0, it.1, is_plain))
            .collect();
        let is_group = |it: &&Part| it.group.is_some() && !it.speaks();
        let group = parts.iter().find(is_group).cloned().unwrap_or_default();
        for part in parts
            .iter_mut()
            .filter(|it| it.group.is_some() && it.speaks())
        {
            (part.patterns, part.group) = (group.patterns.clone(), group.group);
            (part.overflow, part.capacity) = (group.overflow, group.capacity.max(1));
        }
        parts
    }

    /// Returns whether it publishes on its own, and not only to answer.
    pub(super) fn speaks(&self) -> bool {
        matches!(self.job, Job::Publish | Job::Visit | Job::Revoke)
    }

    /// Returns the second token of the subject of an envelope.
    pub(super) fn kind(&self, number: u64) -> &'static str {
        let kinds = ["k0", "k1", "k2", "k3", "k0", "k1", "k2", "ask"];
        match self.job {
            Job::Answer => "answer",
            _ => kinds[(mixed(number) >> 61) as usize],
        }
    }

    /// Returns whether it listens to this envelope of a part.
    pub(super) fn accepts(&self, part: &Part, number: u64) -> bool {
        let fits = |it: &&str| *it == ">" || it.ends_with(part.kind(number));
        let predicate = |(not, panics): (u64, u64)| number < panics && !number.is_multiple_of(not);
        (self.patterns.is_empty() || self.patterns.iter().any(fits))
            && self.source.is_none_or(|it| it == part.name)
            && self.predicate.is_none_or(predicate)
    }

    /// Returns the options of its subscription. Panics of the predicate are counted.
    pub(super) fn options(&self, panics: &Arc<AtomicU64>) -> SubscribeOptions<SoakLoad> {
        let mut options = SubscribeOptions::new()
            .name(self.name)
            .capacity(self.capacity);
        options = options.patterns(self.patterns.clone()).sources(self.source);
        if let Some((not, first)) = self.predicate {
            let panics = Arc::clone(panics);
            options = options.predicate(move |it: &Envelope<SoakLoad>| {
                if it.message.number >= first {
                    panics.fetch_add(1, Ordering::Relaxed);
                    resume_unwind(Box::new("a predicate panics, as it is to")); // without the panic hook
                }
                !it.message.number.is_multiple_of(not)
            });
        }
        let options = options.overflow(self.overflow);
        self.group
            .into_iter()
            .fold(options, SubscribeOptions::group)
    }

    /// Returns whether its predicate may panic.
    pub(super) fn panics(&self) -> bool {
        self.predicate.is_some_and(|it| it.1 < u64::MAX)
    }

    pub(super) fn may_be_evicted(&self) -> bool {
        self.panics() || self.overflow == Overflow::Evict
    }

    /// Returns whether it receives everything in the one order: then each gap shows in the sequence numbers.
    pub(super) fn is_gapless(&self) -> bool {
        let is_plain = self.patterns.is_empty() && self.source.or(self.group).is_none();
        is_plain && self.predicate.is_none()
    }
}

/// One step of `SplitMix64`: gives the seed of the next round, and numbers that look random.
pub(super) fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
