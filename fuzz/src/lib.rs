//! The bodies of the fuzz targets as a library: the ordinary tests run them on the corpus, without a fuzzer and on
//! stable Rust.

mod audit_verify;
mod bus_operations;
#[cfg(feature = "cli")]
mod command_line;
mod envelope_decode;
mod envelope_roundtrip;
mod lines;
mod memory;
mod patterns;

// Modules of the property tests: the model, the script that runs on it and on the bus, and how scripts are drawn.
#[path = "../../tests/support/draw.rs"]
mod draw;
#[path = "../../tests/support/model.rs"]
mod model;
#[path = "../../tests/support/script.rs"]
mod script;

pub use self::audit_verify::audit_verify;
pub use self::bus_operations::bus_operations;
#[cfg(feature = "cli")]
pub use self::command_line::command_line;
pub use self::envelope_decode::envelope_decode;
pub use self::envelope_roundtrip::envelope_roundtrip;
pub use self::lines::lines;
pub use self::patterns::patterns;

/// Panics if a text could not stand in one line of a log, or is longer than any error needs to be.
fn check_line(text: &str) {
    assert!(!text.is_empty() && text.len() < 2_000, "{text}");
    assert!(!text.contains(char::is_control), "{text:?}");
}
