//! Tests of hostile input: decoding takes memory in proportion to the input, and little time.

use std::time::{Duration, Instant};

use allocation_counter::measure;
use oxide_bus::codec::{Codec, ErrorKind};
use oxide_bus::kernel::Message;

const MIB: usize = 1024 * 1024;

/// Returns the peak of this thread's allocated bytes during `work`, beyond what it held before.
fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let mut outcome = None;
    let info = measure(|| outcome = Some(work()));
    let peak = usize::try_from(info.bytes_max).expect("it fits into memory");
    (outcome.expect("it has run"), peak)
}

fn with_payload(payload: &str) -> String {
    format!(
        r#"{{"id":"f18ca6a0-f663-4a05-ab64-ff8a88849d6c","source":"s","timestamp":"2026-11-24T06:07:20Z","message":{{"kind":"command","type":"invoke","module_id":"m","method":"f","payload":{payload}}}}}"#
    )
}

/// Builds an array of as many items as fit into a mebibyte.
fn full_of(item: &str) -> String {
    with_payload(&list(item, (MIB - 400) / (item.len() + 1)))
}

fn list(item: &str, count: usize) -> String {
    format!("[{}]", vec![item; count].join(","))
}

/// Like `full_of`, but with no more values than the default limit allows, padded to a mebibyte.
fn most_of(item: &str, nodes_of_item: usize) -> String {
    let nodes = 65_536 - 10;
    let json = with_payload(&list(item, nodes / nodes_of_item));
    format!("{}{json}", " ".repeat(MIB - json.len()))
}

#[test]
fn bombs_are_refused_before_anything_is_built() {
    let bombs = [
        full_of("0"),
        full_of(r#"{"":0}"#),
        full_of("[]"),
        full_of("\"\""),
        with_payload(&"[".repeat(MIB - 400)),
        with_payload(&r#"{"":"#.repeat((MIB - 400) / 5)),
        with_payload(&format!("\"{}\"", "a".repeat(MIB - 400))),
        with_payload(&format!("{{\"{}\":0}}", "a".repeat(MIB - 400))),
        with_payload("").replacen('{', &format!("{{\"unknown\":{},", list("0", 500_000)), 1),
        " ".repeat(MIB + 1),
    ];
    for bomb in bombs {
        for codec in [Codec::new(), Codec::new().lenient(true)] {
            let (outcome, cost) = peak(|| codec.decode::<Message>(&bomb));
            let error = outcome.expect_err("it is a bomb");
            assert!(error.is_over_limit(), "{error}");
            assert_eq!(cost, 0, "{error}");
        }
    }
}

#[test]
fn an_unknown_key_is_refused_before_its_value_is_read() {
    let json = with_payload("0").replacen('{', &format!("{{\"unknown\":{},", list("0", 60_000)), 1);
    let (outcome, cost) = peak(|| Codec::new().decode::<Message>(&json));
    let error = outcome.expect_err("it is unknown");
    assert_eq!(error.kind(), &ErrorKind::UnknownKey("unknown".into()));
    assert!(cost < 1_000, "{cost}");
    let (outcome, cost) = peak(|| Codec::new().lenient(true).decode::<Message>(&json));
    assert!(outcome.is_ok());
    assert!(cost < 1_000, "{cost}");
}

#[test]
fn the_worst_within_the_default_limits_costs_at_most_48_times_a_full_input() {
    let chain = format!("{}0{}", r#"{"":"#.repeat(60), "}".repeat(60));
    let mut worst = 0;
    for (name, json) in [
        ("numbers", most_of("0", 1)),
        ("empty strings", most_of("\"\"", 1)),
        ("arrays of one", most_of("[0]", 2)),
        ("objects of one", most_of(r#"{"":0}"#, 2)),
        ("chains of objects", most_of(&chain, 61)),
        (
            "strings",
            with_payload(&list(&format!("\"{}\"", "é".repeat(100_000)), 5)),
        ),
        (
            "escapes",
            with_payload(&list(&format!("\"{}\"", "\\n".repeat(100_000)), 5)),
        ),
    ] {
        let (outcome, cost) = peak(|| Codec::new().decode::<Message>(&json));
        assert!(outcome.is_ok(), "{name}");
        println!("{name}: {} bytes in, {cost} at the peak", json.len());
        worst = worst.max(cost);
    }
    assert!(worst <= 48 * MIB, "{worst}");
}

#[test]
fn with_4096_values_it_costs_at_most_3_mebibytes() {
    let codec = Codec::new().max_nodes(4_096);
    let chain = format!("{}0{}", r#"{"":"#.repeat(60), "}".repeat(60));
    let json = with_payload(&list(&chain, 4_080 / 61));
    let (outcome, cost) = peak(|| codec.decode::<Message>(&json));
    assert!(outcome.is_ok());
    assert!(cost <= 3 * MIB, "{cost}");
}

#[test]
fn binary_payloads_are_bounded_as_well() {
    let text = list("0", 200_000);
    let mut bytes = vec![1; 16];
    bytes.extend([1, b's', 0, 0, 0]); // source, no correlation id, seconds, nanoseconds
    bytes.extend([0, 2, 1, b'm', 1, b'f']); // a command of the kind invoke
    bytes.extend(postcard::to_stdvec(&text).expect("it fits"));
    let (outcome, cost) = peak(|| postcard::from_bytes::<oxide_bus::Envelope>(&bytes));
    assert!(outcome.is_err());
    assert!(cost < text.len() * 2, "{cost}");
}

#[test]
fn a_number_of_a_mebibyte_of_digits_takes_no_quadratic_time() {
    let digits = "7".repeat(MIB - 400);
    for number in [
        digits.clone(),
        format!("{digits}.5"),
        format!("0.{digits}"),
        format!("0.{}1", "0".repeat(MIB - 500)),
        format!("1e{digits}"),
        format!("1e-{digits}"),
        format!("{digits}e-1048000"),
    ] {
        let started = Instant::now();
        let _ = Codec::new().decode::<Message>(with_payload(&number));
        // It takes milliseconds even unoptimized. Quadratic work would take hours.
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
