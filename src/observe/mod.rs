//! Observers of a bus: the audit log writes to disk what happened, and `Metrics` exports the figures.

pub mod audit;
#[cfg(feature = "metrics")]
pub(crate) mod metrics;
