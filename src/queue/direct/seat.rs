//! The seats of a group: its members, and what each of them knows about the others.
//!
//! The number of members changes under the lock that guards the subscriber list.

use std::sync::Arc;

use uuid::Uuid;

use crate::queue::terms::Terms;
use crate::support::sync::{AtomicBool, AtomicU64, Mutex, Ordering};

/// The members of a group.
pub(super) struct Seats {
    /// How many members there are.
    taken: AtomicU64,
    members: Mutex<Vec<Arc<Member>>>,
    /// The first member's terms, under which the queue is on the subscriber list.
    listed: Arc<Terms>,
}

struct Member {
    terms: Arc<Terms>,
    /// It receives no more, but other members do.
    has_left: AtomicBool,
}

/// What a member knows about its group.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    member: Arc<Member>,
}

impl Seats {
    /// No members yet.
    pub(super) fn new(listed: &Arc<Terms>) -> Self {
        Seats {
            taken: AtomicU64::new(0),
            members: Mutex::default(),
            listed: Arc::clone(listed),
        }
    }

    pub(super) fn count(&self) -> usize {
        // Relaxed: nothing else depends on it.
        usize::try_from(self.taken.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }

    /// Adds another member.
    pub(super) fn add(self: &Arc<Self>, terms: &Arc<Terms>) -> Seat {
        let member = Arc::new(Member {
            terms: Arc::clone(terms),
            has_left: AtomicBool::new(false),
        });
        self.members.lock().push(Arc::clone(&member));
        self.taken.fetch_add(1, Ordering::Relaxed); // written under the lock that guards the list
        Seat {
            seats: Arc::clone(self),
            member,
        }
    }

    /// Returns the seat of the member with this id.
    pub(super) fn of(self: &Arc<Self>, id: Uuid) -> Option<Seat> {
        let members = self.members.lock();
        let member = members.iter().find(|member| member.terms.id == id)?;
        Some(Seat {
            seats: Arc::clone(self),
            member: Arc::clone(member),
        })
    }
}

impl Seat {
    /// The member leaves. Returns whether it was the last one, which receives what is left if it still can. Returns
    /// `None` if it has left before. Called under the lock, or when the bus is gone.
    pub(crate) fn leave(&self) -> Option<bool> {
        let mut members = self.seats.members.lock();
        let place = (members.iter()).position(|member| Arc::ptr_eq(member, &self.member))?;
        members.swap_remove(place);
        let is_last = members.is_empty();
        self.seats.taken.fetch_sub(1, Ordering::Relaxed); // see `Seats::add`
        drop(members);
        if !is_last {
            // Relaxed: either a fence comes after this before a member is woken for it, or the thread that tells of it
            // hands it on.
            self.member.has_left.store(true, Ordering::Relaxed);
        }
        Some(is_last)
    }

    /// Whether it receives no more, but other members do.
    pub(crate) fn has_left(&self) -> bool {
        self.member.has_left.load(Ordering::Relaxed) // see `leave`
    }

    /// Returns the member's own terms.
    pub(crate) fn terms(&self) -> &Arc<Terms> {
        &self.member.terms
    }

    /// Returns the terms under which the group is on the subscriber list.
    pub(crate) fn listed(&self) -> &Arc<Terms> {
        &self.seats.listed
    }
}
