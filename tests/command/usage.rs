//! Tests of the message for a wrong or an empty command line.

use std::process::{Command, Output, Stdio};

use crate::support::command::text;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_oxide-bus"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the command runs")
}

/// Returns the one line that is printed for a wrong command line.
fn complaint(arguments: &[&str]) -> String {
    let output = run(arguments);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr.trim_end().to_owned()
}

#[test]
fn a_command_without_its_subcommand_prints_its_help_and_fails() {
    for (arguments, usage, subcommand) in [
        (&[][..], "Usage: oxide-bus <COMMAND>", "  replay "),
        (&["audit"], "Usage: oxide-bus audit <COMMAND>", "  verify "),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "nothing was done");
        assert_eq!(text(&output.stdout), "", "it was not asked for");
        let stderr = text(&output.stderr);
        assert!(stderr.contains(usage), "{stderr}");
        assert!(stderr.contains(subcommand), "{stderr}");
        assert!(!stderr.contains("oxide-bus: "), "it is no complaint");
    }
}

/// Covers each possible kind of mistake at each level.
#[test]
fn a_mistake_is_named_in_one_line_that_points_to_the_help_of_its_subcommand() {
    let cases: &[(&[&str], &str, &str)] = &[
        (
            &["audit", "verify"],
            "the following required arguments were not provided: <FILE>...",
            "audit verify ",
        ),
        (
            &["replay", "--allow", ">"],
            "the following required arguments were not provided: --as <SOURCE>",
            "replay ",
        ),
        (
            &["bench", "--workers", "2"],
            "the following required arguments were not provided: --async",
            "bench ",
        ),
        (
            &["replai"],
            "unrecognized subcommand 'replai'; tip: a similar subcommand exists: 'replay'",
            "",
        ),
        (
            &["audit", "verfy"],
            "unrecognized subcommand 'verfy'; tip: a similar subcommand exists: 'verify'",
            "audit ",
        ),
        (&["help", "replai"], "unrecognized subcommand 'replai'", ""),
        (&["-x"], "unexpected argument '-x' found", ""),
        (
            &["replay", "--stat"],
            "unexpected argument '--stat' found; tip: a similar argument exists: '--stats'",
            "replay ",
        ),
        (
            &["audit", "verify", "--bogus", "log"],
            "unexpected argument '--bogus' found; tip: to pass '--bogus' as a value, use '-- --bogus'",
            "audit verify ",
        ),
        (
            &["audit", "--continued", "verify", "log"],
            "unexpected argument '--continued' found; tip: 'verify --continued' exists",
            "audit ",
        ),
        (
            &["bench", "more"],
            "unexpected argument 'more' found",
            "bench ",
        ),
        (
            &["bench", "--overflow", "drop"],
            "invalid value 'drop' for '--overflow <OVERFLOW>' \
             [possible values: drop-newest, drop-oldest, evict, block]; \
             tip: a similar value exists: 'drop-oldest'",
            "bench ",
        ),
        (
            &["bench", "--overflow"],
            "a value is required for '--overflow <OVERFLOW>' but none was supplied \
             [possible values: drop-newest, drop-oldest, evict, block]",
            "bench ",
        ),
        (
            &["bench", "--capacity", "x"],
            "invalid value 'x' for '--capacity <N>': it must be a whole number: 1 to 16777216",
            "bench ",
        ),
        (
            &["bench", "--json=yes"],
            "unexpected value 'yes' for '--json' found; no more were expected",
            "bench ",
        ),
        (
            &["bench", "--json", "--json"],
            "the argument '--json' cannot be used multiple times",
            "bench ",
        ),
        (
            &["bench", "--messages", "5", "--duration", "1"],
            "the argument '--messages <N>' cannot be used with '--duration <SECONDS>'",
            "bench ",
        ),
        (
            &["replay", "--check", "--source", "x", "--stats"],
            "the argument '--check' cannot be used with: --source <NAME>, --stats",
            "replay ",
        ),
        (
            &["bench", "--groups", "5"],
            "--groups 5 is more than there are subscribers: 4",
            "bench ",
        ),
    ];
    for (arguments, mistake, subcommand) in cases {
        let line = format!("oxide-bus: {mistake} (see `oxide-bus {subcommand}--help`)");
        assert_eq!(complaint(arguments), line);
    }
}

