//! The bus layer: every type that a user of the crate holds.
//!
//! The bus and its builder, publishers, subscriptions, requests, statistics and errors. The layer adds no mechanism of
//! delivery: it joins the engine, the queues and the authority layer behind one public surface.

pub(crate) mod error;
pub mod limits;
#[cfg(all(unix, feature = "inspect"))]
pub(crate) mod link_figures;
pub(crate) mod options;
pub(crate) mod select;
pub(crate) mod state;
pub(crate) mod subscription_stats;
#[cfg(feature = "tracing")]
pub(crate) mod trace;

// These modules hold the inherent blocks that the pages of `Bus`, `Publisher` and `Subscription` show. rustdoc shows
// the blocks in the order of the modules. The blank lines between the modules keep rustfmt from sorting them.
pub(crate) mod builder;

pub(crate) mod handle;

pub(crate) mod publisher;

pub(crate) mod retaining;

pub(crate) mod request;

pub(crate) mod granting;

pub(crate) mod stats;

pub(crate) mod advisories;

pub(crate) mod lifecycle;

pub(crate) mod subscription;

pub(crate) mod resubscribing;

pub(crate) mod verbs;
