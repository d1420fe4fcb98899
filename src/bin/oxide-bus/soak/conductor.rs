//! The conductor: begins a round, has it rest now and then to look it over, and ends it.

use std::future::Future;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{panic, thread};

use fastrand::Rng;
use tokio::runtime::Handle;

use super::super::failure::Failure;
use super::super::thread::spawn;
use super::load::LINES;
use super::report::{self, Totals};
use super::round::Round;
use super::subscriber::Subscriber;
use super::topology::{Right, Topology};
use super::watchdog::Watchdog;
use super::worker::Worker;
use super::{asking, checks, publishers, readers, revoking, solo, visitors};

/// How long the conductor waits before it looks again whether something has come about.
const POLL: Duration = Duration::from_micros(100);

/// How long payloads may be there after all else is gone.
const LINGER: Duration = Duration::from_secs(10);

/// The round that a panic belongs to.
static CURRENT: Mutex<Weak<Round>> = Mutex::new(Weak::new());

/// From now on a panic is a broken promise.
pub(super) fn listen_for_panics() {
    panic::set_hook(Box::new(|panic| {
        let current = CURRENT
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .upgrade();
        if let Some(round) = current {
            let thread = thread::current();
            let name = thread.name().unwrap_or("a task");
            report::broken(&round, None, &format!("{name}: {panic}"));
        }
        eprintln!("{panic}");
    }));
}

/// Somebody at work.
enum Job {
    Thread(JoinHandle<()>),
    Task(tokio::task::JoinHandle<()>),
}

impl Job {
    fn is_finished(&self) -> bool {
        match self {
            Job::Thread(job) => job.is_finished(),
            Job::Task(job) => job.is_finished(),
        }
    }
}

struct Conductor {
    round: Arc<Round>,
    runtime: Handle,
    /// Its own steps: what it waits for.
    worker: Worker,
    readers: Vec<Job>,
    speakers: Vec<Job>,
    looked_over: u64,
}

/// A round of about this length.
pub(super) fn run(runtime: &Handle, seed: u64, length: Duration) -> Result<Totals, Failure> {
    let round = Arc::new(Round::new(Topology::draw(seed)));
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&round);
    let alive = Arc::clone(&round.alive);
    let watchdog = Watchdog::new(&round)?;
    let mut conductor = Conductor {
        worker: Worker::new(&round, "conductor".to_owned(), false),
        round,
        runtime: runtime.clone(),
        readers: Vec::new(),
        speakers: Vec::new(),
        looked_over: 0,
    };
    conductor.begin()?;
    conductor.go_on(length, &mut Rng::with_seed(seed));
    let totals = conductor.end();
    watchdog.end();
    let (round, worker) = (conductor.round, conductor.worker);
    drop(worker);
    forgets(round, &alive);
    Ok(totals)
}

/// After a round no payload is left.
fn forgets(round: Arc<Round>, alive: &AtomicI64) {
    // To tell of it, without what holds payloads.
    let remains = Arc::new(Round::new(Topology::draw(round.topology.seed)));
    drop(round);
    let since = Instant::now();
    while alive.load(Ordering::Relaxed) != 0 {
        if since.elapsed() > LINGER {
            let alive = alive.load(Ordering::Relaxed);
            report::broken(
                &remains,
                None,
                &format!("{alive} payloads are left after the end"),
            );
        }
        thread::sleep(POLL);
    }
}

