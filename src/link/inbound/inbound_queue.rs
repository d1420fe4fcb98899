//! The inbound queue: it holds what waits for the bus, between the importing part and the publishing part of a link.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use crate::link::frames::frame::Frame;
use crate::link::frames::wire::Heading;
use crate::link::inbound::arrival::Handed;

/// The most frames, and their bytes, that wait for the bus.
const MAX_QUEUED: usize = 4096;
const MAX_QUEUED_BYTES: usize = 16 << 20;

/// A frame with its compact header, which was read.
#[derive(Debug)]
pub(in crate::link) struct Arrived {
    pub(in crate::link) heading: Heading,
    pub(in crate::link) frame: Frame,
    /// When the frame came.
    pub(in crate::link) at: Instant,
}

/// One item: something to publish, or to tell.
#[derive(Debug)]
pub(in crate::link) struct Queued {
    pub(in crate::link) origin: Arc<str>,
    pub(in crate::link) what: Handed<Arrived>,
}

/// Everything that waits for the bus, in order.
#[derive(Debug, Default)]
pub(in crate::link) struct InboundQueue {
    queue: VecDeque<Queued>,
    bytes: usize,
}

impl InboundQueue {
    pub(in crate::link) fn push(&mut self, origin: &Arc<str>, what: Handed<Arrived>) {
        self.bytes += size_of(&what);
        self.queue.push_back(Queued {
            origin: Arc::clone(origin),
            what,
        });
    }

    pub(in crate::link) fn pop(&mut self) -> Option<Queued> {
        let queued = self.queue.pop_front()?;
        self.bytes -= size_of(&queued.what);
        Some(queued)
    }

    pub(in crate::link) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many frames may come until the queue is full.
    pub(in crate::link) fn room(&self) -> usize {
        if self.bytes >= MAX_QUEUED_BYTES {
            return 0;
        }
        MAX_QUEUED.saturating_sub(self.queue.len())
    }

    pub(in crate::link) fn is_full(&self) -> bool {
        self.room() == 0
    }

    /// Whether most of the queue is free.
    pub(in crate::link) fn has_much_room(&self) -> bool {
        self.room() >= MAX_QUEUED / 4 * 3
    }
}

fn size_of(what: &Handed<Arrived>) -> usize {
    match what {
        Handed::Frame(arrived) => arrived.frame.size(),
        Handed::Missed(_) => 0,
    }
}
