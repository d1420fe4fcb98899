//! The memory bound of decoding.

use oxide_bus::codec::Codec;

/// The most bytes that one value takes, according to the codec's documents.
const VALUE: usize = 700;

/// The most bytes of an error, and of an envelope without its payload and its texts.
const FIXED: usize = 4 * 1024;

/// A codec, and the limits that bound its memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limited {
    pub(crate) codec: Codec,
    pub(crate) bytes: usize,
    nodes: usize,
}

impl Limited {
    /// Returns a codec with the default limits, according to its documents.
    pub(crate) fn ordinary() -> Self {
        Limited::new(Codec::new(), 1024 * 1024, 65_536)
    }

    /// Returns a codec with such limits that small inputs exceed them.
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

    /// Returns the most bytes that decoding this text may hold at once.
    ///
    /// The texts are held at most twice: they are unescaped into a buffer that grows by doubling.
    pub(crate) fn bound(&self, text: &[u8]) -> usize {
        let text = &text[..text.len().min(self.bytes)];
        // Each value except the first follows one of these bytes.
        let before_value = |byte: &&u8| matches!(byte, b',' | b':' | b'[');
        let values = 1 + text.iter().filter(before_value).count();
        FIXED + 4 * text.len() + VALUE * values.min(self.nodes)
    }
}

/// Runs the work. Panics if it holds more than `most` bytes at once, its outcome included.
#[track_caller]
pub(crate) fn within<T>(most: usize, work: impl FnOnce() -> T) -> T {
    let mut outcome = None;
    let cost = allocation_counter::measure(|| outcome = Some(work()));
    let peak = cost.bytes_max;
    assert!(peak <= most as u64, "{peak} bytes at once, of {most}");
    outcome.expect("the work is done")
}
