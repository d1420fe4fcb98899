//! A JSON writer with a limit on its bytes.
//!
//! A value that is too large must not cost more memory than the limit before it is refused.
//!
//! The tests are in `tests/library/codec/limits.rs`.

use std::io::{self, Write};

use serde::ser::Serialize;

/// The first capacity of the buffer. Most envelopes are shorter, so their buffer never grows.
const CAPACITY: usize = 512;

/// Writes a value in at most `limit` bytes. A value that would take more costs no more memory than that.
///
/// # Errors
///
/// Returns the error of the value's own implementation, or an I/O error if the value takes more than `limit` bytes.
pub(super) fn write(value: &impl Serialize, limit: usize) -> serde_json::Result<String> {
    let mut output = Bounded {
        bytes: Vec::with_capacity(limit.min(CAPACITY)),
        limit,
    };
    serde_json::to_writer(&mut output, value)?;
    String::from_utf8(output.bytes).map_err(serde::ser::Error::custom)
}

/// Returns the same JSON without line breaks. Only a `RawValue` can contain them, and only between its tokens, since
/// they are escaped in strings.
pub(super) fn in_one_line(json: String) -> String {
    // Searching for one byte at a time is faster than searching for several at once.
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

/// A buffer that never grows beyond its limit. Its capacity is at most the limit, so each piece need only be compared
/// with the free capacity.
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

    /// `serde_json` writes many small pieces, and the default implementation runs a loop for each.
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
