//! The errors of the bus layer, one type for each kind of operation.
//!
//! An error of publishing hands the envelope back, so that the caller can try again.

mod drain;
mod patterns;
mod publish;
mod request;
mod retain;
mod subscribe;

pub use self::drain::DrainError;
pub use self::patterns::SetPatternsError;
pub use self::publish::{BatchError, PublishError};
pub use self::request::RequestError;
pub use self::retain::RetainError;
pub use self::subscribe::SubscribeError;

const CLOSED: &str = "the bus is closed";
