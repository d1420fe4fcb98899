//! Round trips of arbitrary envelopes.

use chrono::DateTime;
use oxide_bus::codec::{Codec, ErrorKind};
use oxide_bus::kernel::{Command, Event, Message};
use oxide_bus::{Envelope, HeaderError, Headers};
use proptest::prelude::*;
use serde_json::{Map, Number, Value};
use uuid::Uuid;

/// Strings that need escapes, look like syntax or end in the middle of a token.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        Just(String::new()),
        Just("\\\"\u{0}\u{8}\n\r\t\u{7f}\u{2028}\u{feff}\u{10ffff}".to_owned()),
        Just(r#"{"kind":"command"}"#.to_owned()),
        Just("kind".to_owned()),
        Just("\\ud800".to_owned()),
    ]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::ANY
            .prop_filter_map("finite", |float| Number::from_f64(float).map(Value::Number)),
        prop::sample::select(vec![
            0.0,
            -0.0,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            5e-324,
            -5e-324,
            1e300,
            18_446_744_073_709_551_616.0,
            0.1,
        ])
        .prop_map(Value::from),
    ]
}

fn payload() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number(),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(8, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::btree_map(text(), inner, 0..6)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        text().prop_map(|module_id| Command::Start { module_id }.into()),
        text().prop_map(|module_id| Command::Stop { module_id }.into()),
        (text(), text(), payload()).prop_map(|(module_id, method, payload)| {
            Command::Invoke {
                module_id,
                method,
                payload,
            }
            .into()
        }),
        Just(Command::Ping.into()),
        text().prop_map(|module_id| Event::ModuleStarted { module_id }.into()),
        text().prop_map(|module_id| Event::ModuleStopped { module_id }.into()),
        (text(), text(), payload()).prop_map(|(module_id, kind, payload)| {
            Event::Custom {
                module_id,
                kind,
                payload,
            }
            .into()
        }),
        text().prop_map(|from| Event::Pong { from }.into()),
    ]
}

/// Mostly a few headers, sometimes as many as are allowed.
fn headers() -> impl Strategy<Value = Headers> {
    let value = text().prop_map(|text| text.replace(char::is_control, ""));
    prop::collection::vec(("[a-z0-9][a-z0-9._-]{0,63}", value), 0..40).prop_map(|pairs| {
        let mut headers = Headers::new();
        for (name, value) in pairs {
            let full = headers.len() == Headers::MAX_LEN;
            let set = headers.insert(&name, value);
            assert!(set.is_ok() || full || set == Err(HeaderError::TooLarge));
        }
        headers
    })
}

prop_compose! {
    fn any_envelope()(
        id in 1..=u128::MAX,
        source in text().prop_map(|text| text.replace(char::is_control, "")),
        correlation in prop::option::of(1..=u128::MAX),
        seconds in -62_167_219_200_i64..=253_402_300_799,
        nanos in prop_oneof![0..1_000_000_000_u32, Just(0), Just(500_000_000), Just(1_000)],
        headers in headers(),
        message in message(),
    ) -> Envelope {
        let mut envelope = Envelope::new(format!("s{source}"), message);
        envelope.id = Uuid::from_u128(id);
        envelope.correlation_id = correlation.map(Uuid::from_u128);
        envelope.timestamp = DateTime::from_timestamp(seconds, nanos).expect("in range");
        envelope.headers = headers;
        envelope
    }
}

/// Makes the codec treat a `Message` as a foreign type, so that it scans the JSON.
#[derive(serde::Serialize)]
#[serde(transparent)]
struct Foreign(Message);

fn foreign(envelope: &Envelope) -> Envelope<Foreign> {
    let mut foreign = Envelope::new(&envelope.source, Foreign(envelope.message.clone()));
    foreign.id = envelope.id;
    foreign.correlation_id = envelope.correlation_id;
    foreign.timestamp = envelope.timestamp;
    foreign.headers = envelope.headers.clone();
    foreign
}

