//! Tests of the inputs that the command reads, and of those that it refuses.

use super::{SAMPLE, file, path, replay, sample, text};

#[cfg(unix)]
mod same {
    use std::fs::{self, OpenOptions};
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::process::{Command, Output, Stdio};

    use super::{file, path, sample, text};

    /// Replays a log and appends the output to it. Standard input is the same log, and is read if no input is named.
    fn replay_to_the_end_of(log: &Path, arguments: &[&str]) -> Output {
        let open = || OpenOptions::new().read(true).append(true).open(log);
        Command::new(env!("CARGO_BIN_EXE_oxide-bus"))
            .arg("replay")
            .args(arguments)
            .stdin(open().expect("it is there"))
            .stdout(open().expect("it is there"))
            .stderr(Stdio::piped())
            .output()
            .expect("the command runs")
    }

    #[test]
    fn a_log_that_is_the_output_is_refused_under_any_name() {
        let log = file(&sample());
        let folder = tempfile::tempdir().expect("there is a place for files");
        let (link, symbolic) = (folder.path().join("link"), folder.path().join("symbolic"));
        fs::hard_link(log.path(), &link).expect("it is on the same disk");
        symlink(log.path(), &symbolic).expect("there are symbolic links");
        let (link, symbolic) = (link.to_str().unwrap(), symbolic.to_str().unwrap());
        // These runs would print nothing, so the log does not grow even if the command fails to refuse it.
        for (arguments, name) in [
            (&["--source", "nobody", path(&log)][..], path(&log)),
            (&["--source", "nobody", link], link),
            (&["--source", "nobody", symbolic], symbolic),
            (&["--source", "nobody", "-"], "standard input"),
            (&["--source", "nobody"], "standard input"),
            (&["--check"], "standard input"),
        ] {
            let output = replay_to_the_end_of(log.path(), arguments);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            assert_eq!(
                text(&output.stderr),
                format!("oxide-bus: {name}: the input is also the output\n")
            );
            assert_eq!(fs::read_to_string(&log).expect("it is there"), sample());
        }
    }

    #[test]
    fn another_file_with_the_same_text_may_be_the_output() {
        let (log, other) = (file(&sample()), file(&sample()));
        let output = replay_to_the_end_of(other.path(), &[path(&log)]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let lines = fs::read_to_string(&other).expect("it is there");
        assert_eq!(lines.lines().count(), 2 * sample().lines().count());
    }

    #[test]
    fn what_is_no_file_may_be_input_and_output() {
        let null = Path::new("/dev/null");
        let output = replay_to_the_end_of(null, &[]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let log = file(&format!("\u{feff}{}", sample()));
    let output = replay(&[path(&log)]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(output.stdout, replay(&[SAMPLE]).stdout);
}

#[test]
fn another_kind_of_file_is_named_once() {
    let utf16: Vec<u8> = format!("\u{feff}{}", sample())
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for (bytes, kind) in [
        (&utf16[..], "UTF-16 text"),
        (b"\x1f\x8b\x08\0\n\0\n", "a gzip file"),
    ] {
        let log = file("");
        std::fs::write(&log, bytes).expect("it can be written");
        for arguments in [&["--check"][..], &[]] {
            let output = replay(&[arguments, &[path(&log)]].concat());
            assert_eq!(output.status.code(), Some(2));
            assert_eq!(
                text(&output.stderr),
                format!("oxide-bus: {}: not JSON Lines but {kind}\n", path(&log))
            );
            assert_eq!(text(&output.stdout), "");
        }
    }
}
