//! The thread that reads: line by line, the bad ones reported, the good ones passed on.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::PathBuf;

use oxide_bus::Envelope;
use oxide_bus::codec::{Codec, LineErrorCause, LinesReader};

use super::ledger::Ledger;
use crate::failure::Failure;
use crate::output;

/// Where the lines come from.
#[derive(Debug, Clone)]
pub(super) enum Input {
    Stdin,
    File(PathBuf),
}

impl From<OsString> for Input {
    fn from(name: OsString) -> Self {
        if name == "-" {
            Input::Stdin
        } else {
            Input::File(name.into())
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Stdin => f.write_str("standard input"),
            Input::File(path) => path.display().fmt(f),
        }
    }
}

impl Input {
    fn open(&self) -> io::Result<Box<dyn Read>> {
        Ok(match self {
            Input::Stdin => Box::new(io::stdin()),
            Input::File(path) => Box::new(File::open(path)?),
        })
    }

    fn unreadable(&self, error: &io::Error) -> Failure {
        Failure::usage(format_args!("{self}: {error}"))
    }
}

/// Reads to the end, or until `take` or the ledger have enough.
pub(super) fn feed(
    input: &Input,
    codec: Codec,
    ledger: &Ledger,
    mut take: impl FnMut(u64, Envelope) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let opened = input.open().map_err(|error| input.unreadable(&error))?;
    let mut lines = LinesReader::new(BufReader::with_capacity(64 * 1024, opened)).codec(codec);
    while let Some(line) = lines.next() {
        let goes_on = match line {
            Ok(envelope) => take(lines.line(), envelope),
            Err(error) => match error.cause() {
                LineErrorCause::Io(cause) => return Err(input.unreadable(cause)),
                LineErrorCause::Decode(cause) => ledger.bad(|| {
                    output::complain(format_args!(
                        "line {}: {} at column {}",
                        error.line(),
                        cause.kind(),
                        cause.column()
                    ));
                }),
                _ => {
                    ledger.bad(|| output::complain(format_args!("line {}: {error}", error.line())))
                }
            },
        };
        if goes_on.is_break() {
            break;
        }
    }
    Ok(())
}
