//! What is allocated: counted, not timed, so one run is enough.

use mockalloc::{AllocInfo, record_allocs};

use super::{Cell, Effort, Outcome, Row, Unit};
use crate::contestants::{self, Absence, Burst, CAPACITY, Contestant};
use crate::envelopes::{Envelopes, Payload};
use crate::measure::{BURST, Median};

pub(super) fn allocations(cell: &Cell, _: Effort) -> Vec<Row> {
    const SUBSCRIBERS: usize = 16;
    let mut rows = Vec::new();
    for payload in [Payload::Ping, Payload::Json] {
        let units = [Unit::AllocationsPerPublish, Unit::AllocationsPerDelivery];
        let [publishing, delivering] = units.map(|unit| {
            count(cell, None, (SUBSCRIBERS, payload), unit, |contestant| {
                let mut bus = contestant.burst(SUBSCRIBERS)?;
                let (publish, delivery) = in_bursts(&mut *bus, SUBSCRIBERS, payload);
                Ok(match unit {
                    Unit::AllocationsPerPublish => publish,
                    _ => delivery,
                })
            })
        });
        rows.extend([publishing, delivering]);
    }
    rows
}

/// Allocations for each publish, and for each delivery.
fn in_bursts(bus: &mut dyn Burst, subscribers: usize, payload: Payload) -> (f64, f64) {
    const WARM_UP: usize = 8;
    const BURSTS: usize = 32;
    let mut envelopes = Envelopes::new(payload);
    let (mut publishing, mut receiving) = (0, 0);
    for burst in 0..WARM_UP + BURSTS {
        envelopes.prepare(BURST);
        let published = record_allocs(|| bus.publish(&mut envelopes, BURST));
        let received = record_allocs(|| {
            for subscriber in 0..subscribers {
                bus.receive(subscriber, BURST);
            }
        });
        if burst >= WARM_UP {
            publishing += published.num_allocs();
            receiving += received.num_allocs();
        }
    }
    let published = (BURST * BURSTS) as f64;
    let delivered = published * subscribers as f64;
    (publishing as f64 / published, receiving as f64 / delivered)
}

pub(super) fn per_subscriber(cell: &Cell, _: Effort) -> Vec<Row> {
    const MORE: usize = 100;
    let cases = [("idle", 0), ("128 pings queued", CAPACITY)];
    let row = |(case, queued)| {
        let job = (MORE, Payload::Ping);
        let unit = Unit::BytesPerSubscriber;
        count(cell, Some(case), job, unit, |contestant| {
            let few = held(contestant, 1, queued)?;
            let many = held(contestant, 1 + MORE, queued)?;
            Ok((many - few) / MORE as f64)
        })
    };
    cases.map(row).into()
}

/// The bytes that a bus with so many subscribers holds, with so many envelopes published and none
/// received.
fn held(contestant: &dyn Contestant, subscribers: usize, queued: usize) -> Result<f64, Absence> {
    let mut envelopes = Envelopes::new(Payload::Ping);
    let mut made = Err("not made");
    let counted = record_allocs(|| {
        made = contestant.burst(subscribers).map(|mut bus| {
            bus.publish(&mut envelopes, queued);
            bus
        });
    });
    made.map(|_bus| bytes_held(&counted))
}

fn bytes_held(counted: &AllocInfo) -> f64 {
    counted.mem_allocated() as f64 - counted.mem_freed() as f64
}

/// A row of counts.
fn count(
    cell: &Cell,
    case: Option<&'static str>,
    (subscribers, payload): (usize, Payload),
    unit: Unit,
    count: impl Fn(&dyn Contestant) -> Result<f64, Absence>,
) -> Row {
    let mut results = Vec::new();
    let mut absent = Vec::new();
    for contestant in contestants::all() {
        match count(&*contestant) {
            Ok(counted) => results.push(Outcome {
                name: contestant.name(),
                role: contestant.role(),
                median: Median::of([counted]),
            }),
            Err(why) => absent.push((contestant.name(), why)),
        }
    }
    Row {
        cell: cell.letter,
        case,
        publishers: 1,
        subscribers,
        payload,
        unit,
        results,
        absent,
    }
}
