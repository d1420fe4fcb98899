//! The codec: envelopes as JSON, and in other formats of serde, strictly and within limits.
//!
//! Envelopes from outside the program may be hostile. The codec checks their size before it builds anything, and writes
//! only what it would read back.
//!
//! ```
//! use oxide_bus::codec::Codec;
//! use oxide_bus::kernel::{Command, Message};
//! use oxide_bus::Envelope;
//!
//! let codec = Codec::new();
//! let envelope = Envelope::new("kernel", Message::Command(Command::Ping));
//! let json = codec.encode(&envelope)?;
//! assert_eq!(codec.decode(&json)?, envelope);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The format
//!
//! An envelope is one object without line breaks. Its keys are written in this order, and read in any order:
//!
//! | key | value |
//! | --- | --- |
//! | `id` | a UUID in the hyphenated form of 36 characters, not nil |
//! | `source` | a name: not empty, no control characters |
//! | `correlation_id` | as `id`; `null` or absent if there is none |
//! | `timestamp` | `2026-11-24T06:07:20.050319319Z`: RFC 3339 in UTC. It is read with a fraction of one to nine digits or without one, and with `Z` or `±HH:MM`; years 0000 to 9999, no second 60 |
//! | `headers` | an object of names to text, by the rules of [`Headers`](crate::Headers); absent if there are none |
//! | `message` | an object, see below |
//!
//! The message has the tags `kind` and `type`, and the fields that belong to them:
//!
//! | `kind` | `type` | fields |
//! | --- | --- | --- |
//! | `command` | `start`, `stop` | `module_id` |
//! | `command` | `invoke` | `module_id`, `method`, `payload` |
//! | `command` | `ping` | |
//! | `event` | `module_started`, `module_stopped` | `module_id` |
//! | `event` | `custom` | `module_id`, `custom_kind`, `payload` |
//! | `event` | `pong` | `from` |
//!
//! Each field is a name, which may be any text, except `payload`, which is any JSON value. A
//! [`Command`](crate::kernel::Command) or an [`Event`](crate::kernel::Event) by itself is written the same way, without
//! the tag `kind`.
//!
//! # What is refused
//!
//! Reading refuses:
//!
//! - an unknown key, a key that the variant does not have, and a missing key (except `correlation_id` and `headers`),
//! - a key that comes twice in one object, payloads included,
//! - an array in place of an object,
//! - anything but white space after the envelope,
//! - input that is not UTF-8, or over one of the [limits](#limits),
//! - numbers that would silently become others: integers that fit neither `i64` nor `u64`, and numbers with a fraction
//!   or an exponent that are beyond an `f64` or would become zero. (`-0` is read as `-0.0`, and a fraction is read as
//!   the nearest `f64`.)
//!
//! Writing refuses what reading would refuse. It also refuses a float that JSON does not have: `serde_json` writes NaN
//! and the infinities as `null`, which a reader takes for something else, if it accepts it at all. The error names the
//! place, such as `message.samples[3].celsius`. A message of your own that has an `Option` in an `Option` is written as
//! everywhere in serde's JSON: `Some(None)` becomes `null`, like `None`.
//!
//! # Limits
//!
//! The limits hold in both directions. Each is the most that is accepted: a text of exactly
//! [`max_bytes`](Codec::max_bytes) bytes passes.
//!
//! | limit | default | counts |
//! | --- | --- | --- |
//! | [`max_bytes`](Codec::max_bytes) | 1 MiB | one envelope |
//! | [`max_depth`](Codec::max_depth) | 64 | levels of objects and arrays, the envelope's own included; 127 at most |
//! | [`max_nodes`](Codec::max_nodes) | 65,536 | values, without keys |
//! | [`max_string`](Codec::max_string) | 256 KiB | one string or key, unescaped |
//! | [`max_name`](Codec::max_name) | 256 bytes | a source, module id, method, kind or `from` |
//!
//! # Cost
//!
//! One pass over the bytes checks the limits before anything is built. It allocates nothing, and takes about a third of
//! the time that reading an ordinary envelope of 200 bytes takes. After it, a hostile envelope costs memory by its
//! values: at most about 700 bytes for each, which is what an object with one key takes. With the default limits that
//! is 48 MiB at the very worst, for an input of less than 1 MiB. With 4,096 [values](Codec::max_nodes) it is 3 MiB.
//!
//! Writing passes over the text once more to check the limits. The exception is a [`Message`], a command or an event
//! whose text is too short to break one: no longer than a string may be, and than two bytes for each value.
//!
//! # Differences from the seed
//!
//! Each envelope is written byte for byte as `oxide-k` 0.3 (the seed) writes it, except for custom events. In those the
//! seed's tag `kind` and field `kind` collide: the seed writes the key twice, and its own reader refuses that. Here the
//! field is `custom_kind`. The seed's form with two `kind` keys is read as well: the first is the tag, the second the
//! field. In a lone [`Event`](crate::kernel::Event), `kind` is read as the field. The seed's reader accepts some input
//! that is refused here, because serde's derived code does: envelopes as arrays, unknown keys, duplicate keys in
//! payloads, and other forms of ids and times.
//!
//! # With serde alone
//!
//! [`Envelope`](crate::Envelope), [`Message`], [`Command`](crate::kernel::Command), [`Event`](crate::kernel::Event) and
//! [`Source`](crate::Source) implement [`Serialize`](serde::Serialize) and [`Deserialize`](serde::Deserialize) by the
//! same rules. They cannot check what only the codec sees: the limits (except for a depth of 127) and the range of
//! numbers. So use `serde_json` alone only for input that you trust.
//!
//! In a format that is not human-readable, such as postcard, the envelope is a record. It has the id as 16 bytes, the
//! source, the correlation id, seconds and nanoseconds since 1970, the headers as a map, and the message as an ordinary
//! enum. A payload is its JSON text there, under the default [limits](#limits).
//!
//! [`Message`]: crate::kernel::Message

#[cfg(feature = "link")]
mod alone;
mod bounded;
mod coding;
mod compact;
mod envelope;
mod error;
mod file_kind;
mod finite;
mod headers;
mod json;
mod limits;
mod line_error;
mod lines;
mod message;
mod name;
mod reading;
mod scan;
mod source;
mod strict;
mod tagged;
mod time;
mod value;

pub use self::coding::Codec;
pub(crate) use self::envelope::check;
pub use self::error::{DecodeError, EncodeError, ErrorKind};
pub use self::file_kind::FileKind;
pub(crate) use self::file_kind::{BOM, begin};
pub use self::line_error::LineError;
pub use self::lines::{LinesReader, LinesWriter};
pub(crate) use self::time::is_written_time;
#[cfg(feature = "link")]
pub(crate) use self::time::{read as read_time, write as write_time};
