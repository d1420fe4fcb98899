//! Inspection: another program looks at a running bus, over a Unix socket (feature `inspect`).
//!
//! [`Bus::serve_inspection`] makes the socket. [`look`], or the command `oxide-bus top`, connects to it and gets a
//! [`Snapshot`]. A client can change nothing.
//!
//! # The protocol
//!
//! A client connects, writes the line `snapshot`, and reads one line of JSON: `{"version":1,"snapshot":{…}}`, with the
//! fields of a [`Snapshot`], or `{"version":1,"error":"…"}`. Then the program closes the connection. In later versions
//! of this crate a snapshot may have more fields. The version number changes if a field goes or changes its meaning.
//!
//! ```sh
//! printf 'snapshot\n' | socat - UNIX-CONNECT:/run/user/1000/kernel.sock
//! ```
//!
//! # Permissions
//!
//! Only programs of the same user, and root, can connect: the socket has the permissions 0600 from the start. A
//! snapshot has the names of subscriptions, sources and capabilities, patterns, and the subjects of denied publishes,
//! but no payload. The [threat model](crate::docs::threat_model#the-inspection-socket) says what a client can do.
//!
//! # Cost
//!
//! The bus counts nothing more for an inspection. A thread sleeps until somebody connects. A look walks over the
//! subscribers, as [`Bus::stats`] does. Advisories are kept for the next look: each [`Advisory`](crate::Advisory) is
//! made, as for [`Bus::advisories`], and up to 384 wait in memory. A publish that opens a segment looks once more at
//! every subscriber without a filter.

mod ages;
mod error;
mod looking;
mod note;
mod protocol;
mod server;
mod snapshot;
mod socket;
mod timed;

use std::path::Path;

use crate::bus::handle::Bus;
use crate::message::subject::Payload;

pub use self::error::{InspectError, LookError};
pub use self::protocol::look;
pub use self::server::Inspection;
pub use self::snapshot::{AdvisoryNote, Snapshot, SourceShare, SubscriptionSnapshot};
pub use crate::bus::link_figures::LinkFigures;

/// # Inspection
impl<M: Payload> Bus<M> {
    /// Lets programs of the same user look at the bus, over a Unix socket at this path (feature `inspect`, on Unix).
    ///
    /// The inspection ends when the handle is dropped. The handle does not keep the bus open, but a look does while it
    /// lasts. Once the bus is gone, clients are told so. The command `oxide-bus top` shows the snapshots; see
    /// [`inspect`](crate::inspect).
    ///
    /// A dead socket at the path, whose program has ended, is replaced. Do not give two programs the same path: if both
    /// replace the same dead socket at the same instant, one is left without.
    ///
    /// # Errors
    ///
    /// [`InspectError`] if an inspection is served at the path already, if there is something else, or if the socket
    /// cannot be made. A path of more than some 100 bytes is too long for a socket.
    ///
    /// # Cost
    ///
    /// A thread, which sleeps until somebody connects. Clients are served one after another, and each has three seconds
    /// at most. A receive, and a publish that finds room, cost nothing more.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, SubscribeOptions, inspect};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("bus.sock");
    /// let bus = Bus::<u32>::new();
    /// let _stuck = bus.subscribe_with(SubscribeOptions::new().name("stuck").capacity(2))?;
    /// let inspection = bus.serve_inspection(&path)?;
    /// for number in 1..=5 {
    ///     bus.send("counter", number)?;
    /// }
    ///
    /// let snapshot = inspect::look(&path)?; // from any program of the same user
    /// let stuck = &snapshot.subscriptions[0].stats;
    /// assert_eq!((stuck.name.as_deref(), stuck.queued, stuck.dropped), (Some("stuck"), 2, 3));
    ///
    /// drop(inspection);
    /// assert!(!path.exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn serve_inspection(&self, path: impl AsRef<Path>) -> Result<Inspection, InspectError> {
        Inspection::start(self, path.as_ref())
    }
}
