//! The same bus, awaited: what a task uses where a thread uses [`Bus`](crate::Bus),
//! [`Publisher`](crate::Publisher) and [`Subscription`](crate::Subscription).
//!
//! Each type here holds its twin, has its methods, and turns back into it. Those that may wait are `async`
//! here, and so are those that were in `oxide-k`; the others are the twin's own. Nothing but
//! wakers is assumed of the executor, except by what has a time-out, as a request has by default: that takes tokio's
//! clock.

mod advance;
mod budget;
mod placing;
mod replies;
mod stream;
mod subscription;

// In the order in which rustdoc shows what they say of `AsyncBus` and `AsyncPublisher`.
mod bus;

mod publisher;

mod sink;

mod asking;

mod looking;

mod weak;

mod verbs;

pub use self::bus::{AsyncBus, AsyncMessageBus};
pub use self::publisher::AsyncPublisher;
pub use self::replies::AsyncReplies;
pub use self::sink::PublishSink;
pub use self::subscription::AsyncSubscription;
pub use self::weak::{AsyncWeakBus, AsyncWeakPublisher};

#[cfg(all(test, oxide_loom))]
#[path = "tests/loom_models.rs"]
mod loom_models;
#[cfg(all(test, not(oxide_loom)))]
#[path = "tests/placing.rs"]
mod tests;
