//! The second pass of `why`, which reads the logs forwards: everything that they have about the tree.
//!
//! An effect stands after its cause. So one pass finds all effects, and all other records about these envelopes.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::super::audit::log_line::{LogLine, LoggedEnvelope, LoggedEvent};
use super::super::audit::open_log::{LogFlaws, OpenLog};
use super::super::failure::Failure;
use super::causes::Causes;
use super::found::{FoundEnvelope, FoundPlace, NamedCause};
use super::run_past::RunPast;
use super::{MAX_READINGS, trace_id};

/// The most envelopes of a tree. Further effects are counted.
const MAX_EFFECTS: usize = 10_000;

/// The most nearby records of each kind that are listed. Further ones are counted.
const MAX_NEAR: usize = 100;

/// Everything that the logs have about some envelopes, their causes and their effects.
pub(super) struct WhyAccount {
    /// The envelopes that were asked for.
    pub(super) asked: BTreeSet<Uuid>,
    causes: HashSet<Uuid>,
    /// The envelopes that were asked for, and their effects.
    effects: HashSet<Uuid>,
    traces: BTreeSet<String>,
    pub(super) envelopes: BTreeMap<Uuid, FoundEnvelope>,
    pub(super) runs: Vec<RunPast>,
    /// Envelopes of the same trace that are not in the tree.
    pub(super) same_trace: Near<SameTrace>,
    /// Refusals, losses and the like, soon after an envelope of the tree.
    pub(super) meanwhile: Near<Meanwhile>,
    /// How many effects are left out.
    pub(super) left_out: u64,
    /// Whether the logs were read so often that further causes or effects are left out.
    pub(super) is_cut: bool,
    /// The lines of each log that could not be read.
    pub(super) flaws: Vec<LogFlaws>,
    /// How long after an envelope of the tree other records concern it.
    around: TimeDelta,
    /// The latest envelope of the tree in this run.
    latest: Option<DateTime<Utc>>,
    /// The log and the number of the record before.
    before: Option<(usize, u64)>,
}

/// The first of some records, and how many more there are.
pub(super) struct Near<T> {
    pub(super) first: Vec<T>,
    pub(super) more: u64,
}

/// An envelope of the same trace.
pub(super) struct SameTrace {
    pub(super) log: usize,
    pub(super) line: u64,
    pub(super) id: Uuid,
    pub(super) source: String,
}

/// An event near the tree.
pub(super) struct Meanwhile {
    pub(super) log: usize,
    pub(super) line: u64,
    pub(super) event: LoggedEvent,
}

/// Where a line stands.
#[derive(Clone, Copy)]
struct At {
    log: usize,
    line: u64,
}

impl WhyAccount {
    pub(super) fn new(causes: Causes, around: TimeDelta) -> Self {
        WhyAccount {
            effects: causes.asked.iter().copied().collect(),
            asked: causes.asked,
            causes: causes.ids,
            traces: causes.traces,
            envelopes: BTreeMap::new(),
            runs: Vec::new(),
            same_trace: Near::default(),
            meanwhile: Near::default(),
            left_out: 0,
            is_cut: causes.is_cut,
            flaws: Vec::new(),
            around,
            latest: None,
            before: None,
        }
    }

    pub(super) fn read(&mut self, logs: &[OpenLog]) -> Result<(), Failure> {
        for reading in 1.. {
            let known = self.effects.len();
            self.envelopes.clear();
            self.runs.clear();
            self.flaws.clear();
            self.same_trace = Near::default();
            self.meanwhile = Near::default();
            self.left_out = 0;
            self.before = None;
            for (log, open) in logs.iter().enumerate() {
                let flaws = open.forwards(|line, record| self.take(At { log, line }, &record))?;
                self.flaws.push(flaws);
            }
            // A log may have effects of an envelope that only a later log has.
            if logs.len() == 1 || self.effects.len() == known {
                break;
            }
            if reading == MAX_READINGS {
                self.is_cut = true;
                break;
            }
        }
        Ok(())
    }

