//! File formats that are not JSON Lines, recognized by their first bytes.
//!
//! A compressed log, or one in UTF-16, is so reported once by its name, and not as many bad lines. A byte-order mark of
//! UTF-8 is not part of the first line.
//!
//! The tests are in `tests/library/codec/lines.rs`.

use std::fmt;

/// The byte-order mark of UTF-8.
pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";

/// A file format that is not JSON Lines.
///
/// `Display` writes its name, with an article if the name takes one.
///
/// # Examples
///
/// ```
/// use oxide_bus::codec::FileKind;
///
/// assert_eq!(FileKind::Gzip.to_string(), "a gzip file");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// Text in UTF-16, with or without a byte-order mark.
    Utf16,
    /// Text in UTF-32, with a byte-order mark.
    Utf32,
    /// Compressed by gzip.
    Gzip,
    /// Compressed by zstd.
    Zstd,
    /// Compressed by xz.
    Xz,
    /// Compressed by bzip2.
    Bzip2,
    /// A zip archive.
    Zip,
    /// Not text: the first line contains a NUL. (A line that begins with `{` or a NUL does not count as binary, since a
    /// crash can leave a hole of NULs in a log.)
    Binary,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileKind::Utf16 => "UTF-16 text",
            FileKind::Utf32 => "UTF-32 text",
            FileKind::Gzip => "a gzip file",
            FileKind::Zstd => "a zstd file",
            FileKind::Xz => "an xz file",
            FileKind::Bzip2 => "a bzip2 file",
            FileKind::Zip => "a zip archive",
            FileKind::Binary => "a binary file",
        })
    }
}

/// The first bytes of each format. The first match counts, since a mark of UTF-32 begins with one of UTF-16.
const SIGNATURES: [(&[u8], FileKind); 14] = [
    (b"\xff\xfe\0\0", FileKind::Utf32),
    (b"\0\0\xfe\xff", FileKind::Utf32),
    (b"\xff\xfe", FileKind::Utf16),
    (b"\xfe\xff", FileKind::Utf16),
    (b"{\0", FileKind::Utf16), // JSON Lines without a mark, in either byte order
    (b"\0{", FileKind::Utf16),
    (b"\x1f\x8b", FileKind::Gzip),
    (b"\x28\xb5\x2f\xfd", FileKind::Zstd),
    (b"\xfd7zXZ\0", FileKind::Xz),
    (b"BZh", FileKind::Bzip2),
    (b"PK\x03\x04", FileKind::Zip),
    (b"PK\x05\x06", FileKind::Zip), // an empty one
    (b"PK\x07\x08", FileKind::Zip), // one in parts
    (b"\x89PNG", FileKind::Binary), // its first line is short, and without a NUL
];

/// Looks at the first line of a file. Returns the line without its byte-order mark, or the format of a file that is not
/// JSON Lines.
///
/// The line may lack its end. A reader that stores a bounded part of the line must leave room for the [mark](BOM).
pub(crate) fn begin(first_line: &[u8]) -> Result<&[u8], FileKind> {
    let known = SIGNATURES
        .iter()
        .find(|(signature, _)| first_line.starts_with(signature));
    if let Some((_, kind)) = known {
        return Err(*kind);
    }
    if !matches!(first_line, [0 | b'{', ..]) && first_line.contains(&0) {
        return Err(FileKind::Binary);
    }
    Ok(first_line.strip_prefix(BOM).unwrap_or(first_line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_first_bytes() {
        for (first_line, kind) in [
            (&b"\xff\xfe{\0\"\0"[..], FileKind::Utf16),
            (b"\xfe\xff\0{\0\"", FileKind::Utf16),
            (b"{\0\"\0r\0", FileKind::Utf16),
            (b"\0{\0\"\0r", FileKind::Utf16),
            (b"\xff\xfe\0\0{\0\0\0", FileKind::Utf32),
            (b"\0\0\xfe\xff\0\0\0{", FileKind::Utf32),
            (b"\x1f\x8b\x08\0", FileKind::Gzip),
            (b"\x28\xb5\x2f\xfd\x24", FileKind::Zstd),
            (b"\xfd7zXZ\0\0\x04", FileKind::Xz),
            (b"BZh91AY&SY", FileKind::Bzip2),
            (b"PK\x03\x04\x14\0", FileKind::Zip),
            (b"PK\x05\x06\0\0", FileKind::Zip),
            (b"\x7fELF\x02\x01\x01\0", FileKind::Binary),
            (b"\x89PNG\r\n", FileKind::Binary),
        ] {
            assert_eq!(begin(first_line), Err(kind), "{first_line:?}");
        }
    }

    #[test]
    fn json_lines_begin_with_or_without_a_mark() {
        assert_eq!(begin(b"{}\n"), Ok(&b"{}\n"[..]));
        assert_eq!(begin(b"\xef\xbb\xbf{}\n"), Ok(&b"{}\n"[..]));
        // Only one mark is removed, and only a whole one.
        assert_eq!(begin(b"\xef\xbb\xbf\xef\xbb\xbf"), Ok(BOM));
        for other in [
            &b""[..],
            b"\xef\xbb",
            b"oops",
            b"\0\0\0\0",
            b"{\"id\":\0\0",
            b"\xff",
            b"PK",
            b"[1]",
        ] {
            assert_eq!(begin(other), Ok(other));
        }
    }
}
