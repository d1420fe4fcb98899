//! How much the codec takes.

/// The limits of a [`Codec`](crate::codec::Codec), whose methods tell what each counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) bytes: usize,
    /// Never more than [`MAX_DEPTH`](Limits::MAX_DEPTH).
    pub(super) depth: usize,
    pub(super) nodes: usize,
    pub(super) string: usize,
    pub(super) name: usize,
}

impl Limits {
    /// The deepest nesting that `serde_json` reads.
    pub(super) const MAX_DEPTH: usize = 127;

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
