//! The state of the live view: the last look, and what the keys have changed.

use std::mem;

use oxide_bus::inspect::{LookError, Snapshot};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::widgets::TableState;

use super::order::{SortOrder, rows};
use super::rates::Rates;
use super::reason;
use super::row::QueueRow;

/// The result of a key, or of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyOutcome {
    Stay,
    Quit,
    Interrupt,
    Terminate,
}

#[derive(Debug)]
pub(super) struct TopWatch {
    pub(super) path: String,
    pub(super) snapshot: Snapshot,
    pub(super) rates: Option<Rates>,
    /// Why there is no newer snapshot.
    pub(super) gone: Option<String>,
    pub(super) order: SortOrder,
    pub(super) filter: String,
    /// Whether keys go into the filter.
    pub(super) is_typing: bool,
    pub(super) is_paused: bool,
    /// Whether only the advisories of the chosen subscription are shown.
    pub(super) is_about_one: bool,
    /// Which row is chosen.
    pub(super) table: TableState,
}

impl TopWatch {
    pub(super) fn new(path: String, snapshot: Snapshot) -> Self {
        TopWatch {
            path,
            snapshot,
            rates: None,
            gone: None,
            order: SortOrder::default(),
            filter: String::new(),
            is_typing: false,
            is_paused: false,
            is_about_one: false,
            table: TableState::new().with_selected(0),
        }
    }

    pub(super) fn rows(&self) -> Vec<QueueRow<'_>> {
        rows(
            &self.snapshot,
            self.rates.as_ref(),
            self.order,
            &self.filter,
        )
    }

    /// The row that is chosen, if there is one.
    pub(super) fn chosen(&self) -> Option<QueueRow<'_>> {
        self.rows().get(self.table.selected()?).copied()
    }

    /// Takes the outcome of a look. While the view is paused, it only says whether the program is there.
    pub(super) fn take(&mut self, looked: Result<Snapshot, LookError>) {
        self.gone = looked.as_ref().err().map(reason);
        if let (Ok(snapshot), false) = (looked, self.is_paused) {
            let chosen = self.chosen().map(|row| row.subscription.stats.id);
            let before = mem::replace(&mut self.snapshot, snapshot);
            self.rates = Rates::between(&before, &self.snapshot);
            // The choice stays with a subscription whose advisories are read, wherever it moves to.
            if self.is_about_one {
                let is_chosen = |row: &QueueRow| Some(row.subscription.stats.id) == chosen;
                let place = self.rows().iter().position(is_chosen);
                self.is_about_one = place.is_some();
                self.table.select(place.or(Some(0)));
            }
        }
    }

    pub(super) fn press(&mut self, key: KeyEvent) -> KeyOutcome {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if is_control && key.code == KeyCode::Char('c') {
            return KeyOutcome::Interrupt;
        }
        if self.is_typing {
            match key.code {
                KeyCode::Enter => self.is_typing = false,
                KeyCode::Esc => {
                    self.is_typing = false;
                    self.filter.clear();
                }
                KeyCode::Backspace => drop(self.filter.pop()),
                KeyCode::Char('u') if is_control => self.filter.clear(),
                KeyCode::Char(_) if is_control || key.modifiers.contains(KeyModifiers::ALT) => {}
                KeyCode::Char(typed) => self.filter.push(typed),
                _ => {}
            }
            self.table.select(Some(0));
            return KeyOutcome::Stay;
        }
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return KeyOutcome::Quit,
            KeyCode::Char('s') => self.order = self.order.next(),
            KeyCode::Char('/') => self.is_typing = true,
            KeyCode::Char('p') => self.is_paused = !self.is_paused,
            KeyCode::Enter => self.is_about_one = !self.is_about_one && self.chosen().is_some(),
            KeyCode::Down | KeyCode::Char('j') => self.choose(1),
            KeyCode::Up | KeyCode::Char('k') => self.choose(-1),
            KeyCode::PageDown => self.choose(10),
            KeyCode::PageUp => self.choose(-10),
            KeyCode::Home => self.choose(isize::MIN),
            KeyCode::End => self.choose(isize::MAX),
            _ => {}
        }
        KeyOutcome::Stay
    }

    /// Moves the choice within the shown rows.
    fn choose(&mut self, by: isize) {
        let last = self.rows().len().saturating_sub(1);
        let now = self.table.selected().unwrap_or_default();
        self.table
            .select(Some(now.saturating_add_signed(by).min(last)));
    }
}
