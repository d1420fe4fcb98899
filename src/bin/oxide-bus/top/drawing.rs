//! Draws the live view.

use oxide_bus::inspect::AdvisoryNote;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph, Row, Table, TableState};

use super::super::bench::figures::grouped;
use super::super::output::escaped;
use super::cells::{
    self, CAPABILITY_HEADS, LINK_HEADS, QUEUE_HEADS, SOURCE_HEADS, capabilities, sources,
};
use super::watch::TopWatch;

const HELP: &str = "q quit  ↑↓ choose  Enter advisories  s sort  / filter  p pause";

/// The most lines of each table below that of the subscriptions.
const FEW: u16 = 6;

/// From this many columns of the terminal on, the whole table of subscriptions is shown.
const WIDE: u16 = 110;

/// How many columns the table has in a narrower terminal: the policy and the filter are left out.
const NARROW: usize = 8;

const QUEUE_WIDTHS: [Constraint; 10] = [
    Constraint::Min(11),
    Constraint::Length(10),
    Constraint::Length(9),
    Constraint::Length(9),
    Constraint::Length(9),
    Constraint::Length(9),
    Constraint::Length(9),
    Constraint::Length(7),
    Constraint::Length(11),
    Constraint::Min(10),
];

/// From this many columns of the terminal on, the whole table of capabilities is shown. Below that it has four columns.
const HALF: u16 = 66;

const CAPABILITY_WIDTHS: [Constraint; 6] = [
    Constraint::Min(14),
    Constraint::Min(11),
    Constraint::Length(8),
    Constraint::Length(7),
    Constraint::Length(10),
    Constraint::Length(9),
];

const SOURCE_WIDTHS: [Constraint; 3] = [
    Constraint::Min(12),
    Constraint::Length(9),
    Constraint::Length(7),
];

const LINK_WIDTHS: [Constraint; 8] = [
    Constraint::Min(12),
    Constraint::Length(13),
    Constraint::Length(9),
    Constraint::Length(8),
    Constraint::Length(8),
    Constraint::Length(9),
    Constraint::Length(8),
    Constraint::Min(8),
];

pub(super) fn draw(frame: &mut Frame, watch: &mut TopWatch) {
    let rates = watch.rates.as_ref();
    let capabilities = capabilities(&watch.snapshot, rates);
    let sources = sources(&watch.snapshot, rates);
    let links: Vec<_> = watch.snapshot.links.iter().map(cells::link).collect();
    let lines = |rows: usize| match rows {
        0 => 0,
        rows => u16::try_from(rows).map_or(FEW, |rows| rows.min(FEW)) + 2, // with title and heads
    };
    let [head, queues, middle, below, told, help] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Min(4),
        Constraint::Length(lines(capabilities.len()).max(lines(sources.len()))),
        Constraint::Length(lines(links.len())),
        Constraint::Length(7),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let widths = if capabilities.is_empty() {
        [0, 100]
    } else {
        [60, 40]
    };
    let [left, right] =
        (Layout::horizontal(widths.map(Constraint::Percentage)).spacing(2)).areas(middle);

    frame.render_widget(Paragraph::new(headlines(watch)), head);
    draw_queues(frame, queues, watch);
    let columns = if left.width < HALF {
        4
    } else {
        CAPABILITY_HEADS.len()
    };
    let heads = &CAPABILITY_HEADS[..columns];
    draw_table(
        frame,
        left,
        "Capabilities",
        heads,
        &CAPABILITY_WIDTHS,
        capabilities,
    );
    draw_table(
        frame,
        right,
        "Sources of the newest",
        &SOURCE_HEADS,
        &SOURCE_WIDTHS,
        sources,
    );
    draw_table(frame, below, "Links", &LINK_HEADS, &LINK_WIDTHS, links);
    draw_advisories(frame, told, watch);
    frame.render_widget(Line::from(help_line(watch)).reversed(), help);
}

fn headlines(watch: &TopWatch) -> Vec<Line<'_>> {
    let state = match (&watch.gone, watch.is_paused) {
        (Some(gone), _) => {
            let gone = escaped(gone.chars());
            Line::from(format!("gone: {gone}; waiting for it to come back")).red()
        }
        (None, true) => Line::from("paused").yellow(),
        (None, false) => Line::from("watching"),
    };
    let bus = cells::headline(&watch.snapshot, watch.rates.as_ref());
    let path = escaped(watch.path.chars());
    let mut first = Line::from(format!("oxide-bus top {path} - ")).bold();
    first.spans.extend(
        state
            .spans
            .into_iter()
            .map(|span| span.patch_style(state.style)),
    );
    vec![first, Line::from(bus)]
}

