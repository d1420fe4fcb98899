//! Logs of envelopes in [JSON Lines](https://jsonlines.org): one envelope a line.
//!
//! One bad line must not lose the rest of a log, so the reader reports it with its number and goes on.
//!
//! The tests are in `tests/library/codec/lines.rs`.

use std::io::{self, BufRead, Write};
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::coding::Codec;
use super::error::DecodeError;
use super::file_kind::{BOM, FileKind, begin};
use super::line_error::LineError;
use crate::message::envelope::Envelope;
use crate::message::kernel::Message;

/// How many bytes a line of an audit log may have around its envelope.
const AROUND_RECORDS: usize = 1 << 20;

/// A line of an audit log, as far as it matters here.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(rename = "record")]
    _number: u64,
    #[serde(borrow)]
    envelope: Option<&'a RawValue>,
}

/// Reads envelopes from JSON Lines, one after the other.
///
/// A bad line is reported with its number, and the reading goes on. Blank lines are skipped. Lines end with `\n` or
/// `\r\n`, and the last one may lack its end. A line longer than [`Codec::max_bytes`] is reported and skipped without
/// being stored, so memory stays bounded for any input. A byte-order mark before the first line is skipped, and does
/// not count for the columns of that line.
///
/// An input that begins like another [kind of file](FileKind), such as a compressed one, is reported once and ends the
/// reading. An I/O error is reported once and ends the reading, except [`Interrupted`](io::ErrorKind::Interrupted),
/// after which the reader tries again.
///
/// The messages may be of any type. The type `LinesReader<R>` reads [`Message`]s.
///
/// # Examples
///
/// ```
/// use oxide_bus::codec::LinesReader;
/// use oxide_bus::Envelope;
///
/// let good = Envelope::new("thermometer", 21.5).to_json()?;
/// let log = format!("{good}\n\noops\n{good}");
/// let mut lines = LinesReader::<_, f64>::new(log.as_bytes());
/// assert!(lines.next().is_some_and(|envelope| envelope.is_ok()));
/// let error = lines.next().expect("there are more").unwrap_err();
/// assert_eq!(error.line(), 3);
/// assert!(lines.next().is_some_and(|envelope| envelope.is_ok()));
/// assert!(lines.next().is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LinesReader<R, M = Message> {
    input: R,
    codec: Codec,
    /// The lines are those of an audit log.
    has_records: bool,
    line: u64,
    buffer: Vec<u8>,
    has_ended: bool,
    /// The reader yields messages and holds none, which `fn() -> M` expresses.
    message: PhantomData<fn() -> M>,
}

