//! Somebody who revokes capabilities and grants them again. A publisher reads how far that is before its publish and
//! after: what is the same at both times held all the while.

use std::sync::atomic::Ordering;
use std::time::Duration;

use oxide_bus::{SubscribeOptions, Subscription, TryRecvError};

use super::load::{LINES, Load};
use super::publishers::{Pen, grant};
use super::topology::Right;
use super::worker::Worker;

/// The phases of a capability, over and over. Between these two it is being changed.
pub(super) const GRANTED: u64 = 0;
pub(super) const REVOKED: u64 = 2;

/// The life of one that revokes of these lines, and has a line of its own.
pub(super) async fn revoke(mut worker: Worker, line: usize, lines: Vec<usize>) {
    let mut pen = Pen::new(&worker.round, line, false, Right::Trusted);
    let round = worker.round.clone();
    while worker.goes_on().await {
        let line = worker.rng.choice(&lines).copied().expect("there are some");
        let next_phase = || round.lines[line].phase.fetch_add(1, Ordering::AcqRel);
        worker.doze(100..2_000).await;
        // Without a filter: one would have publishers go another way.
        let probe = SubscribeOptions::new().capacity(2_048);
        let probe = worker
            .one_in(2)
            .then(|| round.bus.subscribe_with(probe).ok());
        worker.step("revokes of line", line as u64);
        next_phase();
        let is_drained = worker.one_in(2)
            && (round.bus)
                .revoke_and_drain(LINES[line], Duration::from_millis(100))
                .is_ok();
        if !is_drained {
            round.bus.revoke(LINES[line]);
        }
        next_phase();
        if is_drained && let Some(Some(probe)) = probe {
            nothing_comes(&mut worker, &mut pen, line, probe).await;
        }
        worker.step("grants to line", line as u64);
        next_phase();
        let right = round.topology.publishers[line].right;
        if let Err(error) = round.bus.grant(grant(line, right)) {
            worker.broken(format!("could not grant {}: {error}", LINES[line]));
        }
        next_phase();
    }
}

/// A capability is revoked and drained: in the one order, no envelope of its line comes after one that is published now.
async fn nothing_comes(
    worker: &mut Worker,
    pen: &mut Pen,
    line: usize,
    mut probe: Subscription<Load>,
) {
    while probe.len() > 1_024 && probe.try_recv().is_ok() {}
    let own = pen.number;
    if pen.publish(worker).await.is_err() || pen.number == own {
        return; // the bus has closed, or somebody has no room
    }
    worker.doze(100..1_000).await;
    let mut is_after = false;
    loop {
        match probe.try_recv() {
            Ok(delivery) => {
                let Load {
                    line: from, number, ..
                } = delivery.message;
                is_after |= (from, number) == (pen.line, own);
                if is_after && from == line {
                    let name = LINES[line];
                    worker.broken(format!(
                        "{name} {number} came after it was revoked and drained"
                    ));
                }
            }
            Err(TryRecvError::Lagged { .. }) => {}
            Err(_) => return,
        }
    }
}
