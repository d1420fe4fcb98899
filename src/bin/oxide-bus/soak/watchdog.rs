//! The watchdog: a round in which nobody takes a step for a while hangs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::super::failure::Failure;
use super::super::thread;
use super::report;
use super::round::Round;

/// How many times in a row it may find that nobody has taken a step: 12 seconds.
const LOOKS: u32 = 60;

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
            // Looks are counted, and not time: the whole process may be stopped for a while.
            let (mut last, mut looks) = (steps(), 0);
            while !is_over.load(Ordering::Relaxed) {
                std::thread::park_timeout(PERIOD);
                let now = steps();
                looks = if now == last { looks + 1 } else { 0 };
                last = now;
                if looks > LOOKS {
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
