//! The protocol: one line asks, one line of JSON answers, and the connection ends.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::message::excerpt;
use crate::observe::inspect::error::LookError;
use crate::observe::inspect::snapshot::Snapshot;
use crate::observe::inspect::timed::TimedStream;

/// The version of the protocol.
const VERSION: u64 = 1;

/// The only request.
const REQUEST: &[u8] = b"snapshot\n";

/// The most bytes of a request.
const MAX_REQUEST: u64 = 64;

/// The most bytes of an answer: some 100,000 subscriptions.
const MAX_ANSWER: u64 = 64 << 20;

/// How long a client may take to ask. It has the line ready when it connects.
const ASKING: Duration = Duration::from_secs(1);

/// How long a client may take to read the answer.
const ANSWERING: Duration = Duration::from_secs(2);

/// How long a program may take to answer: it may serve other clients before this one.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize, Deserialize)]
struct InspectAnswer {
    version: u64,
    #[serde(flatten)]
    body: Body,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Body {
    Snapshot(Box<Snapshot>),
    Error(String),
}

#[derive(Debug, Deserialize)]
struct AnswerVersion {
    version: u64,
}

/// Answers one client. `look` returns nothing if the bus is gone.
pub(super) fn answer(
    stream: &UnixStream,
    look: impl FnOnce() -> Option<Snapshot>,
) -> io::Result<()> {
    let mut line = Vec::new();
    let request = TimedStream::new(stream, ASKING).take(MAX_REQUEST);
    BufReader::new(request).read_until(b'\n', &mut line)?;
    let body = if line == REQUEST {
        look().map_or_else(
            || Body::Error("the bus is gone".to_owned()),
            |snapshot| Body::Snapshot(Box::new(snapshot)),
        )
    } else {
        Body::Error("the one request is a line with the word `snapshot`".to_owned())
    };
    let version = VERSION;
    let mut answer = serde_json::to_vec(&InspectAnswer { version, body })?;
    answer.push(b'\n');
    TimedStream::new(stream, ANSWERING).write_all(&answer)
}

/// Looks at a bus that another program, or this one, serves by
/// [`serve_inspection`](crate::Bus::serve_inspection).
///
/// It waits for five seconds at most. Only the connect may take longer, if too many other clients wait for it.
///
/// # Errors
///
/// [`LookError`] if nobody serves an inspection there, if this user may not connect, if no answer comes in time, or if
/// the answer is no snapshot.
///
/// # Examples
///
/// See [`serve_inspection`](crate::Bus::serve_inspection).
pub fn look(path: impl AsRef<Path>) -> Result<Snapshot, LookError> {
    let stream = UnixStream::connect(path).map_err(unconnected)?;
    let answer = ask(&stream).map_err(|error| LookError::Io { error })?;
    if answer.len() as u64 > MAX_ANSWER {
        return Err(LookError::TooLong);
    }
    if answer.last() != Some(&b'\n') {
        let error = ErrorKind::UnexpectedEof.into();
        return Err(LookError::Io { error });
    }
    let malformed = |error| LookError::Answer { error };
    let AnswerVersion { version } = serde_json::from_slice(&answer).map_err(malformed)?;
    if version != VERSION {
        return Err(LookError::Version { version });
    }
    let InspectAnswer { body, .. } = serde_json::from_slice(&answer).map_err(malformed)?;
    match body {
        Body::Snapshot(snapshot) => Ok(*snapshot),
        Body::Error(reason) => Err(LookError::Refused {
            reason: excerpt::name(&reason).into_owned(),
        }),
    }
}

fn unconnected(error: io::Error) -> LookError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => LookError::Gone { error },
        ErrorKind::PermissionDenied => LookError::Denied { error },
        _ => LookError::Io { error },
    }
}

/// Returns the answer. An answer that is too long is cut, one byte above the limit.
fn ask(stream: &UnixStream) -> io::Result<Vec<u8>> {
    let mut timed = TimedStream::new(stream, PATIENCE);
    timed.write_all(REQUEST)?;
    let mut answer = Vec::new();
    timed.take(MAX_ANSWER + 1).read_to_end(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Not by a socket of another user: the tests may run as root, which may look everywhere.
    #[test]
    fn a_user_that_may_not_connect_is_told_so() {
        let denied = unconnected(ErrorKind::PermissionDenied.into());
        assert_eq!(denied.to_string(), "this user may not look here");
    }
}
