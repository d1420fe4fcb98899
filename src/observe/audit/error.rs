//! The error of an audit log.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a log could not be started, or has stopped writing.
///
/// # Examples
///
/// ```
/// use std::io::ErrorKind;
/// use oxide_bus::MessageBus;
/// use oxide_bus::audit::{AuditLog, Options};
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("missing").join("audit.jsonl");
/// let error = AuditLog::start(&MessageBus::new(), &path, Options::new()).unwrap_err();
/// assert_eq!(error.io_error().kind(), ErrorKind::NotFound);
/// assert_eq!(error.path(), Some(&*path));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct AuditError {
    path: Option<PathBuf>,
    error: Arc<io::Error>,
}

impl AuditError {
    pub(super) fn new(path: &Path, error: io::Error) -> Self {
        AuditError {
            path: Some(path.to_owned()),
            error: Arc::new(error),
        }
    }

    /// The log ended well, but before the call that returns this.
    pub(super) fn ended() -> Self {
        AuditError {
            path: None,
            error: Arc::new(io::Error::other("the log has ended")),
        }
    }

    /// Returns the file of the log. `None` if the log had ended well, but before the call that failed.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Returns the error of the operating system, or one of the kind [`Other`](io::ErrorKind::Other) that holds any
    /// other cause.
    pub fn io_error(&self) -> &io::Error {
        &self.error
    }
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "audit log {}", path.display()),
            None => f.write_str("audit log"),
        }
    }
}

impl Error for AuditError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.error)
    }
}
