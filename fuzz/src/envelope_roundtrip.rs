//! Fuzzes round trips of envelopes.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Result, Unstructured};
use chrono::DateTime;
use oxide_bus::codec::Codec;
use oxide_bus::kernel::{Command, Event, Message};
use oxide_bus::{Envelope, Headers};
use serde_json::{Map, Number, Value};
use uuid::Uuid;

/// The deepest payload that is made. It is within the limits of both formats.
const DEPTH: usize = 20;

/// The most items of one array or object.
const ITEMS: usize = 8;

/// The most values of one payload. More would only take time.
const VALUES: usize = 32;

/// Makes an envelope from the data after its first byte, which chooses the way. Checks that the envelope comes back
/// equal from JSON and from postcard, and that serde alone writes and reads the same JSON. One way for each input is
/// faster than all.
pub fn envelope_roundtrip(data: &[u8]) {
    let Some((&way, data)) = data.split_first() else {
        return;
    };
    let Ok(envelope) = any_envelope(&mut Unstructured::new(data)) else {
        return;
    };
    match way % 3 {
        0 => check_json(&envelope),
        1 => check_plain(&envelope),
        _ => {
            let bytes = postcard::to_stdvec(&envelope).expect("it is within the limits");
            assert_eq!(postcard::from_bytes(&bytes), Ok(envelope));
        }
    }
}

/// Writes an envelope as JSON, and reads it back equal.
pub(crate) fn check_json(envelope: &Envelope) {
    let json = encode(envelope);
    assert_eq!(&roomy().decode(&json).expect("it was written"), envelope);
}

/// Checks that serde alone writes what the codec writes, and reads it back equal.
pub(crate) fn check_plain(envelope: &Envelope) {
    let json = encode(envelope);
    let plain = serde_json::to_string(envelope).expect("the codec writes less");
    assert_eq!(plain, json);
    let read = serde_json::from_str::<Envelope>(&plain);
    assert_eq!(&read.expect("it was written"), envelope);
}

fn encode(envelope: &Envelope) -> String {
    let json = roomy().encode(envelope).expect("it is a good envelope");
    assert!(!json.contains('\n'));
    json
}

fn roomy() -> Codec {
    // The default limits except sizes: spelling out what was omitted may take more bytes than were read.
    Codec::new()
        .max_bytes(usize::MAX)
        .max_nodes(usize::MAX)
        .max_name(usize::MAX)
}

fn any_envelope(from: &mut Unstructured<'_>) -> Result<Envelope> {
    let id = Uuid::from_u128(u128::arbitrary(from)?.max(1));
    let source = <&str>::arbitrary(from)?.replace(char::is_control, "");
    let correlation_id = Option::<u128>::arbitrary(from)?.map(|id| Uuid::from_u128(id.max(1)));
    let seconds = from.int_in_range(-62_167_219_200..=253_402_300_799)?;
    let nanos = from.int_in_range(0..=999_999_999)?;
    let headers = any_headers(from)?;
    let mut envelope = Envelope::new(format!("s{source}"), any_message(from)?);
    envelope.id = id;
    envelope.correlation_id = correlation_id;
    envelope.timestamp = DateTime::from_timestamp(seconds, nanos).expect("in range");
    envelope.headers = headers;
    Ok(envelope)
}

/// Makes headers of those drawn texts that may be headers.
fn any_headers(from: &mut Unstructured<'_>) -> Result<Headers> {
    let (mut headers, mut expected) = (Headers::new(), BTreeMap::new());
    for _ in 0..from.int_in_range(0..=Headers::MAX_LEN + 1)? {
        let (name, value) = (<&str>::arbitrary(from)?, <&str>::arbitrary(from)?);
        if headers.insert(name, value).is_ok() {
            expected.insert(name, value);
        }
    }
    assert!(headers.iter().eq(expected));
    Ok(headers)
}

fn any_message(from: &mut Unstructured<'_>) -> Result<Message> {
    Ok(match u8::arbitrary(from)? % 8 {
        0 => Command::Ping.into(),
        1 => Command::Start {
            module_id: String::arbitrary(from)?,
        }
        .into(),
        2 => Command::Stop {
            module_id: String::arbitrary(from)?,
        }
        .into(),
        3 => Event::ModuleStarted {
            module_id: String::arbitrary(from)?,
        }
        .into(),
        4 => Event::ModuleStopped {
            module_id: String::arbitrary(from)?,
        }
        .into(),
        5 => Event::Pong {
            from: String::arbitrary(from)?,
        }
        .into(),
        6 => Command::Invoke {
            module_id: String::arbitrary(from)?,
            method: String::arbitrary(from)?,
            payload: any_payload(from)?,
        }
        .into(),
        _ => Event::Custom {
            module_id: String::arbitrary(from)?,
            kind: String::arbitrary(from)?,
            payload: any_payload(from)?,
        }
        .into(),
    })
}

fn any_payload(from: &mut Unstructured<'_>) -> Result<Value> {
    any_value(from, DEPTH, &mut { VALUES })
}

/// Draws a value. Its inner values come out of `left`.
fn any_value(from: &mut Unstructured<'_>, depth: usize, left: &mut usize) -> Result<Value> {
    let most = if depth > 0 { ITEMS.min(*left) } else { 0 };
    Ok(match from.int_in_range(0..=if most > 0 { 7 } else { 5 })? {
        0 => Value::Null,
        1 => bool::arbitrary(from)?.into(),
        2 => i64::arbitrary(from)?.into(),
        3 => u64::arbitrary(from)?.into(),
        4 => Number::from_f64(f64::arbitrary(from)?).map_or(Value::Null, Value::Number),
        5 => String::arbitrary(from)?.into(),
        6 => (0..some_of(most, left, from)?)
            .map(|_| any_value(from, depth - 1, left))
            .collect::<Result<Vec<_>>>()?
            .into(),
        _ => (0..some_of(most, left, from)?)
            .map(|_| Ok((any_key(from)?, any_value(from, depth - 1, left)?)))
            .collect::<Result<Map<_, _>>>()?
            .into(),
    })
}

fn some_of(most: usize, left: &mut usize, from: &mut Unstructured<'_>) -> Result<usize> {
    let count = from.int_in_range(0..=most)?;
    *left -= count;
    Ok(count)
}

/// Draws any key except the one that is refused, which a fuzzer would find.
fn any_key(from: &mut Unstructured<'_>) -> Result<String> {
    let key = <&str>::arbitrary(from)?;
    Ok(key.replace("$serde_json::private::", ""))
}
