//! Tests of logs as JSON Lines.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};

use oxide_bus::Envelope;
use oxide_bus::codec::{Codec, ErrorKind, FileKind, LineError, LinesReader, LinesWriter};
use oxide_bus::kernel::{Command, Message};

const SEED: &str = include_str!("../../data/seed.jsonl");

fn ping() -> Envelope {
    Envelope::new("tests", Message::Command(Command::Ping))
}

fn json() -> String {
    ping().to_json().expect("it fits")
}

/// Reads messages of the type `Message`.
fn reader<R: BufRead>(input: R) -> LinesReader<R> {
    LinesReader::new(input)
}

/// Returns the numbers of the bad lines.
fn bad(lines: impl Iterator<Item = Result<Envelope, LineError>>) -> Vec<u64> {
    lines
        .filter_map(Result::err)
        .map(|error| error.line())
        .collect()
}

/// An input that yields one byte at a time, is interrupted before each, and fails at the end.
struct Troubled<'a> {
    rest: &'a [u8],
    interrupt: bool,
}

impl Read for Troubled<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupt = !self.interrupt;
        if self.interrupt {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match self.rest {
            [first, rest @ ..] => {
                buffer[0] = *first;
                self.rest = rest;
                Ok(1)
            }
            [] => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }
}

#[test]
fn what_was_written_is_read_back() {
    let envelopes: Vec<_> = reader(SEED.as_bytes())
        .map(|line| line.expect("the seed wrote it"))
        .collect();
    assert_eq!(envelopes.len(), 8);
    let mut log = LinesWriter::new(Vec::new());
    for envelope in &envelopes {
        log.write(envelope).expect("it fits");
    }
    log.flush().expect("nothing to flush");
    let log = log.into_inner();
    assert!(log.ends_with(b"\n"));
    assert_eq!(log.split(|&byte| byte == b'\n').count(), 8 + 1);
    let again: Result<Vec<_>, _> = reader(&*log).collect();
    assert_eq!(again.ok(), Some(envelopes));
}

#[test]
fn logs_of_other_messages_are_written_and_read_too() {
    let readings = [20.5, 21.0].map(|celsius| Envelope::new("thermo", celsius));
    let mut log = LinesWriter::new(Vec::new());
    for reading in &readings {
        log.write(reading).expect("it fits");
    }
    log.write(&ping()).expect("it fits");
    let log = log.into_inner();
    let mut lines = LinesReader::<_, f64>::new(&*log);
    for reading in readings {
        assert_eq!(lines.next().and_then(Result::ok), Some(reading));
    }
    let error = lines.next().expect("the ping").expect_err("is no float");
    assert!(
        matches!(&error, LineError::Decode { line: 3, .. }),
        "{error}"
    );
    assert!(lines.next().is_none());
}

#[test]
fn a_bad_line_is_reported_by_number_and_the_rest_goes_on() {
    let json = json();
    let log = format!("{json}\nnonsense\n{json}\n{{}}\n\u{0}\n{json}{json}\n{json}\n");
    let mut lines = reader(log.as_bytes());
    assert_eq!(bad(&mut lines), [2, 4, 5, 6]);
    assert_eq!(lines.line(), 7);
    let error = reader(log.as_bytes())
        .find_map(Result::err)
        .expect("line 2");
    assert_eq!(error.to_string(), "expected ident at line 2 column 2");
    assert!(error.source().is_some());
}

#[test]
fn blank_lines_are_skipped_and_counted() {
    let log = format!("\n\r\n \t\n{}\n\nbad\n \n", json());
    let mut lines = reader(log.as_bytes());
    assert!(lines.next().is_some_and(|line| line.is_ok()));
    assert_eq!(lines.line(), 4);
    assert_eq!(bad(&mut lines), [6]);
    assert!(reader(&b""[..]).next().is_none());
}

#[test]
fn lines_may_end_as_on_windows_and_the_last_one_not_at_all() {
    let json = json();
    let log = format!("{json}\r\n{json}\r\n{json}");
    assert_eq!(reader(log.as_bytes()).flatten().count(), 3);
}

#[test]
fn a_line_of_exactly_the_limit_is_read_and_a_longer_one_skipped() {
    let json = json();
    let codec = Codec::new().max_bytes(json.len());
    for end in ["\n", "\r\n"] {
        for capacity in [1, 2, 3, json.len(), json.len() + 1, 10_000] {
            let log = [
                &*json,
                &format!("{json} "),
                &json,
                &format!("{json}\r\r"),
                &json,
                &" ".repeat(1_000),
                &json,
            ]
            .join(end);
            let input = BufReader::with_capacity(capacity, log.as_bytes());
            let mut lines = reader(input).codec(codec);
            let errors: Vec<_> = (&mut lines).filter_map(Result::err).collect();
            assert_eq!(
                errors.iter().map(LineError::line).collect::<Vec<_>>(),
                [2, 4, 6]
            );
            for error in errors {
                let LineError::Decode { error, .. } = &error else {
                    panic!("{error}")
                };
                assert_eq!(error.kind(), &ErrorKind::TooLarge(json.len()));
            }
        }
    }
}

