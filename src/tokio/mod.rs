//! The async face of the bus: the counterparts for tasks of [`Bus`](crate::Bus), [`Publisher`](crate::Publisher) and
//! [`Subscription`](crate::Subscription).
//!
//! A task must not block its thread, so it awaits where a thread sleeps. Each type here wraps its counterpart, offers
//! the same methods, and converts back into it. Methods that may wait are `async` here, and so are those that were
//! `async` in `oxide-k`. All others are the counterpart's own.
//!
//! Any executor will do: only wakers are needed. The exception is a method with a time-out (a request has one by
//! default): it needs tokio's clock.

mod advance;
mod budget;
mod placing;
mod replies;
mod stream;
mod subscription;

// rustdoc shows the methods of `AsyncBus` and `AsyncPublisher` in the order of these modules.
mod bus;

mod publisher;

mod sink;

mod asking;

mod wait_until;

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
