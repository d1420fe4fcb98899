//! What a link costs the subscribers of its own bus.

use std::cell::RefCell;
use std::thread;
use std::time::{Duration, Instant};

use oxide_bus::link::{Link, LinkThread};
use oxide_bus::{Bus, SubscribeOptions, Subscription};

use crate::linked::LIMIT;
use crate::note::Note;
use crate::table;

/// How many notes are published before they are received.
const BURST: u32 = 64;

/// How many bursts a round has.
const BURSTS: u32 = 20;

/// The time between two bursts, in which a link sends them.
const PAUSE: Duration = Duration::from_millis(2);

/// A bus and a subscriber, and what else there is.
struct Local {
    bus: Bus<Note>,
    notes: Subscription<Note>,
    note: Note,
    link: Option<LinkThread>,
    other: Option<Subscription<Note>>,
}

pub(crate) fn compare(url: &str, rounds: usize) {
    let contestants = [
        ("one subscriber", Local::new()),
        ("beside one to other notes", Local::new().beside("z")),
        (
            "beside a link that sends other notes",
            Local::new().linked(url, "z"),
        ),
        ("beside one to these notes", Local::new().beside("a")),
        (
            "beside a link that sends these notes",
            Local::new().linked(url, "a"),
        ),
    ];
    let contestants = contestants.map(|(name, local)| (name, RefCell::new(local)));
    let samples = table::interleave(&contestants, rounds, |local| local.borrow_mut().round());
    let lines: Vec<_> = samples.iter().map(|it| it.line(|took| *took)).collect();
    table::print("nanoseconds to publish and receive on one bus", &lines);
    table::print_ratio(&lines[2], &lines[1]);
    table::print_ratio(&lines[4], &lines[3]);
}

impl Local {
    fn new() -> Self {
        let bus = Bus::new();
        Local {
            notes: bus.subscribe(),
            bus,
            note: Note::new("a"),
            link: None,
            other: None,
        }
    }

    fn beside(mut self, kind: &str) -> Self {
        let other = SubscribeOptions::new().pattern(format!("note.{kind}"));
        self.other = Some(self.bus.subscribe_with(other).expect("good options"));
        self
    }

    fn linked(mut self, url: &str, kind: &str) -> Self {
        let link = Link::nats(url)
            .name(format!("local-{kind}"))
            .export(format!("note.{kind}"))
            .spawn(&self.bus);
        let link = link.expect("the server is there");
        link.ready(LIMIT).expect("the server is there");
        self.link = Some(link);
        self
    }

    /// Returns the nanoseconds of one note: the median of the bursts.
    fn round(&mut self) -> f64 {
        let mut took: Vec<_> = (0..BURSTS).map(|_| self.burst()).collect();
        took.sort_by(f64::total_cmp);
        table::quantile(&took, 50)
    }

    fn burst(&mut self) -> f64 {
        thread::sleep(PAUSE);
        let start = Instant::now();
        for _ in 0..BURST {
            let sent = self.bus.send("counter", self.note.clone());
            sent.expect("the bus is open");
        }
        let received = self.notes.try_recv_each(|_| ());
        let took = start.elapsed();
        assert_eq!(received, Ok(BURST as usize));
        if let Some(other) = &mut self.other {
            while other.try_recv_each(|_| ()).is_ok() {}
        }
        took.as_secs_f64() * 1e9 / f64::from(BURST)
    }
}
