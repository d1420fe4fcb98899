//! The pages of the guide: programs to copy, what is promised and what is not, and how it works. There is no code here.
//!
//! | page | answers |
//! | --- | --- |
//! | [`cookbook`], [`cookbook_boundaries`] | where is a whole program that does what I want to do? |
//! | [`speed`] | what does it cost, beside other crates? |
//! | [`guarantees`] | what may I rely on, exactly, and which test shows it? |
//! | [`limitations`] | what should I know before I rely on it? |
//! | [`migrating`] | I come from `oxide-k`'s bus: what is different? |
//! | [`migrating_broadcast`] | I come from `tokio::sync::broadcast`: what do I write, what gets worse? |
//! | [`migrating_channels`] | I come from a fan-out over crossbeam channels: likewise |
//! | [`migrating_nats`] | I come from NATS inside one process: likewise |
//! | [`threat_model`] | what can a hostile module do? |
//! | [`tasks`] | how does a task use it, and what is the twin of each method? |
//! | [`inspecting`] | how do I look at a running program: full queues, losses, denials? |
//! | [`links`] | how are buses of several programs linked, and what may I rely on? |
//! | [`internals`] | how does it work, in ten minutes? |
//! | [`mechanisms`] | how does each mechanism work, in detail? |
//! | [`contributing`] | how do I test, measure and place a change? |
//! | [`fuzzing`] | how is it fuzzed, and how do I fuzz payloads of my own? |

pub mod contributing;
pub mod cookbook;
pub mod cookbook_boundaries;
pub mod fuzzing;
pub mod guarantees;
pub mod inspecting;
pub mod internals;
pub mod limitations;
pub mod links;
pub mod mechanisms;
pub mod migrating;
pub mod migrating_broadcast;
pub mod migrating_channels;
pub mod migrating_nats;
pub mod speed;
pub mod tasks;
pub mod threat_model;
