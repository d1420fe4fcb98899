//! Places where a test can stop a thread, to show that the others go on. Nothing in any other build.

/// Where a thread can be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A publisher may append to the opening that it got hold of, and has not.
    Admitted,
    /// A publisher has claimed a slot, and not written it.
    Claimed,
    /// It is about to install the opening that it has made.
    Installing,
    /// It has installed it, and handed it over to nobody.
    Installed,
    /// It has seen that a queue has not got the segment, and is about to hand it over.
    HandingOver,
    /// It has handed the segment over to all, and not marked it ready.
    HandedOver,
    /// It has evicted a subscriber, and not taken it off the list.
    Evicted,
    /// Somebody is about to grant a capability, which was noted, and not recorded yet.
    Announced,
    /// A capability was granted or revoked; nobody was told, but that a grant was recorded.
    Changed,
    /// A new list of subscribers is there, and not brought in.
    Listed,
    /// A look-up in the index is at a node.
    LookedUp,
}

#[cfg(any(not(test), oxide_loom))]
pub(crate) const fn at(_step: Step) {}

#[cfg(all(test, not(oxide_loom)))]
pub(crate) use self::hook::{Stopped, at, count, stop};

#[cfg(all(test, not(oxide_loom)))]
mod hook {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;
    use std::sync::mpsc::{Sender, channel};
    use std::thread::{self, JoinHandle};

    use super::Step;

    type Hook = Option<Box<dyn FnMut(Step)>>;

    thread_local! {
        static HOOK: RefCell<Hook> = const { RefCell::new(None) };
    }

    pub(crate) fn at(step: Step) {
        HOOK.with_borrow_mut(|hook| {
            if let Some(hook) = hook {
                hook(step);
            }
        });
    }

    /// How often this thread comes to a step while it does some work.
    pub(crate) fn count(step: Step, work: impl FnOnce()) -> usize {
        let times = Rc::new(Cell::new(0));
        HOOK.set(Some(Box::new({
            let times = Rc::clone(&times);
            move |at| times.set(times.get() + usize::from(at == step))
        })));
        work();
        HOOK.set(None);
        times.get()
    }

    /// A thread that was stopped.
    pub(crate) struct Stopped<R> {
        go_on: Sender<()>,
        thread: JoinHandle<R>,
    }

    /// Does some work on a thread of its own, up to the `nth` time that it comes to a step.
    /// Returns when it has stopped there.
    pub(crate) fn stop<R: Send + 'static>(
        step: Step,
        nth: usize,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Stopped<R> {
        let (there, is_there) = channel();
        let (go_on, goes_on) = channel();
        let thread = thread::spawn(move || {
            let mut times = 0;
            HOOK.set(Some(Box::new(move |at| {
                times += usize::from(at == step);
                if at == step && times == nth {
                    there.send(()).expect("the test waits for it");
                    goes_on.recv().expect("the test releases it");
                }
            })));
            work()
        });
        is_there.recv().expect("it comes to the step");
        Stopped { go_on, thread }
    }

    impl<R> Stopped<R> {
        /// Lets it go on, and waits for its end.
        pub(crate) fn release(self) -> R {
            self.go_on.send(()).expect("it waits");
            self.thread.join().expect("it ends well")
        }
    }
}
