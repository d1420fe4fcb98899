//! Tests of floats that JSON does not have: `serde_json` would write them as `null`, so the codec refuses them.

use std::collections::BTreeMap;
use std::error::Error;

use oxide_bus::audit::{AuditLog, Options};
use oxide_bus::codec::{Codec, EncodeError, ErrorKind};
use oxide_bus::kernel::{Command, Message};
use oxide_bus::{Bus, Envelope};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

const NOT_FINITE: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

/// Returns the place of the float for which the codec refuses a message.
fn place(message: impl Serialize + 'static) -> Option<String> {
    let error = Envelope::new("thermo", message).to_json().err()?;
    let ErrorKind::NotFinite(place) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!(error.to_string(), format!("{place} is not a finite number"));
    assert!(!error.is_over_limit());
    Some(place.clone())
}

#[derive(Serialize)]
struct Sample {
    taken_by: Option<&'static str>,
    value: f64,
}

#[derive(Serialize)]
struct Report {
    samples: Vec<Sample>,
    #[serde(flatten)]
    more: BTreeMap<&'static str, f32>,
}

#[derive(Serialize)]
struct Wrapped(f64);

#[derive(Serialize)]
enum Reading {
    One(f64),
    Two(u8, f32),
    Named { low: Option<f64> },
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Tagged {
    Reading { low: f64 },
}

/// Serializes each key separately, and then its value.
struct ByKeys(f64);

impl Serialize for ByKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_key(&7)?;
        map.serialize_value(&1.5)?;
        map.serialize_key("a\u{202e}b")?;
        map.serialize_value(&self.0)?;
        map.end()
    }
}

#[test]
fn a_float_that_json_does_not_have_is_refused_wherever_a_message_holds_it() {
    for float in NOT_FINITE {
        #[expect(clippy::cast_possible_truncation, reason = "these have no digits")]
        let single = float as f32;
        let samples = || {
            [1.0, 2.0, 3.0, float].map(|value| Sample {
                taken_by: None,
                value,
            })
        };
        for (found, expected) in [
            (place(float), "message"),
            (place(single), "message"),
            (place(Some(float)), "message"),
            (place(Wrapped(float)), "message"),
            (place(vec![0.0, float]), "message[1]"),
            (place([single]), "message[0]"),
            (place((0, (true, float))), "message[1][1]"),
            (place(Vec::from(samples())), "message[3].value"),
            (
                place(Report {
                    samples: samples().into(),
                    more: BTreeMap::new(),
                }),
                "message.samples[3].value",
            ),
            (
                place(Report {
                    samples: Vec::new(),
                    more: BTreeMap::from([("mean", 0.0), ("most", single)]),
                }),
                "message.most",
            ),
            (place(Reading::One(float)), "message.One"),
            (place(Reading::Two(1, single)), "message.Two[1]"),
            (
                place(Reading::Named { low: Some(float) }),
                "message.Named.low",
            ),
            (place(Tagged::Reading { low: float }), "message.low"),
            (place(BTreeMap::from([(3, [float])])), "message.3[0]"),
            (place(ByKeys(float)), r"message.a\u{202e}b"),
        ] {
            assert_eq!(found.as_deref(), Some(expected), "{float}");
        }
    }
}

/// A float as a key, which no map of the standard library has.
struct FloatKey(f64);

impl Serialize for FloatKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.0, ())])
    }
}

#[test]
fn a_key_is_refused_as_a_value_is_and_a_finite_one_written_as_text() {
    assert_eq!(
        place((0, FloatKey(f64::NAN))).as_deref(),
        Some("message[1][NaN]")
    );
    assert_eq!(
        place(FloatKey(f64::NEG_INFINITY)).as_deref(),
        Some("message[-inf]")
    );
    assert_eq!(place(FloatKey(-1.5)), None);
}

