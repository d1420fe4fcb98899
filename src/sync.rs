//! Every atomic, lock, fence and channel of this crate, so that loom can take their place.
//!
//! Under `--cfg loom` the models beside the engine's files run on loom's versions of these and
//! explore the interleavings. arc-swap and crossbeam know nothing of loom: there, small stand-ins
//! made of loom's locks have their method names. dashmap is no part of a model.

#[cfg(loom)]
mod cell_on_loom;
#[cfg(loom)]
pub(crate) mod channel;
#[cfg(all(test, loom))]
mod explore_on_loom;
#[cfg(loom)]
mod lock_on_loom;

#[cfg(not(loom))]
pub(crate) use arc_swap::ArcSwap;
#[cfg(not(loom))]
pub(crate) use crossbeam_channel as channel;
#[cfg(not(loom))]
pub(crate) use crossbeam_utils::Backoff;
#[cfg(not(loom))]
pub(crate) use parking_lot::{Condvar, Mutex};
#[cfg(not(loom))]
pub(crate) use std::sync::OnceLock;
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
#[cfg(not(loom))]
pub(crate) use std::thread::sleep;

#[cfg(loom)]
pub(crate) use self::cell_on_loom::{ArcSwap, OnceLock};
#[cfg(all(test, loom))]
pub(crate) use self::explore_on_loom::explore;
#[cfg(loom)]
pub(crate) use self::lock_on_loom::{Backoff, Condvar, Mutex, sleep};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
