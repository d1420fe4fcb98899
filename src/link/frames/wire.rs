//! The wire format: turns an envelope into a frame, and back.
//!
//! The body is the message alone, as JSON, so any program at the server can read it. Everything else of the envelope is
//! in one compact header, because each header costs. The envelope's own headers follow one by one. Tests:
//! `tests/link/crossing.rs` and `tests/link/hostile.rs`.

use std::borrow::Cow;
use std::fmt;
use std::iter;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::codec::{self, Codec, DecodeError, EncodeError};
use crate::link::frames::frame::Frame;
use crate::link::frames::subject;
use crate::message::envelope::Envelope;
use crate::message::headers::{HeaderError, Headers, LINK_ORIGIN};
use crate::message::source::Source;
use crate::message::subject::Payload;

/// The name of the compact header.
pub(in crate::link) const HEADING: &str = "Ob";

/// The prefix of the names of the envelope's own headers.
const PREFIX: &str = "Ob-H-";

/// The version of the compact header.
const VERSION: &str = "1";

/// The most bytes of the compact header. A source has 256 at most by default, and three times as many if each is
/// escaped.
const MAX_HEADING: usize = 4096;

/// How much room the compact header keeps for the parts that are added when it is sent.
const ADDED: usize = 64;

/// The part of the compact header that says how many links have passed the envelope on, if any.
const HOPS: &str = "hops=";

/// The part of the compact header that says how many milliseconds are left for an answer.
const TIME_LEFT: &str = "left=";

/// The part of the compact header that says that the frame was sent before.
const AGAIN: &str = "again=";

/// The most bytes of a frame with its headers: what a NATS server accepts if it is not told otherwise.
const MAX_FRAME: usize = 1 << 20;

/// The most links that pass an envelope on.
pub(in crate::link) const MAX_HOPS: u8 = 8;

/// The place of a frame in what a link sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::link) struct Place {
    /// The life of the link: it has another number after each start.
    pub(in crate::link) incarnation: u64,
    /// Counted from 1.
    pub(in crate::link) sequence: u64,
}

/// The compact header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::link) struct Heading {
    pub(in crate::link) place: Place,
    id: Uuid,
    timestamp: DateTime<Utc>,
    source: Source,
    correlation_id: Option<Uuid>,
    /// How many links have passed the envelope on.
    pub(in crate::link) hops: u8,
    /// If it is a request: how long the asking side waits for an answer.
    pub(in crate::link) time_left: Option<Duration>,
    /// Whether it was sent before, and is sent again because a link asked for it.
    pub(in crate::link) is_again: bool,
}

/// Why an envelope cannot be sent.
#[derive(Debug)]
pub(in crate::link) enum UnsendableError {
    Codec(EncodeError),
    /// The whole subject has more than [`MAX_SUBJECT`](subject::MAX_SUBJECT) bytes.
    Subject,
    /// The compact header has more than [`MAX_HEADING`] bytes, which receivers refuse.
    Heading,
    /// There is no room for the header that the receiving link adds.
    Header(HeaderError),
    /// The whole frame has more than [`MAX_FRAME`] bytes, which servers refuse.
    Frame,
}

/// Why a frame is refused.
#[derive(Debug)]
pub(in crate::link) enum FrameError {
    /// There is no compact header, or more than one.
    Heading,
    /// This part of the compact header is missing or not readable.
    Part(&'static str),
    /// A header of the envelope is not valid.
    Header(HeaderError),
    /// A header's value is not escaped as a link escapes it.
    Escape,
    /// The frame has a header that only a receiving link sets.
    Origin,
    Source(EncodeError),
    Body(DecodeError),
    /// The message's own subject is not the frame's, or the frame's is not imported.
    Subject,
}

impl fmt::Display for UnsendableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnsendableError::Codec(error) => error.fmt(f),
            UnsendableError::Subject => {
                write!(
                    f,
                    "the subject has more than {} bytes",
                    subject::MAX_SUBJECT
                )
            }
            UnsendableError::Heading => {
                write!(f, "the header {HEADING} has more than {MAX_HEADING} bytes")
            }
            UnsendableError::Header(error) => write!(f, "no header can be added: {error}"),
            UnsendableError::Frame => write!(f, "the frame has more than {MAX_FRAME} bytes"),
        }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Heading => write!(f, "not exactly one header {HEADING}"),
            FrameError::Part(part) => write!(f, "bad {part} in the header {HEADING}"),
            FrameError::Header(error) => write!(f, "bad header of the envelope: {error}"),
            FrameError::Escape => f.write_str("bad escape in a header of the envelope"),
            FrameError::Origin => write!(f, "a header {LINK_ORIGIN}, which links do not send"),
            FrameError::Source(error) => error.fmt(f),
            FrameError::Body(error) => write!(f, "bad body: {error}"),
            FrameError::Subject => {
                f.write_str("the message's subject is another than the frame's, or is not imported")
            }
        }
    }
}

