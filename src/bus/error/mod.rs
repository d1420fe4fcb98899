//! What can go wrong, as types.

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
