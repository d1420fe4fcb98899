//! A sink that turns advisories into events of `tracing`.
//!
//! A program that uses `tracing` sees what happens on its buses without subscribing to advisories.

use tracing::level_filters::LevelFilter;
use tracing::{debug, info, warn};

use crate::engine::notices::AdvisorySink;
use crate::message::advisory::Advisory;
use crate::message::capability::Capability;

/// Hands advisories to the program's `tracing` subscriber.
pub(crate) struct TracingSink;

impl AdvisorySink for TracingSink {
    /// Whether any event is wanted.
    fn listens(&self) -> bool {
        LevelFilter::current() != LevelFilter::OFF
    }

    fn record(&self, advisory: &Advisory) {
        emit(advisory);
    }
}

/// Emits one event. A loss, a refusal or an eviction is a warning. A subscription that begins or ends is a debug event.
fn emit(advisory: &Advisory) {
    match advisory {
        Advisory::Subscribed { id, name, filter } => {
            let (name, filter) = (name.as_deref(), filter.as_deref());
            debug!(%id, name, filter, "subscribed");
        }
        Advisory::Listening { id, name, patterns } => {
            let (name, patterns) = (name.as_deref(), patterns.as_deref());
            debug!(%id, name, patterns, "listening to other patterns");
        }
        Advisory::Unsubscribed { id, name } => {
            debug!(%id, name = name.as_deref(), "unsubscribed");
        }
        Advisory::Evicted { id, name, reason } => {
            warn!(%id, name = name.as_deref(), ?reason, "subscriber evicted");
        }
        Advisory::Lagging { id, name, dropped } => {
            warn!(%id, name = name.as_deref(), dropped, "subscriber lagging; envelopes dropped");
        }
        Advisory::Denied {
            source,
            claimed,
            subject,
            capability,
            denial,
            suppressed,
        } => {
            let (source, claimed) = (source.as_str(), claimed.as_str());
            let (subject, capability) = (subject.as_deref(), capability.as_str());
            warn!(
                source,
                claimed,
                subject,
                capability,
                ?denial,
                suppressed,
                "publish denied"
            );
        }
        Advisory::Suppressed { capability, count } => {
            let capability = capability.as_ref().map(Capability::as_str);
            warn!(capability, count, "more publishes denied");
        }
        Advisory::Granted { capability, scope } => {
            let scope = scope.as_deref();
            info!(
                capability = capability.as_str(),
                scope, "capability granted"
            );
        }
        Advisory::Revoked { capability } => {
            info!(capability = capability.as_str(), "capability revoked");
        }
        Advisory::Drained { capability } => {
            info!(capability = capability.as_str(), "capability drained");
        }
        Advisory::LinkLagged { link, missed } => {
            warn!(link = &**link, missed, "link has missed envelopes");
        }
        Advisory::LinkCut { link } => warn!(link = &**link, "link has lost its server"),
        Advisory::LinkRestored { link } => info!(link = &**link, "link has its server again"),
        Advisory::LinkNamesake { link } => {
            warn!(link = &**link, "another link has the same name");
        }
        Advisory::Closed => info!("bus closed"),
    }
}
