//! Observing: what happened, on disk and in figures.

pub mod audit;
#[cfg(feature = "metrics")]
pub(crate) mod metrics;
