//! Where publishers wait for room in one queue that loses nothing.
//!
//! A publisher that finds the queue full registers here, tries once more, and sleeps. The subscriber counts what it has
//! received, and then wakes those that are registered. One of the two sees what the other did: each puts a `SeqCst`
//! fence, or an operation that does its work, between what it writes and what it reads.
//!
//! With one place at a time every segment would hold one envelope, for everybody. So a queue that was found full counts as
//! full until a *batch* of places is free, for every publisher that has not waited for long. One that has, or
//! that does not wait at all, is content with one place.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::support::sync::{AtomicU64, Ordering};
use crate::support::wait_list::{Registration, WaitList, Waiter};

#[derive(Debug)]
pub(crate) struct Vacancy {
    /// How many places are a batch.
    batch: u64,
    /// How many envelopes the subscriber has received when a batch is free, of a queue that was found full.
    resume_at: AtomicU64,
    /// Those that wait for a batch.
    patient: Arc<WaitList>,
    /// Those that are content with one place.
    impatient: Arc<WaitList>,
}

impl Vacancy {
    /// So many places are a batch: no more than the queue has.
    pub(crate) fn new(batch: usize) -> Self {
        Vacancy {
            batch: batch as u64,
            resume_at: AtomicU64::new(0),
            patient: Arc::default(),
            impatient: Arc::default(),
        }
    }

    /// How much of this room there is for one that is content with one place, or for one that is not. The queue's
    /// subscriber has received so many.
    pub(crate) fn admit(&self, room: u64, consumed: u64, is_patient: bool) -> u64 {
        // Relaxed, both: whoever reads an older number resumes, or is woken, a little early; and who is patient is so for
        // a limited time.
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

    /// The subscriber has received so many. A `SeqCst` fence came after that was written, or it was written by a `SeqCst`
    /// operation: against the fence in `register_and_fence`.
    #[inline]
    pub(crate) fn freed(&self, consumed: u64) {
        self.impatient.wake_all();
        // Relaxed: see `admit`.
        if self.patient.is_occupied() && consumed >= self.resume_at.load(Ordering::Relaxed) {
            self.patient.wake_all();
        }
    }

    /// There is room again, or none will be needed.
    pub(crate) fn wake_everybody(&self) {
        self.impatient.wake_all_after_fence();
        self.patient.wake_all_after_fence();
    }

    fn list(&self, is_patient: bool) -> &Arc<WaitList> {
        if is_patient {
            &self.patient
        } else {
            &self.impatient
        }
    }
}

/// Where one publisher waits: at each queue that it has found full since it slept last. Not at one alone, for that
/// queue may make no room any more when another is full.
#[derive(Default)]
pub(crate) struct Waits(SmallVec<[Registration; 1]>);

impl Waits {
    /// Registers a waiter, who tries again before it sleeps. False if it was registered there already: it has tried since,
    /// and may sleep.
    pub(crate) fn register(&mut self, vacancy: &Vacancy, is_patient: bool, waiter: Waiter) -> bool {
        let list = vacancy.list(is_patient);
        if self.0.iter().any(|it| Arc::ptr_eq(it.list(), list)) {
            return false;
        }
        let mut registration = Registration::new(list);
        registration.register_and_fence(waiter);
        self.0.push(registration);
        true
    }

    /// Waits no more.
    #[inline]
    pub(crate) fn leave(&mut self) {
        if !self.0.is_empty() {
            self.0.clear();
        }
    }
}

#[cfg(all(test, oxide_loom))]
#[path = "tests/vacancy_loom_models.rs"]
mod loom_models;
