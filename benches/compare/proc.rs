//! What the system knows about threads: whether they sleep, and how much processor time they have used.
//!
//! Without `/proc` nothing is known. Then every thread counts as asleep after a pause, and none has used any time.

use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// Threads whose sleep is awaited.
#[derive(Debug, Default)]
pub(crate) struct Sleepers {
    states: Mutex<Vec<PathBuf>>,
}

impl Sleepers {
    /// Adds the calling thread.
    pub(crate) fn add_this_thread(&self) {
        if let Ok(thread) = fs::read_link("/proc/thread-self") {
            let state = Path::new("/proc").join(thread).join("stat");
            self.states.lock().expect("nobody panics").push(state);
        }
    }

    /// Waits until all of them sleep. They must have nothing left to do but to wait.
    pub(crate) fn wait(&self) {
        const PAUSE: Duration = Duration::from_micros(200);
        thread::sleep(PAUSE);
        for state in &*self.states.lock().expect("nobody panics") {
            while !sleeps(state) {
                thread::sleep(PAUSE);
            }
        }
    }
}

fn sleeps(state: &Path) -> bool {
    // The state follows the name, which is in parentheses.
    let Ok(state) = fs::read_to_string(state) else {
        return true;
    };
    (state.rsplit_once(") ")).is_none_or(|(_, state)| state.starts_with('S'))
}

/// The processor time that this thread has used.
#[derive(Debug)]
pub(crate) struct ProcessorTime {
    statistics: Option<File>,
}

impl ProcessorTime {
    pub(crate) fn of_this_thread() -> Self {
        ProcessorTime {
            statistics: File::open("/proc/thread-self/schedstat").ok(),
        }
    }

    /// Returns nanoseconds.
    pub(crate) fn read(&mut self) -> f64 {
        thread::yield_now(); // the system updates its count when it schedules
        let mut text = String::new();
        if let Some(file) = &mut self.statistics
            && file.rewind().is_ok()
            && file.read_to_string(&mut text).is_ok()
        {
            let used = text.split(' ').next().and_then(|used| used.parse().ok());
            return used.unwrap_or_default();
        }
        0.0
    }

    /// Returns the difference of two readings with nothing between them.
    pub(crate) fn overhead(&mut self) -> f64 {
        let readings = (0..64).map(|_| {
            let start = self.read();
            self.read() - start
        });
        readings.fold(f64::INFINITY, f64::min)
    }
}
