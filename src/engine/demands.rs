//! Demands: the rules of a bus for every envelope. They limit its size, and require that it can be encoded.
//!
//! A subscriber, a log or a link may be unable to hold or to write an envelope. It is cheaper to refuse the envelope
//! once, before it is published. The tests are in `tests/library/weight.rs`.

use crate::codec::{Codec, EncodeError};
use crate::engine::refusal::Refusal;
use crate::message::envelope::Envelope;
use crate::message::measure::{LimitExceeded, Measure, Meter};

/// Runs a measurement once, for a publish that may be tried many times.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    is_done: bool,
}

impl Measured {
    pub(crate) fn once<E>(&mut self, measure: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        if !self.is_done {
            measure()?;
            self.is_done = true; // not before: `measure` may panic
        }
        Ok(())
    }
}

/// What a bus demands of an envelope.
pub(crate) struct Demands<M> {
    pub(crate) size: Option<Size<M>>,
    pub(crate) must_encode: Option<MustEncode<M>>,
    /// The most bytes of a source. Checked where there is a size.
    pub(crate) max_source: usize,
}

/// How large a payload may be, and how that is measured.
pub(crate) struct Size<M> {
    bytes: usize,
    depth: usize,
    measure: fn(&M, &mut Meter) -> Result<(), LimitExceeded>,
}

impl<M: Measure> Size<M> {
    pub(crate) fn new(bytes: usize, depth: usize) -> Self {
        Size {
            bytes,
            depth,
            measure: M::measure,
        }
    }
}

/// The codec that must be able to write the envelope, and how that is tried.
#[derive(Debug)]
pub(crate) struct MustEncode<M> {
    pub(crate) codec: Codec,
    pub(crate) encode: fn(&Codec, &Envelope<M>) -> Result<String, EncodeError>,
}

impl<M> Size<M> {
    /// Bytes and levels of nesting.
    pub(crate) fn limits(&self) -> (usize, usize) {
        (self.bytes, self.depth)
    }
}

impl<M> Demands<M> {
    #[cold]
    pub(crate) fn check(&self, envelope: &Envelope<M>) -> Result<(), Refusal> {
        if let Some(size) = &self.size {
            self.check_size(size, envelope).map_err(Refusal::TooLarge)?;
        }
        if let Some(must_encode) = &self.must_encode {
            let json = (must_encode.encode)(&must_encode.codec, envelope);
            json.map_err(|error| Refusal::Unwritable(Box::new(error)))?;
        }
        Ok(())
    }

    fn check_size(&self, size: &Size<M>, envelope: &Envelope<M>) -> Result<(), LimitExceeded> {
        if envelope.source.len() > self.max_source {
            return Err(LimitExceeded::Source {
                limit: self.max_source,
            });
        }
        (size.measure)(&envelope.message, &mut Meter::new(size.bytes, size.depth))
    }
}
