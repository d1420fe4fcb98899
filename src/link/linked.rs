//! What the parts of a running link and its handles share: the state behind a lock, and how each part is woken.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

#[cfg(all(unix, feature = "inspect"))]
use crate::bus::link_figures::{LinkFigures, ReportsLink};
use crate::link::gaps::GapBoard;
use crate::link::settings::Settings;
use crate::link::state::State;
#[cfg(all(unix, feature = "inspect"))]
use crate::link::stats::ImportStats;

/// What the parts of a running link and its handles share.
#[derive(Debug)]
pub(super) struct Linked {
    pub(super) settings: Arc<Settings>,
    pub(super) state: Mutex<State>,
    /// Where something is missing in what it has brought.
    pub(super) gaps: Arc<GapBoard>,
    /// Wakes the exporting part.
    pub(super) to_send: Notify,
    /// Wakes the importing part, which then asks for what is missing.
    pub(super) to_tick: Notify,
    /// Wakes the publishing part.
    pub(super) to_publish: Notify,
    /// Wakes the part that answers the handles.
    pub(super) changed: Notify,
    /// Ends a call of the engine: the connection was cut.
    pub(super) cut: Notify,
}

impl Linked {
    pub(super) fn new(settings: Settings) -> Self {
        let settings = Arc::new(settings);
        Linked {
            state: Mutex::new(State::new(Arc::clone(&settings))),
            settings,
            gaps: Arc::default(),
            to_send: Notify::new(),
            to_tick: Notify::new(),
            to_publish: Notify::new(),
            changed: Notify::new(),
            cut: Notify::new(),
        }
    }
}

/// What an inspection of the bus shows of the link.
#[cfg(all(unix, feature = "inspect"))]
impl ReportsLink for Linked {
    fn report(&self) -> LinkFigures {
        let stats = self.state.lock().stats();
        let sum = |figure: fn(&ImportStats) -> u64| stats.imports.iter().map(figure).sum();
        LinkFigures {
            connected: stats.connected,
            ready: stats.ready,
            reconnects: stats.reconnects,
            exported: stats.export.exported,
            pending: stats.export.pending,
            lost: stats.export.lost,
            lagged: stats.export.lagged,
            received: sum(|import| import.received),
            missed: sum(|import| import.missed),
            denied: sum(|import| import.denied),
            name: stats.name,
            last_error: stats.last_error,
        }
    }
}
