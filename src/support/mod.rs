//! Support: building blocks that know nothing about a bus.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`sync`] | atomics, locks and channels, which the models replace with loom's |
//! | [`clock`] | the time, which is the system's outside of tests |
//! | `substitutes` | what stands in for clock and chance in tests (feature `testing`) |
//! | [`wait_list`], [`parker`] | how threads and tasks wait and are woken |
//! | [`eagerness`] | whether a thread spins for a moment before it sleeps |
//! | [`chunked_list`] | a sorted copy-on-write list |
//! | [`rate_limiter`] | a rate limit in one atomic word |
//! | `recent_ids` | the last ids of some kind, for links (feature `link`) |
//! | [`panics`] | catching panics of user code |
//! | [`failpoints`] | places where a test can stop a thread |
//! | [`visible`], [`name_list`] | text from outside, made safe to show |

pub(crate) mod chunked_list;
pub(crate) mod clock;
pub(crate) mod eagerness;
pub(crate) mod failpoints;
pub(crate) mod name_list;
pub(crate) mod panics;
pub(crate) mod parker;
pub(crate) mod rate_limiter;
#[cfg(feature = "link")]
pub(crate) mod recent_ids;
#[cfg(feature = "testing")]
pub(crate) mod substitutes;
pub(crate) mod sync;
pub(crate) mod visible;
pub(crate) mod wait_list;