fn draw_queues(frame: &mut Frame, area: Rect, watch: &mut TopWatch) {
    let rows = watch.rows();
    let last = rows.len().saturating_sub(1);
    let chosen = watch.table.selected().unwrap_or_default().min(last);
    let columns = if area.width < WIDE {
        NARROW
    } else {
        QUEUE_HEADS.len()
    };
    // Of a thousand rows, only those near the chosen one are made.
    let height = usize::from(area.height.saturating_sub(2)).max(1);
    let offset = (watch.table.offset()).clamp((chosen + 1).saturating_sub(height), chosen);
    let shown = rows.iter().skip(offset).take(height).map(|row| {
        let losing = row.flow.is_some_and(|flow| flow.dropped_per_s > 0.0);
        let color = match row.fullness() {
            _ if losing => Color::Red,
            full if full >= 0.8 => Color::Yellow,
            _ => Color::Reset,
        };
        let cells = cells::queue(row).into_iter().take(columns);
        Row::new(cells).style(Style::new().fg(color))
    });
    let order = watch.order.name();
    let title = if watch.filter.is_empty() {
        format!("Subscriptions by {order}")
    } else {
        let filter = escaped(watch.filter.chars());
        format!("Subscriptions by {order} with \"{filter}\": {}", rows.len())
    };
    let widths = (QUEUE_WIDTHS.into_iter().take(columns)).collect();
    let table = titled(shown.collect(), &QUEUE_HEADS[..columns], widths, title)
        .row_highlight_style(Modifier::REVERSED);
    let mut state = TableState::new().with_selected(chosen - offset);
    frame.render_stateful_widget(table, area, &mut state);
    watch.table = TableState::new().with_offset(offset).with_selected(chosen);
}

/// Draws as many columns as there are heads.
fn draw_table<const N: usize>(
    frame: &mut Frame,
    area: Rect,
    title: &str,
    heads: &[&'static str],
    widths: &[Constraint],
    rows: Vec<[String; N]>,
) {
    if rows.is_empty() {
        return;
    }
    let shown = usize::from(area.height.saturating_sub(2));
    let title = match rows.len().saturating_sub(shown) {
        0 => title.to_owned(),
        more => format!("{title}, and {more} more"),
    };
    let rows = rows.into_iter().take(shown);
    let rows = rows.map(|cells| Row::new(cells.into_iter().take(heads.len())));
    let widths = widths[..heads.len()].to_vec();
    frame.render_widget(titled(rows.collect(), heads, widths, title), area);
}

/// Returns a table under a rule with its title.
fn titled<'a>(
    rows: Vec<Row<'a>>,
    heads: &[&'static str],
    widths: Vec<Constraint>,
    title: String,
) -> Table<'a> {
    let block = Block::new().borders(Borders::TOP).title(title);
    let heads = Row::new(heads.iter().copied()).style(Modifier::BOLD);
    Table::new(rows, widths).header(heads).block(block)
}

/// Draws the newest advisories, of all or of the chosen subscription.
fn draw_advisories(frame: &mut Frame, area: Rect, watch: &TopWatch) {
    let about = watch.chosen().filter(|_| watch.is_about_one);
    let about = about.map(|row| &row.subscription.stats);
    let title = about.map_or_else(
        || "Advisories".to_owned(),
        |stats| {
            let (lost, most) = (grouped(stats.dropped), grouped(stats.high_water));
            format!(
                "Advisories of {}: lost {lost}, most queued {most}",
                cells::name(stats)
            )
        },
    );
    let id = about.map(|stats| stats.id.to_string());
    let is_shown = |note: &&AdvisoryNote| id.is_none() || note.subscription == id;
    let lines: Vec<_> = (watch.snapshot.advisories.iter().rev().filter(is_shown))
        .take(usize::from(area.height.saturating_sub(1)))
        .map(|note| Line::from(line(note, watch)))
        .collect();
    let block = Block::new().borders(Borders::TOP).title(title);
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn line(note: &AdvisoryNote, watch: &TopWatch) -> String {
    let about = note.subscription.as_ref().map(|id| {
        let mut known = watch.snapshot.subscriptions.iter().map(|it| &it.stats);
        let known = known.find(|stats| stats.id.to_string() == *id);
        known.map_or_else(
            || {
                let last = id.get(id.len().saturating_sub(8)..).unwrap_or(id);
                format!("#{}", escaped(last.chars()))
            },
            cells::name,
        )
    });
    let text = escaped(note.text.chars());
    let time = note.time.get(11..).unwrap_or_default(); // without the date
    let words = [
        escaped(time.chars()),
        escaped(note.kind.chars()),
        about.unwrap_or_default(),
        text,
    ];
    words.join("  ")
}

fn help_line(watch: &TopWatch) -> String {
    if watch.is_typing {
        let typed = escaped(watch.filter.chars());
        format!("filter: {typed}_  Enter keeps it, Esc shows all")
    } else {
        HELP.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_server_that_lies_is_drawn_and_can_hide_nothing() {
        let snapshot = json!({
            "process": 1, "clock_ms": u64::MAX, "closed": false, "published": u64::MAX, "denied": u64::MAX,
            "predicate_panics": u64::MAX, "pending_requests": u64::MAX, "subscriptions": [], "capabilities": [],
            "newest": [{ "source": "a", "envelopes": u64::MAX }, { "source": "b", "envelopes": 1 }], "links": [],
            "advisories": [{
                "time": "2026-01-01T\u{1b}[2J", "kind": "lag\u{202e}ging", "subscription": "\u{1b}€€€", "text": "\u{7}",
            }],
        });
        let snapshot = serde_json::from_value(snapshot).expect("it has the form of a snapshot");
        let mut watch = TopWatch::new("bus.sock".to_owned(), snapshot);
        watch.gone = Some("\u{202e}enog".to_owned());
        let mut terminal = Terminal::new(TestBackend::new(120, 40)).expect("it cannot fail");
        terminal
            .draw(|frame| draw(frame, &mut watch))
            .expect("it cannot fail");
        let screen = terminal.backend().to_string();
        for shown in [
            r"gone: \u{202e}enog;",
            r"\u{1b}[2J  lag\u{202e}ging  #\u{1b}€€€  \u{7}",
        ] {
            assert!(screen.contains(shown), "{screen}");
        }
    }
}
