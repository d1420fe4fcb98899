//! Who takes part in a round: drawn from its seed, and from nothing else.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;
use oxide_bus::Overflow;

use super::load::{Filter, KINDS, LINES, Role};

#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
pub(super) struct Topology {
    pub(super) seed: u64,
    pub(super) total_order: bool,
    /// How many envelopes a segment holds at most.
    pub(super) segment: usize,
    /// What each line is for, in the order in which the workers below have them.
    pub(super) roles: Vec<Role>,
    pub(super) publishers: Vec<Speaker>,
    pub(super) askers: Vec<bool>,
    pub(super) seats: Vec<SeatPlan>,
    /// Come and go.
    pub(super) visitors: usize,
    pub(super) changer: bool,
    pub(super) keeper: bool,
    /// The bus closes in the midst of everything.
    pub(super) abrupt: bool,
    /// Nobody has a filter: most publishes only append.
    pub(super) plain: bool,
}

/// A publisher.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speaker {
    pub(super) task: bool,
    pub(super) right: Right,
    /// Its capability is revoked and granted again.
    pub(super) revoked: bool,
    pub(super) pace: Pace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    /// The bus itself.
    Root,
    Trusted,
    Granted,
    Scoped,
    Narrowed,
    Rated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    Fast,
    Bursts,
    Slow,
    /// Does nothing until the end.
    Stuck,
}

/// A subscription, or group, that is there from the beginning to the end.
#[derive(Debug, Clone)]
pub(super) struct SeatPlan {
    pub(super) filter: Filter,
    pub(super) overflow: Overflow,
    pub(super) capacity: usize,
    pub(super) group: bool,
    /// A thread or a task each.
    pub(super) readers: Vec<bool>,
    pub(super) pace: Pace,
    /// The line of its answers, if it gives any.
    pub(super) answers: Option<usize>,
}

impl SeatPlan {
    /// Whether it may be evicted.
    pub(super) fn may_go(&self) -> bool {
        self.overflow == Overflow::Evict || matches!(self.filter, Filter::Panics(_))
    }

    /// Whether it receives everything in the one order, and so sees each gap in the sequence.
    pub(super) fn is_gapless(&self) -> bool {
        self.filter == Filter::None && self.overflow != Overflow::DropOldest && !self.group
    }
}

impl Topology {
    pub(super) fn draw(seed: u64) -> Self {
        let rng = &mut Rng::with_seed(seed);
        let scale = rng.choice([1, 2, 4]).expect("there are some");
        let publishers: Vec<_> = (0..rng.usize(1..=scale)).map(|_| speaker(rng)).collect();
        let plain = one_in(rng, 3);
        let servers = if plain { 0 } else { rng.usize(0..=2) };
        let askers = if servers == 0 {
            0
        } else {
            rng.usize(1..=scale.min(3))
        };
        let askers: Vec<_> = (0..askers).map(|_| rng.bool()).collect();
        let visitors = if rng.bool() { 0 } else { rng.usize(1..=scale) };
        let (changer, keeper) = (!plain && one_in(rng, 4), !plain && one_in(rng, 4));
        let revoker = publishers.iter().any(|it| it.revoked);
        let mut roles = vec![Role::Talk; publishers.len()];
        roles.extend(vec![Role::Ask; askers.len()]);
        let first_answer = roles.len();
        roles.extend(vec![Role::Answer; servers]);
        roles.extend(vec![Role::Talk; visitors + usize::from(changer)]);
        roles.extend(vec![Role::Keep; usize::from(keeper)]);
        roles.extend(vec![Role::Talk; usize::from(revoker)]);
        assert!(roles.len() <= LINES.len(), "each line has a name");
        let lines = roles.len();
        let mut seats: Vec<_> = (0..rng.usize(1..=2 * scale))
            .map(|_| seat(rng, lines, plain))
            .collect();
        seats.extend((0..servers).map(|server| SeatPlan {
            filter: Filter::Kind("ask"),
            overflow: Overflow::Block,
            capacity: 1 << rng.usize(0..=5),
            group: false,
            readers: vec![rng.bool()],
            pace: Pace::Fast,
            answers: Some(first_answer + server),
        }));
        Topology {
            seed,
            total_order: one_in(rng, 4),
            segment: rng.choice([1, 4, 64, 64]).expect("there are some"),
            roles,
            publishers,
            askers,
            seats,
            visitors,
            changer,
            keeper,
            abrupt: one_in(rng, 4),
            plain,
        }
    }

    /// Whether nobody subscribes or leaves while something is published.
    pub(super) fn is_settled(&self) -> bool {
        self.transients() == 0
    }

