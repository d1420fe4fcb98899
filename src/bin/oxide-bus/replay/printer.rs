//! The printer: the thread of the subscriber, or of each of its members.

use std::io::{self, IsTerminal, Write};

use oxide_bus::codec::{Codec, LineError, LinesWriter};
use oxide_bus::{RecvError, Subscription};

use super::super::failure::Failure;
use super::super::output;
use super::progress::ReplayProgress;

/// When this many bytes are ready, they are printed without waiting for more.
const FULL: usize = 64 * 1024;

/// Prints what is received until the bus ends, or until the output has no reader any more.
///
/// The last member to end returns the outcome. A member that cannot print returns it earlier. The others return `None`.
pub(crate) fn print(
    subscription: Subscription,
    progress: &ReplayProgress,
) -> Option<Result<(), Failure>> {
    match print_all(subscription, progress) {
        Ok(end) => progress.leave().then(|| match end {
            End::Closed => Ok(()),
            End::Evicted => Err(Failure::new(format_args!(
                "the subscriber was evicted, because its queue was full (envelopes printed: {})",
                progress.printed()
            ))),
        }),
        Err(error) => Some(output::written(Err(error))),
    }
}

/// Why there is nothing more to print.
enum End {
    Closed,
    Evicted,
}

/// Prints everything. It flushes only when it would have to wait for more. So slow envelopes are seen at once, and fast
/// ones are written in large pieces.
fn print_all(mut subscription: Subscription, progress: &ReplayProgress) -> io::Result<End> {
    // Everything was read within limits, but the written text can be longer than the read one: 1e9 is written in full,
    // and an absent correlation id becomes a null.
    let unlimited = Codec::new()
        .max_bytes(usize::MAX)
        .max_depth(usize::MAX)
        .max_nodes(usize::MAX)
        .max_string(usize::MAX)
        .max_name(usize::MAX);
    let mut lines = LinesWriter::new(Sheet::default()).codec(unlimited);
    loop {
        for item in subscription.try_iter() {
            match item {
                Ok(delivery) => {
                    lines.write(&delivery).map_err(into_io)?;
                    progress.print_one();
                }
                Err(RecvError::Lagged { missed: lost }) => progress.lose(lost),
                Err(RecvError::Disconnected | RecvError::Evicted) => break, // `recv` returns it again
            }
        }
        lines.flush()?;
        match subscription.recv() {
            Ok(delivery) => {
                lines.write(&delivery).map_err(into_io)?;
                progress.print_one();
            }
            Err(RecvError::Lagged { missed: lost }) => progress.lose(lost),
            Err(RecvError::Disconnected) => return Ok(End::Closed),
            Err(RecvError::Evicted) => return Ok(End::Evicted),
        }
    }
}

/// Returns the error of the output. Every envelope that was read can be encoded, so no other error is expected.
fn into_io(error: LineError) -> io::Error {
    match error {
        LineError::Io { error, .. } => error,
        other => io::Error::other(other),
    }
}

/// A buffer of lines that go to the standard output in one piece: no other thread's lines come in between.
#[derive(Default)]
struct Sheet(Vec<u8>);

impl Write for Sheet {
    /// Takes a whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(line);
        if self.0.len() >= FULL {
            self.flush()?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        if stdout.is_terminal() {
            stdout.write_all(output::shown_json(&String::from_utf8_lossy(&self.0)).as_bytes())?;
        } else {
            stdout.write_all(&self.0)?;
        }
        self.0.clear();
        stdout.flush()
    }
}

#[cfg(test)]
mod tests {
    use oxide_bus::Envelope;
    use oxide_bus::kernel::{Event, Message};

    use super::*;

    #[test]
    fn on_a_terminal_what_is_hidden_in_a_line_is_escaped_and_the_line_means_the_same() {
        let hidden = "a\u{202e}b\u{200b}c\u{9b}d\u{7f}e\u{e0061}f\u{2028}";
        let event = Event::Custom {
            module_id: "日本".into(),
            kind: "k".into(),
            payload: serde_json::json!({hidden: hidden}),
        };
        let envelope = Envelope::new("kernel", Message::Event(event));
        let line = envelope.to_json().unwrap() + "\n";
        let shown = output::shown_json(&line);
        let escaped = r"a\u202eb\u200bc\u009bd\u007fe\udb40\udc61f\u2028";
        assert!(
            shown.contains(&format!(r#""{escaped}":"{escaped}""#)),
            "{shown}"
        );
        assert!(!shown.trim_end().contains(output::is_hidden));
        assert_eq!(Envelope::from_json(shown.trim_end()).unwrap(), envelope);
    }
}
