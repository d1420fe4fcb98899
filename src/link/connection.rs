//! What a link knows of its connection: whether it is there, and whether the server has confirmed the subscriptions.

use std::time::Duration;

use tokio::time::Instant;

use crate::link::error::NotReadyError;

/// The longest time between two attempts after a failure.
const MAX_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Connection {
    is_there: bool,
    /// Counts cuts and reconnects.
    generation: u64,
    /// The generation in which a round trip has ended well.
    established: Option<u64>,
    /// Since then all that the engine had was taken, so that each refusal is known that the server told before.
    is_at_rest: bool,
    failures: u32,
    retry_at: Option<Instant>,
    /// The server's refusal, until the next reconnect.
    refusal: Option<NotReadyError>,
    reconnects: u64,
}

/// What is to be done about the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is cut. The engine says when it is there again.
    Cut,
    /// It is to be tried again at this time.
    Failed(Instant),
    /// A round trip is to show that it is there. The number is that of its generation.
    Unknown(u64),
    /// A round trip has shown it.
    Established,
}

impl Connection {
    pub(super) fn new() -> Self {
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

    pub(super) fn standing(&self, now: Instant) -> Standing {
        if !self.is_there {
            return Standing::Cut;
        }
        if self.established == Some(self.generation) {
            return Standing::Established;
        }
        (self.retry_at.filter(|at| now < *at))
            .map_or(Standing::Unknown(self.generation), Standing::Failed)
    }

    /// A round trip has ended well that began in this generation. Returns whether that is still so.
    pub(super) fn establish(&mut self, generation: u64) -> bool {
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
    pub(super) fn awaits_rest(&self) -> bool {
        self.is_established() && !self.is_at_rest
    }

    /// All that the engine had was taken.
    pub(super) fn rest(&mut self) {
        self.is_at_rest |= self.is_established();
    }

    /// A call of the engine has failed, or took too long.
    pub(super) fn fail(&mut self, now: Instant) {
        self.established = None;
        let pause = Duration::from_millis(20) * 2_u32.pow(self.failures.min(8));
        self.retry_at = Some(now + pause.min(MAX_PAUSE));
        self.failures += 1;
    }

    pub(super) fn connected(&mut self) {
        *self = Connection {
            generation: self.generation + 1,
            reconnects: self.reconnects + 1,
            ..Connection::new()
        };
    }

    pub(super) fn cut(&mut self) {
        self.generation += 1;
        self.is_there = false;
    }

    pub(super) fn refused(&mut self, refusal: NotReadyError) {
        self.refusal = Some(refusal);
    }

    /// Whether the server has confirmed the subscriptions since the last cut.
    pub(super) fn is_established(&self) -> bool {
        self.is_there && self.established == Some(self.generation)
    }

    pub(super) fn is_there(&self) -> bool {
        self.is_there
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn reconnects(&self) -> u64 {
        self.reconnects
    }

    /// Whether the server has confirmed the subscriptions; `None` if it has not said so yet.
    pub(super) fn readiness(&self) -> Option<Result<(), NotReadyError>> {
        match &self.refusal {
            Some(refusal) => Some(Err(refusal.clone())),
            None => (self.is_established() && self.is_at_rest).then_some(Ok(())),
        }
    }
}
