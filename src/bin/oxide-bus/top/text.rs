//! A snapshot as a text of tables.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use oxide_bus::inspect::Snapshot;

use super::cells::{
    self, CAPABILITY_HEADS, LINK_HEADS, QUEUE_HEADS, SOURCE_HEADS, capabilities, sources,
};
use super::order::{SortOrder, rows};
use super::rates::Rates;

/// Returns the headline, and a table for each kind of thing that the bus has.
pub(super) fn of(snapshot: &Snapshot, rates: Option<&Rates>) -> String {
    let queues: Vec<_> = (rows(snapshot, rates, SortOrder::Loss, "").iter())
        .map(cells::queue)
        .collect();
    let links: Vec<_> = snapshot.links.iter().map(cells::link).collect();
    let tables = [
        table(QUEUE_HEADS, queues, 2..8),
        table(CAPABILITY_HEADS, capabilities(snapshot, rates), 2..6),
        table(SOURCE_HEADS, sources(snapshot, rates), 1..3),
        table(LINK_HEADS, links, 2..7),
    ];
    let headline = cells::headline(snapshot, rates);
    let parts: Vec<_> = [Some(headline)]
        .into_iter()
        .chain(tables)
        .flatten()
        .collect();
    parts.join("\n\n")
}

/// Returns a table, unless it is empty. The columns of `numbers` are aligned to the right.
fn table<const N: usize>(
    heads: [&str; N],
    rows: Vec<[String; N]>,
    numbers: std::ops::Range<usize>,
) -> Option<String> {
    if rows.is_empty() {
        return None;
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(heads).add_rows(rows);
    for column in numbers {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    Some(table.trim_fmt())
}
