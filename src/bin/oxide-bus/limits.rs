//! How large an envelope may be.

use clap::Args;
use oxide_bus::codec;

use crate::arguments::{ANY, Bounds};

/// How deeply objects and arrays may be nested: what the codec takes.
const DEPTH: Bounds = Bounds::new(1, codec::Limits::MAX_DEPTH as u64);

/// What the codec takes; a limit is the most that is accepted.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Limits of an envelope")]
pub(crate) struct Limits {
    #[arg(
        long = "max-bytes", value_name = "N", default_value_t = codec::Limits::default().bytes, value_parser = ANY.parser::<usize>(), allow_negative_numbers = true,
        help = ANY.help("Bytes of its JSON"),
    )]
    bytes: usize,

    #[arg(
        long = "max-depth", value_name = "N", default_value_t = codec::Limits::default().depth, value_parser = DEPTH.parser::<usize>(), allow_negative_numbers = true,
        help = DEPTH.help("Levels of objects and arrays"),
    )]
    depth: usize,

    #[arg(
        long = "max-nodes", value_name = "N", default_value_t = codec::Limits::default().nodes, value_parser = ANY.parser::<usize>(), allow_negative_numbers = true,
        help = ANY.help("Values: objects, arrays, strings, numbers and the like"),
    )]
    nodes: usize,

    #[arg(
        long = "max-string", value_name = "N", default_value_t = codec::Limits::default().string, value_parser = ANY.parser::<usize>(), allow_negative_numbers = true,
        help = ANY.help("Bytes of one string or key, unescaped"),
    )]
    string: usize,

    #[arg(
        long = "max-name", value_name = "N", default_value_t = codec::Limits::default().name, value_parser = ANY.parser::<usize>(), allow_negative_numbers = true,
        help = ANY.help("Bytes of one name, such as the source or a module's"),
    )]
    name: usize,
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
