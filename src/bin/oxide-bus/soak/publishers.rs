//! Publishers, with every kind of right, and what their receipts and refusals must say.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use oxide_bus::{AsyncPublisher, Bus, Denial, Envelope, Grant, PublishError, Publisher, Receipt};

use super::load::{LINES, Load, Role};
use super::revoking::{GRANTED, REVOKED};
use super::round::Round;
use super::topology::{Pace, Right, Speaker};
use super::worker::Worker;

/// What a rated publisher may do.
const PER_SECOND: u32 = 20_000;
const BURST: u32 = 200;

/// Longer than anybody is to be waited for: a publish that runs into it would lose something for who blocks.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How somebody publishes.
pub(super) enum Voice {
    Root(Bus<Load>),
    Thread(Publisher<Load>),
    Task(AsyncPublisher<Load>),
}

/// Why something was not published.
pub(super) struct Refused {
    denial: Option<Denial>,
    is_closed: bool,
    text: String,
    /// The number of the envelope, or the first, that was handed back.
    number: u64,
}

impl From<PublishError<Load>> for Refused {
    fn from(error: PublishError<Load>) -> Self {
        Refused {
            denial: error.denial(),
            is_closed: error.is_closed(),
            text: error.to_string(),
            number: error.into_envelope().message.number,
        }
    }
}

/// A line, and the number that it is at.
pub(super) struct Pen {
    pub(super) line: usize,
    role: Role,
    pub(super) number: u64,
    voice: Voice,
}

/// What is granted to a publisher.
pub(super) fn grant(line: usize, right: Right) -> Grant {
    let name = LINES[line];
    let grant = Grant::new(name);
    match right {
        Right::Scoped => grant.pattern(format!("{name}.>")),
        Right::Rated => grant.rate(PER_SECOND, BURST),
        _ => grant,
    }
}

impl Voice {
    pub(super) fn new(round: &Round, line: usize, task: bool, right: Right) -> Self {
        let (bus, name) = (&round.bus, LINES[line]);
        let publisher = match right {
            Right::Root => return Voice::Root(bus.clone()),
            Right::Trusted => bus.trusted_publisher(name),
            Right::Narrowed => (bus.publisher(name, name))
                .narrow([format!("{name}.*")])
                .expect("it is a pattern"),
            Right::Granted | Right::Scoped | Right::Rated => bus.publisher(name, name),
        };
        if task {
            Voice::Task(publisher.into_async())
        } else {
            Voice::Thread(publisher)
        }
    }
}

impl Pen {
    pub(super) fn new(round: &Round, line: usize, task: bool, right: Right) -> Self {
        Pen {
            line,
            role: round.topology.roles[line],
            number: 0,
            voice: Voice::new(round, line, task, right),
        }
    }

    pub(super) fn voice(&self) -> &Voice {
        &self.voice
    }

    /// The next envelope's message, or that of one further on.
    pub(super) fn load(&self, worker: &mut Worker, ahead: u64) -> Load {
        let other = worker.rng.usize(0..worker.round.lines.len());
        let round = &worker.round;
        // Its own line is in order anyhow.
        let done = if other == self.line {
            0
        } else {
            round.lines[other].done()
        };
        let number = self.number + ahead;
        Load::new((self.line, self.role), number, (other, done), &round.alive)
    }

    /// Takes down that the next `published` envelopes are published, which these receipts are of.
    pub(super) fn published(
        &mut self,
        worker: &Worker,
        published: u64,
        (delivered, dropped): (usize, usize),
    ) {
        let round = &worker.round;
        let (mut least, mut most) = (0, 0);
        for number in self.number..self.number + published {
            let matching = round.matching(self.line, number);
            (least, most) = (least + matching.0, most + matching.1);
        }
        self.number += published;
        round.end(self.line, self.number);
        round
            .delivered
            .fetch_add(delivered as u64, Ordering::Relaxed);
        round.dropped.fetch_add(dropped as u64, Ordering::Relaxed);
        if !(least..=most).contains(&(delivered + dropped)) {
            let (name, last) = (LINES[self.line], self.number - 1);
            worker.broken(format!(
                "{published} of {name} up to {last} matched {delivered} + {dropped} subscribers, not {least} to {most}"
            ));
        }
    }

    fn receipt(&mut self, worker: &Worker, receipt: &Receipt) {
        self.published(worker, 1, (receipt.delivered(), receipt.dropped()));
    }

    /// Takes down that a question is published.
    pub(super) fn asked(&mut self, worker: &Worker) {
        self.number += 1;
        worker.round.end(self.line, self.number);
    }

