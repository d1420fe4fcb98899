//! For users of the bus in `oxide-k` 0.3: what is the same, what is different, and what to change.
//!
//! *The seed* is that bus: the module `bus` of the micro-kernel `oxide-k`. This crate keeps its vocabulary, and has
//! another engine.
//!
//! # At a glance
//!
//! | | `oxide-k` 0.3, module `bus` | `oxide-bus` |
//! | --- | --- | --- |
//! | calls | `async`, on tokio | plain calls, which block only where they say so; or, with the feature `tokio`, `async` on any executor |
//! | a publish | write lock on the list, a deep clone for each subscriber | no lock, no clone |
//! | payload | `Message` | any type; `MessageBus` carries `Message` |
//! | to choose | everything, always | subject patterns, sources, predicates, capacity, overflow policy |
//! | a loss | a line in the trace | told to the subscriber and counted; in the receipt too, unless a newer envelope displaces it |
//! | a dropped subscription | counted until the next publish | gone at once |
//! | right to publish | a name that any caller may present | the same, or a `Publisher` with a fixed source; for some subjects, for a time, at a rate |
//! | JSON of custom events | cannot be read back | round-trips; the old form is read too |
//!
//! # The same
//!
//! These names: `MessageBus`, `Envelope`, `Message`, `Command`, `Event`, `Capability`, `subscribe`, `publish`,
//! `publish_with_capability`, `grant_capability`, `revoke_capability`, `send_command`, `emit_event`,
//! `subscriber_count`. The variants of messages and their fields. A `MessageBus` is a handle, and clones
//! share one bus. A queue holds 128 envelopes, and drops the newest when it is full. An unguarded publish
//! bypasses the grants.
//!
//! # Side by side
//!
//! The seed:
//!
//! ```text
//! let bus = MessageBus::new();
//! let mut subscription = bus.subscribe().await;
//! let navigate = Capability::new("browser:navigate");
//! bus.grant_capability(navigate.clone()).await;
//!
//! let envelope = Envelope::new("browser", Message::Command(Command::Ping));
//! bus.publish_with_capability(envelope, &navigate).await?;
//!
//! while let Some(envelope) = subscription.receiver.recv().await {
//!     match envelope.message {
//!         Message::Command(Command::Ping) => println!("{} pings", envelope.source),
//!         _ => {}
//!     }
//! }
//! ```
//!
//! Here, with the feature `tokio`:
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use oxide_bus::kernel::{AsyncMessageBus as MessageBus, Command, Message};
//! use oxide_bus::{Capability, Envelope};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bus = MessageBus::new();
//! let mut subscription = bus.subscribe().await;
//! let navigate = Capability::new("browser:navigate");
//! bus.grant_capability(navigate.clone()).await?;
//!
//! let envelope = Envelope::new("browser", Message::Command(Command::Ping));
//! bus.publish_with_capability(envelope, &navigate).await?;
//! # bus.close();
//!
//! while let Ok(envelope) = subscription.recv().await {
//!     match &envelope.message {
//!         Message::Command(Command::Ping) => println!("{} pings", envelope.source),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! (That loop also ends at the first loss, as `Err(RecvError::Lagged { .. })`. Match on it to continue.)
//!
//! Or for threads:
//!
//! ```
//! use oxide_bus::kernel::{Command, Message};
//! use oxide_bus::{Capability, Envelope, MessageBus};
//!
//! let bus = MessageBus::new();
//! let mut subscription = bus.subscribe();
//! let navigate = Capability::new("browser:navigate");
//! bus.grant_capability(navigate.clone())?;
//!
//! let envelope = Envelope::new("browser", Message::Command(Command::Ping));
//! bus.publish_with_capability(envelope, &navigate)?;
//! # bus.close();
//!
//! for delivery in &mut subscription {
//!     match delivery {
//!         Ok(envelope) => match &envelope.message {
//!             Message::Command(Command::Ping) => println!("{} pings", envelope.source),
//!             _ => {}
//!         },
//!         Err(lagged) => eprintln!("{lagged}"),
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What to change
//!
//! | in the seed | here |
//! | --- | --- |
//! | `use oxide_k::bus::MessageBus` | `use oxide_bus::kernel::AsyncMessageBus as MessageBus`, with the feature `tokio`; or `use oxide_bus::MessageBus`, leave out each `.await`, and receive in a thread |
//! | `subscription.receiver.recv().await` → `Option<Envelope>` | `subscription.recv().await`, or for threads [`subscription.recv()`](crate::Subscription::recv) → `Result<Delivery, RecvError>`: `Lagged` after a loss (the seed only traced it), `Disconnected` where the seed returned `None` |
//! | `subscription.id` | [`subscription.id()`](crate::Subscription::id) |
//! | an `Envelope` of one's own | a shared [`Delivery`](crate::Delivery): borrow from it, or [`into_envelope()`](crate::Delivery::into_envelope) for a copy |
//! | `envelope.source: String` | [`Source`](crate::Source): compares with `&str`, reads as `&str`, made by `.into()` |
//! | `publish(…)` → `Result<()>` | → `Result<`[`Receipt`](crate::Receipt)`, …>`, and an error after the bus has closed |
//! | `KernelError::Denied { publisher, capability }` | [`PublishError::Denied`](crate::PublishError::Denied)` { envelope, capability, denial }`: the envelope comes back, and why |
//! | `capability.0` | [`capability.as_str()`](crate::Capability::as_str); a capability is not serializable by itself |
//! | ids are random (version 4) | ids begin with their time (version 7), so they sort by age |
//! | `serde_json::to_string(&envelope)` | works as well; [`to_json()`](crate::Envelope::to_json) and [`from_json()`](crate::Envelope::from_json) have limits |
//!
//! # JSON
//!
//! This crate reads what the seed wrote, within the [limits](crate::codec#limits), and the seed reads what this crate
//! writes, with one exception: custom events. There the seed writes the key `kind` twice, once as the tag and once as
//! the field, and cannot read that back. Here the field is called `custom_kind`:
//!
//! ```
//! use oxide_bus::kernel::{Event, Message};
//! use oxide_bus::Envelope;
//!
//! let by_the_seed = r#"{
//!     "id": "5f0c6c1e-6a3b-4d7e-8c55-3d0f0f9e2b11",
//!     "source": "thermometer",
//!     "correlation_id": null,
//!     "timestamp": "2026-11-24T06:07:20.5Z",
//!     "message": {"kind":"event","type":"custom","module_id":"t1","kind":"reading","payload":21.5}
//! }"#;
//! let envelope: Envelope = Envelope::from_json(by_the_seed)?;
//! let Message::Event(Event::Custom { kind, .. }) = &envelope.message else { panic!("it is custom") };
//! assert_eq!(kind, "reading");
//! assert!(envelope.to_json()?.contains(r#""custom_kind":"reading""#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An envelope with [headers](crate::Headers) has the key `headers`, which the seed ignores.
//!
//! Reading is stricter than the seed's: see [what is refused](crate::codec#what-is-refused).
//!
//! # What behaves differently
//!
//! * A dropped subscription is gone at once, not at the next publish.
//! * There is a [`close`](crate::Bus::close). In the seed a bus ends only with its last clone; that ends it
//!   here too.
//! * A slow subscriber is told what it missed, and so is the publisher.
//! * [`grant_capability`](crate::Bus::grant_capability) returns an error if a name is too long, or too many are
//!   granted.
//! * Give each module a [`Publisher`](crate::Publisher): the seed's `publish_with_capability` believes
//!   any source and capability that it is shown.
