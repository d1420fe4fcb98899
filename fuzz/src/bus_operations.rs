//! Fuzzes the bus against the reference model.

use arbitrary::Unstructured;
use oxide_bus::Bus;

use super::{draw, script};

/// The most operations that run. More would only take time.
const OPERATIONS: usize = 32;

/// Draws operations from the data after its first byte. Checks that the bus does what the reference model does. With an
/// odd first byte the bus has one order for all.
pub fn bus_operations(data: &[u8]) {
    let Some((&kind, data)) = data.split_first() else {
        return;
    };
    let operations = draw::script(&mut Unstructured::new(data), OPERATIONS);
    let bus = Bus::builder();
    let bus = if kind % 2 == 1 {
        bus.total_order()
    } else {
        bus
    };
    script::run(bus, &operations);
}
