//! Messages on stderr, and two questions about stdout: is it the input, and has writing to it failed?

#[path = "../../support/visible.rs"]
mod visible;

use std::fmt::Display;
#[cfg(unix)]
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Write};
#[cfg(unix)]
use std::os::{fd::AsFd, unix::fs::MetadataExt};

use console::Term;

pub(crate) use self::visible::{escaped, is_hidden};
use super::failure::Failure;

/// Writes one line to stderr, whatever the text has in it.
pub(crate) fn complain(text: impl Display) {
    let text = escaped(text.to_string().chars());
    say(&format!("oxide-bus: {text}\n"));
}

/// Writes to stderr as it is. Where that fails there is nobody left to tell.
pub(crate) fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// How many columns stderr has, if it is a terminal.
pub(crate) fn width() -> Option<usize> {
    let (_rows, columns) = Term::stderr().size_checked()?;
    Some(columns.into())
}

/// Whether stdout goes to this file, under whatever name: the command would then read its own output, or damage its
/// input. A pipe or a terminal may be both.
#[cfg(unix)]
pub(crate) fn goes_to(input: &impl AsFd) -> bool {
    let (Ok(input), Ok(stdout)) = (metadata(input), metadata(&io::stdout())) else {
        return false;
    };
    stdout.is_file() && (input.dev(), input.ino()) == (stdout.dev(), stdout.ino())
}

#[cfg(unix)]
fn metadata(open: &impl AsFd) -> io::Result<Metadata> {
    File::from(open.as_fd().try_clone_to_owned()?).metadata()
}

/// On other systems the standard library does not tell which file is which.
#[cfg(not(unix))]
pub(crate) fn goes_to<T>(_input: &T) -> bool {
    false
}

/// Turns a failed write to stdout into a failure. A reader that has closed the pipe is none.
pub(crate) fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(format_args!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}