impl Conductor {
    fn begin(&mut self) -> Result<(), Failure> {
        let round = Arc::clone(&self.round);
        let topology = &round.topology;
        for (line, plan) in topology.publishers.iter().enumerate() {
            if !matches!(plan.right, Right::Root | Right::Trusted) {
                let grant = publishers::grant(line, plan.right);
                (round.bus.grant(grant)).map_err(Failure::new)?;
            }
        }
        for seat in &round.seats {
            for (index, &task) in seat.plan.readers.iter().enumerate() {
                let subscription = round.bus.subscribe_with(seat.options.clone());
                let subscription = subscription.map_err(Failure::new)?;
                if index == 0 {
                    *seat.id.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(subscription.id());
                }
                let (seat, subscriber) = (Arc::clone(seat), Subscriber::new(subscription, task));
                let name = format!("{}.{index}", seat.name);
                let job = self.start(&name, task, move |it| readers::read(it, seat, subscriber))?;
                self.readers.push(job);
            }
        }
        let mut lines = 0..topology.roles.len();
        let mut next = || lines.next().expect("each has a line");
        for &plan in &topology.publishers {
            let line = next();
            self.speak(line, "publisher", plan.task, move |it| {
                publishers::publish(it, line, plan)
            })?;
        }
        for &task in &topology.askers {
            let line = next();
            self.speak(line, "asker", task, move |it| asking::ask(it, line))?;
        }
        for _ in round
            .seats
            .iter()
            .filter(|seat| seat.plan.answers.is_some())
        {
            next();
        }
        for _ in 0..topology.visitors {
            let line = next();
            let task = self.worker.one_in(2);
            self.speak(line, "visitor", task, move |it| visitors::visit(it, line))?;
        }
        if topology.changer {
            let line = next();
            let task = self.worker.one_in(2);
            self.speak(line, "changer", task, move |it| solo::change(it, line))?;
        }
        if topology.keeper {
            let line = next();
            let task = self.worker.one_in(2);
            self.speak(line, "keeper", task, move |it| solo::keep(it, line))?;
        }
        let revoked = topology
            .publishers
            .iter()
            .enumerate()
            .filter(|(_, it)| it.revoked);
        let revoked: Vec<_> = revoked.map(|(line, _)| line).collect();
        if !revoked.is_empty() {
            let line = next();
            self.speak(line, "revoker", false, move |it| {
                revoking::revoke(it, line, revoked)
            })?;
        }
        Ok(())
    }

    /// Starts somebody that says something, and rests while the bus is looked over.
    fn speak<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        line: usize,
        kind: &str,
        task: bool,
        life: impl FnOnce(Worker) -> F + Send + 'static,
    ) -> Result<(), Failure> {
        let round = Arc::clone(&self.round);
        let life = |worker| async move {
            life(worker).await;
            round.parked.fetch_add(1, Ordering::SeqCst);
        };
        let job = self.start(&format!("{kind} {}", LINES[line]), task, life)?;
        self.speakers.push(job);
        Ok(())
    }

    fn start<F: Future<Output = ()> + Send + 'static>(
        &self,
        name: &str,
        task: bool,
        life: impl FnOnce(Worker) -> F + Send + 'static,
    ) -> Result<Job, Failure> {
        let worker = Worker::new(&self.round, name.to_owned(), task);
        let runtime = self.runtime.clone();
        if task {
            return Ok(Job::Task(runtime.spawn(life(worker))));
        }
        spawn(name, move || runtime.block_on(life(worker))).map(Job::Thread)
    }

    fn go_on(&mut self, length: Duration, rng: &mut Rng) {
        loop {
            let left = length.saturating_sub(self.round.began.elapsed());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(Duration::from_micros(rng.u64(5_000..80_000))));
            if !self.round.topology.abrupt || rng.bool() {
                self.round.set_lull(true);
                self.worker.step("waits until all rest", 0);
                while self.round.parked.load(Ordering::SeqCst) < self.speakers.len() {
                    thread::sleep(POLL);
                }
                self.look_over();
                self.round.set_lull(false);
            }
        }
    }

    /// Nobody speaks: waits until all is received, and compares.
    fn look_over(&mut self) {
        self.worker.step("waits until all is received", 0);
        let stats = loop {
            let stats = self.round.bus.stats();
            if checks::is_received(&self.round, &stats) {
                // Answers that came meanwhile would show in another look.
                let again = self.round.bus.stats();
                if again.published == stats.published && checks::is_received(&self.round, &again) {
                    break again;
                }
            }
            thread::sleep(POLL);
        };
        checks::at_rest(&self.worker, &stats);
        self.looked_over += 1;
    }

    fn end(&mut self) -> Totals {
        let round = Arc::clone(&self.round);
        if round.topology.abrupt {
            round.close();
        }
        round.set_over();
        self.worker.step("waits for all that publish to end", 0);
        self.join(true);
        if !round.topology.abrupt {
            self.look_over();
            round.close();
        }
        self.worker.step("waits for all that answer to end", 0);
        while !round.has_answered() {
            thread::sleep(POLL);
        }
        round.set_settled();
        self.worker.step("waits for all that receive to end", 0);
        self.join(false);
        checks::at_the_end(&self.worker, self.looked_over)
    }

    fn join(&mut self, speakers: bool) {
        let jobs = if speakers {
            &mut self.speakers
        } else {
            &mut self.readers
        };
        while !jobs.iter().all(Job::is_finished) {
            thread::sleep(POLL);
        }
        jobs.clear();
    }
}
