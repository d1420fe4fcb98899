//! The bodies of the fuzz targets, by themselves: the ordinary tests run them on the corpus, with
//! no fuzzer and on stable Rust.

// What the property tests use: the model, what is run on it and on the bus, and how that is drawn.
#[path = "../../tests/support/draw.rs"]
mod draw;
#[path = "../../tests/support/model.rs"]
mod model;
#[path = "../../tests/support/script.rs"]
mod script;

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Result, Unstructured};
use chrono::DateTime;
use oxide_bus::codec::Codec;
use oxide_bus::{
    Bus, Command, Envelope, Event, Headers, Message, Pattern, Payload, Subject, SubscribeOptions,
};
use serde_json::{Number, Value};
use uuid::Uuid;

/// The deepest payload that is made: within the limits of both formats.
const DEPTH: usize = 20;
/// The most items of one array or object that are made.
const ITEMS: usize = 8;

/// Decodes anything, by several codecs. What is decoded can be encoded, and decoded equal.
pub fn envelope_decode(data: &[u8]) {
    let tiny = Codec::new()
        .max_bytes(300)
        .max_depth(4)
        .max_nodes(12)
        .max_string(40)
        .max_name(8);
    for codec in [Codec::new(), tiny] {
        for lenient in [false, true] {
            match codec.lenient(lenient).decode(data) {
                Ok(envelope) => check(&envelope),
                Err(error) => {
                    assert!(error.line() >= 1 && error.column() >= 1);
                    let text = error.to_string();
                    assert!(text.len() < 2_000 && !text.contains(char::is_control));
                }
            }
        }
    }
    if let Ok(envelope) = postcard::from_bytes::<Envelope>(data) {
        let bytes = postcard::to_stdvec(&envelope).expect("what was read can be written");
        assert_eq!(postcard::from_bytes(&bytes), Ok(envelope));
    }
    let strict = Codec::new().decode(data);
    let plain = serde_json::from_slice::<Envelope>(data);
    if let Ok(envelope) = strict {
        assert_eq!(plain.expect("the codec takes less"), envelope);
    }
}

/// Makes an envelope from the data. It comes back equal from JSON and from postcard.
pub fn envelope_roundtrip(data: &[u8]) {
    if let Ok(envelope) = any_envelope(&mut Unstructured::new(data)) {
        check(&envelope);
        let bytes = postcard::to_stdvec(&envelope).expect("it is within the limits");
        assert_eq!(postcard::from_bytes(&bytes), Ok(envelope));
    }
}

/// The most patterns that are read: more only take time.
const PATTERNS: usize = 16;

/// A payload with any tokens.
struct Addressed(Vec<String>);

impl Payload for Addressed {
    fn subject(&self) -> Subject<'_> {
        Subject::new(self.0.iter().map(String::as_str))
    }
}

/// Reads a subject, one token a line, up to an empty line, and patterns after it, one a line. What is
/// read is written the same, and a bus delivers to those patterns that match when they are tried one by
/// one.
pub fn patterns(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (subject, patterns) = text.split_once("\n\n").unwrap_or((&text, ""));
    let addressed = Addressed(subject.lines().map(str::to_owned).collect());
    let subject = addressed.subject();
    if let Ok(exactly) = Pattern::try_from(subject.to_string()) {
        assert!(exactly.matches(&subject));
        assert_eq!(exactly.to_string(), subject.to_string());
    }
    let bus = Bus::<Addressed>::new();
    let mut subscriptions = Vec::new();
    for text in patterns.lines().take(PATTERNS) {
        match text.parse::<Pattern>() {
            Ok(pattern) => {
                assert_eq!(pattern.to_string().parse().as_ref(), Ok(&pattern));
                let options = SubscribeOptions::new().capacity(1).pattern(&pattern);
                let subscription = bus.subscribe_with(options).expect("open");
                subscriptions.push((pattern.matches(&subject), subscription));
            }
            Err(error) => assert!(text.is_char_boundary(error.offset())),
        }
    }
    drop(subject);
    let matching = subscriptions.iter().filter(|(matches, _)| *matches).count();
    let receipt = bus
        .publish(Envelope::new("fuzzer", addressed))
        .expect("open");
    assert_eq!(receipt.delivered(), matching);
    for (matches, subscription) in &subscriptions {
        assert_eq!(subscription.len(), usize::from(*matches));
    }
}

