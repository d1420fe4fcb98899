//! Substitutes: what stands in for the system's clock and for chance, on threads that have entered it.
//!
//! Only tests enter any, by the feature `testing`. Each thread has a stack of them. The last one of a kind counts,
//! until its guard is dropped. It belongs to the thread, not to a bus, because envelopes are stamped without a bus.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

mod manual_time;
mod seeded_numbers;

pub(crate) use self::manual_time::ManualTime;
pub(crate) use self::seeded_numbers::SeededNumbers;

#[derive(Clone)]
pub(crate) enum Substitute {
    Time(Arc<ManualTime>),
    /// The system's clock again.
    RealTime,
    Numbers(Arc<SeededNumbers>),
}

thread_local! {
    /// Whether the stack has anything. It needs no destructor, so reading it is one load.
    static HAS_ENTERED: Cell<bool> = const { Cell::new(false) };
    static STACK: RefCell<Vec<(u64, Substitute)>> = const { RefCell::new(Vec::new()) };
    static ENTRIES: Cell<u64> = const { Cell::new(0) };
}

/// Keeps what this thread has entered, until it is dropped.
///
/// Several of them may be dropped in any order. None can be sent to another thread.
#[derive(Debug)]
#[must_use = "when it is dropped, the thread leaves what it has entered"]
pub struct Entered {
    number: u64,
    of_this_thread: PhantomData<Rc<()>>,
}

impl Substitute {
    pub(crate) fn enter(self) -> Entered {
        let number = ENTRIES.get();
        ENTRIES.set(number + 1);
        STACK.with_borrow_mut(|stack| stack.push((number, self)));
        HAS_ENTERED.set(true);
        Entered {
            number,
            of_this_thread: PhantomData,
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // A guard that lies in a thread-local value may be dropped after the stack.
        let _gone = STACK.try_with(|stack| {
            let mut stack = stack.borrow_mut();
            stack.retain(|(number, _)| *number != self.number);
            HAS_ENTERED.set(!stack.is_empty());
        });
    }
}

pub(crate) fn enter_real_time() -> Entered {
    Substitute::RealTime.enter()
}

/// The manual clock that this thread goes by, if it does.
#[inline]
pub(crate) fn time() -> Option<Arc<ManualTime>> {
    find(|it| match it {
        Substitute::Time(time) => Some(Some(Arc::clone(time))),
        Substitute::RealTime => Some(None),
        Substitute::Numbers(_) => None,
    })
}

/// The numbers that this thread takes in the place of chance, if it does.
#[inline]
pub(crate) fn numbers() -> Option<Arc<SeededNumbers>> {
    find(|it| match it {
        Substitute::Numbers(numbers) => Some(Some(Arc::clone(numbers))),
        Substitute::Time(_) | Substitute::RealTime => None,
    })
}

#[inline]
fn find<T>(of_its_kind: impl Fn(&Substitute) -> Option<Option<T>>) -> Option<T> {
    if HAS_ENTERED.get() {
        find_last(of_its_kind)
    } else {
        None
    }
}

#[cold]
fn find_last<T>(of_its_kind: impl Fn(&Substitute) -> Option<Option<T>>) -> Option<T> {
    let last = |stack: &RefCell<Vec<(u64, Substitute)>>| {
        let stack = stack.borrow();
        stack.iter().rev().find_map(|(_, it)| of_its_kind(it))
    };
    STACK.try_with(last).ok().flatten().flatten()
}
