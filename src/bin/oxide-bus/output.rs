//! What the command says: complaints on stderr, and what became of what it wrote to stdout.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use crate::failure::Failure;

/// Writes one line to stderr, whatever the text has in it.
pub(crate) fn complain(text: impl Display) {
    say(&format!("oxide-bus: {}\n", escaped(&text.to_string())));
}

/// The text with its control characters escaped, so that it is one line.
pub(crate) fn escaped(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

/// Writes to stderr as it is. Where that fails there is nobody left to tell.
pub(crate) fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Judges what came of writing to stdout: who reads it may go away when he has seen enough.
pub(crate) fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(format_args!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}
