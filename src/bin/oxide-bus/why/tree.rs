//! The envelopes as a tree, in the order in which it is drawn, with its lines.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::account::WhyAccount;
use super::found::NamedCause;

/// From this depth on the tree is not indented any further.
const MAX_INDENT: usize = 24;

/// An envelope in the tree.
pub(super) struct TreeRow {
    pub(super) id: Uuid,
    pub(super) is_root: bool,
    /// What is drawn before its first line.
    pub(super) branch: String,
    /// What is drawn before its other lines.
    pub(super) trunk: String,
}

/// Returns each envelope once, causes before their effects.
pub(super) fn rows(account: &WhyAccount, caused: &BTreeMap<Uuid, Vec<Uuid>>) -> Vec<TreeRow> {
    let mut all: Vec<_> = account.envelopes.values().collect();
    all.sort_by_key(|it| (it.time(), it.id));
    let is_root = |cause| match cause {
        NamedCause::Envelope(cause) => !account.envelopes.contains_key(&cause),
        NamedCause::None | NamedCause::NotRecorded => true,
    };
    let (roots, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|it| is_root(it.cause));
    let mut rows = Vec::with_capacity(account.envelopes.len());
    let mut seen = BTreeSet::new();
    // Envelopes that no root leads to are in a circle. It begins anywhere.
    for start in roots.into_iter().chain(others) {
        draw(start.id, caused, &mut seen, &mut rows);
    }
    rows
}

fn draw(
    root: Uuid,
    caused: &BTreeMap<Uuid, Vec<Uuid>>,
    seen: &mut BTreeSet<Uuid>,
    rows: &mut Vec<TreeRow>,
) {
    // The tree may be deeper than a stack of calls.
    let mut open = vec![(root, 0, String::new(), true)];
    while let Some((id, depth, indent, is_last)) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let effects = caused.get(&id).map_or(&[][..], Vec::as_slice);
        let (corner, side) = match (depth, is_last) {
            (0, _) => ("", ""),
            (_, true) => ("└─ ", "   "),
            (_, false) => ("├─ ", "│  "),
        };
        let inner = if depth < MAX_INDENT {
            format!("{indent}{side}")
        } else {
            indent.clone()
        };
        for (place, effect) in effects.iter().enumerate().rev() {
            let is_last = place + 1 == effects.len();
            open.push((*effect, depth + 1, inner.clone(), is_last));
        }
        let stem = if effects.is_empty() { " " } else { "│" };
        rows.push(TreeRow {
            id,
            is_root: depth == 0,
            branch: format!("{indent}{corner}"),
            trunk: format!("{inner}{stem}"),
        });
    }
}
