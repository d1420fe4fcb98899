//! A queue that keeps the newest: who finds it full writes over the oldest.
//!
//! Each envelope has a ticket, one more than the one before it. A ticket's slot is its number modulo
//! the capacity. What the queue holds is the *window*: the last `capacity` tickets that were drawn,
//! as far as they were not received.
//!
//! # Why it is right
//!
//! * **The newest stay, exactly.** Drawing a ticket moves the window on by one compare-and-swap. What
//!   falls out of it is lost from then on, and nothing else is: no matter when its slot is written
//!   over.
//! * **The gap is told where it lies.** The next ticket to receive and the begin of the window are two
//!   numbers; what lies between them was lost just here.
//! * **Nobody waits for a publisher that stops** between drawing its ticket and writing its slot, but
//!   who receives, and that only until the window has moved on. Who comes a whole round later writes
//!   over what it finds; who finds a newer ticket in its slot has lost its place, and leaves it alone.
//! * **Each ticket is received once**: by who moves `head` past it, having found it in its slot before.
//!
//! | word | written by |
//! | --- | --- |
//! | `tail`: tickets ever drawn, and two bits | publishers; who leaves or evicts, once |
//! | `head`: the next ticket to receive, and a bit | subscribers (compare-and-swap: a group has several) |
//!
//! A slot is moved into and out of under a lock of its own, for a few instructions. Without one, by an
//! arc-swap, each move had to look at every thread that ever read such a cell: among 64 subscribers in
//! threads of their own that took longer than all the rest.
//!
//! A sleeper is woken by a bell: a channel with one place.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crossbeam_utils::CachePadded;

use crate::alarm::{Alarm, Ringer, alarm};
use crate::group::Seat;
use crate::losses::Losses;
use crate::parcel::Parcel;
use crate::pause::{self, Step};
use crate::pick::Picked;
use crate::queue::Terms;
use crate::room::{EVICTED, GONE, NoPlace};
use crate::stats::{Accounts, HighWater};
use crate::sync::channel::{Receiver, Sender, TryRecvError, bounded};
use crate::sync::{AtomicU64, Backoff, Mutex, Ordering, fence, sleep};
use crate::wait::{Nothing, Wait};

/// Set in `head` while somebody passes over what was lost: it is counted before the bit goes.
const PASSING: u64 = 1 << 63;

/// What is shared by both ends.
pub(crate) struct Window<M> {
    slots: Box<[Mutex<Option<Entry<M>>>]>,
    tail: CachePadded<AtomicU64>,
    head: CachePadded<AtomicU64>,
    losses: Losses,
    high_water: HighWater,
}

/// What lies in a slot.
pub(crate) struct Entry<M> {
    ticket: u64,
    picked: Picked<M>,
}

/// What a publisher has taken out of a slot, or found no place for; it was counted already.
pub(crate) type Displaced<M> = Option<Entry<M>>;

/// What the two words say.
#[derive(Clone, Copy)]
struct Bounds {
    /// The next ticket to receive.
    head: u64,
    is_passing: bool,
    /// The window's begin and end.
    begin: u64,
    tail: u64,
}

/// Why nothing was taken.
enum NotTaken {
    Empty,
    /// The window has moved on: what was lost is to be told first.
    Behind,
}

/// The publishers' end.
pub(crate) struct Ring<M> {
    window: Arc<Window<M>>,
    bell: Arc<Sender<()>>,
    ringer: Ringer,
}

/// The subscriber's end.
pub(crate) struct RingEnd<M> {
    window: Arc<Window<M>>,
    bell: Receiver<()>,
    /// Of a group: rings for another member, where more is queued than one can take. Weak, so that
    /// the bell falls silent with the publishers.
    again: Option<Weak<Sender<()>>>,
    alarm: Arc<Alarm>,
}

pub(crate) fn ring<M>(terms: &Terms) -> (Ring<M>, RingEnd<M>) {
    let window = Arc::new(Window {
        slots: (0..terms.capacity).map(|_| Mutex::default()).collect(),
        tail: CachePadded::new(AtomicU64::new(0)),
        head: CachePadded::new(AtomicU64::new(0)),
        losses: Losses::new(),
        high_water: HighWater::new(),
    });
    let (rope, bell) = bounded(1);
    let rope = Arc::new(rope);
    let (ringer, alarm) = alarm();
    let end = RingEnd {
        window: Arc::clone(&window),
        bell,
        again: terms.group.is_some().then(|| Arc::downgrade(&rope)),
        alarm,
    };
    let ring = Ring {
        window,
        bell: rope,
        ringer,
    };
    (ring, end)
}