#[test]
fn a_null_that_is_no_float_is_written() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holed {
        celsius: Option<f64>,
        nothing: (),
        any: Value,
        floats: [f64; 3],
    }
    let holed = Holed {
        celsius: None,
        nothing: (),
        any: json!([null, { "null": null }]),
        floats: [f64::MAX, -0.0, 5e-324],
    };
    let envelope = Envelope::new("null", holed);
    let codec = Codec::new();
    let json = codec.encode(&envelope).expect("it has only finite floats");
    let read = codec.decode::<Holed>(&json).expect("it was written");
    assert_eq!(read, envelope);
    assert!(read.message.floats[1].is_sign_negative());
    let raw = RawValue::from_string("[null, 1.5]".to_owned()).expect("it is JSON");
    assert_eq!(place((raw, [None::<f32>])), None);
}

#[test]
fn a_float_beside_a_raw_value_and_in_an_answer_is_found() {
    let raw = || RawValue::from_string("[null]".to_owned()).expect("it is JSON");
    assert_eq!(place((raw(), [f64::NAN])).as_deref(), Some("message[1][0]"));
    let question = Envelope::new("asks", Message::from(Command::Ping));
    let answer = Envelope::new("answers", f64::NAN).with_correlation_id(question.id);
    let error = answer.to_json().expect_err("it has a float that is none");
    let kind = ErrorKind::NotFinite("message".to_owned());
    assert_eq!(error.kind(), &kind);
}

#[test]
fn integers_that_no_reader_takes_are_refused_as_such() {
    let refused = |message: u128| {
        let json = Envelope::new("counter", message).to_json();
        json.map_err(|error| error.kind().clone())
    };
    assert!(refused(u64::MAX.into()).is_ok());
    assert_eq!(refused(u128::MAX), Err(ErrorKind::NumberOutOfRange));
}

#[test]
fn a_place_is_of_bounded_length() {
    let long = || BTreeMap::from([("\u{1}".repeat(1_000), f64::NAN)]);
    let expected = format!("message.{}…", r"\u{1}".repeat(64));
    assert!(expected.len() > 256 + "…".len());
    let cut = format!("{}…", &expected[..256]);
    assert_eq!(place(long()), Some(cut));
}

#[test]
fn what_must_be_writable_is_refused_when_it_is_published() {
    let bus = Bus::<(u8, f64)>::builder()
        .writable_by(Codec::new())
        .build();
    let subscription = bus.subscribe();
    let error = bus
        .publish(Envelope::new("thermo", (1, f64::INFINITY)))
        .expect_err("it has a float that is none");
    let kind = ErrorKind::NotFinite("message[1]".to_owned());
    let cause = error.source().expect("there is a reason");
    let cause: &EncodeError = cause.downcast_ref().expect("it cannot be written");
    assert_eq!(cause.kind(), &kind);
    assert_eq!(
        error.to_string(),
        "cannot be written: message[1] is not a finite number"
    );
    assert_eq!(error.into_envelope().message, (1, f64::INFINITY));
    assert!(subscription.is_empty());
    bus.publish(Envelope::new("thermo", (1, 0.5)))
        .expect("it can be written");
}

#[test]
fn an_audit_log_records_it_as_unwritable() {
    let folder = tempfile::tempdir().expect("there is a place for files");
    let path = folder.path().join("audit.jsonl");
    let bus = Bus::<Vec<f32>>::new();
    let log = AuditLog::start(&bus, &path, Options::new()).expect("the file is new");
    bus.publish(Envelope::new("thermo", vec![0.5, f32::NAN]))
        .expect("it need not be writable");
    log.close().expect("the disk takes it");
    let text = std::fs::read_to_string(&path).expect("it is there");
    let record = text.lines().nth(1).expect("the second record");
    let record: Value = serde_json::from_str(record).expect("it is JSON");
    assert_eq!(record["event"], "unwritable");
    assert_eq!(record["source"], "thermo");
    assert_eq!(record["why"], "message[1] is not a finite number");
}

#[test]
fn binary_forms_keep_floats_as_they_are() {
    for float in NOT_FINITE {
        let envelope = Envelope::new("thermo", Some(float));
        let bytes = postcard::to_stdvec(&envelope).expect("it fits");
        let read: Envelope<Option<f64>> = postcard::from_bytes(&bytes).expect("it was written");
        let bits = |envelope: &Envelope<Option<f64>>| envelope.message.map(f64::to_bits);
        assert_eq!(bits(&read), bits(&envelope));
    }
}
