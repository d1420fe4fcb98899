//! Fuzzes the reader of JSON Lines.

use std::io::{self, BufRead, ErrorKind, Read};

use oxide_bus::codec::{LineError, LinesReader, LinesWriter};

use super::check_line;
use super::memory::{Limited, within};

/// The most bytes held beside the line: only what an error says.
const READER: usize = 4 * 1024;

/// Reads a log that comes in pieces. The first byte says how large they are, and how strict the codec is. Checks that
/// each line reads as it does when it is decoded by itself, that none holds more memory than its limits allow, and that
/// what is read can be written and read again.
pub fn lines(data: &[u8]) {
    let Some((&kind, log)) = data.split_first() else {
        return;
    };
    let limited = if kind & 1 == 0 {
        Limited::ordinary()
    } else {
        Limited::tight()
    };
    let limited = limited.lenient(kind & 2 != 0);
    let input = Pieces {
        rest: log,
        size: usize::from(kind >> 2) + 1,
        interrupts: true,
    };
    let bound = READER + 4 * log.len().min(limited.bytes) + limited.bound(log);
    let mut reader = LinesReader::<_>::new(input).codec(limited.codec);
    let mut again = LinesWriter::new(Vec::new());
    let mut envelopes = Vec::new();
    let mut expected = texts(log).filter(|(_, text)| !is_blank(text, limited.bytes));
    while let Some(item) = within(bound, || reader.next()) {
        if let Err(error) = &item {
            assert_eq!(error.line(), reader.line());
            check_line(&error.to_string());
            if let LineError::Format { .. } = error {
                assert_eq!(reader.line(), 1);
                assert!(reader.next().is_none(), "there is nothing more to read");
                return;
            }
        }
        let (number, text) = expected.next().expect("there is no other line");
        assert_eq!(reader.line(), number);
        match (item, limited.codec.decode(text)) {
            (Ok(envelope), Ok(expected)) => {
                assert_eq!(envelope, expected);
                again.write(&envelope).expect("ordinary limits do");
                envelopes.push(envelope);
            }
            (Err(LineError::Decode { error, .. }), Err(expected)) => assert_eq!(error, expected),
            (item, expected) => panic!("{item:?} instead of {expected:?}"),
        }
    }
    assert!(expected.next().is_none(), "a line is passed over");
    let written = again.into_inner();
    let read: Result<Vec<_>, _> = LinesReader::<_>::new(&*written).collect();
    assert_eq!(read.expect("it was written"), envelopes);
}

/// Yields the lines of a log with their numbers, without their ends and without the mark at the start.
fn texts(log: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let log = log.strip_prefix(b"\xef\xbb\xbf").unwrap_or(log);
    let lines = log.split_inclusive(|&byte| byte == b'\n');
    (1..).zip(lines.map(|line| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line)
    }))
}

fn is_blank(line: &[u8], longest: usize) -> bool {
    line.len() <= longest && line.iter().all(|byte| b" \t\r".contains(byte))
}

/// An input that comes in pieces of one size, and is interrupted before each.
struct Pieces<'a> {
    rest: &'a [u8],
    size: usize,
    interrupts: bool,
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.interrupts = !self.interrupts;
        if !self.interrupts {
            return Err(ErrorKind::Interrupted.into());
        }
        Ok(&self.rest[..self.rest.len().min(self.size)])
    }

    fn consume(&mut self, amount: usize) {
        self.rest = &self.rest[amount..];
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let taken = self.fill_buf()?.read(buffer)?;
        self.consume(taken);
        Ok(taken)
    }
}