impl<M> Ring<M> {
    /// Enqueues the envelope. What it returns is to be dropped, which is user code, and the alarm is yet to
    /// be rung.
    pub(crate) fn push(
        &self,
        parcel: &Arc<Parcel<M>>,
        slot: usize,
    ) -> Result<Displaced<M>, NoPlace> {
        let ticket = self.window.draw()?;
        pause::at(Step::Drawn);
        let displaced = self.window.write(Entry {
            ticket,
            picked: Picked::new(parcel, slot),
        });
        // Against the fence in `look`: where the bell is full, who takes that token out of it finds the
        // entry.
        fence(Ordering::SeqCst);
        let _full = self.bell.try_send(());
        Ok(displaced)
    }

    pub(crate) fn alarm(&self) -> &Alarm {
        &self.ringer
    }

    pub(crate) fn window(&self) -> &Window<M> {
        &self.window
    }
}

impl<M> Window<M> {
    fn capacity(&self) -> u64 {
        self.slots.len() as u64
    }

    fn slot(&self, ticket: u64) -> &Mutex<Option<Entry<M>>> {
        #[expect(clippy::cast_possible_truncation, reason = "below the number of slots")]
        &self.slots[(ticket % self.capacity()) as usize]
    }

    fn draw(&self) -> Result<u64, NoPlace> {
        let mut tail = self.tail.load(Ordering::Relaxed); // what counts is read by the swap
        loop {
            if tail & (GONE | EVICTED) != 0 {
                return Err(NoPlace::Gone);
            }
            match self.tail.compare_exchange_weak(
                tail,
                tail + 1,
                // Release, against the acquire in `bounds`: what happened before this publish is
                // known to who finds that the window has moved. Acquire: it continues that of the
                // publishers before.
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(tail),
                Err(newer) => tail = newer,
            }
        }
    }

    /// Puts an entry into its slot, unless a newer one lies there.
    fn write(&self, entry: Entry<M>) -> Displaced<M> {
        let mut slot = self.slot(entry.ticket).lock();
        match &*slot {
            Some(newer) if newer.ticket > entry.ticket => Some(entry),
            _ => slot.replace(entry),
        }
    }

    fn bounds(&self) -> Bounds {
        // Acquire, and before the tail: so the tail is not the older one of the two.
        let head = self.head.load(Ordering::Acquire);
        self.bounds_by(head, self.tail())
    }

    /// The same, but that the tail is not the newer one: what was received before it moved on is never
    /// taken for lost.
    fn bounds_before(&self) -> Bounds {
        let tail = self.tail();
        let head = self.head.load(Ordering::Acquire); // as in `bounds`
        self.bounds_by(head & PASSING | (head & !PASSING).min(tail), tail)
    }

    fn tail(&self) -> u64 {
        self.tail.load(Ordering::Acquire) & !(GONE | EVICTED) // against `draw`
    }

    fn bounds_by(&self, head: u64, tail: u64) -> Bounds {
        Bounds {
            head: head & !PASSING,
            is_passing: head & PASSING != 0,
            begin: tail.saturating_sub(self.capacity()),
            tail,
        }
    }

