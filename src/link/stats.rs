//! The figures of a link.

use std::sync::Arc;

/// The figures of a link, all of one moment.
///
/// For what it exports: `exported = confirmed + pending + lost`. For each origin, each sequence number is counted once:
/// as received, repeated, refused, denied, late, passed over, missed, early, untracked, held or queued.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkStats {
    /// The name of the link.
    pub name: Arc<str>,
    /// Whether the engine is connected, as far as it has said.
    pub connected: bool,
    /// Whether the server has confirmed the subscriptions since the last reconnect.
    pub ready: bool,
    /// How often the engine has connected again.
    pub reconnects: u64,
    /// What the link sends.
    pub export: ExportStats,
    /// What the link has brought, by origin, sorted by name.
    pub imports: Vec<ImportStats>,
    /// Origins that were forgotten, with their figures, because 1,024 others were heard later.
    pub forgotten: u64,
    /// Frames that no link would send, such as those with a bad header or an impossible number. They have no place in a
    /// sequence.
    pub refused: u64,
    /// How often the server has refused a publish or a subscription, as far as the engine tells. An envelope whose
    /// publish is refused still counts as confirmed: the round trip succeeds, and no server says which envelope it was.
    pub server_denials: u64,
    /// How often the engine has reported dropped frames, without saying how many. The link asks for missing frames
    /// again.
    pub engine_lags: u64,
    /// In words: why the last refused frame was refused, or why the last call of the engine failed.
    pub last_error: Option<Arc<str>>,
}

/// What a link sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExportStats {
    /// Envelopes that were taken from the bus and numbered.
    pub exported: u64,
    /// How many of them are confirmed: a round trip to the server came after they were sent.
    pub confirmed: u64,
    /// How many of them are not confirmed.
    pub pending: u64,
    /// How many of them are lost: the server or the engine refused them for good, or the link ended before they were
    /// confirmed.
    pub lost: u64,
    /// How often an envelope was sent again.
    pub resent: u64,
    /// Envelopes that the bus had no room for in the link's queue, by the overflow policy of the export.
    pub lagged: u64,
    /// Envelopes that cannot be sent: the codec refuses them, the subject has more than 1,024 bytes, the whole frame
    /// has more than 1 MiB, or the headers leave no room for one more. These have no number. An envelope that is
    /// refused only when it is sent has a number: it also counts as `lost`, and importers are told that it is missed.
    pub unsendable: u64,
    /// Requests that do not go out, because no link imports them or because they were over before; see
    /// [`docs::links`](crate::docs::links#requests).
    pub declined: u64,
    /// Envelopes that a link has brought, so they do not go out again. A [transit](crate::link::LinkBuilder::transit)
    /// passes over those that it has brought itself, and those that too many links have passed on.
    pub passed_over: u64,
}

/// The fate of an envelope that was brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Received,
    Repeated,
    Refused,
    Denied,
    PassedOver,
    /// It is a request whose time was up.
    Late,
    /// It was received, but the request that it answers was over.
    AnswerTooLate,
}

/// What a link brings from one origin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportStats {
    /// The name of the link that it comes from.
    pub origin: Arc<str>,
    /// Envelopes that were published here. A subscriber may have one a moment before it is counted; until then it is
    /// `queued`.
    pub received: u64,
    /// Frames whose number had come already. They are passed over.
    pub duplicates: u64,
    /// Envelopes that another link of this bus has brought or sent, or that another link of the same group has had.
    pub repeated: u64,
    /// Envelopes that cannot be read, or that the bus does not take.
    pub refused: u64,
    /// Envelopes that the grant of the import denies, or whose message has another subject than the frame. The bus
    /// counts and reports these as well.
    pub denied: u64,
    /// Envelopes without a subject, if only some subjects are imported.
    pub passed_over: u64,
    /// Requests that came when the asking side no longer waited. They are not published.
    pub late: u64,
    /// How many of those received answer a request that was over, by its time or by an earlier answer. As on one bus,
    /// only subscribers receive them.
    pub late_answers: u64,
    /// Envelopes that were sent and will not come.
    pub missed: u64,
    /// Frames that were sent before this link listened.
    pub early: u64,
    /// Numbers that did not come, and need not be missing: this link does not import everything that the origin
    /// exports. See [`docs::links`](crate::docs::links#what-is-not-promised).
    pub untracked: u64,
    /// Frames that wait for earlier ones.
    pub held: u64,
    /// Frames that wait for the bus, including the one that is being published.
    pub queued: u64,
}

impl ImportStats {
    pub(super) fn new(origin: Arc<str>) -> Self {
        ImportStats {
            origin,
            received: 0,
            duplicates: 0,
            repeated: 0,
            refused: 0,
            denied: 0,
            passed_over: 0,
            late: 0,
            late_answers: 0,
            missed: 0,
            early: 0,
            untracked: 0,
            held: 0,
            queued: 0,
        }
    }

    pub(super) fn count(&mut self, fate: Fate) {
        *match fate {
            Fate::Received => &mut self.received,
            Fate::Late => &mut self.late,
            Fate::AnswerTooLate => {
                self.late_answers += 1;
                &mut self.received
            }
            Fate::Repeated => &mut self.repeated,
            Fate::Refused => &mut self.refused,
            Fate::Denied => &mut self.denied,
            Fate::PassedOver => &mut self.passed_over,
        } += 1;
    }
}
