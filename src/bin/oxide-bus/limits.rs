//! The options that limit the size of an envelope.

use clap::Args;
use oxide_bus::codec::Codec;

use super::arguments::{ANY, Bounds};

/// How deeply objects and arrays may be nested: the same range as the codec accepts.
const DEPTH: Bounds = Bounds::new(1, MAX_DEPTH as u64);

/// The greatest depth that the codec reads.
const MAX_DEPTH: usize = 127;

/// The limits of the codec; each is the most that is accepted.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Limits of an envelope")]
pub(crate) struct EnvelopeLimits {
    #[arg(
        long = "max-bytes", value_name = "N", default_value_t = 1024 * 1024, value_parser = ANY.parser::<usize>(), allow_negative_numbers = true,
        help = ANY.help("Bytes of its JSON"),
    )]
    bytes: usize,

    #[arg(
        long = "max-depth", value_name = "N", default_value_t = 64, value_parser = DEPTH.parser::<usize>(), allow_negative_numbers = true,
        help = DEPTH.help("Levels of objects and arrays"),
    )]
    depth: usize,

    #[arg(
        long = "max-nodes", value_name = "N", default_value_t = 65_536, value_parser = ANY.parser::<usize>(), allow_negative_numbers = true,
        help = ANY.help("Values: objects, arrays, strings, numbers and the like"),
    )]
    nodes: usize,

    #[arg(
        long = "max-string", value_name = "N", default_value_t = 256 * 1024, value_parser = ANY.parser::<usize>(), allow_negative_numbers = true,
        help = ANY.help("Bytes of one string or key, unescaped"),
    )]
    string: usize,

    #[arg(
        long = "max-name", value_name = "N", default_value_t = 256, value_parser = ANY.parser::<usize>(), allow_negative_numbers = true,
        help = ANY.help("Bytes of one name, such as the source or a module's"),
    )]
    name: usize,
}

impl EnvelopeLimits {
    /// Returns a codec with these limits.
    pub(crate) fn codec(self) -> Codec {
        Codec::new()
            .max_bytes(self.bytes)
            .max_depth(self.depth)
            .max_nodes(self.nodes)
            .max_string(self.string)
            .max_name(self.name)
    }

    pub(crate) fn name(self) -> usize {
        self.name
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        limits: EnvelopeLimits,
    }

    #[test]
    fn without_options_the_limits_are_those_of_the_codec() {
        let Alone { limits } = Alone::parse_from(["command"]);
        assert_eq!(limits.codec(), Codec::new());
    }

    #[test]
    fn the_codec_goes_no_deeper_than_the_greatest_depth() {
        let deepest = Codec::new().max_depth(MAX_DEPTH);
        assert_eq!(deepest, Codec::new().max_depth(usize::MAX));
        assert_ne!(deepest, Codec::new().max_depth(MAX_DEPTH - 1));
    }
}
