//! Requests that a link has brought: if nobody on the bus will answer one, the link that sent it is told so.

use std::future::poll_fn;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::bus::error::RequestError;
use crate::bus::request::Asked;
use crate::link::announcement::Declined;
use crate::link::linked::Linked;
use crate::link::requests_out::MOST_TIME;
use crate::link::waiting::Arrived;
use crate::link::wire::Place;

/// The most requests that are watched at once. Of others it is not told that nobody answers.
const MAX: usize = 1024;

/// A request that a link has brought.
#[derive(Debug, Clone)]
pub(super) struct BroughtRequest {
    origin: Arc<str>,
    place: Place,
    /// Until when the asking side waits.
    pub(super) until: Instant,
}

/// What is known of those that could answer a request.
pub(super) enum Audience<M> {
    /// There is nobody.
    Nobody,
    /// There is somebody. Links that pass it over decline it.
    Somebody(Option<Asked<M>>),
}

/// The requests that are watched. Dropping it ends that.
#[derive(Debug, Default)]
pub(super) struct Relays {
    watched: JoinSet<()>,
}

impl BroughtRequest {
    /// Looks whether a frame is a request.
    pub(super) fn of(origin: &Arc<str>, arrived: &Arrived) -> Option<Self> {
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
    /// Whether one more can be watched.
    pub(super) fn has_room(&mut self) -> bool {
        while self.watched.try_join_next().is_some() {}
        self.watched.len() < MAX
    }

    /// Tells the link that sent a request if nobody will answer it.
    pub(super) fn watch<M: Send + Sync + 'static>(
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
    use crate::link::frame::Frame;
    use crate::link::wire::read_heading;

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
