//! Observers of a bus: the audit log writes to disk what happened, an inspection shows it to
//! other programs, and `Metrics` exports the figures.

pub mod audit;
#[cfg(all(unix, feature = "inspect"))]
pub mod inspect;
#[cfg(feature = "metrics")]
pub(crate) mod metrics;
