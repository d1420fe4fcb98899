//! The calls of an engine. Each ends at the time limit, or when the connection is cut, so an engine that hangs cannot
//! stop a link.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use tokio::time::{Instant, timeout};

use crate::link::engine::{EngineError, in_words};
use crate::link::state::linked::Linked;

/// The end of a call of the engine.
pub(in crate::link) enum Called {
    Well,
    /// The engine will never do it, for this reason.
    Refused(String),
    /// It failed or took too long, which counts as a cut.
    Cut,
}

/// Waits for a call of the engine: up to the time limit, and only while the connection is there.
pub(in crate::link) async fn call(
    link: &Linked,
    call: impl Future<Output = Result<(), EngineError>>,
) -> Called {
    let limit = link.settings.call;
    let mut call = pin!(call);
    // Most calls end at once, and need no timer.
    let at_once = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
    let result = match at_once {
        Poll::Ready(result) => Ok(Ok(result)),
        Poll::Pending => tokio::select! {
            biased;
            result = timeout(limit, call) => Ok(result),
            () = link.cut.notified() => Err("the connection was cut".to_owned()),
        },
    };
    let failure = match result {
        Ok(Ok(Ok(()))) => return Called::Well,
        Ok(Ok(Err(error))) if error.is_refusal() => return Called::Refused(in_words(&error)),
        Ok(Ok(Err(error))) => in_words(&error),
        Ok(Err(_)) => format!("the engine has not answered within {limit:?}"),
        Err(failure) => failure,
    };
    link.state.lock().fail(&failure, Instant::now());
    Called::Cut
}

/// Waits for a call that has to succeed before anything else can. Here a refusal counts as a cut too.
pub(in crate::link) async fn succeeds(
    link: &Linked,
    done: impl Future<Output = Result<(), EngineError>>,
) -> bool {
    match call(link, done).await {
        Called::Well => true,
        Called::Refused(error) => {
            link.state.lock().fail(&error, Instant::now());
            false
        }
        Called::Cut => false,
    }
}
