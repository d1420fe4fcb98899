//! The state that the parts of a running link share: the two state machines, the connection, and the figures.
//!
//! All parts run in one task, and none holds the lock while it waits. The lock is for the handles, which read figures
//! from other threads.

pub(in crate::link) mod action;
pub(in crate::link) mod connection;
pub(in crate::link) mod linked;
pub(in crate::link) mod settings;
pub(in crate::link) mod stage;
pub(in crate::link) mod status;
mod storing;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::link::error::NotReadyError;
use crate::link::frames::control::{self, Mark, Tombstone, Want};
use crate::link::frames::frame::Frame;
use crate::link::frames::wire::{with_again, with_time_left};
use crate::link::inbound::durable::StreamIntake;
use crate::link::inbound::origins::Origins;
use crate::link::outbound::outgoing::Outgoing;
use crate::link::requests::announcement::Announcement;
use crate::link::requests::announcement_times::AnnouncementTimes;
use crate::link::requests::requests_out::RequestsOut;
use crate::link::state::action::Action;
use crate::link::state::connection::{Connection, Standing};
use crate::link::state::settings::Settings;
use crate::link::state::stage::{PublishingStage, Stage};
use crate::link::state::status::LinkStatus;
use crate::link::stats::{ExportStats, LinkStats};
use crate::message::advisory::Advisory;

/// The most control frames that wait to be sent. More are not needed, because all of them are repeated.
const MAX_CONTROL: usize = 1024;

/// The longest time between two marks.
const MAX_MARK_PAUSE: Duration = Duration::from_secs(32);

/// The shortest time between two marks, however often others ask.
const MIN_MARK_PAUSE: Duration = Duration::from_millis(50);

/// For this long after its beginning, a link may still hear its previous life.
const ECHO: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(in crate::link) struct State {
    pub(in crate::link) settings: Arc<Settings>,
    pub(in crate::link) outgoing: Outgoing,
    pub(in crate::link) origins: Origins,
    /// The intake from a stream, instead of `origins`.
    pub(in crate::link) intake: StreamIntake,
    pub(in crate::link) requests: RequestsOut,
    pub(in crate::link) announcer: AnnouncementTimes,
    pub(in crate::link) status: LinkStatus,
    control: VecDeque<Frame>,
    pub(in crate::link) connection: Connection,
    unconfirmed_since: Option<Instant>,
    marked_at: Option<Instant>,
    mark_at: Option<Instant>,
    mark_pause: Duration,
    /// Whether the bus was looked at since the last frame that was sent again. Otherwise such frames hold new ones
    /// back.
    has_looked: bool,
    pub(in crate::link) export: ExportStats,
    pub(in crate::link) refused: u64,
    server_denials: u64,
    engine_lags: u64,
    last_error: Option<Arc<str>>,
    pub(in crate::link) stage: Stage,
    /// Whether the subscription is empty for good.
    pub(in crate::link) is_exhausted: bool,
    pub(in crate::link) publishing: PublishingStage,
}

impl State {
    pub(in crate::link) fn new(settings: Arc<Settings>) -> Self {
        State {
            outgoing: settings.outgoing(),
            intake: StreamIntake::new(Arc::clone(&settings.name), settings.subjects()),
            origins: Origins::new(settings.patience, settings.subjects()),
            requests: RequestsOut::default(),
            announcer: AnnouncementTimes::new(
                Arc::clone(&settings.name),
                settings.incarnation,
                settings.imports.clone(),
                !settings.exports.is_empty(),
            ),
            status: LinkStatus::default(),
            control: VecDeque::new(),
            connection: Connection::new(),
            unconfirmed_since: None,
            marked_at: None,
            mark_at: None,
            mark_pause: settings.mark_after,
            has_looked: false,
            export: ExportStats::default(),
            refused: 0,
            server_denials: 0,
            engine_lags: 0,
            last_error: None,
            stage: Stage::Runs,
            is_exhausted: false,
            publishing: PublishingStage::Waits,
            settings,
        }
    }

