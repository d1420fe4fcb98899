//! How much the codec takes.

/// How much a [`Codec`](crate::codec::Codec) takes, in reading and in writing.
///
/// A limit is the most that is accepted: a text of exactly `bytes` bytes passes.
///
/// # Examples
///
/// ```
/// use oxide_bus::codec::{Codec, Limits};
///
/// let small = Codec::new().limits(Limits { bytes: 4 * 1024, depth: 8, ..Limits::default() });
/// assert!(small.decode(vec![b' '; 5_000]).unwrap_err().is_over_limit());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one envelope's JSON. Default 1 MiB.
    pub bytes: usize,
    /// Levels of objects and arrays, the envelope itself being the first, its message the second
    /// and a payload that is an object the third. Default 64; more than
    /// [`MAX_DEPTH`](Limits::MAX_DEPTH) counts as that.
    pub depth: usize,
    /// Values: objects, arrays, strings that are not keys, numbers, `true`, `false` and `null`.
    /// Default 65,536.
    pub nodes: usize,
    /// Bytes of one string, key or value, in UTF-8 and after unescaping. Default 256 KiB.
    pub string: usize,
    /// Bytes of one name, in UTF-8 and after unescaping: the source, module ids, methods, kinds of
    /// custom events and who answers a ping. Default 256.
    pub name: usize,
}

impl Limits {
    /// The deepest nesting that `serde_json` reads, 127 levels: no limit can go beyond.
    pub const MAX_DEPTH: usize = 127;

    /// Nothing but the depth, for the plain serde implementations: bounding the input is the
    /// caller's business there.
    pub(super) const UNBOUNDED: Limits = Limits {
        bytes: usize::MAX,
        depth: Limits::MAX_DEPTH,
        nodes: usize::MAX,
        string: usize::MAX,
        name: usize::MAX,
    };

    /// The level of a payload that nests, inside its message and its envelope.
    pub(super) const PAYLOAD_LEVEL: usize = 3;

    /// The deepest level that is taken.
    pub(super) fn max_depth(&self) -> usize {
        self.depth.min(Limits::MAX_DEPTH)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            bytes: 1024 * 1024,
            depth: 64,
            nodes: 65_536,
            string: 256 * 1024,
            name: 256,
        }
    }
}
