//! Cells about allocated memory. They count; they do not time.

use std::alloc::System;

use stats_alloc::{Region, Stats, StatsAlloc};

use super::{Cell, Row, Unit, outcomes};
use crate::run::contestants::{Absence, CAPACITY, Contestant, enter};
use crate::run::envelopes::{Envelopes, Payload};
use crate::run::measure::{BURST, Median};

/// The allocator, if it is the one that counts.
pub(crate) type Counter = &'static StatsAlloc<System>;

pub(super) fn allocations(cell: &Cell, counter: Counter) -> Vec<Row> {
    const SUBSCRIBERS: usize = 16;
    let mut rows = Vec::new();
    for payload in [Payload::Ping, Payload::Json] {
        let entrants = enter(|contestant| in_bursts(&*contestant, SUBSCRIBERS, payload, counter));
        let row = |unit, figure: fn(&PerEnvelope) -> f64| Row {
            cell: cell.letter,
            case: None,
            publishers: 1,
            subscribers: SUBSCRIBERS,
            payload,
            unit,
            results: outcomes(&entrants.present, |index| {
                Median::of([figure(&entrants.present[index].brings)])
            }),
            absent: entrants.absent.clone(),
        };
        rows.push(row(Unit::AllocationsPerPublish, |per| per.publish));
        rows.push(row(Unit::AllocationsPerDelivery, |per| per.delivery));
    }
    rows
}

/// Allocations for each envelope.
struct PerEnvelope {
    publish: f64,
    delivery: f64,
}

fn in_bursts(
    contestant: &dyn Contestant,
    subscribers: usize,
    payload: Payload,
    counter: Counter,
) -> Result<PerEnvelope, Absence> {
    const WARM_UP: usize = 8;
    const BURSTS: usize = 32;
    let mut bus = contestant.burst(subscribers)?;
    let mut envelopes = Envelopes::new(payload);
    let (mut publishing, mut receiving) = (0, 0);
    for burst in 0..WARM_UP + BURSTS {
        envelopes.prepare(BURST);
        let region = Region::new(counter);
        bus.publish(&mut envelopes, BURST);
        let published = region.change();
        for subscriber in 0..subscribers {
            bus.receive(subscriber, BURST);
        }
        let received = region.change() - published;
        if burst >= WARM_UP {
            publishing += times_allocated(published);
            receiving += times_allocated(received);
        }
    }
    let published = (BURST * BURSTS) as f64;
    Ok(PerEnvelope {
        publish: publishing as f64 / published,
        delivery: receiving as f64 / (published * subscribers as f64),
    })
}

fn times_allocated(counted: Stats) -> usize {
    counted.allocations + counted.reallocations
}

pub(super) fn per_subscriber(cell: &Cell, counter: Counter) -> Vec<Row> {
    const MORE: usize = 100;
    let cases = [("idle", 0), ("128 queued", CAPACITY)];
    let row = |(case, queued)| {
        let entrants = enter(|contestant| {
            let few = bytes_held(&*contestant, 1, queued, counter)?;
            let many = bytes_held(&*contestant, 1 + MORE, queued, counter)?;
            Ok(Median::of(
                (many.iter().zip(few)).map(|(many, few)| (many - few) / MORE as f64),
            ))
        });
        Row {
            cell: cell.letter,
            case: Some(case),
            publishers: 1,
            subscribers: MORE,
            payload: Payload::Ping,
            unit: Unit::BytesPerSubscriber,
            results: outcomes(&entrants.present, |index| entrants.present[index].brings),
            absent: entrants.absent,
        }
    };
    cases.map(row).into()
}

/// Returns what a bus holds with this many subscribers and this many envelopes published to each. Counts several times,
/// because the threads of some contestants allocate and free when they please.
fn bytes_held(
    contestant: &dyn Contestant,
    subscribers: usize,
    queued: usize,
    counter: Counter,
) -> Result<[f64; 9], Absence> {
    let mut times = [0.0; 9];
    for time in &mut times {
        let mut envelopes = Envelopes::new(Payload::Ping);
        let region = Region::new(counter);
        let mut bus = contestant.burst(subscribers)?;
        bus.publish(&mut envelopes, queued);
        let bytes = region.change();
        *time = bytes.bytes_allocated as f64 - bytes.bytes_deallocated as f64;
    }
    Ok(times)
}