    fn take(&mut self, at: At, line: &LogLine<'_>) {
        let begins = matches!(line, LogLine::Event(event) if event.kind == "opened");
        // If a file is of the same log as the previous one, it goes on where that one ended. Otherwise nothing before
        // it is known.
        let goes_on = self.before.is_some_and(|(log, record)| {
            log == at.log || record.checked_add(1) == Some(line.record())
        });
        if begins || !goes_on {
            self.runs.pop_if(|run| run.is_empty());
            self.runs.push(RunPast::default());
            self.latest = None;
        }
        self.before = Some((at.log, line.record()));
        match line {
            LogLine::Envelope {
                record,
                sequence,
                envelope,
            } => self.envelope(at, *record, *sequence, envelope),
            LogLine::Event(event) => self.event(at, event),
        }
    }

    fn envelope(&mut self, at: At, record: u64, sequence: u64, envelope: &LoggedEnvelope<'_>) {
        let id = envelope.id.0;
        let cause = envelope.correlation_id.as_ref().map(|cause| cause.0);
        if cause.is_some_and(|cause| self.effects.contains(&cause)) && !self.effects.contains(&id) {
            if self.effects.len() < MAX_EFFECTS {
                self.effects.insert(id);
            } else {
                self.left_out += 1;
            }
        }
        if self.has(id) {
            let place = self.place(at, record, sequence);
            self.found(id).add(place, envelope);
            self.latest = self.latest.max(Some(envelope.timestamp.0));
            return;
        }
        if let Some(cause) = cause.and_then(|cause| self.envelopes.get_mut(&cause)) {
            cause.others_caused += 1;
        }
        if trace_id(&envelope.headers).is_some_and(|trace| self.traces.contains(&trace)) {
            self.same_trace.add(|| SameTrace {
                log: at.log,
                line: at.line,
                id,
                source: envelope.source.to_string(),
            });
        }
    }

    fn event(&mut self, at: At, event: &LoggedEvent) {
        if let ("unwritable", Some(id), Some(sequence)) = (&*event.kind, event.id, event.sequence)
            && self.has(id)
        {
            let place = self.place(at, event.record, sequence);
            self.found(id).add_unwritable(place, event);
            self.latest = self.latest.max(Some(event.time));
            return;
        }
        if let Some(run) = self.runs.last_mut() {
            run.take(event);
        }
        let concerns = matches!(
            &*event.kind,
            "denied"
                | "suppressed"
                | "revoked"
                | "evicted"
                | "lost"
                | "link_cut"
                | "link_lagged"
                | "link_namesake"
                | "unwritable"
        );
        let is_near = self
            .latest
            .is_some_and(|latest| event.time - latest <= self.around);
        if concerns && is_near {
            self.meanwhile.add(|| Meanwhile {
                log: at.log,
                line: at.line,
                event: event.clone(),
            });
        }
    }

    fn has(&self, id: Uuid) -> bool {
        self.effects.contains(&id) || self.causes.contains(&id)
    }

    fn found(&mut self, id: Uuid) -> &mut FoundEnvelope {
        (self.envelopes.entry(id)).or_insert_with(|| FoundEnvelope::new(id))
    }

    fn place(&mut self, at: At, record: u64, sequence: u64) -> FoundPlace {
        if let Some(run) = self.runs.last_mut() {
            run.note(sequence);
        }
        FoundPlace {
            log: at.log,
            line: at.line,
            record,
            sequence,
            run: self.runs.len() - 1, // `take` has begun one
            link_origin: None,
            differs: false,
            unwritable: None,
        }
    }

    /// Returns what an envelope has caused, in the order of time.
    pub(super) fn caused_by(&self) -> BTreeMap<Uuid, Vec<Uuid>> {
        let mut caused: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
        let mut envelopes: Vec<_> = self.envelopes.values().collect();
        envelopes.sort_by_key(|it| (it.time(), it.id));
        for envelope in envelopes {
            if let NamedCause::Envelope(cause) = envelope.cause {
                caused.entry(cause).or_default().push(envelope.id);
            }
        }
        caused
    }
}

impl<T> Near<T> {
    fn add(&mut self, record: impl FnOnce() -> T) {
        if self.first.len() < MAX_NEAR {
            self.first.push(record());
        } else {
            self.more += 1;
        }
    }
}

impl<T> Default for Near<T> {
    fn default() -> Self {
        Near {
            first: Vec::new(),
            more: 0,
        }
    }
}
