//! What the command says: complaints on stderr, and what became of what it wrote to stdout.

#[path = "../../visible.rs"]
mod visible;

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

pub(crate) use self::visible::escaped;
use crate::failure::Failure;

/// Writes one line to stderr, whatever the text has in it.
pub(crate) fn complain(text: impl Display) {
    let text = escaped(text.to_string().chars());
    say(&format!("oxide-bus: {text}\n"));
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
