//! Synchronization primitives: atomics, locks, fences and channels, which loom's can replace.
//!
//! Under `--cfg oxide_loom`, the models in the layers' `tests/` folders run on loom's versions and explore the
//! interleavings. arc-swap and crossbeam know nothing of loom. There, small stand-ins made of loom's locks have their
//! method names. dashmap is not part of any model.
//!
//! Two kinds of things are not made of these primitives: cells that are written once in the life of their owner, and
//! sharded maps, which stand beside the lock-free parts.

#[cfg(oxide_loom)]
mod cell_on_loom;
#[cfg(oxide_loom)]
pub(crate) mod channel_on_loom;
#[cfg(all(test, oxide_loom))]
mod explore_on_loom;
#[cfg(oxide_loom)]
mod lock_on_loom;
#[cfg(all(test, oxide_loom, feature = "tokio"))]
pub(crate) mod task_on_loom;

#[cfg(not(oxide_loom))]
pub(crate) use arc_swap::ArcSwap;
/// What is loaded from an [`ArcSwap`], for a short time.
#[cfg(not(oxide_loom))]
pub(crate) type Loaded<T> = arc_swap::Guard<std::sync::Arc<T>>;
#[cfg(not(oxide_loom))]
pub(crate) use crossbeam_channel as channel;
#[cfg(not(oxide_loom))]
pub(crate) use crossbeam_utils::Backoff;
#[cfg(not(oxide_loom))]
pub(crate) use once_cell::race::OnceBox;
#[cfg(not(oxide_loom))]
pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};
/// A cell that is written once, by one thread. Others look whether it is written, and never wait in it.
#[cfg(not(oxide_loom))]
pub(crate) use spin::Once as WriteOnce;
#[cfg(not(oxide_loom))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
#[cfg(not(oxide_loom))]
pub(crate) use std::thread::{sleep, yield_now};

#[cfg(oxide_loom)]
pub(crate) use self::cell_on_loom::{ArcSwap, Guard as Loaded, OnceBox, WriteOnce};
#[cfg(all(test, oxide_loom))]
pub(crate) use self::explore_on_loom::explore;
#[cfg(oxide_loom)]
pub(crate) use self::lock_on_loom::{Backoff, Condvar, Mutex, MutexGuard, sleep};
#[cfg(oxide_loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
#[cfg(oxide_loom)]
pub(crate) use loom::thread::yield_now;

#[cfg(oxide_loom)]
pub(crate) use self::channel_on_loom as channel;
