//! The publishing actions of a worker: it publishes, asks, answers, and revokes capabilities.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use oxide_bus::{Delivery, Denial, Envelope, Overflow, PublishError, SubscribeOptions};

use super::super::part::{Job, SoakLoad};
use super::super::report::broken;
use super::super::state::STEP_TIMEOUT;
use super::{Either, Worker};

/// The phases of a capability, which repeat modulo 4. It is being changed in the two phases in between.
const GRANTED: u64 = 0;
const REVOKED: u64 = 2;

impl Worker {
    fn load(&mut self, ahead: u64) -> SoakLoad {
        let number = self.number + ahead;
        let other = self.rng.usize(0..self.round.parts.len());
        let is_own = other == self.line; // then the order holds anyhow
        SoakLoad {
            line: self.line,
            number,
            witness: (other, if is_own { 0 } else { self.round.done_of(other) }),
            answers: None,
            subject: [self.part.name, self.part.kind(number)],
            _alive: Arc::clone(&self.round.alive),
        }
    }

    /// Publishes `len` envelopes, or answers, or asks. Returns false at the end of the bus.
    pub(super) async fn publish(
        &mut self,
        len: usize,
        question: Option<&Delivery<SoakLoad>>,
    ) -> bool {
        let (round, line, by) = (Arc::clone(&self.round), self.line, self.part.name);
        let waits = matches!(self.part.overflow, Overflow::Block | Overflow::BlockFor(_));
        if self.subscription.is_some() && waits && self.part.group.is_none() {
            return true; // it would wait for itself
        }
        let (from, granted) = (self.number, self.part.granted);
        let may_ask = !granted && round.number_of(Job::Answer) > 0;
        let asks = may_ask && self.part.kind(from) == "ask" && self.rng.bool();
        let len = if asks { 1 } else { len };
        let mut loads: Vec<_> = (0..len as u64).map(|it| self.load(it)).collect();
        loads[0].answers = question.map(|it| (it.message.line, it.message.number));
        let is_foreign = granted && self.rng.u8(0..32) == 0;
        if is_foreign {
            loads[0].subject[0] = "foreign";
        }
        let phase = || round.lines[line].phase.load(Ordering::Acquire);
        let before = phase();
        let (is_root, tries) = (!granted && self.rng.u8(0..4) == 0, self.rng.u8(0..8) == 0);
        self.trace.step("publishes up to", from + len as u64);
        round.begin(line, from + len as u64);
        let cause = |it: &PublishError<SoakLoad>| (it.denial(), it.envelope().message.number);
        let (published, matched, left, refused) = if asks {
            let load = loads.remove(0);
            match either!(&self.publisher, it => it.request_timeout(load, STEP_TIMEOUT), await) {
                Ok(answer) => {
                    let its = answer.message.answers;
                    promise!(its == Some((line, from)) => by, "asks {from}, got an answer to {its:?}");
                    (1, 0, 0, None)
                }
                Err(error) => {
                    promise!(round.is_closing() => by, "gets no answer to {from}: {error}");
                    let left = error.into_envelope().map_or(0, |_| 1);
                    (1 - left, 0, left, Some((None, from + 1 - left as u64)))
                }
            }
        } else if len == 1 {
            let load = loads.remove(0);
            let outcome = match (&self.publisher, question) {
                (it, Some(question)) => either!(it, it => it.reply(question, load), await),
                (Either::Thread(_), _) if is_root => round.bus.publish(Envelope::new(by, load)),
                (it, None) if tries => either!(it, it => it.try_publish(load)),
                (it, None) => either!(it, it => it.publish(load), await),
            };
            match outcome {
                Ok(it) => (1, it.matched(), 0, None),
                Err(error) => (0, 0, 1, Some(cause(&error))),
            }
        } else {
            match either!(&self.publisher, it => it.publish_batch(loads), await) {
                Ok(it) => (it.published(), it.matched(), 0, None),
                Err(error) => {
                    let (it, cause) = (error.receipt(), cause(error.cause()));
                    let left = error.into_envelopes().len();
                    (it.published(), it.matched(), left, Some(cause))
                }
            }
        };
        round.matched.fetch_add(matched as u64, Ordering::Relaxed);
        self.number += published as u64;
        round.finish(line, self.number);
        // If the phase is the same before and after, it held all the time.
        let phase = Some(before % 4).filter(|_| before == phase());
        let may = published == 0 || phase != Some(REVOKED) && !is_foreign;
        promise!(may => by, "publishes {from}, which is revoked or beyond its scope");
        promise!(published + left == len => by, "of {len} publishes {published}, has {left} left");
        let Some((denial, number)) = refused else {
            return true;
        };
        let may = match denial {
            Some(Denial::Revoked | Denial::NotGranted) => phase != Some(GRANTED),
            Some(denial) => is_foreign && denial == Denial::Subject,
            None => round.is_closing() || tries,
        };
        let fits = may && number == self.number;
        promise!(fits => by, "is refused {number}, after {from} and {published}: {denial:?}");
        self.pause(100).await;
        !round.is_closing()
    }

    /// Revokes a capability, and grants it again. Returns false at the end of the bus.
    pub(super) async fn revoke(&mut self) -> bool {
        let round = Arc::clone(&self.round);
        let lines = (0..round.parts.len()).filter(|&it| round.parts[it].granted);
        let Some(line) = self.rng.choice(lines.collect::<Vec<_>>()) else {
            return self.pause(500).await;
        };
        let name = round.parts[line].name;
        let next_phase = || round.lines[line].phase.fetch_add(1, Ordering::AcqRel);
        // It has no filter, so publishers append as before.
        let probe = round
            .bus
            .subscribe_with(SubscribeOptions::new().capacity(2_048));
        self.trace.step("revokes of line", line as u64);
        next_phase();
        let drained = round.bus.revoke_and_drain(name, Duration::from_millis(100));
        if drained.is_err() {
            round.bus.revoke(name);
        }
        next_phase();
        let mut goes_on = true;
        if let Ok(mut probe) = probe
            && drained.is_ok()
        {
            while probe.len() > 1_024 && probe.try_recv().is_ok() {}
            let own = (self.line, self.number);
            goes_on = self.publish(1, None).await; // no envelope of the revoked line comes after this one
            self.pause(1_000).await;
            let mut is_after = false;
            while let Some(it) = probe.try_iter().find_map(Result::ok) {
                let it = (it.message.line, it.message.number);
                promise!(!is_after || it.0 != line => name, "publishes {it:?} when it is revoked and drained");
                is_after |= it == own;
            }
        }
        next_phase();
        self.trace.step("grants to line", line as u64);
        round.grant(line);
        next_phase();
        goes_on
    }
}
