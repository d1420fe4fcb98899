//! The tests of the library.
#![allow(
    clippy::duplicate_mod,
    reason = "fuzz/ is a package of its own, and uses the model of these tests"
)]

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod advisories;
mod audit;
mod auto_traits;
mod barriers;
mod batches;
mod blocking;
mod bounded;
mod closing;
mod codec;
mod corpus;
mod documents;
mod draining;
mod endings;
mod fairness;
mod grants;
mod groups;
#[cfg(all(unix, feature = "inspect"))]
mod inspect;
mod isolation;
mod layers;
mod leaving;
mod lifecycle;
mod memory;
#[cfg(feature = "metrics")]
mod metrics;
mod model;
mod order;
mod overflow;
mod pattern_laws;
mod payload_drop;
mod predicates;
mod publisher;
mod readiness;
mod receive;
mod requests;
mod resubscribing;
mod retained;
mod revoking;
mod routing;
mod seed;
mod select;
mod sources;
mod stats;
mod stress;
mod subjects;
#[cfg(feature = "testing")]
mod testing;
mod threat_model;
mod total_order;
mod type_names;
mod weight;
