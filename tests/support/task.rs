//! Something that runs on a thread of its own and must come to an end.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Long enough on the busiest machine; only a test that fails waits as long.
const LIMIT: Duration = Duration::from_secs(10);

/// How long is waited for what must not happen.
const MOMENT: Duration = Duration::from_millis(15);

pub(crate) struct Task<T> {
    result: Receiver<T>,
    thread: JoinHandle<()>,
}

impl<T: Send + 'static> Task<T> {
    pub(crate) fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let (done, result) = channel();
        let thread = thread::spawn(move || {
            // Who was to look may have failed and gone.
            let _unread = done.send(work());
        });
        Task { result, thread }
    }

    /// What it has come to; panics as it did if it did, and if it does not end.
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

    /// That it does not end by itself. A task that should wait and does not is found out if a
    /// moment is long enough for it to end; one that waits is never taken for one that does not.
    #[track_caller]
    pub(crate) fn assert_waits(&self) {
        match self.result.recv_timeout(MOMENT) {
            Err(RecvTimeoutError::Timeout) => {}
            _ => panic!("it should wait, and has ended"),
        }
    }
}
