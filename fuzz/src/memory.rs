//! The memory bound of decoding.

use oxide_bus::codec::Codec;

/// The most bytes that one value takes, as the documents of the codec say.
const VALUE: usize = 700;

/// The most bytes of an error, and of an envelope without its payload and its texts.
const FIXED: usize = 4 * 1024;

/// A codec, and those of its limits that bound its memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limited {
    pub(crate) codec: Codec,
    pub(crate) bytes: usize,
    nodes: usize,
}

impl Limited {
    /// The limits are the defaults, as the documents of the codec say.
    pub(crate) fn ordinary() -> Self {
        Limited::new(Codec::new(), 1024 * 1024, 65_536)
    }

    /// Small inputs are over the limits.
    pub(crate) fn tight() -> Self {
        let codec = Codec::new().max_depth(4).max_string(40).max_name(8);
        Limited::new(codec, 300, 12)
    }

    fn new(codec: Codec, bytes: usize, nodes: usize) -> Self {
        let codec = codec.max_bytes(bytes).max_nodes(nodes);
        Limited {
            codec,
            bytes,
            nodes,
        }
    }

    pub(crate) fn lenient(self, lenient: bool) -> Self {
        let codec = self.codec.lenient(lenient);
        Limited { codec, ..self }
    }

    /// The most bytes that decoding this text may hold at once.
    ///
    /// The texts are held twice at most, where they are unescaped into a buffer that grows by doubling.
    pub(crate) fn bound(&self, text: &[u8]) -> usize {
        let text = &text[..text.len().min(self.bytes)];
        // Each value but the first comes after one of these.
        let before_value = |byte: &&u8| matches!(byte, b',' | b':' | b'[');
        let values = 1 + text.iter().filter(before_value).count();
        FIXED + 4 * text.len() + VALUE * values.min(self.nodes)
    }
}

/// Does the work; panics if that holds more than so many bytes at once, its outcome included.
#[track_caller]
pub(crate) fn within<T>(most: usize, work: impl FnOnce() -> T) -> T {
    let mut outcome = None;
    let cost = allocation_counter::measure(|| outcome = Some(work()));
    let peak = cost.bytes_max;
    assert!(peak <= most as u64, "{peak} bytes at once, of {most}");
    outcome.expect("the work is done")
}
