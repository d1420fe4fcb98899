//! Relayed requests: those that a link has brought. If nobody on the bus will answer one, the link that sent it is told
//! so, and the asking side need not wait for its time-out.

use std::future::poll_fn;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::bus::error::RequestError;
use crate::bus::request::Asked;
use crate::link::frames::wire::Place;
use crate::link::inbound::inbound_queue::Arrived;
use crate::link::requests::announcement::Declined;
use crate::link::requests::requests_out::MOST_TIME;
use crate::link::state::linked::Linked;

/// The most requests that are watched at once. For any more, the other link does not learn that nobody answers.
const MAX: usize = 1024;

/// A request that a link has brought.
#[derive(Debug, Clone)]
pub(in crate::link) struct BroughtRequest {
    origin: Arc<str>,
    place: Place,
    /// The time until which the asking side waits.
    pub(in crate::link) until: Instant,
}

/// Whether anybody could answer a request.
pub(in crate::link) enum Audience<M> {
    /// Nobody could.
    Nobody,
    /// Somebody could. Links that pass the request over decline it.
    Somebody(Option<Asked<M>>),
}

/// The watched requests. Dropping this ends the watch.
#[derive(Debug, Default)]
pub(in crate::link) struct Relays {
    watched: JoinSet<()>,
}

impl BroughtRequest {
    /// Returns the request that a frame carries, if it is one.
    pub(in crate::link) fn of(origin: &Arc<str>, arrived: &Arrived) -> Option<Self> {
        let left = arrived.heading.time_left?.min(MOST_TIME);
        Some(BroughtRequest {
            origin: Arc::clone(origin),
            place: arrived.heading.place,
            until: arrived.at + left,
        })
    }

    fn decline(&self, link: &Linked) {
        let declined = Declined {
            incarnation: self.place.incarnation,
            sequence: self.place.sequence,
            by: link.settings.incarnation,
        };
        let frame = declined.frame(&link.settings.name, &self.origin);
        link.state.lock().push_control(frame);
        link.to_send.notify_one();
    }
}

impl Relays {
    /// Whether one more request can be watched.
    pub(in crate::link) fn has_room(&mut self) -> bool {
        while self.watched.try_join_next().is_some() {}
        self.watched.len() < MAX
    }

    /// Watches a request, and tells the link that sent it if nobody will answer.
    pub(in crate::link) fn watch<M: Send + Sync + 'static>(
        &mut self,
        link: &Arc<Linked>,
        request: BroughtRequest,
        audience: Audience<M>,
    ) {
        let asked = match audience {
            Audience::Nobody => return request.decline(link),
            Audience::Somebody(None) => return,
            Audience::Somebody(Some(asked)) => asked,
        };
        let link = Arc::clone(link);
        self.watched.spawn(async move {
            let answer = poll_fn(|context| asked.poll(context.waker()));
            let answer = timeout_at(request.until, answer).await;
            if matches!(answer, Ok(Err(RequestError::NoResponders))) {
                request.decline(&link);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::link::frames::frame::Frame;
    use crate::link::frames::wire::read_heading;

    #[test]
    fn however_much_time_a_frame_claims_a_request_is_watched_for_an_hour_at_most() {
        let heading =
            "1 00000000000000aa 1 01a22648-0024-7f9e-b2f5-51154ec6280d 2026-11-29T07:49:42Z x";
        for (left, seconds) in [("7000", 7), ("18446744073709551615", 3600)] {
            let headers = [("Ob", format!("{heading} left={left}"))];
            let frame = Frame::with_headers("ob.mallory.a", headers, Bytes::new());
            let heading = read_heading(&frame).expect("it can be read");
            let at = Instant::now();
            let arrived = Arrived { heading, frame, at };
            let request = BroughtRequest::of(&"mallory".into(), &arrived).expect("it is one");
            assert_eq!(request.until, at + Duration::from_secs(seconds));
        }
    }
}
