//! Workers that listen to their own line only, and so know exactly what they are to receive.

use std::collections::VecDeque;

use oxide_bus::{SubscribeOptions, Subscription, TryRecvError};

use super::load::{KINDS, LINES, Load, Role};
use super::publishers::Pen;
use super::topology::Right;
use super::worker::Worker;

/// How many envelopes are retained of a keeper's line.
const RETAINED: usize = 5;

/// Listens to one pattern after another: a change is a barrier.
pub(super) async fn change(mut worker: Worker, line: usize) {
    let mut pen = Pen::new(&worker.round, line, worker.task, Right::Trusted);
    let pattern = |kind: &str| format!("{}.{kind}", LINES[line]);
    while worker.goes_on().await {
        let mut kind = KINDS[0];
        let Some(mut own) = subscribe(&worker, pattern(kind)) else {
            return;
        };
        let mut expected = VecDeque::new();
        for _ in 0..20 {
            if worker.one_in(2) {
                kind = worker.rng.choice(KINDS).expect("there are some");
                worker.step("changes its pattern", 0);
                if let Err(error) = own.set_patterns([pattern(kind)]) {
                    if !worker.round.is_closing() {
                        worker.broken(format!("could not change its pattern: {error}"));
                    }
                    break;
                }
            }
            let number = pen.number;
            if pen.publish(&mut worker).await.is_err() {
                break;
            }
            if pen.number > number && Role::Talk.kind(number) == kind {
                expected.push_back(number);
            }
            if worker.one_in(2) {
                receive(&worker, &mut own, &mut expected);
            }
        }
        receive(&worker, &mut own, &mut expected);
    }
}

/// Has the last envelopes retained, and subscribes late.
pub(super) async fn keep(mut worker: Worker, line: usize) {
    let mut pen = Pen::new(&worker.round, line, worker.task, Right::Trusted);
    let pattern = format!("{}.>", LINES[line]);
    let mut kept = VecDeque::new();
    if worker.round.bus.retain(pattern.as_str(), RETAINED).is_err() {
        return; // the bus has closed
    }
    while worker.goes_on().await {
        for _ in 0..worker.below(0..10) {
            keep_one(&mut worker, &mut pen, &mut kept).await;
        }
        worker.step("subscribes to what is retained", pen.number);
        let Some(mut own) = subscribe(&worker, pattern.clone()) else {
            return;
        };
        let mut expected = kept.clone();
        receive(&worker, &mut own, &mut expected);
        for _ in 0..worker.below(0..5) {
            let number = pen.number;
            keep_one(&mut worker, &mut pen, &mut kept).await;
            expected.extend(number..pen.number);
        }
        receive(&worker, &mut own, &mut expected);
    }
}

async fn keep_one(worker: &mut Worker, pen: &mut Pen, kept: &mut VecDeque<u64>) {
    let number = pen.number;
    let _ = pen.publish(worker).await; // the bus may have closed
    kept.extend(number..pen.number);
    while kept.len() > RETAINED {
        kept.pop_front();
    }
}

/// With room for more than it will get.
fn subscribe(worker: &Worker, pattern: String) -> Option<Subscription<Load>> {
    let options = SubscribeOptions::new().pattern(pattern).capacity(64);
    let subscription = worker.round.bus.subscribe_with(options);
    match subscription {
        Ok(subscription) => Some(subscription),
        Err(_) if worker.round.is_closing() => None,
        Err(error) => worker.broken(format!("could not subscribe: {error}")),
    }
}

/// Receives all that is queued: this, and nothing else.
fn receive(worker: &Worker, own: &mut Subscription<Load>, expected: &mut VecDeque<u64>) {
    loop {
        let received = own.try_recv();
        let next = expected.pop_front();
        let number = received.as_ref().ok().map(|it| it.message.number);
        if let Ok(delivery) = &received {
            let received = &worker.round.received_apart;
            received.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if worker.round.topology.roles[delivery.message.line] == Role::Talk {
                worker.step("received", delivery.message.number);
            }
        }
        let is_end = matches!(
            received,
            Err(TryRecvError::Empty | TryRecvError::Disconnected)
        );
        let is_over = matches!(received, Err(TryRecvError::Disconnected));
        if is_over && worker.round.is_closing() {
            return; // a subscribe that overlaps with the close has no more to expect
        }
        if number != next || number.is_none() && !is_end {
            worker.broken(format!("was to receive {next:?}, and did {received:?}"));
        }
        if number.is_none() {
            return;
        }
    }
}
