//! Groups: subscriptions that share one queue, so that each envelope goes to one of them.
//!
//! There is one queue for all members, and not one each: so no envelope waits behind a slow member
//! while another is idle, and none is lost with a member that leaves. The count of members changes
//! under the lock that guards the list of subscribers, so nobody joins a group whose last member has
//! left.

use std::sync::Arc;

use uuid::Uuid;

use crate::queue::direct::{DirectReceiver, End};
use crate::queue::terms::Terms;
use crate::support::sync::{AtomicBool, AtomicU64, Mutex, Ordering};

/// What a group's queue knows of its members.
pub(crate) struct Group<M> {
    end: End<M>,
    seats: Arc<Seats>,
}

struct Seats {
    /// How many members there are.
    taken: AtomicU64,
    members: Mutex<Vec<Arc<Member>>>,
    /// What the first member agreed on: under these terms the queue is on the list.
    listed: Arc<Terms>,
}

struct Member {
    terms: Arc<Terms>,
    /// It receives no more, but others do.
    has_left: AtomicBool,
}

/// What a member knows of its group.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    member: Arc<Member>,
}

impl Seats {
    /// Takes in another member.
    fn seat(self: &Arc<Self>, terms: &Arc<Terms>) -> Seat {
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
}

impl<M> Group<M> {
    /// A group with one member.
    pub(crate) fn new(listed: &Arc<Terms>, end: End<M>) -> (Self, Seat) {
        let seats = Arc::new(Seats {
            taken: AtomicU64::new(0),
            members: Mutex::default(),
            listed: Arc::clone(listed),
        });
        let seat = seats.seat(listed);
        (Group { end, seats }, seat)
    }

    pub(crate) fn members(&self) -> usize {
        // Relaxed: nothing else hangs on it.
        usize::try_from(self.seats.taken.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }

    /// Takes in another member. Called under the lock.
    pub(crate) fn join(&self, terms: &Arc<Terms>) -> DirectReceiver<M> {
        DirectReceiver::new(self.end.share(), Some(self.seats.seat(terms)))
    }

    /// The seat of the member with this id.
    pub(crate) fn seat(&self, id: Uuid) -> Option<Seat> {
        let members = self.seats.members.lock();
        let member = members.iter().find(|member| member.terms.id == id)?;
        Some(Seat {
            seats: Arc::clone(&self.seats),
            member: Arc::clone(member),
        })
    }
}

impl Seat {
    /// The member leaves: whether it was the last one, which receives what is left if it still can. None if it has
    /// left before. Called under the lock, or where the bus is gone.
    pub(crate) fn leave(&self) -> Option<bool> {
        let mut members = self.seats.members.lock();
        let place = (members.iter()).position(|member| Arc::ptr_eq(member, &self.member))?;
        members.swap_remove(place);
        let is_last = members.is_empty();
        self.seats.taken.fetch_sub(1, Ordering::Relaxed); // as in `Seats::seat`
        drop(members);
        if !is_last {
            // Relaxed: the fence of those that are woken for it afterwards, or whoever tells of it, hands it on.
            self.member.has_left.store(true, Ordering::Relaxed);
        }
        Some(is_last)
    }

    /// Whether it receives no more, but others do.
    pub(crate) fn has_left(&self) -> bool {
        self.member.has_left.load(Ordering::Relaxed) // see `leave`
    }

    /// The member's own terms.
    pub(crate) fn terms(&self) -> &Arc<Terms> {
        &self.member.terms
    }

    /// Under which terms the group is on the list.
    pub(crate) fn listed(&self) -> &Arc<Terms> {
        &self.seats.listed
    }
}
