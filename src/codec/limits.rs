//! The limits of the codec.
//!
//! They bound the memory and time that an envelope from outside can cost.
//!
//! The tests are in `tests/library/codec/limits.rs` and `tests/library/codec/memory.rs`.

/// The limits of a [`Codec`](crate::codec::Codec). Its methods say what each limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) bytes: usize,
    /// At most [`MAX_DEPTH`](Limits::MAX_DEPTH).
    pub(super) depth: usize,
    pub(super) nodes: usize,
    pub(super) string: usize,
    pub(super) name: usize,
}

impl Limits {
    /// The deepest nesting that `serde_json` reads.
    pub(super) const MAX_DEPTH: usize = 127;

    /// The limits of the plain serde implementations: the depth alone. Their callers must bound the input themselves.
    pub(super) const UNBOUNDED: Limits = Limits {
        bytes: usize::MAX,
        depth: Limits::MAX_DEPTH,
        nodes: usize::MAX,
        string: usize::MAX,
        name: usize::MAX,
    };

    /// The level of a payload that nests, inside its message and its envelope.
    pub(super) const PAYLOAD_LEVEL: usize = 3;
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
