//! The reader: it reads the log line by line, reports the bad lines, and passes the good ones on.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::PathBuf;

use oxide_bus::Envelope;
use oxide_bus::codec::{Codec, LineError, LinesReader};

use super::super::failure::Failure;
use super::super::output;
use super::accounts::ReplayAccounts;

/// Where the lines come from.
#[derive(Debug, Clone)]
pub(crate) enum Input {
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
    fn open(&self) -> Result<Box<dyn Read>, Failure> {
        let (opened, is_output): (Box<dyn Read>, _) = match self {
            Input::Stdin => {
                let stdin = io::stdin();
                let is_output = output::goes_to(&stdin);
                (Box::new(stdin), is_output)
            }
            Input::File(path) => {
                let file = File::open(path).map_err(|error| self.unreadable(error))?;
                let is_output = output::goes_to(&file);
                (Box::new(file), is_output)
            }
        };
        if is_output {
            return Err(self.unreadable("the input is also the output"));
        }
        Ok(opened)
    }

    fn unreadable(&self, error: impl fmt::Display) -> Failure {
        Failure::usage(format_args!("{self}: {error}"))
    }
}

/// Reads to the end, or until `take` or the accounts break off. Returns how many envelopes it has read.
pub(crate) fn reader(
    input: &Input,
    codec: Codec,
    is_audit_log: bool,
    accounts: &ReplayAccounts,
    mut take: impl FnMut(u64, Envelope) -> ControlFlow<()>,
) -> Result<u64, Failure> {
    let opened = input.open()?;
    let mut lines = LinesReader::new(BufReader::with_capacity(64 * 1024, opened)).codec(codec);
    if is_audit_log {
        lines = lines.of_audit_log();
    }
    let mut envelopes = 0;
    while let Some(line) = lines.next() {
        let goes_on = match line {
            Ok(envelope) => {
                envelopes += 1;
                take(lines.line(), envelope)
            }
            Err(LineError::Decode { line, error }) => accounts.bad(|| {
                let (kind, column) = (error.kind(), error.column());
                output::complain(format_args!(
                    "{input}: line {line}: {kind} at column {column}"
                ));
            }),
            Err(LineError::Io { error, .. }) => return Err(input.unreadable(error)),
            Err(error) => return Err(input.unreadable(error)),
        };
        if goes_on.is_break() {
            break;
        }
    }
    Ok(envelopes)
}
