//! Refusals: why the engine does not publish an envelope, whatever the permission of its publisher.
//!
//! The bus layer makes the public errors of it, so the engine need not know them.

use std::sync::Arc;

use crate::codec::EncodeError;
use crate::message::measure::LimitExceeded;
use crate::queue::terms::Terms;

/// Why the engine does not publish an envelope.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The bus has closed.
    Closed,
    /// This subscriber has no room, and must not lose the envelope.
    Full(Arc<Terms>),
    /// The envelope is larger than it may be.
    TooLarge(LimitExceeded),
    /// The envelope cannot be encoded.
    Unwritable(Box<EncodeError>),
}
