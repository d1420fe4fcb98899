//! A running link: its parts, which run side by side in one task, and its end.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use crate::bus::lifecycle::WeakBus;
use crate::link::deadline::reached;
use crate::link::engine::{EngineReceiver, EngineSender};
use crate::link::error::{LinkDrainError, NotReadyError};
use crate::link::running::exporting::{Exporting, Outlet};
use crate::link::running::importing::Importing;
use crate::link::running::publishing::{Inlet, PublishingPart};
use crate::link::running::relays::Relays;
use crate::link::running::seen::SeenIds;
use crate::link::running::transit::hops;
use crate::link::state::linked::Linked;
use crate::link::state::stage::{PublishingStage, Stage};
use crate::link::stats::LinkStats;
use crate::message::subject::Payload;

/// What a handle asks of its link.
#[derive(Debug)]
pub(in crate::link) enum HandleCommand {
    Ready(Duration, oneshot::Sender<Result<(), NotReadyError>>),
    Drain(Duration, oneshot::Sender<Result<(), LinkDrainError>>),
    Close(oneshot::Sender<LinkStats>),
}

/// Everything that a running link has.
pub(in crate::link) struct Driver<M, S, R> {
    pub(in crate::link) link: Arc<Linked>,
    pub(in crate::link) bus: WeakBus<M>,
    pub(in crate::link) seen: Arc<SeenIds>,
    pub(in crate::link) outlet: Outlet<M>,
    pub(in crate::link) inlets: Vec<Inlet<M>>,
    pub(in crate::link) sender: S,
    pub(in crate::link) receiver: R,
    pub(in crate::link) commands: mpsc::UnboundedReceiver<HandleCommand>,
}

/// The handles that wait for the end.
enum EndAskers {
    Nobody,
    Closed(oneshot::Sender<LinkStats>),
    Drained(Vec<oneshot::Sender<Result<(), LinkDrainError>>>),
}

impl<M, S, R> Driver<M, S, R>
where
    M: Payload + Serialize + DeserializeOwned,
    S: EngineSender,
    R: EngineReceiver,
{
    /// Runs until the bus, the engine or the handle has ended.
    pub(in crate::link) async fn run(mut self) {
        let shared = Arc::clone(&self.link);
        let link = &shared;
        let importing = Importing {
            link,
            receiver: &mut self.receiver,
        };
        let publishing = PublishingPart {
            link,
            seen: &self.seen,
            bus: &self.bus,
            inlets: &self.inlets,
            relays: Relays::default(),
            last_origin: None,
        };
        let exporting = Exporting {
            link,
            seen: &self.seen,
            bus: &self.bus,
            outlet: &mut self.outlet,
            sender: &mut self.sender,
        };
        let askers = tokio::select! {
            biased;
            () = importing.run() => EndAskers::Nobody,
            () = async {
                publishing.run().await;
                // The exporting part learns it too, and sends what the bus has given. Then a drain waits for that only.
                link.state.lock().publishing = PublishingStage::Ended;
                link.changed.notify_one();
                pending::<()>().await;
            } => EndAskers::Nobody,
            () = exporting.run() => EndAskers::Nobody,
            askers = answer(link, &mut self.commands) => askers,
        };
        self.outlet.close();
        // The connection is not used after this, whether this ends well or not.
        let farewell = {
            let state = link.state.lock();
            let is_there = state.connection.is_established();
            if is_there {
                state.farewell()
            } else {
                Vec::new()
            }
        };
        let _in_time = timeout(link.settings.call, async {
            let says_something = !farewell.is_empty();
            for frame in farewell {
                let _lost = self.sender.send(frame).await;
            }
            if says_something {
                // A client may drop unsent frames when it closes.
                let _lost = self.sender.round_trip().await;
            }
            self.sender.close().await;
        })
        .await;
        drop(self);
        let (error, is_drained, stats) = {
            let state = link.state.lock();
            let (lost, unpublished) = (state.unconfirmed(), state.unpublished());
            let error = if state.publishing == PublishingStage::Ended {
                LinkDrainError::BusClosed { lost, unpublished }
            } else {
                LinkDrainError::TimedOut { lost, unpublished }
            };
            let is_drained = (lost, unpublished) == (0, 0) && state.is_stream_told();
            (error, is_drained, state.stats())
        };
        // An asker that no longer waits needs no answer.
        match askers {
            EndAskers::Nobody => {}
            EndAskers::Closed(asker) => {
                let _gone = asker.send(stats);
            }
            EndAskers::Drained(askers) => {
                for asker in askers {
                    let _gone = asker.send(is_drained.then_some(()).ok_or(error.clone()));
                }
            }
        }
    }
}

/// The figures say that a link has ended, however it ends: also if its runtime is dropped.
impl<M, S, R> Drop for Driver<M, S, R> {
    fn drop(&mut self) {
        let (settings, seen) = (&self.link.settings, &self.seen);
        let goes_out = |envelope: &_| hops(envelope, settings, seen).is_some();
        let (left, lagged) = self.outlet.left(goes_out);
        self.link.state.lock().end(left, lagged);
    }
}

/// Answers the handles, until one of them ends the link.
async fn answer(link: &Linked, commands: &mut mpsc::UnboundedReceiver<HandleCommand>) -> EndAskers {
    let mut waiting: Vec<(Duration, Option<Instant>, oneshot::Sender<_>)> = Vec::new();
    let mut draining: Vec<(Option<Instant>, oneshot::Sender<_>)> = Vec::new();
    loop {
        let (readiness, is_drained) = {
            let state = link.state.lock();
            (state.connection.readiness(), state.is_drained())
        };
        let now = Instant::now();
        let is_over = |until: Option<Instant>| until.is_some_and(|until| now >= until);
        waiting = (waiting.into_iter())
            .filter_map(|(limit, until, asker)| {
                let answer = match &readiness {
                    Some(answer) => answer.clone(),
                    None if is_over(until) => Err(NotReadyError::TimedOut(limit)),
                    None => return Some((limit, until, asker)),
                };
                let _gone = asker.send(answer);
                None
            })
            .collect();
        let is_due = |(until, _): &(_, _)| is_drained || is_over(*until);
        if draining.iter().any(is_due) {
            return EndAskers::Drained(draining.into_iter().map(|(_, asker)| asker).collect());
        }
        let until = (waiting.iter().filter_map(|it| it.1))
            .chain(draining.iter().filter_map(|it| it.0))
            .min();
        tokio::select! {
            command = commands.recv() => match command {
                None => return EndAskers::Nobody,
                Some(HandleCommand::Close(asker)) => return EndAskers::Closed(asker),
                Some(HandleCommand::Ready(limit, asker)) => {
                    waiting.push((limit, Instant::now().checked_add(limit), asker));
                }
                Some(HandleCommand::Drain(limit, asker)) => {
                    link.state.lock().stage = Stage::Drains;
                    link.to_send.notify_one();
                    link.to_tick.notify_one();
                    draining.push((Instant::now().checked_add(limit), asker));
                }
            },
            () = link.changed.notified() => {}
            () = reached(until) => {}
        }
    }
}
