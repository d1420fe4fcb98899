//! The figures of a link.

use std::sync::Arc;

/// The figures of a link, all of one moment.
///
/// For what it exports: `exported = confirmed + pending + lost`. For each origin that it imports from, each sequence
/// number is counted once: as received, repeated, refused, denied, late, passed over, missed, early or untracked, or it
/// is held or queued.
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
    /// What it has brought, by origin, sorted by name.
    pub imports: Vec<ImportStats>,
    /// Origins that were forgotten, with their figures, since 1,024 others were heard later.
    pub forgotten: u64,
    /// Frames that no link would send: a bad header, a number that cannot be. They have no place in a sequence.
    pub refused: u64,
    /// How often the server has refused a publish or a subscription, as far as the engine tells. An envelope whose publish
    /// is refused counts as confirmed, for the round trip succeeds: no server says which one it was.
    pub server_denials: u64,
    /// How often the engine has said that it dropped frames, without saying how many. What is missing is asked for.
    pub engine_lags: u64,
    /// Why the last frame that was refused was so, or why the last call of the engine failed, in words.
    pub last_error: Option<Arc<str>>,
}

/// What a link sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExportStats {
    /// Envelopes that were taken from the bus and numbered.
    pub exported: u64,
    /// Of these: a round trip to the server came after they were sent.
    pub confirmed: u64,
    /// Of these: sent or not, but not confirmed.
    pub pending: u64,
    /// Of these: refused by the server or the engine for good, such as those that are larger than the server takes; and,
    /// once the link has ended, those that are not confirmed.
    pub lost: u64,
    /// How often one was sent again.
    pub resent: u64,
    /// Envelopes that the bus had no room for in the link's queue, by the overflow policy of the export.
    pub lagged: u64,
    /// Envelopes that cannot be sent: the codec refuses them, the subject has more than 1,024 bytes, the whole frame
    /// more than 1 MiB, or the headers leave no room for one more. These have no number. What is refused only when it is
    /// sent has one: it is `lost` as well, and importers are told that it is missed.
    pub unsendable: u64,
    /// Requests that no link imports, or that were over before they could go out. They do not go out; see [`docs::links`](crate::docs::links#requests).
    pub declined: u64,
    /// Envelopes that a link has brought, and that therefore do not go out again; for a
    /// [transit](crate::link::LinkBuilder::transit), those that it has brought itself, or that have come too far.
    pub passed_over: u64,
}

/// What became of an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Received,
    Repeated,
    Refused,
    Denied,
    PassedOver,
    /// A request whose time was up.
    Late,
    /// Received, but the request that it answers was over.
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
    /// Frames whose number came before. They are passed over.
    pub duplicates: u64,
    /// Envelopes that another link of this bus has brought or sent, or that went to another link of the same group.
    pub repeated: u64,
    /// Envelopes that cannot be read, or that the bus does not take.
    pub refused: u64,
    /// Envelopes that the grant of the import does not let pass, or that claim a subject that is not theirs. The bus
    /// counts and reports these as well.
    pub denied: u64,
    /// Envelopes without a subject, where only some subjects are imported.
    pub passed_over: u64,
    /// Requests that came when the asking side waited no more. They are not published.
    pub late: u64,
    /// Of those received: answers to requests that were over, by their time or by an answer before. As on one bus, only
    /// subscribers have them.
    pub late_answers: u64,
    /// Envelopes that were sent and will not come.
    pub missed: u64,
    /// Frames that were sent before this link listened.
    pub early: u64,
    /// Numbers that did not come, and need not be missing: this link does not import all that the origin exports. See
    /// [`docs::links`](crate::docs::links#what-is-not-promised).
    pub untracked: u64,
    /// Frames that wait for earlier ones.
    pub held: u64,
    /// Frames that wait for the bus, with the one that is being published.
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
