//! The wire format. Run it also with `--features serde_json/arbitrary_precision`, which any crate of
//! a program may switch on for all of it.

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