    /// What the exporting part does next.
    pub(in crate::link) fn action(&mut self, now: Instant) -> Action {
        let has_room = self.outgoing.has_room();
        let waiting = |until| Action::Take { has_room, until };
        match self.connection.standing(now) {
            Standing::Cut => return waiting(None),
            Standing::Failed(until) => return waiting(Some(until)),
            Standing::Unknown(generation) => return Action::Establish(generation),
            Standing::Established if self.settings.is_durable => return self.durable_action(),
            Standing::Established => {}
        }
        if let Some(frame) = self.control.pop_front() {
            return Action::Control(frame);
        }
        self.requests.settle(now);
        if let Some(frame) = self.announcer.next(now) {
            return Action::Control(frame);
        }
        if self.mark_at.is_some_and(|at| now >= at) {
            self.mark_pause = (2 * self.mark_pause).min(MAX_MARK_PAUSE);
            (self.marked_at, self.mark_at) = (Some(now), Some(now + self.mark_pause));
            return Action::Control(self.mark().frame(&self.settings.name));
        }
        let unconfirmed = self.outgoing.unconfirmed();
        let next = self.outgoing.next();
        let confirm_at = self
            .unconfirmed_since
            .map(|at| at + self.settings.confirm_after);
        let is_due = confirm_at.is_some_and(|at| now >= at)
            || unconfirmed >= self.settings.confirm_frames
            || next.is_none() && (self.is_exhausted || !has_room);
        if unconfirmed > 0 && is_due {
            return Action::Confirm(self.outgoing.confirmable());
        }
        if let Some((sequence, frame)) = next {
            let is_again = sequence <= self.outgoing.confirmable();
            self.has_looked = is_again && !self.has_looked;
            if self.has_looked {
                return waiting(Some(now));
            }
            let mut frame = frame.clone();
            if let Some(left) = self.requests.send(sequence, now) {
                frame = with_time_left(&frame, left);
            }
            if is_again {
                frame = with_again(&frame);
            }
            return Action::Data(sequence, frame);
        }
        let due = [
            confirm_at,
            self.mark_at,
            self.announcer.at(),
            self.requests.unsettled_until(),
        ];
        waiting(due.into_iter().flatten().min())
    }

    /// Returns a link's last frames: it imports nothing more, and sent this many, so importers know what they miss.
    pub(in crate::link) fn farewell(&self) -> Vec<Frame> {
        let has_sent = self.outgoing.kept().1 > 0 && !self.settings.is_durable;
        let mark = has_sent.then(|| self.mark().frame(&self.settings.name));
        self.announcer.last().into_iter().chain(mark).collect()
    }

    fn mark(&self) -> Mark {
        let (first, last) = self.outgoing.kept();
        let age = self.settings.began.elapsed().as_millis();
        Mark {
            incarnation: self.settings.incarnation,
            first,
            last,
            age: u64::try_from(age).unwrap_or(u64::MAX),
            exports: self.settings.exports.clone(),
        }
    }

    /// Notes that a numbered frame was handed to the engine.
    pub(in crate::link) fn sent(&mut self, sequence: u64, now: Instant) {
        self.outgoing.sent(sequence);
        if self.outgoing.unconfirmed() > 0 {
            self.unconfirmed_since.get_or_insert(now);
        }
        self.mark_pause = self.settings.mark_after;
        let mark_at = now + self.mark_pause;
        self.mark_at = Some(self.mark_at.map_or(mark_at, |at| at.min(mark_at)));
    }

    /// Gives up a numbered frame that the engine will never take.
    pub(in crate::link) fn bury(&mut self, sequence: u64, error: &dyn fmt::Display) {
        self.note(error);
        let incarnation = self.settings.incarnation;
        let tombstone = Tombstone {
            incarnation,
            sequence,
        };
        let is_lost = (self.outgoing).bury(sequence, tombstone.frame(&self.settings.name));
        self.export.unsendable += u64::from(is_lost);
        self.requests.lose(sequence);
    }

    /// Notes that a round trip has ended well.
    pub(in crate::link) fn confirm(&mut self, up_to: u64, now: Instant) {
        self.outgoing.confirm(up_to);
        self.unconfirmed_since = (self.outgoing.unconfirmed() > 0).then_some(now);
    }

    /// Notes that the connection is there. All unconfirmed frames are sent again.
    pub(in crate::link) fn establish(&mut self, generation: u64, now: Instant) {
        if !self.connection.establish(generation) {
            return;
        }
        self.unconfirmed_since = None;
        self.requests.asked(now);
        self.outgoing.rewind();
        if self.settings.is_durable {
            self.intake.is_acknowledged = self.is_settled();
            return;
        }
        self.origins.listen(now);
        self.request_mark(now);
        self.greet();
    }

    /// Notes that a call of the engine has failed, or took too long.
    pub(in crate::link) fn fail(&mut self, error: &dyn fmt::Display, now: Instant) {
        self.note(error);
        self.connection.fail(now);
    }

    pub(in crate::link) fn denied(&mut self, subject: Option<String>, reason: String) {
        self.server_denials += 1;
        let refusal = NotReadyError::Denied { subject, reason };
        self.note(&refusal);
        self.connection.refused(refusal);
    }

