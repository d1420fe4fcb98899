//! How to look at a running program: which queues are full, what is lost, what is denied.
//!
//! # In the program
//!
//! Build with the feature `inspect`, and put up a socket at the start. It is there as long as the handle is. On systems
//! other than Unix the feature gives nothing.
//!
#![cfg_attr(all(unix, feature = "inspect"), doc = "```no_run")]
#![cfg_attr(not(all(unix, feature = "inspect")), doc = "```ignore")]
//! use std::env;
//!
//! use oxide_bus::MessageBus;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bus = MessageBus::new();
//! let folder = env::var("XDG_RUNTIME_DIR")?; // only this user may write there
//! let _inspection = bus.serve_inspection(format!("{folder}/kernel.sock"))?;
//! // … the program …
//! # Ok(())
//! # }
//! ```
//!
//! It costs a thread that sleeps. Each loss and refusal is also noted for the next look, and so costs more; so does the
//! one publish in up to 64 that opens a [segment](crate#cost). Other publishes, and receiving, cost the same as
//! without.
//!
//! Drop the handle before the last `Bus`. Else a client that is just being answered may be the last to hold the bus,
//! which then closes on the inspection's thread. Do not drop the handle under a lock that a payload's `Drop` takes, nor
//! keep it in a payload.
//!
//! With tasks: `bus.clone().into_sync().serve_inspection(…)`.
//!
//! # In a terminal
//!
//! Install the command first, in the folder of this crate: `cargo install --path . --features cli`.
//!
//! ```sh
//! oxide-bus top $XDG_RUNTIME_DIR/kernel.sock
//! ```
//!
//! The subscriptions that lose most come first, in red; then those whose queues are fullest.
//!
//! | column | means |
//! | --- | --- |
//! | full, queued | how full the queue is, and how many envelopes it holds of its capacity |
//! | in/s, out/s | how many envelopes were published for it, and received, a second |
//! | lost/s, lost | how many it loses a second, and has lost in all |
//! | oldest | how long its oldest envelope has waited at least |
//! | policy, listens to | what happens when the queue is full; its patterns and sources |
//!
//! Below are the capabilities with their denials, the sources of the newest envelopes, the links, and the last things
//! that the bus has said about itself. Enter shows those of the chosen subscription. If the program ends, the view says
//! that it is gone, and waits for it to come back.
//!
//! | what you see | what it may mean |
//! | --- | --- |
//! | out/s is 0, the oldest waits longer and longer | the subscriber is stuck: look at its thread |
//! | the queue is full, out/s is less than in/s | it is too slow: a narrower pattern, a group, or a larger queue |
//! | policy `block`, full | publishers wait for this one: it slows down the others |
//! | denied/s is high | a module tries to publish what it may not: the advisories name its source |
//! | links: pending grows | the server, or the way to it, is slow |
//!
//! # In a script
//!
//! `--once` prints the same as a text, and `--json` as JSON. With `--interval 5` there are rates, over five seconds.
//!
//! ```sh
//! oxide-bus top $XDG_RUNTIME_DIR/kernel.sock --json |
//!     jq '.snapshot.subscriptions[] | select(.dropped > 0) | {id, name, dropped}'
//! ```
//!
//! A program can look, too: the module `inspect` has the function `look`, and the types of a snapshot.
//!
//! # What the figures do not say
//!
//! * The bus counts nothing by source, since that would cost each publish something. The sources are those of the
//!   newest 64 envelopes at most, and *about/s* is what follows if the others are like these. Under load that is a fair
//!   guess over some seconds, and not an account; an [audit log](crate::audit) is one.
//! * A queue does not say when its oldest envelope came. *Oldest* is how long ago a look first saw it there. So it
//!   needs two looks, by whichever client, and envelopes that came before the first one have waited longer.
//! * Rates are differences of two looks. What comes and goes between them, such as a subscription, is not seen.
//!
//! The [threat model](super::threat_model#the-inspection-socket) says which programs may look.
