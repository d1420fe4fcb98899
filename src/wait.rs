//! How long a receive waits, and what it finds if it finds no envelope.

use std::time::Instant;

use crate::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::sync::channel::{self, Receiver};

/// How long a receive waits.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wait {
    No,
    Until(Instant),
    Forever,
    /// It does not wait, but who asks for it will: he has set the [alarm](crate::alarm), and nothing may
    /// come without ringing it.
    #[cfg(feature = "tokio")]
    Alarmed,
}

impl Wait {
    pub(crate) fn is_over(self) -> bool {
        match self {
            Wait::No => true,
            Wait::Until(deadline) => Instant::now() >= deadline,
            Wait::Forever => false,
            #[cfg(feature = "tokio")]
            Wait::Alarmed => true,
        }
    }

    /// When it is over, if ever.
    pub(crate) fn deadline(self) -> Option<Instant> {
        match self {
            Wait::Until(deadline) => Some(deadline),
            _ => None,
        }
    }

    /// Receives from a channel that was empty just now.
    pub(crate) fn receive<T>(self, receiver: &Receiver<T>) -> Result<T, Nothing> {
        match self {
            Wait::No => Err(Nothing::Empty),
            #[cfg(feature = "tokio")]
            Wait::Alarmed => Err(Nothing::Empty),
            Wait::Until(deadline) => match receiver.recv_deadline(deadline) {
                Ok(received) => Ok(received),
                Err(channel::RecvTimeoutError::Timeout) => Err(Nothing::Empty),
                Err(channel::RecvTimeoutError::Disconnected) => Err(Nothing::Disconnected),
            },
            Wait::Forever => (receiver.recv()).map_err(|channel::RecvError| Nothing::Disconnected),
        }
    }

    /// The same, but that it is over when the bell rings, as if the channel were disconnected.
    #[cfg(not(oxide_loom))]
    pub(crate) fn receive_until<T>(
        self,
        receiver: &Receiver<T>,
        bell: &Receiver<()>,
    ) -> Result<T, Nothing> {
        let mut both = channel::Select::new();
        let from = both.recv(receiver);
        both.recv(bell);
        let ready = match self {
            Wait::Until(deadline) => both.select_deadline(deadline).map_err(|_| Nothing::Empty)?,
            Wait::Forever => both.select(),
            Wait::No => return Err(Nothing::Empty),
            #[cfg(feature = "tokio")]
            Wait::Alarmed => return Err(Nothing::Empty),
        };
        if ready.index() == from {
            (ready.recv(receiver)).map_err(|channel::RecvError| Nothing::Disconnected)
        } else {
            let _rung = ready.recv(bell);
            Err(Nothing::Disconnected)
        }
    }

    /// Waits until something is there to be received, or the channel is disconnected, or the bell rings. Nothing is taken.
    #[cfg(not(oxide_loom))]
    pub(crate) fn until_ready<T>(
        self,
        receiver: &Receiver<T>,
        bell: Option<&Receiver<()>>,
    ) -> Result<(), Nothing> {
        let mut both = channel::Select::new();
        both.recv(receiver);
        if let Some(bell) = bell {
            both.recv(bell);
        }
        match self {
            Wait::Until(deadline) => {
                both.ready_deadline(deadline).map_err(|_| Nothing::Empty)?;
            }
            Wait::Forever => {
                both.ready();
            }
            Wait::No => return Err(Nothing::Empty),
            #[cfg(feature = "tokio")]
            Wait::Alarmed => return Err(Nothing::Empty),
        }
        Ok(())
    }

    /// Loom has no clock either.
    #[cfg(oxide_loom)]
    pub(crate) fn until_ready<T>(
        self,
        receiver: &Receiver<T>,
        _bell: Option<&Receiver<()>>,
    ) -> Result<(), Nothing> {
        match self {
            Wait::Until(_) | Wait::Forever => Ok(receiver.wait()),
            Wait::No => Err(Nothing::Empty),
            #[cfg(feature = "tokio")]
            Wait::Alarmed => Err(Nothing::Empty),
        }
    }

    /// Loom knows no selection: in no model does the bell ring for one that sleeps.
    #[cfg(oxide_loom)]
    pub(crate) fn receive_until<T>(
        self,
        receiver: &Receiver<T>,
        _bell: &Receiver<()>,
    ) -> Result<T, Nothing> {
        self.receive(receiver)
    }
}

/// Why no envelope was received, in the words of no receive error yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nothing {
    /// There is none, and waiting is over.
    Empty,
    /// So many were lost.
    Lagged(u64),
    Disconnected,
    Evicted,
}

impl From<Nothing> for RecvError {
    fn from(nothing: Nothing) -> Self {
        match nothing {
            Nothing::Lagged(missed) => RecvError::Lagged { missed },
            Nothing::Disconnected => RecvError::Disconnected,
            Nothing::Evicted => RecvError::Evicted,
            Nothing::Empty => unreachable!("it waits for as long as it takes"),
        }
    }
}

impl From<Nothing> for TryRecvError {
    fn from(nothing: Nothing) -> Self {
        match nothing {
            Nothing::Empty => TryRecvError::Empty,
            Nothing::Lagged(missed) => TryRecvError::Lagged { missed },
            Nothing::Disconnected => TryRecvError::Disconnected,
            Nothing::Evicted => TryRecvError::Evicted,
        }
    }
}

impl From<Nothing> for RecvTimeoutError {
    fn from(nothing: Nothing) -> Self {
        match nothing {
            Nothing::Empty => RecvTimeoutError::Timeout,
            Nothing::Lagged(missed) => RecvTimeoutError::Lagged { missed },
            Nothing::Disconnected => RecvTimeoutError::Disconnected,
            Nothing::Evicted => RecvTimeoutError::Evicted,
        }
    }
}
