//! Outgoing requests of a link: how much time each has left, and which links may still answer it.
//!
//! A request that nobody will answer is *declined*. Then the bus need not wait for this link. Tests:
//! `tests/link/requests/`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::link::requests::announcement::{Announcement, Declined};
use crate::link::requests::known_importers::{KnownImporters, Responder};

/// The most time that a frame can name. A request that waits forever names this.
pub(in crate::link) const MOST_TIME: Duration = Duration::from_hours(1);

/// How many requests are kept before finished ones are removed, and how many links may decline a request before its
/// responders are known.
const MANY: usize = 1024;

/// A request that goes out.
#[derive(Debug)]
pub(in crate::link) struct RequestOut {
    pub(in crate::link) id: Uuid,
    /// The subject, as the server sees it.
    pub(in crate::link) subject: String,
    /// The time until which the asking side waits.
    pub(in crate::link) until: Option<Instant>,
}

#[derive(Debug)]
struct AwaitedRequest {
    request: RequestOut,
    /// The links that may answer, once they are known.
    responders: Option<BTreeSet<Responder>>,
    /// The links that have declined.
    declined: BTreeSet<Responder>,
    sendings: u64,
}

impl AwaitedRequest {
    /// This responder will not answer. It is recorded only if its answer is awaited: others could come and go without
    /// end.
    fn decline(&mut self, by: Responder) {
        let matters = match &self.responders {
            Some(responders) => responders.contains(&by),
            None => self.declined.len() < MANY,
        };
        if matters {
            self.declined.insert(by);
        }
    }

    fn is_declined(&self) -> bool {
        let responders = self.responders.as_ref();
        responders.is_some_and(|it| it.is_subset(&self.declined))
    }
}

#[derive(Debug, Default)]
pub(in crate::link) struct RequestsOut {
    importers: KnownImporters,
    by_number: BTreeMap<u64, AwaitedRequest>,
    /// At this many requests, those that are over are removed.
    look_at: usize,
    /// Whether the responders of some request are not known yet.
    is_unsettled: bool,
    declined: Vec<Uuid>,
}

impl RequestsOut {
    /// Notes that all importers were asked what they import.
    pub(in crate::link) fn asked(&mut self, now: Instant) {
        self.importers.asked(now);
    }

    /// Takes a request that is to go out. Returns false if it is known that nobody imports it. Requests that are no
    /// longer pending may be forgotten.
    pub(in crate::link) fn begin(
        &mut self,
        number: u64,
        request: RequestOut,
        is_pending: impl Fn(Uuid) -> bool,
    ) -> bool {
        if self.by_number.len() >= self.look_at.max(MANY) {
            self.by_number.retain(|_, it| is_pending(it.request.id));
            self.look_at = 2 * self.by_number.len();
        }
        let responders = (self.importers).responders(&request.subject, Instant::now());
        if responders.as_ref().is_some_and(BTreeSet::is_empty) {
            self.declined.push(request.id);
            return false;
        }
        self.is_unsettled |= responders.is_none();
        let sent = AwaitedRequest {
            request,
            responders,
            declined: BTreeSet::new(),
            sendings: 0,
        };
        self.by_number.insert(number, sent);
        true
    }

    /// Notes that the frame with this number is about to be sent. Returns how much time is left if it is a request.
    pub(in crate::link) fn send(&mut self, number: u64, now: Instant) -> Option<Duration> {
        let sent = self.by_number.get_mut(&number)?;
        sent.sendings += 1;
        // The frame also reaches importers that came after it was taken from the bus, or after it was first sent.
        let known = (self.importers).responders(&sent.request.subject, now);
        self.is_unsettled |= known.is_none();
        sent.responders = known.map(|mut known| {
            known.extend(sent.responders.take().into_iter().flatten());
            known
        });
        let left = (sent.request.until).map(|until| until.saturating_duration_since(now));
        Some(left.unwrap_or(MOST_TIME).min(MOST_TIME))
    }

