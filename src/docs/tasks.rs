//! The bus for tasks, with the feature `tokio`: how a task waits, and the twin of each method.
//!
//! # How a task waits
//!
//! A task waits as a thread does: it registers its waker in a *wait list*, and looks once more. A publisher that has
//! sent something reads one flag, and wakes the registered waiters. [`mechanisms`](crate::docs::mechanisms) says where
//! the lists are, and why no wake-up is lost. Tasks are woken directly, threads by each other. Wakers are called
//! outside every lock, and a panic of a waker is caught.
//!
//! So a task is woken once for everything that comes until it runs, and reads a whole segment without touching anything
//! but its slots.
//!
//! **Giving way.** A receive that finds an envelope is over at once. Every 129th gives other tasks a turn, on any
//! executor. A publish that finds room is over at once as well, except one in 129 on its thread. So a task that
//! publishes without end lets the receivers on its thread run. `try_publish` never gives them a turn. If a task awaits
//! whichever of several futures comes first, it continues with another future while one gives way. So every 16th
//! receive, and every 16th publish, uses up one of the 128 units that tokio's budget has for the task. When that is
//! used up, the task gives way whatever it awaits.
//!
//! **Waiting for room.** A task publishes in attempts, where a subscriber with
//! [`Overflow::Block`](crate::Overflow::Block) has no room. An attempt places the envelope in all queues or in none. If
//! it fails, the task registers at the queue that was in its way, tries again, and sleeps if that queue is still full.
//! The subscriber wakes it when it has made room. So a publish that is given up is in no queue, and leaves nothing
//! behind. [`BlockFor`](crate::Overflow::BlockFor) limits the wait of threads only: a time-out needs a clock, which an
//! executor need not have. A task brings its own, with `publish_timeout`, or gives up. For an audit log it waits even
//! then, as a thread does, while other tasks run.
//!
//! **The executor.** The bus assumes nothing but wakers. The methods that take a time-out use tokio's clock, and so
//! does `request`, unless the bus or the publisher was told to have no time-out. A task that waits for subscribers, for
//! publishes in flight under a revoked capability, or until everything is received, is woken by them.
//!
//! # Which is the twin of which
//!
//! Every method has a twin of the same name, with the same arguments, except those below. Methods with `&self`
//! that never wait are the same: the types for tasks dereference to their twins.
//!
//! | of | methods | for tasks |
//! | --- | --- | --- |
//! | `Bus` | `close`, `is_closed`, `same_bus`, `stats`, `grants`, `grant`, `revoke`, `is_granted`, `retain`, `try_publish`, `unsubscribe` | the same methods: they never wait |
//! | `Bus` | `serve_inspection` | a thread of its own serves it, whoever calls this: `into_sync` has it |
//! | `Bus` | `builder` | the same: `AsyncBus::from(Bus::builder().build())` |
//! | `Publisher` | `source`, `capability`, `is_granted`, `try_publish` | the same methods: they never wait |
//! | `Subscription` | `close`, `is_closed`, `len`, `is_empty`, `capacity`, `dropped`, `id`, `name`, `set_patterns` | the same methods: they never wait |
//! | `Subscription` | `iter`, `into_iter` | the stream that the subscription is |
//! | `Subscription` | `readiness` | the same method, for threads: tasks have `tokio::select!` |
//!
//! Shown by `tests/tasks/parity.rs` (no method is forgotten), `tests/tasks/twins/mod.rs` (they do the same),
//! `tests/tasks/main.rs`, and by models.
