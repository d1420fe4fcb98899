//! oxide-bus

#![forbid(unsafe_code)]

pub mod codec;

mod bus;
mod capability;
mod delivery;
mod envelope;
mod error;
mod fanout;
mod follow;
mod gate;
mod lane;
mod message;
mod opening;
mod options;
mod overflow;
mod parcel;
mod pattern;
mod pause;
mod pick;
mod publisher;
mod queue;
mod receipt;
mod room;
mod route;
mod source;
mod stamp;
mod subject;
mod subscription;
mod sync;
mod wait;

pub use crate::bus::{Bus, MessageBus};
pub use crate::capability::Capability;
pub use crate::delivery::Delivery;
pub use crate::envelope::Envelope;
pub use crate::error::{
    BatchError, Lagged, PublishError, RecvError, RecvTimeoutError, SubscribeError, TryRecvError,
};
pub use crate::message::{Command, Event, Message};
pub use crate::options::{DEFAULT_CAPACITY, MAX_CAPACITY, SubscribeOptions};
pub use crate::overflow::Overflow;
pub use crate::pattern::{Pattern, PatternError};
pub use crate::publisher::Publisher;
pub use crate::receipt::{BatchReceipt, Receipt};
pub use crate::source::Source;
pub use crate::subject::{Payload, Subject};
pub use crate::subscription::{IntoIter, Iter, Subscription, TryIter};
