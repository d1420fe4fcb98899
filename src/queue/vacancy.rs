//! A vacancy: where publishers wait for room in one queue that blocks.
//!
//! A publisher that finds the queue full registers here, tries once more, and sleeps. The subscriber counts what it has
//! received, and then wakes the registered publishers. At least one of the two sees what the other did, because each
//! puts a `SeqCst` fence, or a `SeqCst` operation, between what it writes and what it reads.
//!
//! If a publisher went on at the first free place, every segment would hold one envelope, for all subscribers. So a
//! queue that was found full counts as full until a *batch* of places is free. That holds for every *patient*
//! publisher. A publisher that has waited long, or that does not wait at all, is impatient: one place is enough for it.
//!
//! The models are in `tests/vacancy_loom_models.rs`. The stress test in `tests/library/fairness.rs` shows that no
//! publisher starves.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::support::sync::{AtomicU64, Ordering};
use crate::support::wait_list::{Registration, WaitList, Waiter, Waking};

#[derive(Debug)]
pub(crate) struct Vacancy {
    /// How many places are a batch.
    batch: u64,
    /// How many envelopes the subscriber of a queue that was found full will have received when a batch is free.
    resume_at: AtomicU64,
    /// The value of `resume_at` for which publishers were woken last. The subscriber writes it.
    woken_for: AtomicU64,
    /// Publishers that wait for a batch.
    patient: Arc<WaitList>,
    /// Publishers for which one place is enough.
    impatient: Arc<WaitList>,
}

impl Vacancy {
    /// Makes a vacancy with this many places to a batch: no more than the queue has.
    pub(crate) fn new(batch: usize, waking: Waking) -> Self {
        let list = || Arc::new(WaitList::waking(waking).one_by_one(true));
        Vacancy {
            batch: batch as u64,
            resume_at: AtomicU64::new(0),
            woken_for: AtomicU64::new(0),
            patient: list(),
            impatient: list(),
        }
    }

    /// Returns how much of `room` a patient or an impatient publisher may use. The queue's subscriber has received
    /// `consumed`.
    pub(crate) fn usable_room(&self, room: u64, consumed: u64, is_patient: bool) -> u64 {
        // Relaxed, both: a publisher that reads an older number resumes, or is woken, a little early; and a publisher
        // is patient only for a limited time.
        if room == 0 {
            self.resume_at
                .fetch_max(consumed + self.batch, Ordering::Relaxed);
        } else if is_patient
            && room < self.batch
            && consumed < self.resume_at.load(Ordering::Relaxed)
        {
            return 0;
        }
        room
    }

    /// Wakes publishers: the subscriber has received `consumed`. After that was written a `SeqCst` fence came, or a
    /// `SeqCst` operation wrote it: against the fence in `register_and_fence`.
    #[inline]
    pub(crate) fn freed(&self, consumed: u64) {
        self.impatient.wake_all();
        if self.patient.is_occupied() {
            // Relaxed: a publisher that waits here has raised the number before its fence. One wake-up for each number
            // is enough, because the woken publisher hands on.
            let resume_at = self.resume_at.load(Ordering::Relaxed);
            if consumed >= resume_at && self.woken_for.load(Ordering::Relaxed) != resume_at {
                self.woken_for.store(resume_at, Ordering::Relaxed);
                self.patient.wake_all();
            }
        }
    }

    /// Wakes the next publisher: the subscriber has found the queue empty, and receives nothing that could wake one.
    /// The thread that was woken last may be held up in user code, or be stopped.
    #[cold]
    pub(crate) fn found_empty(&self) {
        self.impatient.wake_all();
        self.patient.wake_all();
    }

    /// Whether publishers wait here. A hint.
    pub(crate) fn is_awaited(&self) -> bool {
        self.patient.is_occupied() || self.impatient.is_occupied()
    }

    /// Wakes every publisher: there is room again, or none will be needed.
    pub(crate) fn wake_everybody(&self) {
        self.impatient.wake_every_thread();
        self.patient.wake_every_thread();
    }

    fn list(&self, is_patient: bool) -> &Arc<WaitList> {
        if is_patient {
            &self.patient
        } else {
            &self.impatient
        }
    }
}

/// The registrations of one waiting publisher: one at each queue that it has found full since it last slept. One queue
/// would not be enough, because that queue may free nothing more while another is full.
///
/// Only the first of the threads that wait at a queue is woken. It keeps its place in the list until it has published,
/// and then wakes the next. So a thread that publishes in a loop cannot keep the others out.
#[derive(Default)]
pub(crate) struct Waits(SmallVec<[VacancyWait; 1]>);

struct VacancyWait {
    registration: Registration,
    /// Whether the waiter is a thread. All waiting tasks are woken.
    is_thread: bool,
    /// A thread was woken here, and has not found this queue full since.
    owes: bool,
}

impl Waits {
    /// Registers a waiter. Returns true if the publisher must try again before it sleeps. Returns false if it was
    /// registered here already: then it has tried since, and may sleep.
    pub(crate) fn register(&mut self, vacancy: &Vacancy, is_patient: bool, waiter: Waiter) -> bool {
        let list = vacancy.list(is_patient);
        let known = (self.0.iter()).position(|it| Arc::ptr_eq(it.registration.list(), list));
        let known = known.unwrap_or_else(|| {
            self.0.push(VacancyWait {
                registration: Registration::new(list),
                is_thread: matches!(waiter, Waiter::Thread(_)),
                owes: false,
            });
            self.0.len() - 1
        });
        self.0[known].owes = false; // it is full
        self.hand_on(); // at other queues
        let wait = &mut self.0[known];
        if wait.registration.is_registered() {
            return false;
        }
        wait.registration.register_again_and_fence(waiter);
        true
    }

    /// Leaves all wait lists. The places in the lists are kept.
    #[inline]
    pub(crate) fn deregister(&mut self) {
        // A place that the publisher has not come back to is given up.
        (self.0).retain(|wait| wait.registration.is_registered() || wait.owes);
        for wait in &mut self.0 {
            wait.owes |= wait.registration.deregister() && wait.is_thread;
        }
    }

    /// Wakes the next thread in each list where this one was woken, and may have left room.
    fn hand_on(&mut self) {
        for wait in self.0.iter_mut().filter(|wait| wait.owes) {
            wait.owes = false;
            wait.registration.list().wake_all_after_fence();
        }
    }
}

/// The publisher has published, or gives up.
impl Drop for Waits {
    fn drop(&mut self) {
        self.deregister();
        self.hand_on();
    }
}

#[cfg(all(test, oxide_loom))]
#[path = "tests/vacancy_loom_models.rs"]
mod loom_models;
