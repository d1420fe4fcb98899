//! Tests of inspections: another program looks at a running bus.

mod hostile;
mod place;
mod truth;

use std::path::PathBuf;

use oxide_bus::Bus;
use oxide_bus::inspect::{Inspection, Snapshot, look};
use tempfile::TempDir;

/// A bus that is inspected, and the folder of its socket.
struct Inspected {
    bus: Bus<u32>,
    inspection: Inspection,
    folder: TempDir,
}

impl Inspected {
    fn new() -> Self {
        let bus = Bus::new();
        let folder = TempDir::new().expect("there is a place for files");
        let inspection = bus
            .serve_inspection(folder.path().join("bus.sock"))
            .expect("nothing is there");
        Inspected {
            bus,
            inspection,
            folder,
        }
    }

    fn path(&self) -> PathBuf {
        self.inspection.path().to_owned()
    }

    fn look(&self) -> Snapshot {
        look(self.inspection.path()).expect("it is served")
    }
}