impl<R: BufRead, M: DeserializeOwned + 'static> LinesReader<R, M> {
    /// Makes a reader of the input, with a strict codec and its default limits.
    pub fn new(input: R) -> Self {
        LinesReader {
            input,
            codec: Codec::new(),
            has_records: false,
            line: 0,
            buffer: Vec::new(),
            has_ended: false,
            message: PhantomData,
        }
    }

    /// Sets the codec that reads each line.
    #[must_use]
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Reads the envelopes of an [audit log](crate::audit), and passes over its other records.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{fs::File, io::BufReader};
    ///
    /// use oxide_bus::Bus;
    /// use oxide_bus::audit::{AuditLog, Options};
    /// use oxide_bus::codec::LinesReader;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("audit.jsonl");
    /// let bus = Bus::<u32>::new();
    /// let log = AuditLog::start(&bus, &path, Options::new())?;
    /// bus.send("counter", 7)?;
    /// log.close()?;
    ///
    /// let log = BufReader::new(File::open(&path)?);
    /// let mut envelopes = LinesReader::<_, u32>::new(log).of_audit_log();
    /// assert_eq!(envelopes.next().expect("one was sent")?.message, 7);
    /// assert!(envelopes.next().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of_audit_log(mut self) -> Self {
        self.has_records = true;
        self
    }

    /// Returns the number of the line that was read last, counted from 1. Returns 0 before the first.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Returns the input.
    pub fn into_inner(self) -> R {
        self.input
    }

    /// Reads the next line into the buffer, without its end. Returns whether there was one.
    ///
    /// Of a line that is too long, only a part is stored. That part is still over the limit, so the codec refuses it.
    fn read_line(&mut self) -> io::Result<bool> {
        // The limit, a byte-order mark, a carriage return, and one byte more to be over the limit.
        let mark = if self.line == 0 { BOM.len() } else { 0 };
        let room = self.longest().saturating_add(mark + 2);
        let mut is_line = false;
        self.buffer.clear();
        loop {
            let input = match self.input.fill_buf() {
                Ok([]) => break,
                Ok(input) => input,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            is_line = true;
            let end = input.iter().position(|&byte| byte == b'\n');
            let text = &input[..end.unwrap_or(input.len())];
            let stored = text.len().min(room - self.buffer.len());
            self.buffer.extend_from_slice(&text[..stored]);
            let used = text.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if self.buffer.last() == Some(&b'\r') {
            self.buffer.pop();
        }
        self.line += u64::from(is_line);
        Ok(is_line)
    }

    /// Checks the format of the file by its first line, and removes the byte-order mark from it. Does nothing for other
    /// lines.
    fn begin(&mut self) -> Result<(), FileKind> {
        if self.line == 1 {
            let rest = begin(&self.buffer)?.len();
            self.buffer.drain(..self.buffer.len() - rest);
        }
        Ok(())
    }

    /// How many bytes a line may have.
    fn longest(&self) -> usize {
        let around = if self.has_records { AROUND_RECORDS } else { 0 };
        self.codec.limits.bytes.saturating_add(around)
    }

    /// Reads what is in the buffer. `None` if that is a record without an envelope.
    fn decode(&self) -> Result<Option<Envelope<M>>, DecodeError> {
        if self.has_records
            && let Ok(record) = serde_json::from_slice::<Record<'_>>(&self.buffer)
        {
            let envelope = record.envelope;
            return envelope
                .map(|json| self.codec.decode(json.get()))
                .transpose();
        }
        self.codec.decode(&self.buffer).map(Some)
    }

    fn is_blank(&self) -> bool {
        self.buffer.len() <= self.longest()
            && self
                .buffer
                .iter()
                .all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
    }
}

impl<R: BufRead, M: DeserializeOwned + 'static> Iterator for LinesReader<R, M> {
    type Item = Result<Envelope<M>, LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.has_ended {
            match self.read_line() {
                Ok(false) => return None,
                Ok(true) => {}
                Err(error) => {
                    self.has_ended = true;
                    let line = self.line + 1;
                    return Some(Err(LineError::Io { line, error }));
                }
            }
            let line = self.line;
            if let Err(looks_like) = self.begin() {
                self.has_ended = true;
                return Some(Err(LineError::Format { line, looks_like }));
            }
            if !self.is_blank() {
                match self.decode() {
                    Ok(None) => {}
                    Ok(Some(envelope)) => return Some(Ok(envelope)),
                    Err(error) => return Some(Err(LineError::Decode { line, error })),
                }
            }
        }
        None
    }
}

/// Writes envelopes as JSON Lines.
///
/// Each envelope goes to the output in one piece, with the end of its line. Wrap an output that is a file in a
/// [`BufWriter`](io::BufWriter).
///
/// # Examples
///
/// ```
/// use oxide_bus::codec::{LinesReader, LinesWriter};
/// use oxide_bus::kernel::{Command, Message};
/// use oxide_bus::Envelope;
///
/// let ping = Envelope::new("kernel", Message::Command(Command::Ping));
/// let mut log = LinesWriter::new(Vec::new());
/// log.write(&ping)?;
/// log.write(&ping)?;
/// let log = log.into_inner();
/// let lines: LinesReader<_> = LinesReader::new(&*log);
/// assert_eq!(lines.count(), 2);
/// # Ok::<(), oxide_bus::codec::LineError>(())
/// ```
#[derive(Debug)]
pub struct LinesWriter<W> {
    output: W,
    codec: Codec,
    /// How many lines have been written.
    lines: u64,
}

impl<W: Write> LinesWriter<W> {
    /// Makes a writer to the output, with the default limits.
    pub fn new(output: W) -> Self {
        LinesWriter {
            output,
            codec: Codec::new(),
            lines: 0,
        }
    }

    /// Sets the codec that writes each line.
    #[must_use]
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Writes one line.
    ///
    /// # Errors
    ///
    /// [`LineError::Encode`] if the envelope cannot be encoded. Nothing is written then.
    /// [`LineError::Io`] if the output fails. A part of the line may have been written.
    pub fn write<M: Serialize + 'static>(
        &mut self,
        envelope: &Envelope<M>,
    ) -> Result<(), LineError> {
        let line = self.lines + 1;
        let mut text =
            (self.codec.encode(envelope)).map_err(|error| LineError::Encode { line, error })?;
        text.push('\n');
        (self.output.write_all(text.as_bytes())).map_err(|error| LineError::Io { line, error })?;
        self.lines = line;
        Ok(())
    }

    /// Flushes the output.
    ///
    /// # Errors
    ///
    /// Returns the error of the output.
    pub fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    /// Returns the output, without flushing it.
    pub fn into_inner(self) -> W {
        self.output
    }
}
