//! A link's knowledge of its connection: whether it is there, and whether the server has confirmed the subscriptions.

use std::time::Duration;

use tokio::time::Instant;

use crate::link::error::NotReadyError;

/// The longest time between two attempts after a failure.
const MAX_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(in crate::link) struct Connection {
    is_there: bool,
    /// Counts cuts and reconnects.
    generation: u64,
    /// The generation of the last round trip that ended well.
    established: Option<u64>,
    /// Every event that the engine had by then was taken, so all earlier refusals are known.
    is_at_rest: bool,
    failures: u32,
    retry_at: Option<Instant>,
    /// The server's refusal, until the next reconnect.
    refusal: Option<NotReadyError>,
    reconnects: u64,
}

/// What the link knows of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::link) enum Standing {
    /// It is cut. The engine says when it is there again.
    Cut,
    /// A call has failed. The link tries again at this time.
    Failed(Instant),
    /// A round trip will show whether it is there. The number is its generation.
    Unknown(u64),
    /// A round trip has shown that it is there.
    Established,
}

impl Connection {
    pub(in crate::link) fn new() -> Self {
        Connection {
            is_there: true,
            generation: 0,
            established: None,
            is_at_rest: false,
            failures: 0,
            retry_at: None,
            refusal: None,
            reconnects: 0,
        }
    }

    pub(in crate::link) fn standing(&self, now: Instant) -> Standing {
        if !self.is_there {
            return Standing::Cut;
        }
        if self.established == Some(self.generation) {
            return Standing::Established;
        }
        (self.retry_at.filter(|at| now < *at))
            .map_or(Standing::Unknown(self.generation), Standing::Failed)
    }

    /// Notes that a round trip of this generation has ended well. Returns whether the generation is still the same.
    pub(in crate::link) fn establish(&mut self, generation: u64) -> bool {
        let is_current = self.is_there && generation == self.generation;
        if is_current {
            self.established = Some(generation);
            self.is_at_rest = false;
            self.failures = 0;
            self.retry_at = None;
        }
        is_current
    }

    /// Whether the engine may still have refusals that came before the round trip ended.
    pub(in crate::link) fn awaits_rest(&self) -> bool {
        self.is_established() && !self.is_at_rest
    }

    /// Notes that every event that the engine had was taken.
    pub(in crate::link) fn rest(&mut self) {
        self.is_at_rest |= self.is_established();
    }

    /// Notes that a call of the engine has failed, or took too long.
    pub(in crate::link) fn fail(&mut self, now: Instant) {
        self.established = None;
        let pause = Duration::from_millis(20) * 2_u32.pow(self.failures.min(8));
        self.retry_at = Some(now + pause.min(MAX_PAUSE));
        self.failures += 1;
    }

    pub(in crate::link) fn connected(&mut self) {
        *self = Connection {
            generation: self.generation + 1,
            reconnects: self.reconnects + 1,
            ..Connection::new()
        };
    }

    pub(in crate::link) fn cut(&mut self) {
        self.generation += 1;
        self.is_there = false;
    }

    pub(in crate::link) fn refused(&mut self, refusal: NotReadyError) {
        self.refusal = Some(refusal);
    }

    /// Whether the server has confirmed the subscriptions since the last cut.
    pub(in crate::link) fn is_established(&self) -> bool {
        self.is_there && self.established == Some(self.generation)
    }

    pub(in crate::link) fn is_there(&self) -> bool {
        self.is_there
    }

    pub(in crate::link) fn generation(&self) -> u64 {
        self.generation
    }

    pub(in crate::link) fn reconnects(&self) -> u64 {
        self.reconnects
    }

    /// Whether the server has confirmed the subscriptions; `None` if it has not said so yet.
    pub(in crate::link) fn readiness(&self) -> Option<Result<(), NotReadyError>> {
        match &self.refusal {
            Some(refusal) => Some(Err(refusal.clone())),
            None => (self.is_established() && self.is_at_rest).then_some(Ok(())),
        }
    }
}
