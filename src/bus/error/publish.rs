//! The errors of publishing an envelope or a batch.

use std::error::Error;
use std::{fmt, iter, vec};

use super::CLOSED;
use crate::authority::scope::Cause;
use crate::codec::{EncodeError, ErrorKind};
use crate::engine::core::Unfinished;
use crate::engine::receipt::BatchReceipt;
use crate::engine::refusal::Refusal;
use crate::message::capability::Capability;
use crate::message::denial::Denial;
use crate::message::envelope::Envelope;
use crate::message::kernel::Message;
use crate::message::measure::LimitExceeded;
use crate::support::visible::escaped;

/// Why an envelope was not published. The error hands the envelope back.
///
/// Its text names the source and the capability, and where in a payload something cannot be written. It never shows a
/// value of the payload.
///
/// # Examples
///
/// ```
/// use oxide_bus::kernel::{Command, Message};
/// use oxide_bus::{Capability, Envelope, MessageBus};
///
/// let bus = MessageBus::new();
/// let envelope = Envelope::new("llm", Message::Command(Command::Ping));
/// let id = envelope.id;
///
/// let error = bus
///     .publish_with_capability(envelope, &Capability::new("llm:complete"))
///     .unwrap_err();
/// assert!(error.is_denied());
/// assert_eq!(error.to_string(), "`llm` may not publish: capability `llm:complete` is not granted");
/// assert_eq!(error.into_envelope().id, id);
/// ```
#[non_exhaustive]
pub enum PublishError<M = Message> {
    /// The bus has closed.
    Closed(Box<Envelope<M>>),
    /// A subscriber that publishers wait for has no room, and the publish was not to wait; see
    /// [`Bus::try_publish`](crate::Bus::try_publish). The envelope is in no queue.
    Full(Box<Envelope<M>>),
    /// The envelope is larger than the bus [takes](crate::BusBuilder::max_payload).
    TooLarge {
        /// The envelope that was refused.
        envelope: Box<Envelope<M>>,
        /// The limit that it exceeds.
        exceeded: LimitExceeded,
    },
    /// The envelope cannot be written.
    ///
    /// Either the codec that the bus was [built](crate::BusBuilder::writable_by) for cannot write it. Or no codec can,
    /// because its id or its correlation id is nil or its time has no text. A [`Publisher`](crate::Publisher) never
    /// lets such an envelope pass, whatever the bus was built for.
    Unwritable {
        /// The envelope that was refused.
        envelope: Box<Envelope<M>>,
        /// Why it cannot be written.
        cause: Box<EncodeError>,
    },
    /// The capability does not let the envelope pass.
    Denied {
        /// The envelope that was refused.
        envelope: Box<Envelope<M>>,
        /// The capability that it was to be published under. It is empty for a [trusted](crate::Bus::trusted_publisher)
        /// publisher that was [narrowed](crate::Publisher::narrow).
        capability: Capability,
        /// Why it was refused.
        denial: Denial,
    },
}

impl<M> PublishError<M> {
    #[cold]
    pub(crate) fn refused(envelope: Envelope<M>, refusal: Refusal) -> Self {
        match refusal {
            Refusal::Closed => PublishError::Closed(Box::new(envelope)),
            Refusal::Full(_) => PublishError::Full(Box::new(envelope)),
            Refusal::TooLarge(exceeded) => PublishError::TooLarge {
                envelope: Box::new(envelope),
                exceeded,
            },
            Refusal::Unwritable(cause) => PublishError::Unwritable {
                envelope: Box::new(envelope),
                cause,
            },
        }
    }

    #[cold]
    pub(crate) fn caused(envelope: Envelope<M>, cause: Cause) -> Self {
        match cause {
            Cause::Refused(refusal) => Self::refused(envelope, refusal),
            Cause::Denied(capability, denial) => PublishError::Denied {
                envelope: Box::new(envelope),
                capability,
                denial,
            },
        }
    }

    /// Whether the bus has closed.
    pub fn is_closed(&self) -> bool {
        matches!(self, PublishError::Closed(_))
    }

    /// Whether the publish would have had to wait for a subscriber without room.
    pub fn is_full(&self) -> bool {
        matches!(self, PublishError::Full(_))
    }

    /// Whether the capability does not let the envelope pass.
    pub fn is_denied(&self) -> bool {
        self.denial().is_some()
    }

    /// Why the capability does not let the envelope pass, if that is the reason.
    pub fn denial(&self) -> Option<Denial> {
        match self {
            PublishError::Denied { denial, .. } => Some(*denial),
            _ => None,
        }
    }

