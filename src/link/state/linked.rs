//! The shared half of a running link: its parts and its handles share the state behind a lock, and wake each other.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

#[cfg(all(unix, feature = "inspect"))]
use crate::bus::link_figures::{LinkFigures, ReportsLink};
use crate::link::inbound::gaps::GapRecord;
use crate::link::state::State;
use crate::link::state::settings::Settings;
#[cfg(all(unix, feature = "inspect"))]
use crate::link::stats::ImportStats;

/// What the parts of a running link and its handles share.
#[derive(Debug)]
pub(in crate::link) struct Linked {
    pub(in crate::link) settings: Arc<Settings>,
    pub(in crate::link) state: Mutex<State>,
    /// The gaps in what the link has brought.
    pub(in crate::link) gaps: Arc<GapRecord>,
    /// Wakes the exporting part.
    pub(in crate::link) to_send: Notify,
    /// Wakes the importing part, which then asks for missing frames.
    pub(in crate::link) to_tick: Notify,
    /// Wakes the publishing part.
    pub(in crate::link) to_publish: Notify,
    /// Wakes the part that answers the handles.
    pub(in crate::link) changed: Notify,
    /// Ends the running call of the engine, because the connection was cut.
    pub(in crate::link) cut: Notify,
}

impl Linked {
    pub(in crate::link) fn new(settings: Settings) -> Self {
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
