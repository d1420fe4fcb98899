//! The failure of a command: a message for the user, and the exit code.

use std::fmt;
use std::process::ExitCode;

use super::USAGE;

/// An error that ends the command.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// Returns the failure of a command that went wrong on the way.
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Failure {
            message: message.to_string(),
            code: 1,
        }
    }

    /// Returns the failure of a command that could not start: the command line is wrong, or the input cannot be read.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Failure {
            message: message.to_string(),
            code: USAGE,
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
