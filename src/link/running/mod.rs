//! A running link: its parts, side by side in one task.
//!
//! The [`driver`] runs all parts. They share the [state](crate::link::state), and talk through nothing else.

pub(in crate::link) mod calling;
pub(in crate::link) mod driver;
pub(in crate::link) mod exporting;
pub(in crate::link) mod importing;
pub(in crate::link) mod publishing;
pub(in crate::link) mod relays;
pub(in crate::link) mod seen;
pub(in crate::link) mod storing;
pub(in crate::link) mod transit;
