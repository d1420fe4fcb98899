//! Somebody who revokes capabilities and grants them again. A publisher reads how far that is before its publish and
//! after: what is the same at both times held all the while.

use std::sync::atomic::Ordering;
use std::time::Duration;

use oxide_bus::SubscribeOptions;

use super::load::LINES;
use super::publishers::grant;
use super::worker::Worker;

/// The phases of a capability, over and over. Between these two it is being changed.
pub(super) const GRANTED: u64 = 0;
pub(super) const REVOKED: u64 = 2;

pub(super) async fn revoke(mut worker: Worker, lines: Vec<usize>) {
    while worker.goes_on().await {
        let line = worker.rng.choice(&lines).copied().expect("there are some");
        let round = worker.round.clone();
        let next_phase = || round.lines[line].phase.fetch_add(1, Ordering::AcqRel);
        worker.doze(100..3_000).await;
        let probe = SubscribeOptions::new()
            .capacity(4)
            .pattern(format!("{}.>", LINES[line]));
        let probe = worker.one_in(2).then(|| round.bus.subscribe_with(probe));
        worker.step("revokes of line", line as u64);
        next_phase();
        let is_drained = worker.one_in(2)
            && round
                .bus
                .revoke_and_drain(LINES[line], Duration::from_millis(100))
                .is_ok();
        if !is_drained {
            round.bus.revoke(LINES[line]);
        }
        next_phase();
        let came = || {
            probe
                .as_ref()?
                .as_ref()
                .ok()
                .map(|it| it.len() as u64 + it.dropped())
        };
        let (before, done) = (came(), round.lines[line].done());
        worker.doze(100..1_000).await;
        if is_drained && came() != before {
            worker.broken(format!(
                "of {} up to {done} there were {before:?} after it was revoked and drained, then {:?}",
                LINES[line],
                came()
            ));
        }
        drop(probe);
        worker.step("grants to line", line as u64);
        next_phase();
        if let Err(error) = round
            .bus
            .grant(grant(line, round.topology.publishers[line].right))
        {
            worker.broken(format!("could not grant {}: {error}", LINES[line]));
        }
        next_phase();
    }
}