#[test]
fn what_was_typed_is_shown_whole_though_it_looks_like_the_end_of_the_message() {
    for (typed, shown) in [
        ("a\nUsage: b", r"'a\nUsage: b'"),
        (
            "a\n\nFor more information, b",
            r"'a\n\nFor more information, b'",
        ),
        ("\u{1b}[31ma", r"'\u{1b}[31ma'"),
    ] {
        for arguments in [&[typed][..], &["replay", "--capacity", typed]] {
            let line = complaint(arguments);
            assert!(line.contains(shown), "{line}");
        }
    }
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_no_text_is_a_mistake_like_others() {
    use std::os::unix::ffi::OsStrExt;

    let output = Command::new(env!("CARGO_BIN_EXE_oxide-bus"))
        .args(["bench", "--subject"])
        .arg(std::ffi::OsStr::from_bytes(b"\xff"))
        .output()
        .expect("the command runs");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "oxide-bus: invalid UTF-8 was detected in one or more arguments (see `oxide-bus bench --help`)\n"
    );
}

/// Returns the numeric options of a subcommand, each with its help text.
fn numbers(subcommand: &[&str]) -> Vec<(String, String)> {
    let output = run(&[subcommand, &["--help"]].concat());
    let mut options: Vec<(String, String)> = Vec::new();
    for line in text(&output.stdout).lines() {
        let word = line.trim_start();
        let is_name = word.starts_with('-') && line.len() - word.len() < 10;
        if is_name {
            options.push((word.to_owned(), String::new()));
        }
        if let Some((_, help)) = options.last_mut() {
            *help += word;
            *help += " ";
        }
    }
    options.retain(|(name, _)| {
        ["<N>", "<BYTES>", "<SECONDS>"]
            .iter()
            .any(|value| name.contains(value))
    });
    options
}

#[test]
fn the_help_of_an_option_states_the_numbers_that_its_errors_state() {
    for (subcommand, due) in [
        (&["replay"][..], 8),
        (&["bench"], 10),
        (&["audit", "verify"], 5),
    ] {
        let options = numbers(subcommand);
        assert_eq!(options.len(), due, "{options:?}");
        for (option, help) in options {
            let name = option.split(' ').next().expect("a name");
            for wrong in ["x", "-1", "1e999"] {
                let line = complaint(&[subcommand, &[name, wrong, "--"]].concat());
                let (_, stated) = line.split_once("it must be a ").expect("what it must be");
                let stated = (stated.strip_prefix("whole number: "))
                    .or(stated.strip_prefix("number "))
                    .expect("a number");
                let (stated, _) = stated.split_once([',', '(']).expect("an end");
                let stated = stated.trim_end();
                assert!(help.contains(&format!("[{stated}]")), "{line}\n{help}");
            }
        }
    }
}

#[test]
fn a_number_just_beyond_those_stated_is_refused_with_the_same_words() {
    let cases: &[(&[&str], &[&str], &str)] = &[
        (
            &["replay", "--members"],
            &["0", "1025", "65536"],
            "1 to 1024",
        ),
        (
            &["replay", "--capacity"],
            &["0", "16777217"],
            "1 to 16777216",
        ),
        (&["replay", "--max-depth"], &["0", "128"], "1 to 127"),
        (&["replay", "--max-bytes"], &["0"], "1 or more"),
        (
            &["bench", "--publishers"],
            &["0", "1025", "65536"],
            "1 to 1024; with --async 1 to 65535",
        ),
        (
            &["bench", "--subscribers"],
            &["1025", "65536"],
            "0 to 1024; with --async 0 to 65535",
        ),
        (
            &["bench", "--async", "--subscribers"],
            &["65536", "99999999999999999999"],
            "0 to 1024; with --async 0 to 65535",
        ),
        (
            &["bench", "--groups"],
            &["0", "65536"],
            "1 to 1024; with --async 1 to 65535",
        ),
        (
            &["bench", "--async", "--workers"],
            &["0", "1025"],
            "1 to 1024",
        ),
        (&["bench", "--payload"], &["4294967296"], "0 to 4294967295"),
    ];
    for (option, numbers, stated) in cases {
        let name = option.last().expect("an option");
        for number in *numbers {
            let line = complaint(&[option, &[*number][..]].concat());
            assert!(
                line.contains(&format!("invalid value '{number}' for '{name} <")),
                "{line}"
            );
            assert!(line.contains(&format!(": {stated} (see")), "{line}");
        }
    }
}
