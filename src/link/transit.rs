//! What goes out by a link though another has brought it.

use crate::link::seen::{SeenAs, SeenIds};
use crate::link::settings::Settings;
use crate::link::wire::MAX_HOPS;
use crate::message::envelope::Envelope;
use crate::message::headers::LINK_ORIGIN;

/// Returns how many links have passed an envelope on once it goes out by this one. `None` if it does not go out.
///
/// The header says that an envelope was brought, also where it is forged. By which link, the window of seen ids says;
/// an envelope that is not in there does not go out again.
pub(super) fn hops<M>(envelope: &Envelope<M>, settings: &Settings, seen: &SeenIds) -> Option<u8> {
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