    /// Publishes one.
    pub(super) async fn publish(&mut self, worker: &mut Worker) -> Result<(), Refused> {
        let load = self.load(worker, 0);
        worker.step("publishes", self.number);
        worker.round.begin(self.line, self.number + 1);
        let way = worker.below(0..16);
        let receipt = match &self.voice {
            Voice::Root(bus) => {
                let envelope = Envelope::new(LINES[self.line], load);
                match way {
                    0 => bus.try_publish(envelope),
                    1 => bus.publish_timeout(envelope, TIMEOUT),
                    _ => bus.publish(envelope),
                }
            }
            Voice::Thread(publisher) => match way {
                0 => publisher.try_publish(load),
                1 => publisher.publish_timeout(load, TIMEOUT),
                _ => publisher.publish(load),
            },
            Voice::Task(publisher) => match way {
                0 => publisher.try_publish(load),
                1 => publisher.publish_timeout(load, TIMEOUT).await,
                _ => publisher.publish(load).await,
            },
        };
        match receipt {
            Ok(receipt) => self.receipt(worker, &receipt),
            Err(error) if error.is_full() && way == 0 => worker.step("found no room", self.number),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn publish_batch(&mut self, worker: &mut Worker, len: u64) -> Result<(), Refused> {
        let loads: Vec<_> = (0..len).map(|ahead| self.load(worker, ahead)).collect();
        worker.step("publishes a batch of", len);
        worker.round.begin(self.line, self.number + len);
        let receipt = match &self.voice {
            Voice::Root(bus) => {
                let name = LINES[self.line];
                bus.publish_batch(loads.into_iter().map(|load| Envelope::new(name, load)))
            }
            Voice::Thread(publisher) => publisher.publish_batch(loads),
            Voice::Task(publisher) => publisher.publish_batch(loads).await,
        };
        let (sums, error) = match receipt {
            Ok(sums) => (sums, None),
            Err(error) => (error.receipt(), Some(error)),
        };
        let published = sums.published() as u64;
        self.published(worker, published, (sums.delivered(), sums.dropped()));
        let Some(error) = error else {
            if published != len {
                worker.broken(format!("a batch of {len} says it published {published}"));
            }
            return Ok(());
        };
        let (denial, is_closed) = (error.cause().denial(), error.cause().is_closed());
        let text = error.to_string();
        let rest = error.into_envelopes();
        if published + rest.len() as u64 != len {
            let rest = rest.len();
            worker.broken(format!(
                "of a batch of {len} {published} are published, {rest} given back"
            ));
        }
        let number = rest[0].message.number;
        Err(Refused {
            denial,
            is_closed,
            text,
            number,
        })
    }
}

/// The life of a publisher.
pub(super) async fn publish(mut worker: Worker, line: usize, plan: Speaker) {
    let mut pen = Pen::new(&worker.round, line, plan.task, plan.right);
    let began = Instant::now();
    while worker.goes_on().await {
        let burst = match plan.pace {
            Pace::Slow | Pace::Stuck => 1,
            Pace::Bursts => worker.below(1..=100),
            Pace::Fast => 64,
        };
        for _ in 0..burst {
            let scoped = matches!(plan.right, Right::Scoped | Right::Narrowed);
            if scoped && worker.one_in(32) {
                foreign(&mut worker, &pen).await;
            }
            if !attempt(&mut worker, &mut pen, plan).await {
                return;
            }
        }
        if plan.right == Right::Rated {
            let allowed = began.elapsed().as_micros() * u128::from(PER_SECOND) / 1_000_000;
            let most = allowed + u128::from(BURST) + 1;
            if u128::from(pen.number) > most {
                worker.broken(format!("published {}, and may only {most}", pen.number));
            }
        }
        let pause = match plan.pace {
            Pace::Slow | Pace::Stuck => worker.below(0..300),
            Pace::Bursts if worker.one_in(4) => worker.below(0..2_000),
            Pace::Bursts | Pace::Fast => 0,
        };
        if pause > 0 {
            worker.pause(Duration::from_micros(pause)).await;
        } else {
            worker.give_way().await;
        }
    }
}

/// Publishes once; false at the end of the bus.
async fn attempt(worker: &mut Worker, pen: &mut Pen, plan: Speaker) -> bool {
    let phase = worker.round.lines[pen.line].phase.load(Ordering::Acquire);
    let number = pen.number;
    let refused = if worker.one_in(12) {
        let len = worker.below(1..=100);
        pen.publish_batch(worker, len).await
    } else {
        pen.publish(worker).await
    };
    let is_same = phase == worker.round.lines[pen.line].phase.load(Ordering::Acquire);
    if is_same && phase % 4 == REVOKED && pen.number > number {
        worker.broken(format!(
            "published {number} under a capability that was revoked"
        ));
    }
    let Err(refused) = refused else {
        return true;
    };
    worker.step("was refused", pen.number);
    let may_be = match refused.denial {
        Some(Denial::RateLimited) => plan.right == Right::Rated,
        Some(Denial::Revoked | Denial::NotGranted) => !(is_same && phase % 4 == GRANTED),
        Some(_) => false,
        None => refused.is_closed && worker.round.is_closing(),
    };
    if !may_be {
        worker.broken(format!(
            "could not publish {}: {}",
            pen.number, refused.text
        ));
    }
    if refused.number != pen.number {
        let (number, back) = (pen.number, refused.number);
        worker.broken(format!("was refused {number}, and was given back {back}"));
    }
    if refused.is_closed {
        return false;
    }
    worker.pause(Duration::from_micros(50)).await;
    true
}

/// Publishes what it may not.
async fn foreign(worker: &mut Worker, pen: &Pen) {
    let load = pen.load(worker, 0).foreign();
    let outcome = match &pen.voice {
        Voice::Root(_) => return,
        Voice::Thread(publisher) => publisher.publish(load),
        Voice::Task(publisher) => publisher.publish(load).await,
    };
    let is_denied = outcome.as_ref().is_err_and(|error| {
        matches!(
            error.denial(),
            Some(Denial::Subject | Denial::Revoked | Denial::NotGranted)
        ) || error.is_closed()
    });
    if !is_denied {
        worker.broken(format!("published beyond its scope: {outcome:?}"));
    }
}
