//! The kind of an envelope's message, as far as a log tells it.

use std::collections::BTreeMap;

use oxide_bus::Payload;
use serde_json::value::RawValue;

use super::super::log_line::LoggedEnvelope;

/// Returns the subject of a command or an event. For another message that is an object, returns what its keys `kind`
/// and `type` say, or its only key: serde tags the variants of an enum in these ways.
pub(super) fn kind_of(envelope: &LoggedEnvelope<'_>) -> Option<String> {
    if let Some(message) = envelope.known_message() {
        return Some(message.subject().to_string());
    }
    let keys: BTreeMap<String, &RawValue> = serde_json::from_str(envelope.message.get()).ok()?;
    let tags: Vec<String> = (["kind", "type"].iter())
        .filter_map(|key| serde_json::from_str(keys.get(*key)?.get()).ok())
        .collect();
    match (tags.is_empty(), keys.len()) {
        (false, _) => Some(tags.join(".")),
        (true, 1) => keys.into_keys().next(),
        (true, _) => None,
    }
}
