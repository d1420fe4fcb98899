//! Why an envelope is not published, whoever publishes it.

use std::sync::Arc;

use crate::codec::EncodeError;
use crate::measure::LimitExceeded;
use crate::wait_list::WaitList;

/// Why something is not published, though it may be.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The bus has closed.
    Closed,
    /// Inside too many other publishes of the thread.
    TooDeep,
    /// Somebody would have to be waited for, and may not: those to be woken when there is room.
    Full(
        #[cfg_attr(
            not(feature = "tokio"),
            expect(dead_code, reason = "only tasks wait for it")
        )]
        Arc<WaitList>,
    ),
    /// It is larger than it may be.
    TooLarge(LimitExceeded),
    /// It cannot be written.
    Unwritable(Box<EncodeError>),
}
