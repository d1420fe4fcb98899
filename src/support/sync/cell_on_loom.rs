//! Loom stand-ins for cells that are written once (`spin`, `once_cell`) and cells that are replaced whole (`arc_swap`).

use std::ops::Deref;
use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, Ordering};

use super::Mutex;

/// A cell that is written once, and whose reads and writes loom can order.
#[derive(Debug)]
pub(crate) struct WriteOnce<T> {
    value: std::sync::OnceLock<T>,
    written: AtomicBool,
}

impl<T> Default for WriteOnce<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> WriteOnce<T> {
    pub(crate) fn new() -> Self {
        WriteOnce {
            value: std::sync::OnceLock::new(),
            written: AtomicBool::new(false),
        }
    }

    pub(crate) fn initialized(value: T) -> Self {
        let cell = Self::new();
        cell.call_once(|| value);
        cell
    }

    pub(crate) fn call_once(&self, make: impl FnOnce() -> T) -> &T {
        let value = self.value.get_or_init(make);
        self.written.store(true, Ordering::Release);
        value
    }

    pub(crate) fn get(&self) -> Option<&T> {
        (self.written.load(Ordering::Acquire))
            .then(|| self.value.get())
            .flatten()
    }

    pub(crate) fn try_into_inner(self) -> Option<T> {
        self.value.into_inner()
    }
}

/// A cell whose value several threads may make at the same time; one value is kept.
#[derive(Debug)]
pub(crate) struct OnceBox<T>(WriteOnce<Box<T>>);

impl<T> OnceBox<T> {
    pub(crate) fn new() -> Self {
        OnceBox(WriteOnce::new())
    }

    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> Box<T>) -> &T {
        self.0.call_once(make)
    }

    pub(crate) fn get(&self) -> Option<&T> {
        Some(self.0.get()?)
    }
}

/// What an arc-swap cell lends.
pub(crate) struct Guard<T>(Arc<T>);

impl<T> Deref for Guard<T> {
    type Target = Arc<T>;

    fn deref(&self) -> &Arc<T> {
        &self.0
    }
}

/// An arc-swap cell, with a lock in place of arc-swap's debts.
#[derive(Debug)]
pub(crate) struct ArcSwap<T>(Mutex<Arc<T>>);

impl<T> ArcSwap<T> {
    pub(crate) fn new(value: Arc<T>) -> Self {
        ArcSwap(Mutex::new(value))
    }

    pub(crate) fn from_pointee(value: T) -> Self {
        Self::new(Arc::new(value))
    }

    pub(crate) fn load(&self) -> Guard<T> {
        Guard(self.load_full())
    }

    pub(crate) fn load_full(&self) -> Arc<T> {
        Arc::clone(&self.0.lock())
    }

    pub(crate) fn store(&self, new: Arc<T>) {
        let old = std::mem::replace(&mut *self.0.lock(), new);
        drop(old); // after the lock
    }

    pub(crate) fn compare_and_swap(&self, current: &Arc<T>, new: Arc<T>) -> Guard<T> {
        let mut value = self.0.lock();
        Guard(if Arc::ptr_eq(&value, current) {
            std::mem::replace(&mut *value, new)
        } else {
            Arc::clone(&value)
        })
    }
}
