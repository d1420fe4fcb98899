//! The scenarios: the kinds of load that a run can put on the bus.

use std::fmt;
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

/// One in this many envelopes of each publisher is timed, if they come as fast as they can.
const TIMED: u64 = 16;

/// The load that a run puts on the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Scenario {
    /// Every subscriber receives everything, as fast as it can
    Broadcast,
    /// Each envelope is for one subscriber, for each in turn
    Targeted,
    /// Each subscriber is a stage that publishes what it receives for the next; the last one takes the time
    Pipeline,
    /// As broadcast, but the first subscriber works 20 µs on each envelope
    SlowConsumer,
    /// As broadcast, but each publisher sleeps 2 ms after every 256 envelopes
    Burst,
    /// As broadcast, but each publisher sleeps 1 ms after every envelope, so that the subscribers sleep as well
    AtRest,
    /// Each publisher asks each subscriber in turn, and waits for the answer; latency is that of the round trip
    Request,
}

impl Scenario {
    /// Returns what it is, in a sentence.
    pub(super) fn purpose(self) -> String {
        let value = self.to_possible_value().expect("none is hidden");
        let help = value.get_help().expect("each has its purpose");
        help.to_string()
    }

    /// Returns how many envelopes a round has, unless the user says so: about a second's worth.
    pub(super) fn messages(self) -> u64 {
        match self {
            Scenario::Broadcast | Scenario::Targeted => 1_000_000,
            Scenario::Pipeline => 200_000,
            Scenario::SlowConsumer | Scenario::Request => 50_000,
            Scenario::Burst => 100_000,
            Scenario::AtRest => 1_000,
        }
    }

    /// Returns how long a publisher sleeps after this many envelopes.
    pub(super) fn pause(self, published: u64) -> Option<Duration> {
        let (every, pause) = match self {
            Scenario::Burst => (256, Duration::from_millis(2)),
            Scenario::AtRest => (1, Duration::from_millis(1)),
            _ => return None,
        };
        published.is_multiple_of(every).then_some(pause)
    }

    /// Returns how long the first subscriber works on each envelope.
    pub(super) fn work(self) -> Option<Duration> {
        (self == Scenario::SlowConsumer).then_some(Duration::from_micros(20))
    }

    /// Returns whether an envelope is timed, by how many its publisher has published before. Reading the clock may take
    /// longer than publishing, but not longer than a sleep or a round trip.
    pub(super) fn times(self, published: u64) -> bool {
        self.is_paced() || self == Scenario::Request || published.is_multiple_of(TIMED)
    }

    /// Returns whether the publishers sleep in between. The rate then says nothing; the latency does.
    pub(super) fn is_paced(self) -> bool {
        matches!(self, Scenario::Burst | Scenario::AtRest)
    }

    /// Returns whether each envelope is for one subscriber. If not, all subscribers listen to the same.
    pub(super) fn is_addressed(self) -> bool {
        matches!(
            self,
            Scenario::Targeted | Scenario::Pipeline | Scenario::Request
        )
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("none is hidden");
        f.write_str(value.get_name())
    }
}
