//! The contestants: the bus, and the two channels that a program would use instead.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

use super::super::overflow::OverflowName;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Contestant {
    #[value(skip)]
    OxideBus,
    /// `tokio::sync::broadcast`, which always overwrites the oldest
    Tokio,
    /// A bounded channel of crossbeam for each subscriber, which waits (block) or drops the newest (all other policies)
    Crossbeam,
}

impl Contestant {
    /// Returns the policy that it has instead of the one that was asked for.
    pub(super) fn overflow(self, asked: OverflowName) -> OverflowName {
        match self {
            Contestant::OxideBus => asked,
            Contestant::Tokio => OverflowName::DropOldest,
            Contestant::Crossbeam if asked == OverflowName::Block => asked,
            Contestant::Crossbeam => OverflowName::DropNewest,
        }
    }

    /// Returns whether its receivers know what they lost.
    pub(super) fn tells_losses(self) -> bool {
        self != Contestant::Crossbeam
    }
}

impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Contestant::OxideBus => "oxide-bus",
            Contestant::Tokio => "tokio",
            Contestant::Crossbeam => "crossbeam",
        })
    }
}
