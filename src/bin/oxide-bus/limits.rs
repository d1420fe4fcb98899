//! How large an envelope may be.

use clap::Args;
use clap::builder::RangedU64ValueParser;
use oxide_bus::codec;

/// What the codec takes; a limit is the most that is accepted.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Limits of an envelope")]
pub(crate) struct Limits {
    /// Bytes of its JSON
    #[arg(long = "max-bytes", value_name = "N", default_value_t = codec::Limits::default().bytes, value_parser = above_zero(), allow_negative_numbers = true)]
    bytes: usize,

    /// Levels of objects and arrays
    #[arg(long = "max-depth", value_name = "N", default_value_t = codec::Limits::default().depth, value_parser = levels(), allow_negative_numbers = true)]
    depth: usize,

    /// Values: objects, arrays, strings, numbers and the like
    #[arg(long = "max-nodes", value_name = "N", default_value_t = codec::Limits::default().nodes, value_parser = above_zero(), allow_negative_numbers = true)]
    nodes: usize,

    /// Bytes of one string or key, unescaped
    #[arg(long = "max-string", value_name = "N", default_value_t = codec::Limits::default().string, value_parser = above_zero(), allow_negative_numbers = true)]
    string: usize,

    /// Bytes of one name, such as the source or a module's
    #[arg(long = "max-name", value_name = "N", default_value_t = codec::Limits::default().name, value_parser = above_zero(), allow_negative_numbers = true)]
    name: usize,
}

fn above_zero() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

fn levels() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=codec::Limits::MAX_DEPTH as u64)
}

impl Limits {
    /// Reads within them.
    pub(crate) fn codec(self) -> codec::Codec {
        codec::Codec::new().limits(codec::Limits {
            bytes: self.bytes,
            depth: self.depth,
            nodes: self.nodes,
            string: self.string,
            name: self.name,
        })
    }

    pub(crate) fn name(self) -> usize {
        self.name
    }
}
