//! Trace context: the function by which the program names the current trace, and the header that carries the name.
//!
//! The bus asks for it when it stamps an envelope, so that subscribers can go on with the publisher's trace. The header
//! is that of [W3C Trace Context](https://www.w3.org/TR/trace-context/).

use std::panic::AssertUnwindSafe;

use crate::message::headers::Headers;

/// The name of the header that W3C Trace Context defines.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// The program's function that returns the current trace, see
/// [`BusBuilder::trace_context`](crate::BusBuilder::trace_context).
pub(crate) struct TraceContext {
    /// Unwind safe: the builder only stores the function, so a panic in it leaves no builder half changed.
    current: AssertUnwindSafe<Box<dyn Fn() -> Option<String> + Send + Sync>>,
}

impl TraceContext {
    pub(crate) fn new(current: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        TraceContext {
            current: AssertUnwindSafe(Box::new(current)),
        }
    }

    /// Adds the current trace to headers that name none. Returns whether it added one.
    pub(crate) fn complete(&self, headers: &mut Headers) -> bool {
        if headers.get(TRACEPARENT).is_some() {
            return false;
        }
        // A text that is not a valid header value is left out: a fault in tracing must not stop a publish.
        (self.current.0)().is_some_and(|current| headers.insert(TRACEPARENT, current).is_ok())
    }
}
