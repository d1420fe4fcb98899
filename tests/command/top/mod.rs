//! Tests of `oxide-bus top`: looks at a bus of this process, or of one that is killed.

mod live;
mod once;
mod terminal;
mod victim;

use std::path::PathBuf;

use oxide_bus::inspect::Inspection;
use oxide_bus::{Bus, Overflow, SubscribeOptions, Subscription};
use tempfile::TempDir;

/// A bus that can be looked at.
struct Watched {
    bus: Bus<u32>,
    inspection: Option<Inspection>,
    folder: TempDir,
}

impl Watched {
    fn new() -> Self {
        let (bus, folder) = (
            Bus::new(),
            TempDir::new().expect("there is a place for files"),
        );
        let mut watched = Watched {
            bus,
            inspection: None,
            folder,
        };
        watched.serve();
        watched
    }

    fn serve(&mut self) {
        let inspection = self.bus.serve_inspection(self.path());
        self.inspection = Some(inspection.expect("nothing is there"));
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("bus.sock")
    }

    /// Subscribes, under a name, with room for this many.
    fn subscribe(&self, name: &str, capacity: usize) -> Subscription<u32> {
        let options = SubscribeOptions::new().name(name).capacity(capacity);
        let subscription = self
            .bus
            .subscribe_with(options.overflow(Overflow::DropNewest));
        subscription.expect("it is open")
    }

    fn send(&self, envelopes: u32) {
        for number in 0..envelopes {
            self.bus.send("counter", number).expect("it is open");
        }
    }
}