    /// How many subscriptions that come and go there are at once, at most.
    pub(super) fn transients(&self) -> usize {
        let revoker = self.publishers.iter().any(|it| it.revoked);
        let solo = usize::from(self.changer) + usize::from(self.keeper) + usize::from(revoker);
        2 * self.visitors + solo
    }
}

fn one_in(rng: &mut Rng, of: u32) -> bool {
    rng.u32(0..of) == 0
}

fn speaker(rng: &mut Rng) -> Speaker {
    let rights = [
        Right::Root,
        Right::Trusted,
        Right::Granted,
        Right::Scoped,
        Right::Narrowed,
        Right::Rated,
    ];
    let right = rng.choice(rights).expect("there are some");
    let may_lose = matches!(right, Right::Granted | Right::Scoped | Right::Narrowed);
    Speaker {
        task: rng.bool() && right != Right::Root,
        right,
        revoked: may_lose && rng.bool(),
        pace: rng
            .choice([Pace::Fast, Pace::Bursts, Pace::Bursts, Pace::Slow])
            .expect("there are some"),
    }
}

fn seat(rng: &mut Rng, lines: usize, plain: bool) -> SeatPlan {
    let kind = rng.choice(KINDS).expect("there are some");
    let sources = (rng.usize(0..lines), rng.usize(0..lines));
    let group = !plain && one_in(rng, 4);
    let filters = [
        Filter::None,
        Filter::None,
        Filter::None,
        Filter::Everything,
        Filter::Kind(kind),
        Filter::Sources(sources.0, sources.1),
        Filter::Predicate,
        Filter::KindAndPredicate(kind),
        Filter::Changing,
        Filter::Panics(rng.u64(100..20_000)),
    ];
    let alone = |filter| matches!(filter, Filter::Changing | Filter::Panics(_));
    let mut filter = rng.choice(filters).expect("there are some");
    if plain || group && alone(filter) {
        filter = Filter::None;
    }
    let policies = [
        Overflow::DropNewest,
        Overflow::DropOldest,
        Overflow::Block,
        Overflow::BlockFor(Duration::from_micros(rng.u64(10..500))),
        Overflow::Evict,
    ];
    let mut overflow = rng.choice(policies).expect("there are some");
    if group && overflow == Overflow::Evict {
        overflow = Overflow::Block;
    }
    if plain && overflow == Overflow::DropOldest {
        overflow = Overflow::DropNewest;
    }
    let waits = matches!(overflow, Overflow::Block | Overflow::BlockFor(_));
    let mut paces = vec![Pace::Fast, Pace::Bursts, Pace::Slow];
    if !waits {
        paces.push(Pace::Stuck);
    }
    let mut pace = rng.choice(paces).expect("there are some");
    if filter == Filter::Changing {
        (overflow, pace) = (Overflow::Block, Pace::Fast);
    }
    let largest = 1 << rng.usize(0..=9);
    let capacity = rng.usize(1..=largest);
    let readers = if group { rng.usize(1..=3) } else { 1 };
    SeatPlan {
        filter,
        overflow,
        capacity,
        group,
        readers: (0..readers).map(|_| rng.bool()).collect(),
        pace,
        answers: None,
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = if self.total_order {
            "one order for all"
        } else {
            "no total order"
        };
        let end = if self.abrupt {
            "in the midst"
        } else {
            "at rest"
        };
        writeln!(
            f,
            "seed {}: segments of {}, {order}, closed {end}",
            self.seed, self.segment
        )?;
        for (line, it) in self.publishers.iter().enumerate() {
            let by = run_by(it.task);
            let revoked = if it.revoked { ", revoked" } else { "" };
            let (right, pace) = (it.right, it.pace);
            writeln!(
                f,
                "  publisher {}: {by}, {right:?}{revoked}, {pace:?}",
                LINES[line]
            )?;
        }
        for (seat, it) in self.seats.iter().enumerate() {
            let readers: Vec<_> = it.readers.iter().map(|&task| run_by(task)).collect();
            let group = if it.group { " of a group" } else { "" };
            write!(
                f,
                "  subscription s{seat}: {}{group}, {}, ",
                readers.join(" "),
                it.filter
            )?;
            write!(
                f,
                "{:?}, capacity {}, {:?}",
                it.overflow, it.capacity, it.pace
            )?;
            let answers = it
                .answers
                .map(|line| format!(", answers as {}", LINES[line]));
            writeln!(f, "{}", answers.unwrap_or_default())?;
        }
        let (askers, visitors) = (self.askers.len(), self.visitors);
        let (changer, keeper) = (u8::from(self.changer), u8::from(self.keeper));
        write!(
            f,
            "  askers {askers}, visitors {visitors}, changers {changer}, keepers {keeper}"
        )
    }
}

pub(super) fn run_by(task: bool) -> &'static str {
    if task { "task" } else { "thread" }
}
