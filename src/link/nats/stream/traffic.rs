//! The traffic between a durable link and its stream: what is under way, and how far each side is.

use std::collections::VecDeque;

use tokio::time::Instant;

use crate::link::engine::StreamProgress;

/// What is under way since the last round trip, and what outlasts it.
#[derive(Debug, Default)]
pub(super) struct StreamTraffic {
    /// The result of the last round trip, if nothing has failed since.
    pub(super) trip: Option<Trip>,
    trips: u64,
    /// The numbers of frames whose answers are due, and whether each has come.
    on_the_way: VecDeque<(u64, bool)>,
    /// Since when the link waits for the first answer.
    pub(super) answer_since: Option<Instant>,
    /// The positions that the link is not done with, each with the subject for its acknowledgement.
    open: VecDeque<(u64, String)>,
    /// The position up to which the link is done.
    pub(super) position: Option<u64>,
    /// The highest position that was handed over.
    latest: u64,
    /// The difference between a position and a sequence number of the stream: a stream that was made anew counts anew.
    offset: u64,
    /// How many frames were handed over that the link has not taken.
    waiting: u64,
    taken: u64,
}

/// The result of a round trip.
#[derive(Debug, Clone)]
pub(super) struct Trip {
    pub(super) number: u64,
    /// Messages to subjects below this one belong to it.
    pub(super) inbox: String,
    /// The subject for asking for more, if anything is imported.
    pub(super) next: Option<String>,
}

impl StreamTraffic {
    /// Notes that a round trip has ended well.
    pub(super) fn begin(&mut self, inbox: &str, next: Option<String>) {
        self.trips += 1;
        self.trip = Some(Trip {
            number: self.trips,
            inbox: format!("{inbox}.{}", self.trips),
            next,
        });
        self.on_the_way.clear();
        self.answer_since = None;
        self.open.clear();
    }

    /// Notes that the stream was made anew.
    pub(super) fn begin_anew(&mut self) {
        self.offset = self.latest;
        self.position = Some(self.offset);
    }

    /// How far the link is, as the stream counts.
    pub(super) fn sequence(&self) -> Option<u64> {
        self.position.map(|position| position - self.offset)
    }

    /// Notes after which message of the stream the link begins.
    pub(super) fn begin_after(&mut self, sequence: Option<u64>) {
        self.position = sequence.map(|sequence| sequence + self.offset);
    }

    /// Notes that a frame goes out. Returns the subject for its answer.
    pub(super) fn send(&mut self, number: u64) -> Option<String> {
        let inbox = &self.trip.as_ref()?.inbox;
        self.on_the_way.push_back((number, false));
        self.answer_since.get_or_insert_with(Instant::now);
        Some(format!("{inbox}.a.{number}"))
    }

    /// Notes that the client has refused the frame.
    pub(super) fn not_sent(&mut self, number: u64) {
        self.on_the_way.pop_back_if(|(last, _)| *last == number);
    }

    /// Notes the answer for a frame. Returns the number up to which all frames are answered, if that is news.
    pub(super) fn answered(&mut self, number: u64) -> Option<u64> {
        // Refused frames leave gaps.
        let at = (self.on_the_way.binary_search_by_key(&number, |it| it.0)).ok()?;
        self.on_the_way[at].1 = true;
        let mut last = None;
        while let Some((number, _)) = self.on_the_way.pop_front_if(|(_, is_stored)| *is_stored) {
            last = Some(number);
        }
        if last.is_some() {
            self.answer_since = (!self.on_the_way.is_empty()).then(Instant::now);
        }
        last
    }

    /// Notes that a message is handed over. Returns its position.
    pub(super) fn hand_over(&mut self, sequence: u64, reply: String) -> u64 {
        let position = sequence + self.offset;
        self.latest = self.latest.max(position);
        self.waiting += 1;
        self.open.push_back((position, reply));
        position
    }

    /// Notes how far the link is. Returns the subject by which to acknowledge that, if there is one.
    pub(super) fn taken(&mut self, progress: StreamProgress) -> Option<String> {
        let taken = progress.taken.max(self.taken);
        self.waiting = self.waiting.saturating_sub(taken - self.taken);
        self.taken = taken;
        self.position = self.position.max(Some(progress.position));
        let mut last = None;
        while let Some((_, reply)) =
            (self.open).pop_front_if(|(position, _)| *position <= progress.position)
        {
            last = Some(reply);
        }
        last
    }

    /// How many frames were handed over that the link has not taken.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting
    }
}
