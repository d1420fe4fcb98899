//! What waits for the bus: the queue between the importing part and the publishing part of a link.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use crate::link::arrival::Handed;
use crate::link::frame::Frame;
use crate::link::wire::Heading;

/// The most frames, and their bytes, that wait for the bus.
const MAX_QUEUED: usize = 4096;
const MAX_QUEUED_BYTES: usize = 16 << 20;

/// A frame whose compact header was read.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) heading: Heading,
    pub(super) frame: Frame,
    /// When it came.
    pub(super) at: Instant,
}

/// What is to be published, or told, next.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) origin: Arc<str>,
    pub(super) what: Handed<Arrived>,
}

/// All that waits for the bus, in order.
#[derive(Debug, Default)]
pub(super) struct WaitingQueue {
    queue: VecDeque<Queued>,
    bytes: usize,
}

impl WaitingQueue {
    pub(super) fn push(&mut self, origin: &Arc<str>, what: Handed<Arrived>) {
        self.bytes += size_of(&what);
        self.queue.push_back(Queued {
            origin: Arc::clone(origin),
            what,
        });
    }

    pub(super) fn pop(&mut self) -> Option<Queued> {
        let queued = self.queue.pop_front()?;
        self.bytes -= size_of(&queued.what);
        Some(queued)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many frames may come until it is full.
    pub(super) fn room(&self) -> usize {
        if self.bytes >= MAX_QUEUED_BYTES {
            return 0;
        }
        MAX_QUEUED.saturating_sub(self.queue.len())
    }

    pub(super) fn is_full(&self) -> bool {
        self.room() == 0
    }

    /// Whether most of it is free.
    pub(super) fn has_much_room(&self) -> bool {
        self.room() >= MAX_QUEUED / 4 * 3
    }
}

fn size_of(what: &Handed<Arrived>) -> usize {
    match what {
        Handed::Frame(arrived) => arrived.frame.size(),
        Handed::Missed(_) => 0,
    }
}
