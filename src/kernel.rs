//! The words of the seed: what the modules of a micro-kernel say to each other.
//!
//! *The seed* is the bus of the `oxide-k` micro-kernel. A program with a payload type of its own needs nothing of this
//! module; one that comes from the seed finds the differences in [`docs::migrating`](crate::docs::migrating).
//!
//! ```
//! use oxide_bus::kernel::{Command, Event, Message, MessageBus};
//!
//! let bus = MessageBus::new();
//! let mut messages = bus.subscribe();
//! bus.send_command("kernel", Command::Ping)?;
//! bus.emit_event("echo", Event::Pong { from: "echo".into() })?;
//! assert_eq!(messages.recv()?.message, Message::Command(Command::Ping));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[doc(inline)]
pub use crate::bus::MessageBus;
pub use crate::message::{Command, Event, Message};
#[cfg(feature = "tokio")]
pub use crate::tokio::AsyncMessageBus;
