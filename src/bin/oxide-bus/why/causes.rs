//! The first pass of `why`, which reads the logs backwards: the causes of the envelopes that were asked for.
//!
//! A cause stands before its effect. So one pass from the end to the beginning finds a whole chain of causes, however
//! long, and keeps only their ids.

use std::collections::{BTreeSet, HashSet};

use uuid::Uuid;

use super::super::audit::log_line::LogLine;
use super::super::audit::open_log::OpenLog;
use super::super::failure::Failure;
use super::id_prefix::IdPrefix;
use super::{MAX_READINGS, trace_id};

/// The most ids with the same beginning that are counted.
const MAX_COUNTED: usize = 1_000;

/// What the first pass has found.
#[derive(Default)]
pub(super) struct Causes {
    /// The envelopes that were asked for.
    pub(super) asked: BTreeSet<Uuid>,
    /// These and their causes; also the id of a cause that no log has.
    pub(super) ids: HashSet<Uuid>,
    /// The traces that these belong to.
    pub(super) traces: BTreeSet<String>,
    /// Whether the logs were read so often that further causes are left out.
    pub(super) is_cut: bool,
    envelopes: u64,
}

/// Finds the envelopes that were asked for, and their causes.
pub(super) fn find(logs: &[OpenLog], prefixes: &[IdPrefix]) -> Result<Causes, Failure> {
    let mut causes = Causes::default();
    let mut matches = vec![BTreeSet::new(); prefixes.len()];
    for reading in 1.. {
        let known = causes.ids.len();
        causes.envelopes = 0;
        for log in logs.iter().rev() {
            log.backwards(|line| causes.look(&line, prefixes, &mut matches))?;
        }
        // A log may have the cause of an envelope that only a later log has.
        causes.is_cut = logs.len() > 1 && causes.ids.len() > known && reading == MAX_READINGS;
        if logs.len() == 1 || causes.ids.len() == known || causes.is_cut {
            break;
        }
    }
    for (prefix, matches) in prefixes.iter().zip(&matches) {
        match matches.len() {
            1 => causes.asked.extend(matches),
            0 => {
                let count = causes.envelopes;
                return Err(Failure::usage(format_args!(
                    "no id of an envelope begins with '{prefix}' (envelopes read: {count})"
                )));
            }
            count => {
                let more = if count > MAX_COUNTED {
                    "more than "
                } else {
                    ""
                };
                let count = count.min(MAX_COUNTED);
                return Err(Failure::usage(format_args!(
                    "'{prefix}' is the beginning of {more}{count} ids: give more of it"
                )));
            }
        }
    }
    Ok(causes)
}

impl Causes {
    fn look(&mut self, line: &LogLine<'_>, prefixes: &[IdPrefix], matches: &mut [BTreeSet<Uuid>]) {
        let (id, cause, headers) = match line {
            LogLine::Envelope { envelope, .. } => {
                let cause = envelope.correlation_id.as_ref().map(|cause| cause.0);
                (envelope.id.0, cause, Some(&envelope.headers))
            }
            LogLine::Event(event) if event.kind == "unwritable" => match event.id {
                Some(id) => (id, None, None),
                None => return,
            },
            LogLine::Event(_) => return,
        };
        self.envelopes += 1;
        let mut is_sought = self.ids.contains(&id);
        for (prefix, matches) in prefixes.iter().zip(matches) {
            // An ambiguous beginning is an error, so there is no need to find the causes of all.
            if prefix.is_of(id) && matches.len() <= MAX_COUNTED {
                matches.insert(id);
                is_sought |= matches.len() == 1;
            }
        }
        if is_sought {
            self.ids.insert(id);
            self.ids.extend(cause);
            self.traces.extend(headers.and_then(trace_id));
        }
    }
}
