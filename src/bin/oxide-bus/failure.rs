//! Why the command fails: what to tell the user, and the exit code.

use std::fmt;
use std::process::ExitCode;

/// An error that ends the command.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// Something went wrong on the way.
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Failure {
            message: message.to_string(),
            code: 1,
        }
    }

    /// There was nothing to do: the command line is wrong, or the input cannot be read.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Failure {
            message: message.to_string(),
            code: 2,
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

/// Clap writes paragraphs: what is wrong, tips, the usage. The first two make one line.
impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        let text = error.to_string();
        let lines = text
            .trim_start_matches("error: ")
            .lines()
            .map(str::trim)
            .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more "))
            .filter(|line| !line.is_empty());
        let message = lines.collect::<Vec<_>>().join("; ");
        Failure::usage(format!("{message} (see `oxide-bus --help`)"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
