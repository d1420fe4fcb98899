//! Which trace an envelope belongs to: asked of the program when the bus stamps the envelope.

use std::panic::AssertUnwindSafe;

use crate::message::headers::Headers;

/// The header of W3C Trace Context.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// What the program says of the current trace, see [`BusBuilder::trace_context`](crate::BusBuilder::trace_context).
pub(crate) struct TraceContext {
    /// The builder only holds it, so a panic of it leaves no builder half changed.
    current: AssertUnwindSafe<Box<dyn Fn() -> Option<String> + Send + Sync>>,
}

impl TraceContext {
    pub(crate) fn new(current: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        TraceContext {
            current: AssertUnwindSafe(Box::new(current)),
        }
    }

    /// Adds the current trace to headers that name none. True if there was one to add.
    pub(crate) fn complete(&self, headers: &mut Headers) -> bool {
        if headers.get(TRACEPARENT).is_some() {
            return false;
        }
        // A text that is no header is left out: tracing is no reason not to publish.
        (self.current.0)().is_some_and(|current| headers.insert(TRACEPARENT, current).is_ok())
    }
}
