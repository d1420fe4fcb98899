//! The options with which a log is read back.

use std::io;
use std::path::Path;

use serde::de::DeserializeOwned;

#[cfg(feature = "hash-chain")]
use super::super::chain::ChainHead;
use super::chain_check::ChainCheck;
use super::{Check, Decode, Report};
use crate::codec::Codec;

/// Reads logs back with other options than [`verify`](super::super::verify()).
///
/// # Examples
///
/// ```
/// use oxide_bus::audit::{AuditLog, Options, Verifier};
/// use oxide_bus::codec::Codec;
/// use oxide_bus::{Bus, Envelope};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// let large = Codec::new().max_string(1_000_000);
/// let bus = Bus::<String>::new();
/// let log = AuditLog::start(&bus, &path, Options::new().codec(large))?;
/// bus.publish(Envelope::new("poet", "verse ".repeat(100_000)))?;
/// log.close()?;
///
/// let report = Verifier::new().codec(large).messages::<String>().files([&path])?;
/// assert!(report.is_whole());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[must_use = "nothing is read before it is given files"]
pub struct Verifier {
    codec: Codec,
    continued: bool,
    messages: Option<Decode>,
    #[cfg(feature = "hash-chain")]
    head: Option<ChainHead>,
}

impl Verifier {
    /// Returns a verifier with the default limits, from the `opened` record on, and for messages of any type.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the codec that reads envelopes, and so how large they may be. It should be the one that has
    /// [written](super::super::Options::codec) them. A line may have 1 MiB more.
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Sets whether the files begin in the middle of a log, because earlier files of it are kept elsewhere.
    pub fn continued(mut self, continued: bool) -> Self {
        self.continued = continued;
        self
    }

    /// Requires that each message can be read as an `M`. By default any JSON value is accepted. A message that cannot
    /// be read is a flaw of its own ([`Finding::Message`](super::Finding::Message)), and does not mean that the log is
    /// damaged.
    ///
    /// For [`Message`](crate::kernel::Message) the codec's limits apply to the names, too.
    pub fn messages<M: DeserializeOwned + 'static>(mut self) -> Self {
        self.messages = Some(|codec, json| codec.decode::<M>(json).map(drop));
        self
    }

    /// Requires that the log has this head of a [hash chain](super::super::Options::hash_chain), which was kept
    /// elsewhere. If it is not found, that is a flaw ([`Finding::Head`](super::Finding::Head)).
    #[cfg(feature = "hash-chain")]
    pub fn head(mut self, head: ChainHead) -> Self {
        self.head = Some(head);
        self
    }

    /// Reads the files of a log, in the order in which they were written.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub fn files(self, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> io::Result<Report> {
        #[cfg(feature = "hash-chain")]
        let chain = ChainCheck::with(self.head);
        #[cfg(not(feature = "hash-chain"))]
        let chain = ChainCheck::default();
        Check::new(self.codec, self.continued, self.messages, chain).files(paths)
    }
}