#[test]
fn a_line_without_an_end_is_not_stored() {
    /// Yields a mebibyte of the same letter at a time, and counts the bytes.
    struct Endless {
        block: Vec<u8>,
        left: usize,
    }
    impl Read for Endless {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }
    impl BufRead for Endless {
        fn fill_buf(&mut self) -> io::Result<&[u8]> {
            Ok(if self.left == 0 { &[] } else { &self.block })
        }
        fn consume(&mut self, amount: usize) {
            assert_eq!(amount, self.block.len());
            self.left -= 1;
        }
    }
    let input = Endless {
        block: vec![b'['; 1024 * 1024],
        left: 64,
    };
    let errors = bad(reader(input).codec(Codec::new().max_bytes(100)));
    assert_eq!(errors, [1]);
}

#[test]
fn an_interrupted_read_is_repeated_and_any_other_failure_ends_the_reading_once_told() {
    let json = json();
    let log = format!("{json}\n{json}\nhalf a li");
    let input = BufReader::new(Troubled {
        rest: log.as_bytes(),
        interrupt: false,
    });
    let mut lines = reader(input);
    assert!(lines.next().is_some_and(|line| line.is_ok()));
    assert!(lines.next().is_some_and(|line| line.is_ok()));
    let error = lines.next().expect("the failure").expect_err("is one");
    assert_eq!(error.line(), 3);
    assert!(
        matches!(&error, LineError::Io { error, .. } if error.kind() == io::ErrorKind::ConnectionReset)
    );
    assert_eq!(error.to_string(), "cannot read or write line 3");
    assert!(lines.next().is_none());
    assert!(lines.next().is_none());
}

#[test]
fn a_lenient_codec_reads_lines_leniently() {
    let log = json().replacen('{', "{\"level\":3,", 1);
    assert_eq!(bad(reader(log.as_bytes())), [1]);
    let lenient = Codec::new().lenient(true);
    assert!(bad(reader(log.as_bytes()).codec(lenient)).is_empty());
}

#[test]
fn an_envelope_that_cannot_be_encoded_writes_nothing() {
    let mut log = LinesWriter::new(Vec::new());
    log.write(&ping()).expect("it fits");
    let mut nameless = ping();
    nameless.source = "".into();
    let error = log.write(&nameless).expect_err("no source");
    assert!(matches!(error, LineError::Encode { line: 2, .. }));
    assert_eq!(error.to_string(), "cannot encode line 2");
    assert!(
        error
            .source()
            .is_some_and(|error| error.to_string().starts_with("source is empty"))
    );
    log.write(&ping()).expect("it fits");
    assert!(bad(reader(&*log.into_inner())).is_empty());
    let mut small = LinesWriter::new(Vec::new()).codec(Codec::new().max_bytes(10));
    assert!(small.write(&ping()).is_err());
    assert!(small.into_inner().is_empty());
}

#[test]
fn an_output_that_fails_is_reported() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }
    let mut log = LinesWriter::new(Full);
    let error = log.write(&ping()).expect_err("it is full");
    assert!(
        matches!(&error, LineError::Io { error, .. } if error.kind() == io::ErrorKind::StorageFull)
    );
    assert_eq!(error.to_string(), "cannot read or write line 1");
    assert!(log.flush().is_err());
}

#[test]
fn a_byte_order_mark_before_the_first_line_is_passed_over() {
    let json = json();
    for log in [
        format!("\u{feff}{json}\n{json}"),
        format!("\u{feff}\r\n{json}\n{json}\n"),
    ] {
        for capacity in [1, 2, 10_000] {
            let input = BufReader::with_capacity(capacity, log.as_bytes());
            let read: Result<Vec<_>, _> = reader(input).collect();
            assert_eq!(read.map(|read| read.len()).ok(), Some(2), "{log}");
        }
    }
    // The byte limit is for the line without the mark, and a file has at most one mark.
    let codec = Codec::new().max_bytes(json.len());
    let log = format!("\u{feff}{json}\r\n\u{feff}{json}\n{json}");
    let lines = reader(log.as_bytes()).codec(codec);
    assert_eq!(bad(lines), [2]);
    assert!(reader("\u{feff}".as_bytes()).next().is_none());
    let error = reader("\u{feff}oops".as_bytes())
        .find_map(Result::err)
        .expect("line 1");
    assert_eq!(error.to_string(), "expected value at line 1 column 1");
}

#[test]
fn another_kind_of_file_is_named_once_and_ends_the_reading() {
    let json = json();
    let utf16: Vec<u8> = format!("\u{feff}{json}\n{json}\n")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let compressed = b"\x1f\x8b\x08\0\0\n\0\0\n";
    for (input, kind, told) in [
        (
            &utf16[..],
            FileKind::Utf16,
            "not JSON Lines but UTF-16 text",
        ),
        (compressed, FileKind::Gzip, "not JSON Lines but a gzip file"),
        (
            b"\x7fELF\x02\x01\x01\0\n\n\n",
            FileKind::Binary,
            "not JSON Lines but a binary file",
        ),
    ] {
        let mut lines = reader(input);
        let error = lines.next().expect("the kind").expect_err("is told");
        assert!(matches!(&error, LineError::Format { looks_like, .. } if *looks_like == kind));
        assert_eq!(error.to_string(), told);
        assert_eq!(error.line(), 1);
        assert!(error.source().is_none());
        assert!(lines.next().is_none());
    }
    // Bytes that look like another format later in a file are bad lines.
    let log = [json.as_bytes(), compressed, json.as_bytes()].join(&b'\n');
    assert_eq!(bad(reader(&*log)), [2, 3]);
}
