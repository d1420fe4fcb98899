//! Envelopes as text, valid except for the part that a test supplies.

use oxide_bus::Envelope;
use oxide_bus::codec::{Codec, DecodeError, ErrorKind as Kind};
use oxide_bus::kernel::{Command, Message};
use serde_json::Value;

pub(crate) const ID: &str = "f18ca6a0-f663-4a05-ab64-ff8a88849d6c";
pub(crate) const TIME: &str = "2026-11-24T06:07:20Z";
pub(crate) const PING: &str = r#"{"kind":"command","type":"ping"}"#;

/// Returns the text of an envelope with that message.
pub(crate) fn with_message(message: &str) -> String {
    format!(r#"{{"id":"{ID}","source":"s","timestamp":"{TIME}","message":{message}}}"#)
}

pub(crate) fn with_payload(payload: &str) -> String {
    with_message(&format!(
        r#"{{"kind":"command","type":"invoke","module_id":"m","method":"f","payload":{payload}}}"#
    ))
}

/// Returns the text of an envelope whose id, source and time are given as JSON.
pub(crate) fn with(id: &str, source: &str, time: &str) -> String {
    format!(r#"{{"id":{id},"source":{source},"timestamp":{time},"message":{PING}}}"#)
}

pub(crate) fn kind(json: impl AsRef<[u8]>) -> Kind {
    decode(json).kind().clone()
}

pub(crate) fn decode(json: impl AsRef<[u8]>) -> DecodeError {
    Codec::new()
        .decode::<Message>(json)
        .expect_err("it should be refused")
}

pub(crate) fn payload_of(json: &str) -> Value {
    match Envelope::from_json(json)
        .expect("it should be taken")
        .message
    {
        Message::Command(Command::Invoke { payload, .. }) => payload,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn unknown(key: &str) -> Kind {
    Kind::UnknownKey(key.into())
}

pub(crate) fn duplicate(key: &str) -> Kind {
    Kind::DuplicateKey(key.into())
}

pub(crate) fn quote(text: &str) -> String {
    serde_json::to_string(text).expect("a string")
}
