//! Runs something on a thread of its own that must come to an end.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Long enough on the busiest machine. Only a failing test waits that long.
const LIMIT: Duration = Duration::from_secs(10);

/// How long a test waits for something that must not happen.
const MOMENT: Duration = Duration::from_millis(15);

pub(crate) struct Task<T> {
    result: Receiver<T>,
    thread: JoinHandle<()>,
}

impl<T: Send + 'static> Task<T> {
    pub(crate) fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let (done, result) = channel();
        let thread = thread::spawn(move || {
            // The receiving thread may have failed and gone.
            let _unread = done.send(work());
        });
        Task { result, thread }
    }

    /// Returns the result. Panics if the task panicked, or if it does not end.
    #[track_caller]
    pub(crate) fn end(self) -> T {
        match self.result.recv_timeout(LIMIT) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => panic!("it still waits after {LIMIT:?}"),
            Err(RecvTimeoutError::Disconnected) => match self.thread.join() {
                Err(panic) => resume_unwind(panic),
                Ok(()) => unreachable!("a thread that ends sends its result first"),
            },
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Asserts that the task does not end by itself. A task that should wait and does not is found out if it can end
    /// within a moment. A task that does wait never fails this.
    #[track_caller]
    pub(crate) fn assert_waits(&self) {
        match self.result.recv_timeout(MOMENT) {
            Err(RecvTimeoutError::Timeout) => {}
            _ => panic!("it should wait, and has ended"),
        }
    }
}
