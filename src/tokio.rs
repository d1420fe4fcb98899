//! The same bus, awaited: what a task uses where a thread uses [`Bus`](crate::Bus),
//! [`Publisher`](crate::Publisher) and [`Subscription`](crate::Subscription).
//!
//! Each type here holds its twin, has its methods, and turns back into it. Those that may wait are `async`
//! here, and so are those that were in `oxide-k`; the others are the twin's own. Nothing but
//! wakers is assumed of the executor, except by what has a time-out, as a request has by default: that takes tokio's
//! clock.

mod advance;
mod asking;
mod budget;
mod bus;
mod looking;
mod placing;
mod publisher;
mod replies;
mod sink;
mod stream;
mod subscription;
mod weak;

pub use self::bus::{AsyncBus, AsyncMessageBus};
pub use self::publisher::AsyncPublisher;
pub use self::replies::AsyncReplies;
pub use self::sink::PublishSink;
pub use self::subscription::AsyncSubscription;
pub use self::weak::AsyncWeakPublisher;

#[cfg(all(test, oxide_loom))]
mod loom_models;
#[cfg(all(test, not(oxide_loom)))]
mod tests;
