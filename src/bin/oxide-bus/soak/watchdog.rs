//! The watchdog: a round in which nobody takes a step for a while hangs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::super::failure::Failure;
use super::super::thread;
use super::report;
use super::round::Round;

/// How long nobody may take a step.
const PATIENCE: Duration = Duration::from_secs(12);

/// How often it looks.
const PERIOD: Duration = Duration::from_millis(200);

pub(super) struct Watchdog {
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watchdog {
    pub(super) fn new(round: &Arc<Round>) -> Result<Self, Failure> {
        let over = Arc::new(AtomicBool::new(false));
        let (round, is_over) = (Arc::clone(round), Arc::clone(&over));
        let thread = thread::spawn("watchdog", move || {
            let steps = || round.traces().iter().map(|it| it.count()).sum::<u64>();
            let (mut last, mut since) = (steps(), Instant::now());
            while !is_over.load(Ordering::Relaxed) {
                std::thread::park_timeout(PERIOD);
                let now = steps();
                if now != last {
                    (last, since) = (now, Instant::now());
                } else if since.elapsed() > PATIENCE {
                    report::broken(&round, None, "it hangs: nobody has taken a step for long");
                }
            }
        })?;
        Ok(Watchdog { over, thread })
    }

    pub(super) fn end(self) {
        self.over.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        let _ = self.thread.join(); // it does not panic
    }
}
