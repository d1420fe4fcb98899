//! Why a log writes no more.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a log could not be begun, or writes no more.
#[derive(Debug, Clone)]
pub struct AuditError {
    path: Option<PathBuf>,
    cause: Arc<io::Error>,
}

impl AuditError {
    pub(super) fn new(path: &Path, cause: io::Error) -> Self {
        AuditError {
            path: Some(path.to_owned()),
            cause: Arc::new(cause),
        }
    }

    /// It ended well, but before what was asked of it.
    pub(super) fn ended() -> Self {
        AuditError {
            path: None,
            cause: Arc::new(io::Error::other("the log has ended")),
        }
    }

    /// What the operating system said.
    pub fn cause(&self) -> &io::Error {
        &self.cause
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
        Some(&*self.cause)
    }
}