    /// The envelope that was not published.
    pub fn envelope(&self) -> &Envelope<M> {
        match self {
            PublishError::Closed(envelope)
            | PublishError::Full(envelope)
            | PublishError::TooLarge { envelope, .. }
            | PublishError::Unwritable { envelope, .. }
            | PublishError::Denied { envelope, .. } => envelope,
        }
    }

    /// Takes the envelope back.
    pub fn into_envelope(self) -> Envelope<M> {
        match self {
            PublishError::Closed(envelope)
            | PublishError::Full(envelope)
            | PublishError::TooLarge { envelope, .. }
            | PublishError::Unwritable { envelope, .. }
            | PublishError::Denied { envelope, .. } => *envelope,
        }
    }
}

impl<M> fmt::Debug for PublishError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PublishError::Closed(_) => f.write_str("Closed(..)"),
            PublishError::Full(_) => f.write_str("Full(..)"),
            PublishError::TooLarge { exceeded, .. } => f
                .debug_struct("TooLarge")
                .field("exceeded", exceeded)
                .finish_non_exhaustive(),
            PublishError::Unwritable { .. } => f.write_str("Unwritable(..)"),
            PublishError::Denied {
                capability, denial, ..
            } => f
                .debug_struct("Denied")
                .field("capability", capability)
                .field("denial", denial)
                .finish_non_exhaustive(),
        }
    }
}

impl<M> fmt::Display for PublishError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PublishError::Closed(_) => f.write_str(CLOSED),
            PublishError::Full(_) => f.write_str("a subscriber that must not miss it has no room"),
            PublishError::TooLarge { exceeded, .. } => exceeded.fmt(f),
            // A codec's free message may quote the payload, so it is not shown.
            PublishError::Unwritable { cause, .. } => match cause.kind() {
                ErrorKind::Message(_) => f.write_str("cannot be written"),
                kind => write!(f, "cannot be written: {kind}"),
            },
            PublishError::Denied {
                envelope,
                capability,
                denial,
            } => {
                let source = escaped(envelope.source.escape_debug());
                write!(f, "`{source}` may not publish: ")?;
                if capability.as_str().is_empty()
                    && matches!(denial, Denial::Subject | Denial::NoSubject)
                {
                    return f.write_str("the publisher was narrowed to other subjects");
                }
                let name = escaped(capability.as_str().escape_debug());
                write!(f, "capability `{name}` {denial}")
            }
        }
    }
}

impl<M> Error for PublishError<M> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            PublishError::Unwritable { cause, .. } => Some(&**cause),
            _ => None,
        }
    }
}

/// Why a batch was not published whole. The error hands back what was not published.
///
/// # Examples
///
/// ```
/// use oxide_bus::{Bus, Envelope};
///
/// let bus = Bus::<u32>::new();
/// bus.close();
/// let error = bus.publish_batch([Envelope::new("counter", 1)]).unwrap_err();
/// assert!(error.cause().is_closed());
/// assert_eq!(error.receipt().published(), 0);
/// assert_eq!(error.into_envelopes()[0].message, 1);
/// ```
pub struct BatchError<M = Message> {
    receipt: BatchReceipt,
    /// Holds the first envelope that was not published.
    cause: PublishError<M>,
    rest: vec::IntoIter<Envelope<M>>,
}

impl<M, E: Into<Cause>> From<Unfinished<M, E>> for BatchError<M> {
    #[cold]
    fn from(unfinished: Unfinished<M, E>) -> Self {
        let mut rest = unfinished.left.into_iter();
        let first = rest.next().expect("something was refused");
        BatchError {
            receipt: unfinished.receipt,
            cause: PublishError::caused(first, unfinished.cause.into()),
            rest,
        }
    }
}

impl<M> BatchError<M> {
    /// Why the rest was not published. The envelope in it is the first that is left. (If one envelope of a batch may
    /// not be published, none is. So the first one need not be the one that is refused.)
    pub fn cause(&self) -> &PublishError<M> {
        &self.cause
    }

    /// The receipt of the envelopes that were published before.
    pub fn receipt(&self) -> BatchReceipt {
        self.receipt
    }

    /// Takes back the envelopes that were not published, in order. There is at least one.
    pub fn into_envelopes(self) -> Vec<Envelope<M>> {
        let first = self.cause.into_envelope();
        iter::once(first).chain(self.rest).collect()
    }

    /// How many envelopes were not published.
    fn left(&self) -> usize {
        1 + self.rest.len()
    }
}

impl<M> fmt::Debug for BatchError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchError")
            .field("cause", &self.cause)
            .field("receipt", &self.receipt)
            .field("left", &self.left())
            .finish_non_exhaustive()
    }
}

impl<M> fmt::Display for BatchError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} envelopes not published: {}", self.left(), self.cause)
    }
}

impl<M> Error for BatchError<M> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}
