//! Writing JSON, and no more of it than is wanted.

use std::io::{self, Write};

use serde::ser::Serialize;

/// Most envelopes are shorter, and then the buffer never grows.
const CAPACITY: usize = 512;

/// Writes in no more bytes than that: what would take more costs no more memory.
///
/// # Errors
///
/// What the value's own implementation says; an error of input and output where it would take more.
pub(super) fn write(value: &impl Serialize, limit: usize) -> serde_json::Result<String> {
    let mut output = Bounded {
        bytes: Vec::with_capacity(limit.min(CAPACITY)),
        limit,
    };
    serde_json::to_writer(&mut output, value)?;
    String::from_utf8(output.bytes).map_err(serde::ser::Error::custom)
}

/// The same JSON without line breaks. Only a `RawValue` can have brought them, and only between its tokens: within
/// strings they are escaped.
pub(super) fn in_one_line(json: String) -> String {
    // The search for one byte is the fast one.
    if LINE_BREAKS
        .iter()
        .any(|byte| json.as_bytes().contains(byte))
    {
        json.replace(LINE_BREAKS.map(char::from), " ")
    } else {
        json
    }
}

const LINE_BREAKS: [u8; 2] = [b'\n', b'\r'];

/// Its room is never more than the limit, so that is all that a piece has to be compared with.
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
}

impl Bounded {
    #[cold]
    fn grow(&mut self, piece: &[u8]) -> io::Result<()> {
        let length = self.bytes.len() + piece.len();
        if length > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let room = (2 * length).min(self.limit);
        self.bytes.reserve_exact(room - self.bytes.len());
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

impl Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.write_all(piece).map(|()| piece.len())
    }

    /// JSON is written in many small pieces: the default makes of each a loop.
    #[inline]
    fn write_all(&mut self, piece: &[u8]) -> io::Result<()> {
        if piece.len() > self.bytes.capacity() - self.bytes.len() {
            return self.grow(piece);
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
