//! Transit: the rule for envelopes that another link has brought. A transit sends them on, and no envelope goes in
//! circles. Tests: `tests/link/transit.rs` and `tests/link/loops.rs`.

use crate::link::frames::wire::MAX_HOPS;
use crate::link::running::seen::{SeenAs, SeenIds};
use crate::link::state::settings::Settings;
use crate::message::envelope::Envelope;
use crate::message::headers::LINK_ORIGIN;

/// Returns how many links will have passed an envelope on when it goes out by this one. `None` if it does not go out.
///
/// The header says that an envelope was brought, and it may be forged. The window of seen ids says which link brought
/// it. An envelope that is not in the window does not go out again.
pub(in crate::link) fn hops<M>(
    envelope: &Envelope<M>,
    settings: &Settings,
    seen: &SeenIds,
) -> Option<u8> {
    if envelope.header(LINK_ORIGIN).is_none() {
        return Some(0);
    }
    if !settings.is_transit {
        return None;
    }
    match seen.get(envelope.id)? {
        SeenAs::Brought { by, hops } => {
            (by != settings.incarnation && hops < MAX_HOPS).then_some(hops + 1)
        }
        SeenAs::Sent | SeenAs::Asked => None,
    }
}
