//! Links: a bus and others elsewhere, over a server that carries envelopes between them.
//!
//! [`Link::over`] builds a link over an [`Engine`](engine::Engine). The page [`docs::links`](crate::docs::links) says
//! what is promised, and what the words mean. An engine [in memory](memory) is for tests, also those of a program that
//! uses links.

// To read the code, follow an envelope. Out: `builder`, `joining`, `driver`, `exporting`, `outgoing` (numbers and the window),
// `wire`, `engine`. In: `importing`, `origins`, `neighbour`, `incoming` (order and gaps), `waiting`, `publishing`. Then what links
// say to each other (`control`), requests (`announcement`, `known_importers`, `requests_out`, `relays`) and `durable`. The number of
// an envelope is its `sequence`, that of a life its `incarnation`.

mod announcement;
mod announcement_times;
mod arrival;
mod builder;
mod calling;
mod connection;
mod control;
mod deadline;
mod driver;
mod durable;
pub mod engine;
mod error;
mod exporting;
mod frame;
mod gap_patience;
mod gaps;
mod handle;
mod held;
mod import_subject;
mod importing;
mod incoming;
mod joining;
mod known_importers;
mod linked;
pub mod memory;
mod name;
#[cfg(feature = "nats")]
pub mod nats;
mod neighbour;
mod origins;
mod outgoing;
mod publishing;
mod relays;
mod requests_out;
mod resend_queue;
mod seen;
mod settings;
mod stage;
mod state;
mod stats;
mod status;
mod storing;
mod stream;
mod subject;
mod transit;
mod waiting;
mod want_times;
mod wire;

pub use self::builder::LinkBuilder;
pub use self::error::{LinkDrainError, LinkError, NotReadyError};
pub use self::gaps::LinkGaps;
pub use self::handle::{Link, LinkThread};
pub use self::stats::{ExportStats, ImportStats, LinkStats};
pub use self::stream::{StreamError, StreamStart};
