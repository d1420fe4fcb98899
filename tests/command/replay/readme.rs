//! Tests of what a new user sees first: it is short, and contains nothing that would need an explanation.

use std::fs;

use super::{replay, text};

#[test]
fn the_sample_of_readme_is_in_the_written_form_and_its_command_fills_no_screen() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample.jsonl");
    let content = fs::read_to_string(sample).expect("the sample is there");
    assert!(content.is_ascii() && !content.contains('\\'));
    assert_eq!(text(&replay(&[sample]).stdout), content);

    let output = replay(&[sample, "--subject", "event.custom.*.reading", "--stats"]);
    assert!(output.status.success());
    let lines = text(&output.stdout)
        .lines()
        .chain(text(&output.stderr).lines());
    // A terminal of 80 columns and 24 rows folds long lines, and shows the next prompt.
    let rows: usize = lines.map(|line| line.len().div_ceil(80).max(1)).sum();
    assert!(rows < 24, "{rows}");
}
