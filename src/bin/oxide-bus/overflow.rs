//! The overflow policies, with their names on the command line.

use std::fmt;

use clap::ValueEnum;
use oxide_bus::Overflow;
use serde::Serialize;

/// What happens to an envelope for which a queue has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OverflowName {
    /// It is dropped for that subscriber, and counted
    DropNewest,
    /// It takes the place of the oldest in the queue, which is lost for that subscriber
    DropOldest,
    /// The subscriber is evicted: it receives what it has, and nothing more
    Evict,
    /// The publisher waits until there is room, without a time-out: nothing is lost
    Block,
}

impl fmt::Display for OverflowName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OverflowName::DropNewest => "drop-newest",
            OverflowName::DropOldest => "drop-oldest",
            OverflowName::Evict => "evict",
            OverflowName::Block => "block",
        })
    }
}

impl From<OverflowName> for Overflow {
    fn from(name: OverflowName) -> Self {
        match name {
            OverflowName::DropNewest => Overflow::DropNewest,
            OverflowName::DropOldest => Overflow::DropOldest,
            OverflowName::Evict => Overflow::Evict,
            OverflowName::Block => Overflow::Block,
        }
    }
}
