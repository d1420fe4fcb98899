//! The scan: one pass over the bytes that checks the limits, without an allocation, before anything is built from them.
//!
//! Without it, a hostile envelope could take much memory before it is refused. The scan only counts, and leaves the
//! grammar to `serde_json`. On well-formed JSON the two agree where each string and number begins and ends. On anything
//! else `serde_json` stops at the first mistake, and the scan has counted rightly all that `serde_json` built up to
//! there.
//!
//! The tests are in `tests/library/codec/memory.rs` and `tests/library/codec/limits.rs`.

use std::num::IntErrorKind;

use super::error::ErrorKind;
use super::limits::Limits;

/// A broken rule, and the offset of the byte that breaks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: ErrorKind,
    pub(super) offset: usize,
}

/// Checks the bytes, levels, values and string lengths, and the range of every number.
pub(super) fn scan(text: &str, limits: &Limits) -> Result<(), Fault> {
    scan_for_nulls(text, limits).map(drop)
}

/// Like [`scan`], and returns how many of the values are `null`.
pub(super) fn scan_for_nulls(text: &str, limits: &Limits) -> Result<usize, Fault> {
    if text.len() > limits.bytes {
        return Err(Fault {
            kind: ErrorKind::TooLarge(limits.bytes),
            offset: limits.bytes,
        });
    }
    Scan {
        text,
        bytes: text.as_bytes(),
        at: 0,
        depth: 0,
        nodes: 0,
        nulls: 0,
        max_depth: limits.depth,
        limits,
    }
    .run()
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    nodes: usize,
    nulls: usize,
    max_depth: usize,
    limits: &'a Limits,
}

impl Scan<'_> {
    fn run(mut self) -> Result<usize, Fault> {
        while let Some(&byte) = self.bytes.get(self.at) {
            let start = self.at;
            self.at += 1;
            match byte {
                b'"' => {
                    self.string(start)?;
                    self.skip(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
                    if self.bytes.get(self.at) != Some(&b':') {
                        self.node(start)?; // a value, not a key
                    }
                }
                b'{' | b'[' => {
                    self.node(start)?;
                    self.depth += 1;
                    if self.depth > self.max_depth {
                        return Err(fault(ErrorKind::TooDeep(self.max_depth), start));
                    }
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b'-' | b'0'..=b'9' => {
                    self.node(start)?;
                    self.skip(|byte| {
                        matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')
                    });
                    if !is_in_range(&self.text[start..self.at]) {
                        return Err(fault(ErrorKind::NumberOutOfRange, start));
                    }
                }
                b'a'..=b'z' => {
                    self.node(start)?;
                    self.nulls += usize::from(byte == b'n');
                    self.skip(|byte| byte.is_ascii_lowercase());
                }
                _ => {}
            }
        }
        Ok(self.nulls)
    }

    fn skip(&mut self, wanted: impl Fn(u8) -> bool) {
        let rest = &self.bytes[self.at..];
        self.at += rest
            .iter()
            .position(|&byte| !wanted(byte))
            .unwrap_or(rest.len());
    }

    /// Moves to the next quote or backslash. Where there is neither it goes sixteen bytes at a time, which takes a few
    /// instructions, since the loop over them has no exit.
    fn skip_plain(&mut self) {
        let ends = |byte: u8| byte == b'"' || byte == b'\\';
        while let Some(chunk) = self.bytes[self.at..].first_chunk::<16>()
            && !chunk.iter().fold(false, |found, &byte| found | ends(byte))
        {
            self.at += chunk.len();
        }
        self.skip(|byte| !ends(byte));
    }

    fn node(&mut self, start: usize) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            return Err(fault(ErrorKind::TooManyNodes(self.limits.nodes), start));
        }
        Ok(())
    }

    /// Moves behind the closing quote. `start` is the offset of the opening one.
    fn string(&mut self, start: usize) -> Result<(), Fault> {
        let mut length = 0;
        loop {
            let run = self.at;
            self.skip_plain();
            length += self.at - run;
            let Some([b'\\', escaped @ ..]) = self.bytes.get(self.at..) else {
                break; // the closing quote, or the end of a text that lacks one
            };
            let (raw, unescaped) = match escaped {
                [b'u', hex @ ..] => (6, utf8_length(hex)),
                _ => (2, 1),
            };
            self.at = self.bytes.len().min(self.at + raw);
            length += unescaped;
        }
        self.at = self.bytes.len().min(self.at + 1);
        if length > self.limits.string {
            return Err(fault(ErrorKind::StringTooLong(self.limits.string), start));
        }
        Ok(())
    }
}

fn fault(kind: ErrorKind, offset: usize) -> Fault {
    Fault { kind, offset }
}

/// Returns the length in UTF-8 of the code unit that four hexadecimal digits stand for. Each half of a surrogate pair
/// counts two, so a pair counts four.
fn utf8_length(hex: &[u8]) -> usize {
    match hex {
        [b'0', b'0', b'0'..=b'7', _, ..] => 1,
        [b'0', b'0'..=b'7', ..] | [b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..] => 2,
        _ => 3,
    }
}

/// Whether a number is in range. An integer must fit `i64` or `u64`. For a number with a fraction or an exponent, the
/// nearest `f64` must be finite, and must not be zero unless the number is.
pub(super) fn is_in_range(number: &str) -> bool {
    /// Numbers up to this length without an exponent are in range, whatever their digits.
    const SAFE_INTEGER: usize = 18;
    /// A shorter number without an exponent is between 1e-300 and 1e300, or zero.
    const SAFE_DECIMAL: usize = 300;

    if number.len() <= SAFE_INTEGER && number.bytes().all(|byte| !matches!(byte, b'e' | b'E')) {
        return true;
    }
    let mantissa_end = number.find(['e', 'E']);
    let mantissa = &number[..mantissa_end.unwrap_or(number.len())];
    let is_integer = mantissa_end.is_none() && !mantissa.contains('.');
    if is_integer {
        let overflow = if number.starts_with('-') {
            number.parse::<i64>().err().map(|error| *error.kind())
        } else {
            number.parse::<u64>().err().map(|error| *error.kind())
        };
        return !matches!(
            overflow,
            Some(IntErrorKind::PosOverflow | IntErrorKind::NegOverflow)
        );
    }
    if mantissa_end.is_none() && number.len() < SAFE_DECIMAL {
        return true;
    }
    // A text that does not parse is not a number, and `serde_json` reports that.
    number.parse::<f64>().map_or(true, |value| {
        value.is_finite()
            && (value != 0.0 || mantissa.bytes().all(|byte| !matches!(byte, b'1'..=b'9')))
    })
}

#[cfg(test)]
#[path = "tests/scan.rs"]
mod tests;
