//! Grants and revokes on their way into a record of what happened, in the order in which they came about.
//!
//! Each is noted under the lock under which it comes about, and recorded after that lock was given back, since
//! recording may wait. A grant is recorded before it counts, so that nothing that it lets pass is recorded before it; a
//! revoke after, since it must not wait. Who records takes down all that were noted before, also those of others: so two threads
//! that change the same capability at once cannot be recorded the other way round.

use std::collections::VecDeque;

use crate::engine::notices::Notices;
use crate::message::advisory::Advisory;
use crate::support::sync::Mutex;

#[derive(Debug, Default)]
pub(crate) struct Changes {
    noted: Mutex<VecDeque<Advisory>>,
    /// Held to record; never together with any other lock but the one above.
    recording: Mutex<()>,
}

impl Changes {
    /// Notes a change, if anybody records. May be called under a lock: runs nobody else's code.
    pub(super) fn note(&self, notices: &Notices, change: impl FnOnce() -> Advisory) {
        if notices.is_recorded() {
            self.noted.lock().push_back(change());
        }
    }

    /// Records what was noted. When this returns, all that this thread had noted, or had seen the effect of, is
    /// recorded; or forgotten, if nobody records any more.
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
