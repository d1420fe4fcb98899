//! Publishing from inside a publish: how deep it may go.
//!
//! A publish may run user code: subjects, sizes, predicates, the `Drop` of payloads that it lets go of. That
//! code may publish, and so on. Each publish that is about to run any counts itself in, on its thread, for as long as it
//! may. While it is asked whether an envelope may pass at all, that counts by itself. A publish that only appends to a
//! parcel counts nothing, unless it may answer a request: else it runs none but wakers, and the `Drop` of what a
//! parcel held that went out of use, for everybody else, in just that moment.

use std::cell::Cell;

/// How many publishes one thread may be in the middle of, each inside the one before.
pub const MAX_PUBLISH_DEPTH: usize = 16;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// A publish of this thread that may run user code.
pub(crate) struct Nesting;

impl Nesting {
    /// Whether one more may be.
    pub(crate) fn has_room() -> bool {
        DEPTH.get() < MAX_PUBLISH_DEPTH
    }

    /// Nothing where it would be too deep.
    pub(crate) fn enter() -> Option<Self> {
        Self::has_room().then(|| {
            DEPTH.set(DEPTH.get() + 1);
            Nesting
        })
    }
}

/// Room for one publish more, however deep its thread is, while this lives: for what the bus itself has to tell.
pub(crate) struct Spare {
    depth: usize,
}

impl Spare {
    pub(crate) fn begin() -> Self {
        let depth = DEPTH.get();
        DEPTH.set(depth.min(MAX_PUBLISH_DEPTH - 1));
        Spare { depth }
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        DEPTH.set(self.depth);
    }
}

impl Drop for Nesting {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}
