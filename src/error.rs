//! What can go wrong, as types.

mod drain;
mod grant;
mod header;
mod patterns;
mod publish;
mod receive;
mod request;
mod retain;
mod subscribe;

pub use self::drain::DrainError;
pub use self::grant::{GrantError, RevokeError};
pub use self::header::HeaderError;
pub use self::patterns::SetPatternsError;
pub(crate) use self::publish::Cause;
pub use self::publish::{BatchError, PublishError};
pub use self::receive::{RecvError, RecvTimeoutError, TryRecvError};
pub use self::request::RequestError;
pub use self::retain::RetainError;
pub use self::subscribe::SubscribeError;

const CLOSED: &str = "the bus is closed";
