//! A file of an audit log that is read several times, forwards and backwards, a line at a time.
//!
//! A log may have gigabytes, so only the line that is being read is kept.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::PathBuf;

use super::super::failure::Failure;
use super::super::output;
use super::log_line::LogLine;

/// The most bytes of a line. A longer one is no record: the log's codec limits an envelope to 1 MiB, if not told
/// otherwise.
const MAX_LINE: usize = 64 << 20;

/// How many bytes are read at once.
const CHUNK: usize = 64 << 10;

/// The mark with which some programs begin a file in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub(crate) struct OpenLog {
    path: PathBuf,
    file: File,
}

/// The lines of a file that could not be read.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct LogFlaws {
    /// How many lines are no records, not counting a cut last one.
    pub(crate) bad: u64,
    /// The number of the first of them.
    pub(crate) first: Option<u64>,
    /// Whether the last line has no end: it was cut, or is still being written.
    pub(crate) is_cut: bool,
    records: u64,
}

impl OpenLog {
    fn open(path: PathBuf) -> Result<Self, Failure> {
        let named =
            |error: &dyn fmt::Display| Failure::usage(format_args!("{}: {error}", path.display()));
        let file = File::open(&path).map_err(|error| named(&error))?;
        if !file.metadata().is_ok_and(|about| about.is_file()) {
            return Err(named(&"not a file: a log is read several times"));
        }
        if output::goes_to(&file) {
            return Err(named(&"the input is also the output"));
        }
        Ok(OpenLog { path, file })
    }

    /// Opens several logs. No log may be given twice.
    pub(crate) fn open_all(paths: Vec<PathBuf>) -> Result<Vec<Self>, Failure> {
        let mut logs: Vec<OpenLog> = Vec::new();
        for path in paths {
            if logs
                .iter()
                .any(|log| output::is_same_file(&log.path, &path))
            {
                let path = path.display();
                return Err(Failure::usage(format_args!(
                    "{path}: this file is given twice"
                )));
            }
            logs.push(OpenLog::open(path)?);
        }
        Ok(logs)
    }

    pub(crate) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Reads all lines from the first to the last, and passes each record on with the number of its line.
    pub(crate) fn forwards(
        &self,
        mut take: impl FnMut(u64, LogLine<'_>),
    ) -> Result<LogFlaws, Failure> {
        let mut flaws = LogFlaws::default();
        let mut number = 0;
        let read = read_forwards(&self.file, |line| {
            number += 1;
            let text = match line.strip_prefix(BYTE_ORDER_MARK) {
                Some(rest) if number == 1 => rest,
                _ => line,
            };
            if let Some(record) = LogLine::read(text) {
                flaws.records += 1;
                take(number, record);
            } else if line.ends_with(b"\n") || line.len() > MAX_LINE {
                flaws.bad += 1;
                flaws.first.get_or_insert(number);
            } else {
                flaws.is_cut = true;
            }
        });
        read.map_err(|error| self.failed(error))?;
        if flaws.records == 0 && flaws.bad > 0 {
            return Err(self.failed("not an audit log: no line is a record"));
        }
        Ok(flaws)
    }

    /// Reads all lines from the last to the first, and passes each record on.
    pub(crate) fn backwards(&self, mut take: impl FnMut(LogLine<'_>)) -> Result<(), Failure> {
        let read = read_backwards(&self.file, CHUNK, |line| {
            let text = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
            if let Some(record) = LogLine::read(text) {
                take(record);
            }
        });
        read.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: impl fmt::Display) -> Failure {
        Failure::usage(format_args!("{}: {error}", self.path.display()))
    }
}

impl LogFlaws {
    /// Reports on stderr what could not be read of a log.
    pub(crate) fn report(&self, log: &OpenLog) {
        let path = log.path.display();
        if let Some(first) = self.first {
            let bad = self.bad;
            output::complain(format_args!(
                "{path}: lines that are no records: {bad}, the first is line {first}"
            ));
        }
        if self.is_cut {
            output::complain(format_args!("{path}: the last line is cut"));
        }
    }
}

/// Passes each line on, with its end. A line that is too long is cut to a part that is still too long.
fn read_forwards(mut file: &File, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    file.rewind()?;
    let mut input = BufReader::with_capacity(CHUNK, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let most = MAX_LINE as u64 + 1;
        if (&mut input).take(most).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.len() > MAX_LINE && !line.ends_with(b"\n") {
            input.skip_until(b'\n')?;
        }
        take(&line);
    }
}

/// Passes each line on, without its end, the last one first. Lines that are empty or too long are left out.
fn read_backwards(
    mut file: impl Read + Seek,
    chunk: usize,
    mut take: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut at = file.seek(SeekFrom::End(0))?;
    let mut bytes = vec![0; chunk];
    // The end of the line whose beginning was not read yet, last byte first.
    let mut reversed = Vec::new();
    let mut whole = |beginning: &[u8], reversed: &mut Vec<u8>| {
        if reversed.len() + beginning.len() <= MAX_LINE {
            if reversed.is_empty() {
                take(beginning);
            } else {
                reversed.extend(beginning.iter().rev());
                reversed.reverse();
                take(reversed);
            }
        }
        reversed.clear();
    };
    while at > 0 {
        let size = usize::try_from(at).map_or(chunk, |at| at.min(chunk));
        at -= size as u64;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut bytes[..size])?;
        let mut rest = &bytes[..size];
        while let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') {
            whole(&rest[end + 1..], &mut reversed);
            rest = &rest[..end];
        }
        if reversed.len() <= MAX_LINE {
            reversed.extend(rest.iter().rev());
        }
    }
    whole(&[], &mut reversed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_file_is_read_backwards_as_forwards_whatever_pieces_it_is_read_in() {
        for text in [
            "",
            "\n",
            "a",
            "a\n",
            "\na\n\nbcd\n",
            "one\ntwo\nthree and\nmore",
        ] {
            let mut lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
            lines.reverse();
            for chunk in 1..=text.len() + 1 {
                let mut told = Vec::new();
                read_backwards(Cursor::new(text), chunk, |line| {
                    told.push(String::from_utf8(line.to_vec()).unwrap());
                })
                .unwrap();
                told.retain(|line| !line.is_empty());
                assert_eq!(told, lines, "{text:?} by {chunk}");
            }
        }
    }
}