    /// Asks all exporters for marks, which tell what is missing, because the engine has dropped frames.
    pub(in crate::link) fn lagged(&mut self, now: Instant) {
        self.engine_lags += 1;
        self.origins.doubt();
        self.greet();
        // Announcements may be among the dropped frames.
        self.requests.asked(now);
        let announcement = self.announcer.first(now);
        self.push_control(announcement);
    }

    /// Counts a frame that has no place in a sequence.
    pub(in crate::link) fn refuse(&mut self, error: &dyn fmt::Display) {
        self.refused += 1;
        self.note(error);
    }

    /// Notes an announcement of a namesake, unless it is the previous life, which ends or has just ended.
    pub(in crate::link) fn hear_namesake(&mut self, announcement: &Announcement, now: Instant) {
        let is_alive = !announcement.is_last() && self.origins.listens_for(ECHO, now);
        if is_alive && self.status.hear_namesake(now) {
            self.note(&"another link of this name is alive at the same server");
        }
    }

    /// Takes the advisories that the bus has not had yet.
    pub(in crate::link) fn take_advisories(&mut self) -> Vec<Advisory> {
        let is_there = self.connection.is_established();
        self.status.take(&self.settings.name, is_there)
    }

    pub(in crate::link) fn note(&mut self, error: &dyn fmt::Display) {
        self.last_error = Some(error.to_string().into());
    }

    /// Notes that another link asks for a mark.
    pub(in crate::link) fn request_mark(&mut self, now: Instant) {
        if !self.settings.exports.is_empty() {
            let at = self
                .marked_at
                .map_or(now, |at| now.max(at + MIN_MARK_PAUSE));
            self.mark_at = Some(self.mark_at.map_or(at, |due| due.min(at)));
            self.mark_pause = self.settings.mark_after;
        }
    }

    /// Asks every exporter for a mark.
    fn greet(&mut self) {
        if !self.settings.imports.is_empty() {
            self.push_control(control::hello(&self.settings.name));
        }
    }

    pub(in crate::link) fn ask(&mut self, origin: &str, want: &Want) {
        let frame = want.frame(&self.settings.name, origin);
        self.push_control(frame);
    }

    pub(in crate::link) fn push_control(&mut self, frame: Frame) {
        if self.control.len() < MAX_CONTROL {
            self.control.push_back(frame);
        }
    }

    /// Whether something waits until every event of the engine was taken.
    pub(in crate::link) fn awaits_rest(&self) -> bool {
        self.connection.awaits_rest() || self.stage == Stage::Drains && !self.origins.is_closed()
    }

    /// Notes that every event of the engine was taken.
    pub(in crate::link) fn rest(&mut self) {
        self.connection.rest();
        if self.stage == Stage::Drains {
            self.origins.close();
        }
    }

    /// Whether everything that the bus gave is confirmed, and everything that came is published, or never can be.
    pub(in crate::link) fn is_drained(&self) -> bool {
        let is_published =
            || self.is_settled() && self.is_stream_told() && self.origins.is_drained();
        self.is_sent() && (self.publishing == PublishingStage::Ended || is_published())
    }

    /// Ends the link. This many envelopes are left in its subscription, and this many were lost there.
    pub(in crate::link) fn end(&mut self, left: u64, lagged: u64) {
        self.export.exported = left;
        self.export.lost = left + self.outgoing.pending();
        self.export.lagged += lagged;
        self.connection.cut();
        self.stage = Stage::Ended;
    }

    /// How many envelopes are not confirmed, once the link has ended.
    pub(in crate::link) fn unconfirmed(&self) -> u64 {
        self.export.lost
    }

    /// How many envelopes of others the link knows of that are neither published nor given up.
    pub(in crate::link) fn unpublished(&self) -> u64 {
        if self.settings.is_durable {
            self.intake.unpublished()
        } else {
            self.origins.unpublished()
        }
    }

    pub(in crate::link) fn stats(&self) -> LinkStats {
        let outgoing = &self.outgoing;
        let pending = if self.stage == Stage::Ended {
            0
        } else {
            outgoing.pending()
        };
        LinkStats {
            name: Arc::clone(&self.settings.name),
            connected: self.connection.is_there(),
            ready: self.connection.readiness() == Some(Ok(())),
            reconnects: self.connection.reconnects(),
            export: ExportStats {
                exported: self.export.exported + outgoing.exported(),
                confirmed: outgoing.confirmed(),
                pending,
                lost: self.export.lost + outgoing.lost(),
                resent: outgoing.resent(),
                ..self.export
            },
            imports: self.imports(),
            forgotten: self.forgotten(),
            refused: self.refused,
            server_denials: self.server_denials,
            engine_lags: self.engine_lags,
            last_error: self.last_error.clone(),
        }
    }
}
