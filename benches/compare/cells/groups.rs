//! Cells about threads that share the work.

use std::sync::Barrier;
use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

use super::{Cell, Effort, Row, Unit};
use crate::run::contestants::{Entrants, Group, groups};
use crate::run::envelopes::{Envelopes, Payload};
use crate::run::measure::{Median, interleave, stay_on_core};

const MEMBERS: usize = 4;

pub(super) fn one_of_four(cell: &Cell, effort: Effort) -> Vec<Row> {
    let row = |publishers| {
        let mut entrants: Entrants<_> = groups().into();
        let total = effort.choose(24_000, 48_000);
        let samples = interleave(&mut entrants.present, effort.choose(9, 31), |entrant| {
            let group = (entrant.brings)(publishers, MEMBERS);
            run(group, total / publishers, total)
        });
        Row {
            publishers,
            subscribers: MEMBERS,
            ..Row::of(cell, &entrants, Unit::MillionEnvelopesPerSecond, |index| {
                Median::of(samples[index].iter().copied())
            })
        }
    };
    [1, 4].map(row).into()
}

/// Returns million envelopes a second, from the start of the first thread to the end of the last.
fn run(group: Group, each_publishes: usize, total: usize) -> f64 {
    let ready = &Barrier::new(group.publishers.len() + group.members.len());
    let spans: Vec<_> = thread::scope(|scope| {
        let publishers = (0..).zip(group.publishers).map(|(core, mut publisher)| {
            scope.spawn(move || {
                stay_on_core(core);
                let mut envelopes = Envelopes::new(Payload::Ping);
                ready.wait();
                let start = Instant::now();
                publisher.publish(&mut envelopes, each_publishes);
                drop(publisher); // the work ends when the last publisher is dropped
                (start, Instant::now(), 0)
            })
        });
        let members = (1..).zip(group.members).map(|(core, mut member)| {
            scope.spawn(move || {
                stay_on_core(core);
                ready.wait();
                let start = Instant::now();
                let received = member.work();
                (start, Instant::now(), received)
            })
        });
        let running: Vec<_> = publishers.chain(members).collect();
        let ended = running.into_iter().map(ScopedJoinHandle::join);
        ended
            .map(|ended| ended.expect("no contestant panics"))
            .collect()
    });
    let received: usize = spans.iter().map(|(.., received)| received).sum();
    assert_eq!(received, total, "it loses");
    let first = spans.iter().map(|(start, ..)| *start).min();
    let last = spans.iter().map(|(_, end, _)| *end).max();
    let took = last.zip(first).map(|(last, first)| last - first);
    total as f64 / took.expect("threads").as_secs_f64() / 1e6
}