/// Makes a frame of an envelope.
pub(in crate::link) fn encode<M: Payload + Serialize>(
    envelope: &Envelope<M>,
    origin: &str,
    place: Place,
    hops: u8,
    codec: &Codec,
) -> Result<Frame, UnsendableError> {
    codec::check(envelope).map_err(|kind| UnsendableError::Codec(kind.into()))?;
    (codec.check_source(&envelope.source)).map_err(UnsendableError::Codec)?;
    let subject = subject::of_tokens(origin, envelope.message.subject().tokens())
        .ok_or(UnsendableError::Subject)?;
    let body = (codec.encode_message(&envelope.message)).map_err(UnsendableError::Codec)?;
    if !envelope.headers.is_empty() {
        let mut marked = envelope.headers.clone();
        (marked.insert(LINK_ORIGIN, origin)).map_err(UnsendableError::Header)?;
    }
    let heading = heading(envelope, place, hops);
    if heading.len() > MAX_HEADING - ADDED {
        return Err(UnsendableError::Heading);
    }
    let own = (envelope.headers.iter())
        .filter(|(name, _)| *name != LINK_ORIGIN)
        .map(|(name, value)| (format!("{PREFIX}{name}").into(), escape_value(value)));
    let headers = iter::once((Cow::Borrowed(HEADING), heading)).chain(own);
    let frame = Frame::with_headers(&subject, headers, body);
    // As NATS writes them: one line each, between a first line and an empty last line.
    let lines = frame
        .headers()
        .map(|(name, value)| name.len() + value.len() + 4);
    if 12 + lines.sum::<usize>() + ADDED + frame.body().len() > MAX_FRAME {
        return Err(UnsendableError::Frame);
    }
    Ok(frame)
}

