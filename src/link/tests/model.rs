//! The two state machines against each other, over a wire that loses, repeats, reorders and is cut, at random.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use tokio::time::Instant;

use crate::link::frames::control::{Mark, Tombstone};
use crate::link::frames::frame::Frame;
use crate::link::inbound::arrival::{Arrival, Handed};
use crate::link::inbound::gap_patience::GapPatience;
use crate::link::inbound::incoming::Incoming;
use crate::link::outbound::outgoing::{Outgoing, WindowBounds};

const PATIENCE: GapPatience = GapPatience {
    ask_again: Duration::from_millis(20),
    give_up: Duration::from_millis(500),
    held: 4096,
    held_bytes: 1 << 20,
};

fn frame(sequence: u64) -> Frame {
    Frame::new(&format!("ob.north.{sequence}"), Bytes::new())
}

fn tombstone(sequence: u64) -> Frame {
    let tombstone = Tombstone {
        incarnation: 1,
        sequence,
    };
    tombstone.frame("north")
}

fn number(frame: &Frame) -> u64 {
    let (_, number) = frame.subject().rsplit_once('.').unwrap();
    number.parse().unwrap()
}

fn a_mark(first: u64, last: u64) -> Mark {
    Mark {
        incarnation: 1,
        first,
        last,
        age: 0,
        exports: Vec::new(),
    }
}

fn mark(outgoing: &Outgoing) -> Mark {
    let (first, last) = outgoing.kept();
    a_mark(first, last)
}

/// What an importer was told, checked as it comes: each number once and in order.
#[derive(Debug, Default)]
struct Told {
    up_to: u64,
    delivered: u64,
    missed: u64,
}

impl Told {
    fn take(&mut self, item: &Handed<u64>) {
        match item {
            Handed::Frame(sequence) => {
                let sequence = *sequence;
                assert_eq!(sequence, self.up_to + 1, "out of order");
                self.up_to = sequence;
                self.delivered += 1;
            }
            Handed::Missed(count) => {
                assert!(*count > 0);
                self.up_to += count;
                self.missed += count;
            }
        }
    }
}

struct Simulation {
    random: Rng,
    now: Instant,
    outgoing: Outgoing,
    /// Sent, and not at the server.
    up: Vec<u64>,
    was_cut: bool,
    at_server: BTreeSet<u64>,
    /// From the server to the importer.
    down: Vec<u64>,
    incoming: Incoming<u64>,
    told: Told,
    loss: f64,
    /// Numbers that no server takes, for which tombstones go out.
    buried: BTreeSet<u64>,
}

impl Simulation {
    fn new(seed: u64, loss: f64, frames: usize) -> Self {
        let bounds = WindowBounds {
            frames,
            bytes: 1 << 24,
        };
        let mut simulation = Simulation {
            random: Rng::with_seed(seed),
            now: Instant::now(),
            outgoing: Outgoing::new(1, bounds),
            up: Vec::new(),
            was_cut: false,
            at_server: BTreeSet::new(),
            down: Vec::new(),
            incoming: Incoming::new(PATIENCE, Instant::now()),
            told: Told::default(),
            loss,
            buried: BTreeSet::new(),
        };
        simulation.mark();
        simulation
    }

    fn happens(&mut self, probability: f64) -> bool {
        self.random.f64() < probability
    }

    fn mark(&mut self) {
        let mark = mark(&self.outgoing);
        let told = &mut self.told;
        (self.incoming).mark(&mark, true, true, self.now, &mut |item| told.take(&item));
    }

    fn send(&mut self) {
        let Some((sequence, frame)) = self.outgoing.next() else {
            return;
        };
        if self.buried.contains(&sequence) {
            assert_eq!(*frame, tombstone(sequence));
        } else {
            assert_eq!(number(frame), sequence);
            if sequence.is_multiple_of(97) {
                self.buried.insert(sequence);
                assert!(self.outgoing.bury(sequence, tombstone(sequence)));
                return;
            }
        }
        self.outgoing.sent(sequence);
        self.up.push(sequence);
    }

    fn cut(&mut self) {
        let reaches = self.random.usize(..=self.up.len());
        self.up.truncate(reaches);
        self.flush();
        self.down.clear();
        self.was_cut = true;
    }

    fn flush(&mut self) {
        for sequence in std::mem::take(&mut self.up) {
            self.at_server.insert(sequence);
            if self.happens(self.loss) {
                continue;
            }
            self.down.push(sequence);
            if self.happens(0.02) {
                self.down.push(sequence);
            }
        }
    }

