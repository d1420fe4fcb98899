//! Why an envelope is not published, whoever publishes it.

use std::sync::Arc;

use crate::codec::EncodeError;
use crate::message::measure::LimitExceeded;
use crate::queue::terms::Terms;

/// Why something is not published, though it may be.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The bus has closed.
    Closed,
    /// This subscriber has no room, and must not lose it.
    Full(Arc<Terms>),
    /// It is larger than it may be.
    TooLarge(LimitExceeded),
    /// It cannot be written.
    Unwritable(Box<EncodeError>),
}
