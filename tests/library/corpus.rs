//! Runs the fuzz targets on their corpus, without the fuzzer.

#[allow(unreachable_pub)] // public for the fuzz targets
#[path = "../../fuzz/src/lib.rs"]
mod bodies;

use std::fs;
use std::path::Path;

#[track_caller]
fn run_on_corpus(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut cases = 0;
    for entry in fs::read_dir(&folder).expect("the corpus is committed") {
        let path = entry.expect("the folder can be read").path();
        println!("{}", path.display());
        body(&fs::read(path).expect("the file can be read"));
        cases += 1;
    }
    assert!(cases >= 10, "{cases} cases of {target}");
}

#[test]
fn verifying_an_audit_log_holds_on_the_corpus() {
    run_on_corpus("audit_verify", bodies::audit_verify);
}

#[cfg(feature = "cli")]
#[test]
fn any_command_line_is_read_or_refused_in_one_line_on_the_corpus() {
    run_on_corpus("command_line", bodies::command_line);
}

#[test]
fn reading_json_lines_holds_on_the_corpus() {
    run_on_corpus("lines", bodies::lines);
}

#[test]
fn the_bus_does_what_the_model_does_on_the_corpus() {
    run_on_corpus("bus_operations", bodies::bus_operations);
}

#[test]
fn decoding_holds_on_the_corpus() {
    run_on_corpus("envelope_decode", bodies::envelope_decode);
}

#[test]
fn the_round_trip_holds_on_the_corpus() {
    run_on_corpus("envelope_roundtrip", bodies::envelope_roundtrip);
}

#[test]
fn patterns_hold_on_the_corpus() {
    run_on_corpus("patterns", bodies::patterns);
}
