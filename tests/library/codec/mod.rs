//! Tests of the wire format. Run them also with `--features serde_json/arbitrary_precision`: any crate of a program may
//! enable it for the whole program.

mod arbitrary;
mod floats;
mod headers;
mod keys;
mod limits;
mod lines;
mod memory;
mod shapes;
mod texts;
mod values;
mod written;
