//! Messages on stderr, and checks of files: whether one is the output or another one, and whether writing to stdout
//! failed.

#[path = "../../support/visible.rs"]
mod visible;

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::fs;
#[cfg(unix)]
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Write};
#[cfg(unix)]
use std::os::{fd::AsFd, unix::fs::MetadataExt};
use std::path::Path;

use console::Term;

pub(crate) use self::visible::{escaped, is_hidden};
use super::failure::Failure;

/// Writes one line to stderr. Line breaks and other control characters in the text are escaped.
pub(crate) fn complain(text: impl Display) {
    let text = escaped(text.to_string().chars());
    say(&format!("oxide-bus: {text}\n"));
}

/// Returns lines of JSON as a terminal may show them: hidden characters are escaped, and the lines mean the same.
pub(crate) fn shown_json(lines: &str) -> Cow<'_, str> {
    // Hidden characters stand in strings only, apart from the ends of the lines.
    let must_be_escaped = |c| c != '\n' && is_hidden(c);
    if !lines.contains(must_be_escaped) {
        return lines.into();
    }
    let mut text = String::new();
    for c in lines.chars() {
        if must_be_escaped(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = fmt::Write::write_fmt(&mut text, format_args!("\\u{unit:04x}")); // writing to a string does not fail
            }
        } else {
            text.push(c);
        }
    }
    text.into()
}

/// Writes a text to stderr as it is. If that fails there is nobody left to tell.
pub(crate) fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Returns the number of columns of stderr, if it is a terminal.
pub(crate) fn width() -> Option<usize> {
    let (_rows, columns) = Term::stderr().size_checked()?;
    Some(columns.into())
}

/// Returns whether stdout goes to this file, under whatever name. The command would then read its own output, or
/// damage its input. A pipe or a terminal may be both input and output.
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

/// On other systems the standard library cannot identify a file.
#[cfg(not(unix))]
pub(crate) fn goes_to<T>(_input: &T) -> bool {
    false
}

/// Returns whether two paths lead to the same file, under whatever names.
#[cfg(unix)]
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    let place = |path| fs::metadata(path).map(|about| (about.dev(), about.ino()));
    place(one).is_ok_and(|one| place(other).is_ok_and(|other| one == other))
}

/// On other systems the standard library cannot identify a file, so a second name is not noticed.
#[cfg(not(unix))]
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}

/// Turns a failed write to stdout into a failure. It is no failure if the reader has closed the pipe.
pub(crate) fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(format_args!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}