    /// Declines a request that this link passes over.
    pub(in crate::link) fn decline(&mut self, id: Uuid) {
        self.declined.push(id);
    }

    /// Notes that the frame with this number is lost.
    pub(in crate::link) fn lose(&mut self, number: u64) {
        let lost = self.by_number.remove(&number);
        self.declined.extend(lost.map(|it| it.request.id));
    }

    /// Takes an announcement.
    pub(in crate::link) fn hear(&mut self, origin: &str, announcement: Announcement, now: Instant) {
        for gone in self.importers.hear(origin, announcement, now) {
            for sent in self.by_number.values_mut() {
                sent.decline(gone.clone());
            }
            self.find_declined();
        }
    }

    /// Takes an importer's message that nobody on its bus will answer.
    pub(in crate::link) fn take_decline(&mut self, origin: &str, declined: &Declined) {
        let number = declined.sequence;
        let Some(sent) = self.by_number.get_mut(&number) else {
            return;
        };
        if !self.importers.speaks_for(origin, declined.by) {
            return;
        }
        let mut speaking = (self.importers).speaking(declined.by, &sent.request.subject);
        if sent.sendings > 1 {
            // Another link of its group may have had the request before, and may answer.
            speaking.retain(|it| matches!(it, Responder::Life(_)));
        }
        for one in speaking {
            sent.decline(one);
        }
        if sent.is_declined() {
            self.declined.push(sent.request.id);
            self.by_number.remove(&number);
        }
    }

    /// Finds the responders of requests that were sent before all importers were known.
    pub(in crate::link) fn settle(&mut self, now: Instant) {
        if self.unsettled_until().is_none_or(|at| now < at) {
            return;
        }
        self.is_unsettled = false;
        let importers = &mut self.importers;
        for sent in self.by_number.values_mut() {
            if sent.responders.is_none() {
                sent.responders = importers.responders(&sent.request.subject, now);
            }
        }
        self.find_declined();
    }

    fn find_declined(&mut self) {
        let declined = self.by_number.extract_if(.., |_, sent| sent.is_declined());
        (self.declined).extend(declined.map(|(_, sent)| sent.request.id));
    }

    /// When [`settle`](Self::settle) is due.
    pub(in crate::link) fn unsettled_until(&self) -> Option<Instant> {
        self.importers.settled_at().filter(|_| self.is_unsettled)
    }

    /// Returns the requests that nobody will answer over this link.
    pub(in crate::link) fn take_declined(&mut self) -> Vec<Uuid> {
        std::mem::take(&mut self.declined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::frames::import_subject::ImportSubject;

    fn announcement(incarnation: u64) -> Announcement {
        Announcement {
            incarnation,
            imports: vec![ImportSubject::alone("ob.*.>".to_owned())],
            asks: false,
        }
    }

    #[test]
    fn lives_that_come_and_go_without_end_take_no_memory_of_each_request() {
        let mut requests = RequestsOut::default();
        let now = Instant::now();
        requests.hear("south", announcement(1), now);
        requests.importers.asked(now - Duration::from_mins(1));
        for number in 1..=2 {
            let request = RequestOut {
                id: Uuid::from_u128(number.into()),
                subject: "ob.north.a".to_owned(),
                until: None,
            };
            assert!(requests.begin(number, request, |_| true));
        }
        for life in 2..10_000 {
            requests.hear("mallory", announcement(life), now);
            let declined = Declined {
                incarnation: 7,
                sequence: 1,
                by: life,
            };
            requests.take_decline("mallory", &declined);
        }
        let most = requests.by_number.values().map(|it| it.declined.len());
        assert_eq!(most.max(), Some(0));
        requests.hear("south", announcement(9_999), now);
        assert!(requests.take_declined().is_empty(), "it is another's life");
        requests.hear("south", announcement(20_000), now);
        assert_eq!(requests.take_declined().len(), 2);
    }
}
