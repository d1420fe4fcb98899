//! The bus for tasks, with the feature `tokio`: how a task waits, and the twin of each method.
//!
//! # How a task waits
//!
//! It waits as a thread does: it registers its waker in a *wait list*, and looks once more. A publisher that has sent
//! something reads one flag, and wakes those that are registered. [`internals`](crate::docs::internals) says where the
//! lists are, and why no wake-up is lost. Tasks are woken directly, threads by each other. Wakers are called outside every
//! lock, and one that panics is not noticed.
//!
//! So a task is woken once for all that comes until it runs, and reads a whole segment without anything but its
//! slots. While it has something at hand each receive is over at once; every 129th gives other tasks a turn,
//! on any executor. A publish that finds room is over at once as well, but for one in 129 on its thread: so who publishes
//! without end lets those receive who run there. `try_publish` never gives them a turn. A task that awaits whichever
//! comes first of several goes on with another while one gives way; so every 16th receive, and every 16th publish, uses
//! up one of the 128 that tokio's budget has for the task. At the latest when that is used up it gives way whatever it
//! awaits.
//!
//! A task that publishes where a subscriber with [`Overflow::Block`](crate::Overflow::Block) has no room tries first,
//! which places the envelope in all queues or in none, registers at the queue that was in its way, and tries
//! again; it sleeps if that one is in its way still. The subscriber wakes it when it has made room. So a publish that is
//! given up is in no queue, and there is nothing left of it. How long the subscriber would have publishers wait is
//! heeded by threads only: a time-out needs a clock, which an executor need not have. A task brings its own, with
//! `publish_timeout`, or gives up. For an audit log it waits even then, as a thread does, and others run.
//!
//! Nothing but wakers is assumed of the executor. The methods that take a time-out take tokio's clock, and so does `request`, unless the
//! bus or the publisher was told to have none. A task that waits
//! for subscribers, for what is on its way under a revoked capability, or until everything is received, is woken by
//! them.
//!
//! # Which is the twin of which
//!
//! Every method has a twin of the same name, with the same arguments, but for those below. Methods with `&self`
//! that never wait are the same: the types for tasks dereference to their twins.
//!
//! | of | methods | for tasks |
//! | --- | --- | --- |
//! | `Bus` | `close`, `is_closed`, `same_bus`, `stats`, `grants`, `grant`, `revoke`, `is_granted`, `retain`, `try_publish`, `unsubscribe` | the same methods: they never wait |
//! | `Bus` | `builder` | the same: `AsyncBus::from(Bus::builder().build())` |
//! | `Publisher` | `source`, `capability`, `is_granted`, `try_publish` | the same methods: they never wait |
//! | `Subscription` | `close`, `is_closed`, `len`, `is_empty`, `capacity`, `dropped`, `id`, `name`, `set_patterns` | the same methods: they never wait |
//! | `Subscription` | `iter`, `into_iter` | the stream that the subscription is |
//! | `Subscription` | `readiness` | the same method, for threads: tasks have `tokio::select!` |
//!
//! Shown by `tests/tasks/parity.rs` (no method is forgotten), `tests/tasks/twins/mod.rs` (they do the same),
//! `tests/tasks/main.rs`, and by models.