/// Wraps the payload in `levels` arrays.
fn nest(message: &mut Message, levels: usize) {
    if let Message::Command(Command::Invoke { payload, .. })
    | Message::Event(Event::Custom { payload, .. }) = message
    {
        for _ in 0..levels {
            *payload = Value::Array(vec![payload.take()]);
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Limit {
    Roomy,
    /// Close to the bytes of the whole text or of a part of it.
    Near(usize),
    Any(usize),
}

impl Limit {
    fn of(self, bytes: usize) -> usize {
        match self {
            Limit::Roomy => 1 << 20,
            Limit::Near(more) => bytes + more - 2,
            Limit::Any(limit) => limit,
        }
    }
}

fn limit() -> impl Strategy<Value = Limit> {
    prop_oneof![
        Just(Limit::Roomy),
        (0..5_usize).prop_map(Limit::Near),
        (0..200_usize).prop_map(Limit::Any),
    ]
}

proptest! {
    #[test]
    fn a_message_is_written_and_refused_like_one_whose_json_is_looked_through(
        mut envelope in any_envelope(),
        levels in prop_oneof![Just(0), 0..130_usize],
        (bytes, nodes, string) in (limit(), limit(), limit()),
        depth in prop_oneof![Just(64), 0..12_usize, 0..130_usize],
    ) {
        nest(&mut envelope.message, levels);
        let roomy = Codec::new().max_name(4096);
        let length = roomy.max_depth(127).encode(&envelope).map_or(400, |json| json.len());
        let codec = roomy
            .max_bytes(bytes.of(length))
            .max_nodes(nodes.of(length / 2))
            .max_string(string.of(length))
            .max_depth(depth);
        let written = codec.encode(&envelope).map_err(|error| error.kind().clone());
        let expected = match codec.encode(&foreign(&envelope)) {
            Ok(json) => Ok(json),
            Err(error) => Err(match error.kind() {
                // The message is serde's. The codec knows its own limit.
                ErrorKind::Message(text) if text == "more than 127 levels of nesting" => {
                    ErrorKind::TooDeep(depth.min(127))
                }
                kind => kind.clone(),
            }),
        };
        prop_assert_eq!(written, expected);
    }

    #[test]
    fn whatever_is_written_as_json_is_read_back_equal(envelope in any_envelope()) {
        let roomy = Codec::new().max_name(4096);
        let json = roomy.encode(&envelope).expect("it is within the limits");
        prop_assert!(!json.contains('\n'));
        let read = roomy.decode(&json).expect("it was written");
        prop_assert_eq!(roomy.encode(&read).expect("it was read"), json);
        prop_assert_eq!(&read, &envelope);
        prop_assert_eq!(&roomy.decode::<Message>(roomy.encode(&read).expect("as before")).expect("as well"), &envelope);
    }

    #[test]
    fn whatever_is_written_in_postcard_is_read_back_equal(envelope in any_envelope()) {
        let bytes = postcard::to_stdvec(&envelope).expect("it is within the limits");
        prop_assert_eq!(postcard::from_bytes::<Envelope>(&bytes).expect("it was written"), envelope);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Codec::new().lenient(true).decode::<Message>(&bytes);
        let _ = postcard::from_bytes::<Envelope>(&bytes);
    }

    #[test]
    fn no_damage_to_a_good_envelope_makes_it_panic(
        envelope in any_envelope(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut json = envelope.to_json().unwrap_or_default().into_bytes();
        if !json.is_empty() {
            let at = at.index(json.len());
            json[at] = byte;
        }
        for codec in [Codec::new(), Codec::new().lenient(true)] {
            match codec.decode(&json) {
                Ok(read) => {
                    let again = codec.encode(&read).expect("what was read can be written");
                    prop_assert_eq!(codec.decode::<Message>(again).expect("and read"), read);
                }
                Err(error) => prop_assert!(error.line() >= 1 && error.column() >= 1),
            }
        }
    }
}
