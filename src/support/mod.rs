//! Support: what knows nothing of a bus.

pub(crate) mod chunked_list;
pub(crate) mod eagerness;
pub(crate) mod failpoints;
pub(crate) mod panics;
pub(crate) mod parker;
pub(crate) mod rate_limiter;
pub(crate) mod sync;
pub(crate) mod visible;
pub(crate) mod wait_list;
pub(crate) mod words;
