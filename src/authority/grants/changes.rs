//! Grants and revokes on their way into a record, in the order in which they come about.
//!
//! Each is noted under the lock under which it comes about, and recorded after that lock is given back, since recording
//! may wait. A grant is recorded before it counts, so that nothing it lets pass is recorded before it. A revoke is
//! recorded after it counts, since it must not wait. A thread that records takes down everything noted before, also by
//! other threads. So two threads that change the same capability at once cannot be recorded the other way round.

use std::collections::VecDeque;

use crate::engine::notices::Notices;
use crate::message::advisory::Advisory;
use crate::support::sync::Mutex;

#[derive(Debug, Default)]
pub(crate) struct Changes {
    noted: Mutex<VecDeque<Advisory>>,
    /// Held to record. While it is held, no other lock is taken but `noted`.
    recording: Mutex<()>,
}

impl Changes {
    /// Notes a change, if anybody records. May be called under a lock: runs no user code.
    pub(super) fn note(&self, notices: &Notices, change: impl FnOnce() -> Advisory) {
        if notices.is_recorded() {
            self.noted.lock().push_back(change());
        }
    }

    /// Records what was noted. When this returns, everything that this thread had noted, or had seen the effect of, is
    /// recorded. It is forgotten if nobody records any more.
    pub(crate) fn record(&self, notices: &Notices) {
        if !notices.is_recorded() && self.noted.lock().is_empty() {
            return;
        }
        let _recording = self.recording.lock();
        loop {
            let next = self.noted.lock().pop_front();
            let Some(change) = next else {
                return;
            };
            notices.record(&change);
        }
    }
}
