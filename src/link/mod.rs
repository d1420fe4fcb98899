//! Links: they join a bus with buses in other programs, over a server that carries envelopes between them.
//!
//! [`Link::over`] builds a link over an [`Engine`](engine::Engine). The page [`docs::links`](crate::docs::links) says
//! what is promised, and what the words mean. An engine [in memory](memory) is for tests, including those of programs
//! that use links.

// To read the code, follow an envelope. Out: `builder`, `joining`, then in `running` `driver` and `exporting`, then
// `outbound` (numbers and the window), `frames::wire`, `engine`. In: `running::importing`, then in `inbound` `origins`,
// `neighbour`, `incoming` (order and gaps) and `inbound_queue`, then `running::publishing`. What the parts of a running
// link share is in `state`. Then read what links say to each other (`frames::control`), `requests`, and
// `inbound::durable`. The number of an envelope is its `sequence`, that of a life its `incarnation`.

mod builder;
mod deadline;
pub mod engine;
mod error;
mod frames;
mod handle;
mod inbound;
mod joining;
pub mod memory;
mod name;
#[cfg(feature = "nats")]
pub mod nats;
mod outbound;
mod requests;
mod running;
mod state;
mod stats;
mod stream;

pub use self::builder::LinkBuilder;
pub use self::error::{LinkDrainError, LinkError, NotReadyError};
pub use self::handle::{Link, LinkThread};
pub use self::inbound::gaps::LinkGaps;
pub use self::stats::{ExportStats, ImportStats, LinkStats};
pub use self::stream::{StreamError, StreamStart};