    /// Takes the oldest that is in the window, if there is one. Counts what has fallen out before it:
    /// that is to be told first.
    fn take(&self) -> Result<Picked<M>, NotTaken> {
        let backoff = Backoff::new();
        let mut pause = Duration::from_micros(10);
        loop {
            let bounds = self.bounds();
            // A queue is never longer than just before something is taken out of it.
            self.high_water.saw(bounds.queued());
            if !bounds.is_passing {
                let Bounds {
                    head, begin, tail, ..
                } = bounds;
                if head < begin {
                    self.pass_over(head, begin);
                    return Err(NotTaken::Behind);
                }
                if head == tail {
                    return Err(NotTaken::Empty);
                }
                if let Some(entry) = self.take_out(head) {
                    return Ok(entry.picked);
                }
            }
            // Another member was faster, or publishers were; or it is not written yet. Then it is
            // waited for as where a parcel's slot is.
            if backoff.is_completed() {
                sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(1));
            } else {
                backoff.snooze();
            }
        }
    }

    /// Takes this ticket's entry out of its slot, if it is there and nobody else has gone on from it.
    fn take_out(&self, ticket: u64) -> Option<Entry<M>> {
        let mut slot = self.slot(ticket).lock();
        let is_due = slot.as_ref().is_some_and(|entry| entry.ticket == ticket);
        if is_due && self.go_on(ticket, ticket + 1) {
            slot.take()
        } else {
            None
        }
    }

    /// Goes on to the window's begin, unless somebody else does: what lies before is lost.
    fn pass_over(&self, head: u64, begin: u64) {
        if self.go_on(head, head | PASSING) {
            self.losses.lose(begin - head);
            // Release, against the acquire in `bounds`: it was counted before.
            self.head.store(begin, Ordering::Release);
        }
    }

    fn go_on(&self, from: u64, to: u64) -> bool {
        // AcqRel: members of a group hand the word on to each other.
        (self.head)
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// The subscriber leaves, or is put out: no ticket is drawn from now on. False if it was so
    /// already.
    pub(crate) fn shut(&self, why: u64) -> bool {
        // Relaxed: it only has to be the same word that `draw` swaps.
        self.tail.fetch_or(why, Ordering::Relaxed) & (GONE | EVICTED) == 0
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.tail.load(Ordering::Acquire) & EVICTED != 0
    }

    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.bounds().queued()).unwrap_or(usize::MAX)
    }

    /// How many envelopes were lost so far, told or not.
    pub(crate) fn lost(&self) -> u64 {
        self.accounts().dropped
    }

    pub(crate) fn losses(&self) -> &Losses {
        &self.losses
    }

    /// The most envelopes that were ever queued, so many of them now.
    pub(crate) fn high_water(&self, now: u64) -> u64 {
        self.high_water.level(now)
    }

    /// As of one moment: what was lost is counted in two places, and goes from one to the other.
    pub(crate) fn accounts(&self) -> Accounts {
        let backoff = Backoff::new();
        loop {
            let lost = self.losses.lost();
            let bounds = self.bounds_before();
            let is_steady = !bounds.is_passing && self.losses.lost() == lost;
            // A subscriber that is stopped while it passes over something holds up nobody who asks: it
            // may be a publisher.
            if is_steady || backoff.is_completed() {
                let over = bounds.tail - bounds.queued();
                let dropped = over.min(lost + bounds.begin.saturating_sub(bounds.head));
                return Accounts {
                    placed: bounds.tail - dropped,
                    consumed: over - dropped,
                    dropped,
                };
            }
            backoff.snooze();
        }
    }
}

impl Bounds {
    fn queued(self) -> u64 {
        self.tail - self.head.max(self.begin)
    }
}

impl<M> RingEnd<M> {
    /// A member of a group receives until it has left.
    pub(crate) fn receive(
        &mut self,
        wait: Wait,
        seat: Option<&Seat>,
    ) -> Result<Picked<M>, Nothing> {
        let received = self.look(wait, seat);
        if let Some(again) = &self.again
            && self.window.len() > 0
            && let Some(bell) = again.upgrade()
        {
            let _full = bell.try_send(());
            // It may be the last, though the publishers have gone and rung before.
            drop(bell);
            self.alarm.ring();
        }
        received
    }

    fn look(&self, wait: Wait, seat: Option<&Seat>) -> Result<Picked<M>, Nothing> {
        let window = &*self.window;
        let mut is_silent = false;
        loop {
            if let Some(missed) = window.losses.tell(window.losses.lost()) {
                return Err(Nothing::Lagged(missed));
            }
            // Read before it is seen to be empty: then this is all.
            let is_evicted = window.is_evicted();
            match window.take() {
                Ok(picked) => return Ok(picked),
                Err(NotTaken::Behind) => continue,
                Err(NotTaken::Empty) if is_evicted => return Err(Nothing::Evicted),
                Err(NotTaken::Empty) if is_silent => return Err(Nothing::Disconnected),
                Err(NotTaken::Empty) => {}
            }
            match self.bell.try_recv() {
                Ok(()) => {}
                // Nobody is at it any more: what there is is there when it is looked for again.
                Err(TryRecvError::Disconnected) => is_silent = true,
                Err(TryRecvError::Empty) => {
                    let rung = match seat {
                        Some(seat) => wait.receive_until(&self.bell, seat.bell()),
                        None => wait.receive(&self.bell),
                    };
                    match rung {
                        Ok(()) => {}
                        Err(nothing) if seat.is_some_and(Seat::has_left) => return Err(nothing),
                        Err(Nothing::Disconnected) => is_silent = true,
                        Err(nothing) => return Err(nothing),
                    }
                }
            }
            // Against the fence in `push`.
            fence(Ordering::SeqCst);
        }
    }

    pub(crate) fn window(&self) -> &Window<M> {
        &self.window
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn alarm(&self) -> &Arc<Alarm> {
        &self.alarm
    }

    /// For another member of the group.
    pub(crate) fn share(&self) -> Self {
        RingEnd {
            window: Arc::clone(&self.window),
            bell: self.bell.clone(),
            again: self.again.clone(),
            alarm: Arc::clone(&self.alarm),
        }
    }

    /// Frees what is queued, after nothing more can be.
    pub(crate) fn drain(&self) {
        for slot in &self.window.slots {
            let entry = slot.lock().take();
            drop(entry); // user code, so not under the lock
        }
    }
}