    fn round_trip(&mut self) {
        if std::mem::take(&mut self.was_cut) {
            self.outgoing.rewind();
            self.mark();
            return;
        }
        self.flush();
        let up_to = self.outgoing.confirmable();
        let last = self.outgoing.exported() - self.outgoing.window();
        for sequence in last + 1..=up_to {
            assert!(self.at_server.remove(&sequence), "{sequence} is not there");
        }
        self.outgoing.confirm(up_to);
    }

    fn arrive(&mut self) {
        if self.down.is_empty() {
            return;
        }
        let overtakes = self.happens(0.05);
        let at = if overtakes {
            self.random.usize(..self.down.len())
        } else {
            0
        };
        let sequence = self.down.remove(at);
        let (told, now) = (&mut self.told, self.now);
        if self.buried.contains(&sequence) {
            (self.incoming).bury(sequence, now, &mut |item| told.take(&item));
            return;
        }
        let arrival =
            (self.incoming).arrive(sequence, sequence, 100, now, &mut |item| told.take(&item));
        assert!(
            matches!(arrival, Arrival::Taken | Arrival::Duplicate),
            "{arrival:?}"
        );
    }

    fn ask(&mut self) {
        let told = &mut self.told;
        (self.incoming).tick(self.now, &mut |item| told.take(&item));
        let Some(gaps) = self.incoming.ask(self.now, 4096) else {
            return;
        };
        if self.happens(self.loss) {
            return;
        }
        let has_all = (gaps.iter()).all(|(from, to)| self.outgoing.want("south", *from, *to));
        if gaps.is_empty() || !has_all {
            self.mark();
        }
    }

    fn check(&self) {
        let outgoing = &self.outgoing;
        assert_eq!(
            outgoing.exported(),
            outgoing.confirmed() + outgoing.pending() + outgoing.lost()
        );
        assert!(self.told.up_to <= outgoing.exported());
        assert_eq!(self.incoming.missed, self.told.missed);
    }

    fn run(&mut self, messages: u64) {
        let mut pushed = 0;
        while self.told.up_to < messages || self.outgoing.window() > 0 {
            self.now += Duration::from_micros(200);
            for _ in 0..self.random.usize(..8) {
                if pushed < messages && self.outgoing.has_room() {
                    pushed += 1;
                    assert_eq!(self.outgoing.next_place().sequence, pushed);
                    self.outgoing.push(frame(pushed));
                }
                self.send();
                self.arrive();
                self.arrive();
            }
            match self.random.u32(..100) {
                0 => self.cut(),
                1..=20 => self.round_trip(),
                21 => self.mark(),
                _ => {}
            }
            self.ask();
            self.check();
        }
        assert_eq!(self.told.delivered + self.told.missed, messages);
        assert_eq!(self.incoming.held().len(), 0);
    }
}

/// How many messages: more on request.
fn messages() -> u64 {
    let set = std::env::var("OXIDE_LINK_MESSAGES").ok();
    set.map_or(100_000, |text| {
        text.parse().expect("OXIDE_LINK_MESSAGES is a number")
    })
}

fn seed() -> u64 {
    let set = std::env::var("OXIDE_LINK_SEED").ok();
    let seed = set.map_or_else(
        || Rng::new().u64(..),
        |text| text.parse().expect("a number"),
    );
    println!("OXIDE_LINK_SEED={seed}");
    seed
}

#[test]
fn each_number_is_delivered_in_order_where_the_history_reaches() {
    let mut simulation = Simulation::new(seed(), 0.02, 4096);
    simulation.run(messages());
    assert_eq!(simulation.told.missed, messages() / 97);
    assert_eq!(simulation.outgoing.lost(), messages() / 97);
}

#[test]
fn each_number_is_delivered_or_missed_once_where_the_history_is_short() {
    for round in 0..10 {
        let mut simulation = Simulation::new(seed().wrapping_add(round), 0.2, 8);
        simulation.run(messages() / 50);
        assert!(simulation.told.missed > 0);
    }
}

#[test]
fn a_window_that_is_full_takes_nothing_until_something_is_confirmed() {
    let mut outgoing = Outgoing::new(
        1,
        WindowBounds {
            frames: 2,
            bytes: 1 << 20,
        },
    );
    outgoing.push(frame(1));
    outgoing.push(frame(2));
    assert!(!outgoing.has_room());
    outgoing.sent(1);
    outgoing.confirm(2); // only what was sent
    assert_eq!((outgoing.confirmed(), outgoing.pending()), (1, 1));
    assert!(outgoing.has_room());
    assert_eq!(outgoing.kept(), (1, 1));
    for sequence in 2..=3 {
        outgoing.push(frame(sequence + 1));
        outgoing.sent(sequence);
        outgoing.confirm(sequence);
    }
    assert_eq!(outgoing.kept(), (2, 3)); // the history gave way
    assert!(!outgoing.want("a", 1, 2) && outgoing.want("a", 2, 3));
}
