//! The hash chain of a log. Each head is a SHA-256 of the head before it and of all lines since.
//!
//! If a head is kept elsewhere, it shows later whether a line before it was changed, removed or moved: all heads after
//! that line would be others.

#[cfg(not(feature = "hash-chain"))]
use std::convert::Infallible as Sha256;
#[cfg(feature = "hash-chain")]
use std::{error::Error, fmt, str::FromStr};

#[cfg(feature = "hash-chain")]
use sha2::{Digest, Sha256};

pub(super) type Hash = [u8; 32];

/// What the chain of each run begins with.
pub(super) const BEGINNING: Hash = [0; 32];

/// The chain since the last head.
pub(super) struct Chain(Sha256);

impl Chain {
    /// Goes on after a head, if there is one. Without the feature `hash-chain` there is none.
    pub(super) fn after(head: Option<Hash>) -> Option<Self> {
        #[cfg(feature = "hash-chain")]
        return head.map(|head| Chain(Sha256::new_with_prefix(head)));
        #[cfg(not(feature = "hash-chain"))]
        return head.and(None);
    }

    /// Adds a line, with its end.
    pub(super) fn add(&mut self, line: &[u8]) {
        #[cfg(feature = "hash-chain")]
        self.0.update(line);
        #[cfg(not(feature = "hash-chain"))]
        match (self.0, line) {}
    }

    /// Returns the head after what was added.
    pub(super) fn head(self) -> Hash {
        #[cfg(feature = "hash-chain")]
        return self.0.finalize().into();
        #[cfg(not(feature = "hash-chain"))]
        match self.0 {}
    }
}

pub(super) fn to_hex(hash: &Hash) -> String {
    use std::fmt::Write;

    let mut hex = String::with_capacity(64);
    for byte in hash {
        let _ = write!(hex, "{byte:02x}"); // writing to a text does not fail
    }
    hex
}

/// Reads what [`to_hex`] writes.
pub(super) fn from_hex(hex: &str) -> Option<Hash> {
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if hex.len() != 64 || !hex.as_bytes().iter().all(is_hex) {
        return None;
    }
    let mut hash = Hash::default();
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(hash)
}

/// A head of a log's [hash chain](super::Options::hash_chain), to be kept out of reach of those that may change the
/// log.
///
/// Its text is the number of its record, a colon, and 64 hexadecimal digits.
///
/// # Examples
///
/// ```
/// use oxide_bus::audit::{AuditLog, Finding, Options, Verifier};
/// use oxide_bus::kernel::{Command, MessageBus};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// let bus = MessageBus::new();
/// let log = AuditLog::start(&bus, &path, Options::new().hash_chain(true))?;
/// bus.send_command("kernel", Command::Ping)?;
/// log.flush()?;
/// let head = log.head().expect("flushed");
/// log.close()?;
/// assert!(Verifier::new().head(head).files([&path])?.is_whole());
///
/// let kept = head.to_string().parse()?; // elsewhere
/// let text = std::fs::read_to_string(&path)?;
/// std::fs::write(&path, text.replace("kernel", "colonel"))?;
/// let report = Verifier::new().head(kept).files([&path])?;
/// assert_eq!(report.flaws[0].finding, Finding::Chain);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "hash-chain")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    pub(super) record: u64,
    pub(super) hash: Hash,
}

#[cfg(feature = "hash-chain")]
impl ChainHead {
    /// Returns the number of the record that has this head. It stands for all records before.
    pub fn record(&self) -> u64 {
        self.record
    }
}

#[cfg(feature = "hash-chain")]
impl fmt::Display for ChainHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.record, to_hex(&self.hash))
    }
}

#[cfg(feature = "hash-chain")]
impl FromStr for ChainHead {
    type Err = ChainHeadError;

    fn from_str(text: &str) -> Result<Self, ChainHeadError> {
        let (record, hash) = text.split_once(':').ok_or(ChainHeadError)?;
        Ok(ChainHead {
            record: record.parse().map_err(|_| ChainHeadError)?,
            hash: from_hex(hash).ok_or(ChainHeadError)?,
        })
    }
}

/// A text is no [`ChainHead`].
#[cfg(feature = "hash-chain")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHeadError;

#[cfg(feature = "hash-chain")]
impl fmt::Display for ChainHeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a number, a colon and 64 lowercase hexadecimal digits")
    }
}

#[cfg(feature = "hash-chain")]
impl Error for ChainHeadError {}
