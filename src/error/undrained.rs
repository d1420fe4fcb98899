//! What was left when time was up.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::visible::escaped;
use uuid::Uuid;

/// What [`Bus::drain`](crate::Bus::drain) found queued when time was up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undrained {
    /// The queues that still hold something; at least one.
    pub left: Vec<UndrainedQueue>,
}

/// A queue that still holds something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndrainedQueue {
    /// The subscription's id.
    pub id: Uuid,
    /// Its name, if it has one.
    pub name: Option<Arc<str>>,
    /// How many envelopes are queued.
    pub queued: u64,
}

impl fmt::Display for Undrained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let envelopes: u64 = self.left.iter().map(|queue| queue.queued).sum();
        let (queues, s) = match self.left.len() {
            1 => (1, ""),
            queues => (queues, "s"),
        };
        write!(f, "{envelopes} envelopes are left in {queues} queue{s}:")?;
        for (index, queue) in self.left.iter().enumerate() {
            f.write_str(if index == 0 { " " } else { ", " })?;
            match &queue.name {
                Some(name) => write!(f, "{} {}", escaped(name.escape_debug()), queue.queued)?,
                None => write!(f, "{} {}", queue.id, queue.queued)?,
            }
        }
        Ok(())
    }
}

impl Error for Undrained {}
