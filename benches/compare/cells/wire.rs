//! Cells about JSON, and about the cost of an audited publish.

use std::fs;
use std::hint::black_box;
use std::time::Instant;

use super::{Cell, Effort, Row, Unit};
use crate::run::contestants::Entrants;
use crate::run::contestants::wire::{AUDIT_CAPACITY, audited, json};
use crate::run::envelopes::{Envelopes, Payload};
use crate::run::measure::{Median, interleave, nanoseconds};

pub(super) fn json_and_audit(cell: &Cell, effort: Effort) -> Vec<Row> {
    let payloads = [Payload::Ping, Payload::Json];
    let wire = payloads.map(|payload| written_and_read(cell, effort, payload));
    let audit = payloads.map(|payload| audited_publish(cell, effort, payload));
    let wire = wire.into_iter().flatten();
    wire.chain(audit.into_iter().flatten()).collect()
}

/// Returns a row for each case, which takes one figure out of each sample.
fn rows<T, const N: usize>(
    cell: &Cell,
    payload: Payload,
    unit: Unit,
    cases: [&'static str; N],
    entrants: &Entrants<T>,
    samples: &[Vec<[f64; N]>],
) -> [Row; N] {
    std::array::from_fn(|figure| Row {
        case: Some(cases[figure]),
        payload,
        ..Row::of(cell, entrants, unit, |index| {
            Median::of(samples[index].iter().map(|figures| figures[figure]))
        })
    })
}

fn written_and_read(cell: &Cell, effort: Effort, payload: Payload) -> [Row; 2] {
    const TIMES: u32 = 256;
    let mut envelopes = Envelopes::new(payload);
    envelopes.prepare(1);
    let envelope = envelopes.take(1).next().expect("one");
    let mut entrants: Entrants<_> = json(&envelope).into();
    let text = entrants.present[0].brings.encode();
    for entrant in &entrants.present {
        let (name, brings) = (entrant.name, &entrant.brings);
        assert_eq!(brings.encode(), text, "{name} writes something else");
        assert!(brings.reads_back(&text), "{name} reads something else");
    }
    let samples = interleave(&mut entrants.present, effort.choose(15, 120), |entrant| {
        let start = Instant::now();
        for _ in 0..TIMES {
            black_box(entrant.brings.encode());
        }
        let written = Instant::now();
        for _ in 0..TIMES {
            entrant.brings.decode(black_box(&text));
        }
        let read = written.elapsed();
        [written - start, read].map(|time| nanoseconds(time / TIMES))
    });
    let (unit, cases) = (Unit::NanosecondsPerEnvelope, ["write", "read"]);
    rows(cell, payload, unit, cases, &entrants, &samples)
}

fn audited_publish(cell: &Cell, effort: Effort, payload: Payload) -> [Row; 3] {
    /// Few enough that the publisher does not wait for room.
    const FEW: usize = AUDIT_CAPACITY / 2;
    /// Enough envelopes that the publisher is as fast as the writing thread.
    const MANY: usize = AUDIT_CAPACITY * 4;
    let folder = tempfile::tempdir().expect("a folder");
    let mut entrants: Entrants<_> = audited(folder.path()).into();
    let mut envelopes = Envelopes::new(payload);
    let rounds = effort.choose(7, 25);
    let samples = interleave(&mut entrants.present, rounds, |entrant| {
        let bus = &mut entrant.brings;
        let mut publish = |count| {
            envelopes.prepare(count);
            let start = Instant::now();
            bus.publish(&mut envelopes, count);
            let published = start.elapsed();
            bus.flush();
            [published, start.elapsed()].map(|time| nanoseconds(time) / count as f64)
        };
        let [few, few_written] = publish(FEW);
        let [many, _] = publish(MANY);
        [few, few_written, many]
    });
    for entrant in &entrants.present {
        let lines = fs::read_to_string(folder.path().join(entrant.name)).expect("it was written");
        let written = lines.matches("\"envelope\":").count();
        assert_eq!(
            written,
            (rounds + 1) * (FEW + MANY),
            "{} loses",
            entrant.name
        );
    }
    let (unit, cases) = (
        Unit::NanosecondsPerPublish,
        ["512, published", "512, and flushed", "4096, published"],
    );
    rows(cell, payload, unit, cases, &entrants, &samples)
}
