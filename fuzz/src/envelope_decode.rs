//! Fuzzes decoding: envelopes from any bytes.

use oxide_bus::Envelope;
use oxide_bus::codec::{DecodeError, ErrorKind};

use super::check_line;
use super::envelope_roundtrip::{check_json, check_plain};
use super::memory::{Limited, within};

/// Decodes anything strictly, leniently and within tight limits, in bounded memory. Checks that the three agree as far
/// as they must, and with serde alone. What is decoded can be encoded, and decoded equal.
pub fn envelope_decode(data: &[u8]) {
    let ordinary = Limited::ordinary();
    let strict = decode(data, ordinary);
    // One of the three checks for each input is faster than all. Each byte that a fuzzer adds changes which one it is.
    let turn = data.len() % 3;
    if turn == 0 {
        let tight = decode(data, Limited::tight());
        if tight.is_ok() {
            assert_eq!(tight, strict);
        }
    }
    match &strict {
        Ok(envelope) if turn == 0 => check_json(envelope),
        Ok(envelope) if turn == 1 => {
            let plain = serde_json::from_slice::<Envelope>(data);
            assert_eq!(&plain.expect("the codec takes less"), envelope);
            check_plain(envelope);
        }
        Ok(_) => assert_eq!(decode(data, ordinary.lenient(true)), strict),
        Err(error) if matches!(error.kind(), ErrorKind::UnknownKey(_)) => {
            if let Ok(envelope) = decode(data, ordinary.lenient(true)) {
                check_json(&envelope);
            }
        }
        // A lenient codec gets as far, and stops there too.
        Err(_) => {}
    }
    if let Ok(envelope) = within(ordinary.bound(data), || {
        postcard::from_bytes::<Envelope>(data)
    }) {
        let bytes = postcard::to_stdvec(&envelope).expect("what was read can be written");
        assert_eq!(postcard::from_bytes(&bytes), Ok(envelope));
    }
}

fn decode(data: &[u8], limited: Limited) -> Result<Envelope, DecodeError> {
    let outcome = within(limited.bound(data), || limited.codec.decode(data));
    if let Err(error) = &outcome {
        assert!(error.line() >= 1 && error.column() >= 1);
        check_line(&error.to_string());
    }
    outcome
}