/// The most operations that are performed: more only take time.
const OPERATIONS: usize = 200;

/// Draws operations from the data, all but its first byte. A bus does what the reference model does; with an
/// odd first byte, one with one order for all.
pub fn bus_operations(data: &[u8]) {
    let Some((&kind, data)) = data.split_first() else {
        return;
    };
    let operations = draw::script(&mut Unstructured::new(data), OPERATIONS);
    let bus = Bus::builder();
    let bus = if kind % 2 == 1 {
        bus.total_order()
    } else {
        bus
    };
    script::run(bus, &operations);
}

fn check(envelope: &Envelope) {
    // The defaults, but for sizes: spelling out what was left away may need more than was read.
    let roomy = Codec::new()
        .max_bytes(usize::MAX)
        .max_nodes(usize::MAX)
        .max_name(usize::MAX);
    let json = roomy.encode(envelope).expect("it is a good envelope");
    assert!(!json.contains('\n'));
    assert_eq!(&roomy.decode(&json).expect("it was written"), envelope);
    assert_eq!(serde_json::to_string(envelope).ok(), Some(json));
}

fn any_envelope(from: &mut Unstructured<'_>) -> Result<Envelope> {
    let id = Uuid::from_u128(u128::arbitrary(from)?.max(1));
    let source = String::arbitrary(from)?.replace(char::is_control, "");
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

/// Whatever of some texts may be a header.
fn any_headers(from: &mut Unstructured<'_>) -> Result<Headers> {
    let mut headers = Headers::new();
    for _ in 0..from.int_in_range(0..=Headers::MAX_LEN + 1)? {
        let (name, value) = (<&str>::arbitrary(from)?, <&str>::arbitrary(from)?);
        let before = headers.clone();
        match headers.insert(name, value) {
            Ok(()) => assert_eq!(headers.get(name), Some(value)),
            Err(_) => assert_eq!(headers, before),
        }
    }
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
            payload: any_value(from, DEPTH)?,
        }
        .into(),
        _ => Event::Custom {
            module_id: String::arbitrary(from)?,
            kind: String::arbitrary(from)?,
            payload: any_value(from, DEPTH)?,
        }
        .into(),
    })
}

fn any_value(from: &mut Unstructured<'_>, depth: usize) -> Result<Value> {
    Ok(
        match from.int_in_range(0..=if depth > 0 { 7 } else { 5 })? {
            0 => Value::Null,
            1 => bool::arbitrary(from)?.into(),
            2 => i64::arbitrary(from)?.into(),
            3 => u64::arbitrary(from)?.into(),
            4 => Number::from_f64(f64::arbitrary(from)?).map_or(Value::Null, Value::Number),
            5 => String::arbitrary(from)?.into(),
            6 => (0..from.int_in_range(0..=ITEMS)?)
                .map(|_| any_value(from, depth - 1))
                .collect::<Result<Vec<_>>>()?
                .into(),
            _ => (0..from.int_in_range(0..=ITEMS)?)
                .map(|_| Ok((any_key(from)?, any_value(from, depth - 1)?)))
                .collect::<Result<BTreeMap<_, _>>>()?
                .into_iter()
                .collect(),
        },
    )
}

/// Any key but the one that is refused: a fuzzer finds it.
fn any_key(from: &mut Unstructured<'_>) -> Result<String> {
    Ok(String::arbitrary(from)?.replace("$serde_json::private::", ""))
}