/// Writes the compact header. Each frame has one, so it is written without `format!` where that is easy.
fn heading<M>(envelope: &Envelope<M>, place: Place, hops: u8) -> String {
    use fmt::Write;

    let mut heading = String::with_capacity(160);
    let mut uuid = [0; uuid::fmt::Hyphenated::LENGTH];
    heading.push_str(VERSION);
    heading.push(' ');
    for byte in place.incarnation.to_be_bytes() {
        for digit in [byte >> 4, byte & 15] {
            heading.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    let _ = write!(heading, " {} ", place.sequence); // writing to a text does not fail
    heading.push_str(envelope.id.as_hyphenated().encode_lower(&mut uuid));
    heading.push(' ');
    heading.push_str(codec::write_time(&envelope.timestamp).as_str());
    heading.push(' ');
    subject::escape(&envelope.source, &mut heading);
    if let Some(correlation_id) = envelope.correlation_id {
        heading.push(' ');
        heading.push_str(correlation_id.as_hyphenated().encode_lower(&mut uuid));
    }
    if hops > 0 {
        let _ = write!(heading, " {HOPS}{hops}");
    }
    heading
}

/// Adds to a frame how much time is left for an answer.
pub(in crate::link) fn with_time_left(frame: &Frame, left: Duration) -> Frame {
    with_part(frame, format_args!("{TIME_LEFT}{}", left.as_millis()))
}

/// Adds to a frame that it was sent before. This is the last part.
pub(in crate::link) fn with_again(frame: &Frame) -> Frame {
    with_part(frame, format_args!("{AGAIN}"))
}

fn with_part(frame: &Frame, part: fmt::Arguments<'_>) -> Frame {
    let headers = frame.headers().map(|(name, value)| match name {
        HEADING => (name, Cow::Owned(format!("{value} {part}"))),
        _ => (name, Cow::Borrowed(value)),
    });
    Frame::with_headers(frame.subject(), headers, frame.body().clone())
}

/// Escapes text that an engine may not carry unchanged: white space at either end, which is often cut off, the empty
/// text, and the escape itself.
fn escape_value(value: &str) -> String {
    if value.is_empty() {
        return "=".to_owned();
    }
    let inner = value.trim();
    let start = value.len() - value.trim_start().len();
    let inside = start..start + inner.len();
    let mut escaped = String::with_capacity(value.len());
    for (at, c) in value.char_indices() {
        if c == '=' || !inside.contains(&at) {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                subject::push_escaped(byte, &mut escaped);
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

fn unescape_value(escaped: &str) -> Option<String> {
    if escaped == "=" {
        return Some(String::new());
    }
    subject::unescape_bytes(escaped)
}

/// Reads the compact header of a frame.
pub(in crate::link) fn read_heading(frame: &Frame) -> Result<Heading, FrameError> {
    let mut all = frame.headers().filter(|(name, _)| *name == HEADING);
    let (Some((_, text)), None) = (all.next(), all.next()) else {
        return Err(FrameError::Heading);
    };
    if text.len() > MAX_HEADING {
        return Err(FrameError::Heading);
    }
    let mut parts = text.split([' ']); // an array: a search for one `char` is made for long parts
    let mut part = |name| parts.next().ok_or(FrameError::Part(name));
    if part("version")? != VERSION {
        return Err(FrameError::Part("version"));
    }
    let incarnation = Some(part("incarnation")?)
        .filter(|hex| hex.len() == 16)
        .and_then(|hex| u64::from_str_radix(hex, 16).ok())
        .ok_or(FrameError::Part("incarnation"))?;
    let sequence = (part("sequence")?.parse().ok())
        .filter(|sequence| *sequence > 0)
        .ok_or(FrameError::Part("sequence"))?;
    let id = uuid(part("id")?).ok_or(FrameError::Part("id"))?;
    let timestamp = codec::read_time(part("time")?).ok_or(FrameError::Part("time"))?;
    let source = subject::unescape(part("source")?).ok_or(FrameError::Part("source"))?;
    let mut parts = parts.peekable();
    let correlation_id = (parts.next_if(|part| !part.contains('=')))
        .map(|text| uuid(text).ok_or(FrameError::Part("correlation id")))
        .transpose()?;
    let hops = (parts.next_if(|part| part.starts_with(HOPS)))
        .map_or(Some(0), |part| part[HOPS.len()..].parse().ok())
        .filter(|hops| *hops <= MAX_HOPS)
        .ok_or(FrameError::Part("number of hops"))?;
    let time_left = (parts.next_if(|part| part.starts_with(TIME_LEFT)))
        .map(|part| part[TIME_LEFT.len()..].parse().map(Duration::from_millis))
        .transpose()
        .map_err(|_| FrameError::Part("time that is left"))?;
    let is_again = parts.next_if_eq(&AGAIN).is_some();
    if parts.next().is_some() {
        return Err(FrameError::Part("end"));
    }
    Ok(Heading {
        place: Place {
            incarnation,
            sequence,
        },
        id,
        timestamp,
        source: Source::from(&*source),
        correlation_id,
        hops,
        time_left,
        is_again,
    })
}

fn uuid(text: &str) -> Option<Uuid> {
    let is_hyphenated = text.len() == 36;
    (Uuid::try_parse(text).ok()).filter(|id| is_hyphenated && !id.is_nil())
}

/// Returns the headers of an envelope from this origin that has no headers of its own.
pub(in crate::link) fn headers_from(origin: &str) -> Result<Headers, HeaderError> {
    let mut headers = Headers::new();
    headers.insert(LINK_ORIGIN, origin)?;
    Ok(headers)
}

/// Makes an envelope of a frame. The envelope has the given headers, which name its origin, and its own.
pub(in crate::link) fn decode<M: Payload + DeserializeOwned>(
    frame: &Frame,
    heading: Heading,
    mut headers: Headers,
    codec: &Codec,
) -> Result<Envelope<M>, FrameError> {
    codec
        .check_source(&heading.source)
        .map_err(FrameError::Source)?;
    for (name, value) in frame.headers() {
        let Some(name) = name.strip_prefix(PREFIX) else {
            continue;
        };
        if name == LINK_ORIGIN {
            return Err(FrameError::Origin);
        }
        if headers.get(name).is_some() {
            return Err(FrameError::Header(HeaderError::BadName));
        }
        let value = unescape_value(value).ok_or(FrameError::Escape)?;
        headers.insert(name, value).map_err(FrameError::Header)?;
    }
    let message = codec
        .decode_message(frame.body())
        .map_err(FrameError::Body)?;
    Ok(Envelope {
        id: heading.id,
        source: heading.source,
        correlation_id: heading.correlation_id,
        timestamp: heading.timestamp,
        headers,
        message,
        is_traced: false,
    })
}

/// Whether the message's own subject is the subject of the frame. A server checks permissions by the frame's subject,
/// so a message must not have another.
pub(in crate::link) fn is_subject_of<M: Payload>(frame: &Frame, message: &M) -> bool {
    subject::has_tokens(frame.subject(), message.subject().tokens())
}
