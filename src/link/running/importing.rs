//! The importing part of a running link: from the engine to the queue before the bus.
//!
//! It never waits for the bus, so it learns of cuts at once. Frames without room are passed over, and asked for again.

use tokio::time::Instant;

use crate::link::deadline::reached;
use crate::link::engine::{EngineEvent, EngineReceiver};
use crate::link::frames::control::{Mark, Tombstone, Want};
use crate::link::frames::frame::Frame;
use crate::link::frames::subject::{self, Purpose};
use crate::link::frames::wire::read_heading;
use crate::link::inbound::arrival::Arrival;
use crate::link::inbound::inbound_queue::Arrived;
use crate::link::name::is_name;
use crate::link::requests::announcement::{Announcement, Declined};
use crate::link::state::State;
use crate::link::state::linked::Linked;
use crate::link::state::stage::Stage;

/// How many events this part handles before other parts have a turn.
const EVENTS: usize = 64;

/// After this many events, everything that the engine had at the beginning was taken, even if more came meanwhile.
const MAX_WAITING: usize = 1 << 16;

pub(in crate::link) struct Importing<'a, R> {
    pub(in crate::link) link: &'a Linked,
    pub(in crate::link) receiver: &'a mut R,
}

impl<R: EngineReceiver> Importing<'_, R> {
    /// Runs until the engine has no more events.
    pub(in crate::link) async fn run(self) {
        let mut events = 0;
        let mut without_rest = 0;
        loop {
            let (tick_at, awaits_rest) = {
                let state = self.link.state.lock();
                (state.origins.tick_at(), state.awaits_rest())
            };
            without_rest = if awaits_rest { without_rest + 1 } else { 0 };
            tokio::select! {
                biased;
                event = self.receiver.next(), if without_rest <= MAX_WAITING => match event {
                    Some(event) => handle(self.link, event),
                    None => return,
                },
                () = std::future::ready(()), if awaits_rest => {
                    self.link.state.lock().rest();
                    self.link.changed.notify_one();
                    self.link.to_publish.notify_one();
                }
                () = self.link.to_tick.notified() => {}
                () = reached(tick_at) => {
                    tick(self.link);
                }
            }
            events += 1;
            if events % EVENTS == 0 {
                if tick_at.is_some_and(|at| at <= Instant::now()) {
                    tick(self.link);
                }
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Asks for missing frames, and gives up on those that will not come.
fn tick(link: &Linked) {
    let mut state = link.state.lock();
    let is_there = state.connection.is_established();
    for (origin, want) in state.origins.tick(Instant::now(), is_there) {
        state.ask(&origin, &want);
    }
    drop(state);
    link.to_send.notify_one();
    link.to_publish.notify_one();
}

fn handle(link: &Linked, event: EngineEvent) {
    let mut state = link.state.lock();
    match event {
        EngineEvent::Frame(frame) => {
            take(link, &mut state, frame);
            return;
        }
        EngineEvent::Kept { position, frame } => {
            // Frames that come while the link drains are not acknowledged, and come again.
            if state.stage == Stage::Runs {
                if let Err(error) = state.intake.arrive(position, frame) {
                    state.refuse(&error);
                }
                link.to_publish.notify_one();
            }
            return;
        }
        EngineEvent::Stored(number) => state.confirm(number, Instant::now()),
        EngineEvent::NeverStored { number, reason } => state.bury(number, &reason),
        EngineEvent::Failed(reason) => {
            state.fail(&reason, Instant::now());
            link.cut.notify_waiters();
        }
        EngineEvent::Connected => state.connection.connected(),
        EngineEvent::Disconnected => {
            state.connection.cut();
            link.cut.notify_waiters();
        }
        EngineEvent::Denied { subject, reason } => state.denied(subject, reason),
        EngineEvent::Lagged => state.lagged(Instant::now()),
    }
    link.to_send.notify_one();
    link.changed.notify_one();
}

/// Takes a frame of any kind.
fn take(link: &Linked, state: &mut State, frame: Frame) {
    let Some((origin, purpose)) = subject::split(frame.subject()) else {
        state.refuse(&"a subject that is none of a link");
        return;
    };
    let now = Instant::now();
    let own = link.settings.incarnation;
    let is_name = is_name(origin);
    match purpose {
        _ if !is_name => state.refuse(&"an origin that is no name of a link"),
        Purpose::Hello => {
            state.request_mark(now);
            link.to_send.notify_one();
        }
        Purpose::Want(of) => match Want::read(&frame) {
            None => state.refuse(&"a request for frames that cannot be read"),
            Some(want) if of == &*link.settings.name && want.incarnation == own => {
                let mut has_all = !want.gaps.is_empty();
                for (from, to) in want.gaps {
                    has_all &= state.outgoing.want(origin, from, to);
                }
                if !has_all {
                    state.request_mark(now);
                }
                link.to_send.notify_one();
            }
            Some(_) => {}
        },
        Purpose::Imports => match Announcement::read(&frame) {
            None => state.refuse(&"an announcement that cannot be read"),
            Some(announcement) if announcement.incarnation != own => {
                if origin == &*link.settings.name {
                    state.hear_namesake(&announcement, now);
                }
                if announcement.asks {
                    state.announcer.request(now);
                }
                state.requests.hear(origin, announcement, now);
                link.to_send.notify_one();
            }
            Some(_) => {}
        },
        Purpose::Declined(of) => match Declined::read(&frame) {
            None => state.refuse(&"a refusal to answer that cannot be read"),
            Some(declined) if of == &*link.settings.name && declined.incarnation == own => {
                state.requests.take_decline(origin, &declined);
                link.to_send.notify_one();
            }
            Some(_) => {}
        },
        Purpose::Mark => match Mark::read(&frame) {
            None => state.refuse(&"a mark that cannot be read"),
            Some(mark) if mark.incarnation != own => {
                let want = state.origins.mark(origin, &mark, now);
                ask(link, state, origin, want);
            }
            Some(_) => {}
        },
        Purpose::Gone => match Tombstone::read(&frame) {
            None => state.refuse(&"a tombstone that cannot be read"),
            Some(tombstone) if tombstone.incarnation != own => {
                let want = state.origins.bury(origin, tombstone, now);
                ask(link, state, origin, want);
            }
            Some(_) => {}
        },
        Purpose::Data => match read_heading(&frame) {
            Err(error) => state.refuse(&error),
            Ok(heading) if heading.place.incarnation == own => {} // an echo
            Ok(heading) => {
                let origin = origin.to_owned();
                let at = now;
                let arrived = Arrived { heading, frame, at };
                let (arrival, want) = state.origins.arrive(&origin, arrived, now);
                if arrival == Arrival::TooFar {
                    state.refuse(&"a number that is farther than can be");
                }
                ask(link, state, &origin, want);
            }
        },
    }
}

fn ask(link: &Linked, state: &mut State, origin: &str, want: Option<Want>) {
    if let Some(want) = want {
        state.ask(origin, &want);
        link.to_send.notify_one();
    }
    link.to_publish.notify_one();
}
