//! Fuzzing: what the fuzz targets check, how to run one, and how to fuzz the payloads of a program of your own.
//!
//! A fuzzer makes inputs that reach new code, and reports each input on which a target panics, holds too much memory
//! or hangs. This package uses [libFuzzer](https://llvm.org/docs/LibFuzzer.html) through
//! [cargo-fuzz](https://rust-fuzz.github.io/book/cargo-fuzz.html).
//!
//! # Run a target
//!
//! ```text
//! cargo install cargo-fuzz
//! cargo +nightly fuzz run envelope_decode
//! ```
//!
//! It needs Linux or macOS, a nightly toolchain (the sanitizers are not stable), and a C++ compiler (libFuzzer is C++).
//! The first build takes some minutes. The run ends at the first finding, or at Ctrl-C. With a time limit, and with a
//! dictionary of the words that the input is made of:
//!
//! ```text
//! cargo +nightly fuzz run envelope_decode -- -max_total_time=1800 -max_len=4096 \
//!     -dict=fuzz/dictionaries/envelope_decode.dict
//! ```
//!
//! Most of the time goes into three things: what the address sanitizer remembers of each allocation, watching each
//! comparison, which the dictionary makes needless, and what libFuzzer counts about its corpus. Without these a target
//! is two to four times as fast. Repeat a finding without these options, to see where the memory came from:
//!
//! ```text
//! ASAN_OPTIONS=detect_stack_use_after_return=0:quarantine_size_mb=8:malloc_context_size=0 \
//!     cargo +nightly fuzz run --no-trace-compares envelope_decode -- -max_len=4096 \
//!     -entropic=0 -reduce_inputs=0 -dict=fuzz/dictionaries/envelope_decode.dict
//! ```
//!
//! Each target has a dictionary of its own name. New inputs go to `fuzz/corpus/envelope_decode`. Before you commit
//! them, reduce them to those that reach code of their own: `cargo +nightly fuzz cmin envelope_decode`.
//!
//! # What each target checks
//!
//! No target may panic on any input. All run with the address sanitizer, debug assertions and overflow checks.
//!
//! | target | input | what holds |
//! | --- | --- | --- |
//! | `envelope_decode` | any bytes | An envelope or an error of one line, in bounded memory. What is decoded can be encoded, and decoded equal. Strict, lenient and tightly limited codecs agree as far as they must, and with serde alone (by the length of the input, one of the three). The same from postcard. |
//! | `envelope_roundtrip` | which way, and makes an envelope | It comes back equal from JSON or from postcard, or serde alone writes and reads the same JSON. |
//! | `lines` | how the codec is set, and a log | However the log is cut into pieces, each line is read as it is when it is decoded by itself. None is passed over. Memory is bounded by the limits. What was read is written and read again. |
//! | `audit_verify` | how strict it is, and up to three files | The report counts no more than there is, each flaw has its place, memory is bounded. A beginning of a whole log is whole. Without one of its lines the log is not, or has other beginnings and ends. |
//! | `patterns` | a subject and patterns | What is a pattern, and what it matches, is as in a naive reading. The bus delivers to those that match. |
//! | `bus_operations` | makes up to 32 operations | The bus does what the reference model does, with every overflow policy, in groups, with filters, grants and retained envelopes, and frees every payload. |
//! | `command_line` | arguments | The command reads them, shows its help, or says what is wrong in one line that names the help. |
//!
//! *Bounded memory* is the bound that the [codec](crate::codec#cost) states: 700 bytes for each value, and four times
//! the text. The target asserts it for each input.
//!
//! # A finding becomes a test
//!
//! The fuzzer writes the input into `fuzz/artifacts`, and says how to run it again. Make it small first:
//!
//! ```text
//! cargo +nightly fuzz tmin envelope_decode fuzz/artifacts/envelope_decode/crash-…
//! ```
//!
//! Then move it to `fuzz/corpus/envelope_decode` under a name that says what it is, and fix the cause. The body of
//! each target is a function in `fuzz/src`. The ordinary tests run all of them on every file of their corpus, with
//! stable Rust and without a fuzzer: `cargo test --all-features --test library corpus`. So the input is a regression
//! test from then on.
//!
//! # Fuzz your own payloads
//!
//! A program decodes what it reads from outside by the [`Deserialize`](serde::Deserialize) of its own types. The codec
//! limits the input before that. The rest is up to these types. This function is a target's body: it shows that there
//! is no panic, that memory is bounded, and that what was read is written and read back equal.
//!
//! ```
//! use oxide_bus::Envelope;
//! use oxide_bus::codec::Codec;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Reading { sensor: String, celsius: Vec<f64> }
//!
//! fn decode_reading(data: &[u8]) {
//!     // What the program uses.
//!     let codec = Codec::new().max_bytes(4_096).max_nodes(256);
//!     let mut decoded = None;
//!     let memory = allocation_counter::measure(|| decoded = codec.decode::<Reading>(data).ok());
//!     assert!(memory.bytes_max <= 64 * 1_024, "{memory:?}");
//!     let Some(envelope) = decoded else { return };
//!     // More bytes: what was left away is spelled out.
//!     let codec = codec.max_bytes(1024 * 1_024);
//!     let json = codec.encode(&envelope).expect("what was read can be written");
//!     assert_eq!(codec.decode::<Reading>(&json).expect("it was written"), envelope);
//! }
//!
//! // An ordinary test runs it on what the fuzzer begins with, and on what it has found.
//! let reading = Reading { sensor: "door".into(), celsius: vec![21.5, -0.0] };
//! decode_reading(Envelope::new("thermometer", reading).to_json()?.as_bytes());
//! decode_reading(b"{}");
//! # Ok::<(), oxide_bus::codec::EncodeError>(())
//! ```
//!
//! The target is a package that `cargo fuzz init` makes. It needs one line, the function, and as dependencies your
//! crate, `oxide-bus` and [allocation-counter](https://docs.rs/allocation-counter):
//!
//! ```text
//! libfuzzer_sys::fuzz_target!(|data: &[u8]| decode_reading(data));
//! ```
//!
//! Take `fuzz/dictionaries/envelope_decode.dict` of this package, and add the names of your fields: without them a
//! fuzzer takes long to find an envelope.
