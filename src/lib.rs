//! oxide-bus

#![forbid(unsafe_code)]

pub mod codec;

mod envelope;
mod message;
mod pattern;
mod source;
mod stamp;
mod subject;

pub use crate::envelope::Envelope;
pub use crate::message::{Command, Event, Message};
pub use crate::pattern::{Pattern, PatternError};
pub use crate::source::Source;
pub use crate::subject::{Payload, Subject};
