//! Failpoints: places where a test can stop a thread, to show that the other threads go on.
//!
//! What is lock-free claims that a preempted thread delays no other. A test shows this by stopping a thread at each
//! step. In every build but that of the tests a failpoint is an empty function.

/// Where a thread can be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A publisher may append to the head that it has loaded, and has not done so yet.
    Admitted,
    /// A publisher has claimed a slot, and has not written it yet.
    Claimed,
    /// A publisher is about to install the head that it has made.
    Installing,
    /// A publisher has not installed its head, since another was faster.
    Lost,
    /// A publisher has installed its head, and has handed the segment over to no queue yet.
    Installed,
    /// A publisher has seen that a queue does not have the segment, and is about to hand it over.
    HandingOver,
    /// A publisher has handed the segment over to every queue, and has not marked it ready yet.
    HandedOver,
    /// A publisher has evicted a subscriber, and has not taken it off the subscriber list yet.
    Evicted,
    /// A thread is about to grant a capability. The grant was announced, and is not recorded yet.
    Announced,
    /// A capability was granted or revoked. No advisory was sent yet; only a grant was already recorded.
    Changed,
    /// A new subscriber list was stored, and no head uses it yet.
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

    /// Returns how often this thread reaches a step while it does some work.
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

    /// A thread that was stopped at a step.
    pub(crate) struct Stopped<R> {
        go_on: Sender<()>,
        thread: JoinHandle<R>,
    }

    /// Does some work on a thread of its own, until it reaches a step for the `nth` time. Returns when it has stopped
    /// there.
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
        /// Lets the thread go on, and waits for its end.
        pub(crate) fn release(self) -> R {
            self.go_on.send(()).expect("it waits");
            self.thread.join().expect("it ends well")
        }
    }
}
