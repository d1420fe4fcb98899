//! A tour in ten minutes: the layers, the way of one envelope, locks and atomics, and three recipes.
//!
//! [`mechanisms`](super::mechanisms) explains each mechanism in detail, and has a
//! [table of all modules](super::mechanisms#where-what-is). [`contributing`](super::contributing) says how to test and
//! measure a change.
//!
//! # The idea
//!
//! An ordinary fan-out pays a channel's send and receive for each envelope and each subscriber. Here the channels carry
//! *segments*: arrays of up to 64 slots that stay open while they fill. Once a segment is in every queue, a publish
//! only appends to it, and touches no channel.
//!
//! A subscriber that has read everything registers in a wait list and sleeps. The next publisher appends to the open
//! segment, and wakes it.
//!
//! # The layers
//!
//! Each folder of `src/` is a layer. It imports only from itself and from the layers drawn above it, which know less;
//! `tests/library/layers.rs` checks that.
//!
//! ```text
//!  support     knows nothing of a bus: atomics and locks (with loom's stand-ins), wait list, parker, chunked list
//!     │
//!  message     what is said: envelope, id, source, payload, subject, pattern, capability, overflow, advisory
//!     │
//!  codec       an envelope as JSON, JSON Lines, and in a compact form
//!     │
//!  queue       one subscriber's queue: segment, shared queue and cursor, direct queue and receiver, group
//!     │
//!  engine      the sequence, and which subscriber gets what: core, head, list, filter, index, retained, requests
//!     │
//!  authority   the right to publish: grant, scope, admission, the count of refusals
//!     │
//!  bus         what a user holds: Bus, Publisher, Subscription, options, errors, statistics
//!     │
//!  observe     what happened: the audit log, inspections, metrics
//!     │
//!  tokio       the bus for tasks
//!     │
//!  link        buses elsewhere: what goes out and comes in, over an engine that carries frames
//!     │
//!  testing     a kit for the tests of users: manual clock, recorder, faults, a scheduler
//! ```
//!
//! `docs/` has these pages. `bin/oxide-bus/` is the command, which uses the public interface only.
//!
//! # Who holds what
//!
//! ```text
//!  Bus, Publisher ──▶ BusState ─┬─▶ grants
//!                               └─▶ Core
//!                           ┌────────┘
//!                           ├─▶ current ─────▶ Head ─────────────┬─▶ Segment: base, word, slots
//!                           │                                    ├─▶ SubscriberList, as it was then
//!                           │                                    └─▶ an Entry for each exception
//!                           └─▶ subscribers ─▶ SubscriberList ───┬─▶ SharedQueue … ══ segments ══▶ Cursor
//!                                                                └─▶ DirectQueue … ══ items ═════▶ DirectReceiver
//!                                                                                                         ▲
//!                                                                                                   Subscription
//! ```
//!
//! A *head* has the open segment, its subscriber list, and an entry for each *exception*, such as a full queue, which
//! is left out. A new head replaces it when the segment is full, or when a subscriber comes or goes; then the segment
//! may stay. The *epoch* numbers the heads of one segment. Only the head whose epoch is in the segment's word may claim
//! slots. The queues that have the segment are *in its reach*. One that has less room than the segment has slots is
//! *narrow*.
//!
//! `current` and `subscribers` are replaced as a whole (arc-swap). Double lines are crossbeam channels. A subscription
//! does not keep the bus open.
//!
//! A queue without a filter is *shared*: it receives the segments that all others receive. A queue with a filter or of
//! a group is *direct*: it receives an item, a segment and a slot number, for each matching envelope.
//!
//! # The way of one envelope
//!
//! On the publisher's side, if the fast path is enough:
//!
//! 1. `src/bus/handle/publishing.rs`: `Bus::publish` calls `publish_within` and `place`. They measure the payload if
//!    the bus has limits, and make a `PublishError` of a refusal.
//! 2. `src/engine/core/fast_path.rs`: `Core::publish` calls `append_if`. It loads the current head. It is
//!    enough if every queue is shared (`Head::has_only_shared_queues` in `src/engine/head/mod.rs`), the segment keeps
//!    envelopes (not `Segment::is_blind`), the envelope answers no request (not `may_answer`), and no queue that was
//!    left out has made room (not `Head::is_outdated` in `src/engine/head/accounts.rs`).
//! 3. `src/engine/head/narrow.rs`: `Head::claim` looks how much room the narrow queues have, if there are any. In
//!    `src/queue/segment.rs` `Segment::claim` takes the next slot by one compare-and-swap, and `Segment::write` moves
//!    the envelope into it. The sequence number is the segment's base plus the slot's number.
//! 4. `src/engine/head/hand_over.rs`: `Head::wake` calls `WaitList::wake_all` (`src/support/wait_list/mod.rs`), which
//!    reads one flag. If it is set, it wakes the registered subscribers.
//! 5. `src/engine/receipt.rs`: the head says how many subscribers got the envelope and how many lost it
//!    (`Head::outcome` in `src/engine/head/mod.rs`). That is the `Receipt`.
//!
//! A [`Publisher`](crate::Publisher) begins with `Publisher::publish_checked` in `src/bus/publisher/checking.rs`. Its
//! permission is checked within step 2, in `append_if_permitted`. An envelope that answers another takes the slow path.
//!
//! The slow path, if any of these fails:
//!
//! 6. `src/engine/core/blocking.rs`: `Core::place` makes attempts. Each places the envelope everywhere or nowhere. At a
//!    full [`Block`](crate::Overflow::Block) queue the thread registers, tries again, and sleeps.
//! 7. `src/engine/core/placement.rs`: `Placement::run` repeats steps 7 and 8 until one of them works.
//!    `Placement::append` looks up the matching direct queues (`SubscriberList::matches`), reserves a place in those
//!    that block (`ReservedPlaces::reserve` in `src/engine/reserved_places.rs`), and claims a slot.
//! 8. `src/engine/core/placement.rs`: if the segment is full or closed, `Placement::open` closes it, looks up the
//!    queues of the newest list, makes the next head (`Head::next` in `src/engine/head/mod.rs`) with the envelope in
//!    its first slot, and installs it by one compare-and-swap. If another publisher was first, it takes the envelope
//!    out again and returns to step 7.
//! 9. `src/engine/core/deliver.rs`: `Core::deliver` sends the item to each direct queue that matches
//!    (`DirectQueue::offer` in `src/queue/direct/mod.rs`, or `fill`, where a place is reserved), and wakes their
//!    readers.
//! 10. `src/engine/head/hand_over.rs`: if the segment is new, `Head::complete` puts it into every queue in its reach,
//!     wakes the readers, and marks the segment ready. Any publisher that meets such a segment does the same. Last,
//!     `Core::finish` evicts, tells losses, answers requests, and drops payloads.
//!
//! On the subscriber's side:
//!
//! 11. `src/bus/subscription/receiving.rs`: `Subscription::recv` calls `take`, which calls `advance` in
//!     `src/bus/subscription/advancing.rs`.
//! 12. `src/queue/shared/cursor.rs`: `Cursor::step` goes to the next slot that is known to be claimed. At the end of
//!     them `Cursor::find_next` reads the segment's word again, or takes the next segment out of the channel
//!     (`src/queue/segment_channel/mod.rs`). A direct queue has `DirectReceiver::receive`, which `take` calls at
//!     once, and `advance`, in `src/queue/direct/receiver.rs`.
//! 13. `src/queue/shared/state.rs`: `QueueState::set_consumed` stores how many envelopes were consumed. Publishers see
//!     that as room, and are woken if they wait for it.
//! 14. `src/bus/subscription/waiting.rs`: if nothing is there, `Subscription::wait` spins briefly, registers
//!     (`Cursor::find_next_or_register`), looks once more, and sleeps in a parker (`src/support/parker.rs`). A task
//!     does the same in `src/tokio/advance.rs`, and returns to its executor instead of sleeping.
//! 15. `src/queue/delivery.rs`: the result is a [`Delivery`](crate::Delivery), a handle on the segment with a slot
//!     number. No payload is copied.
//!
//! # Locks and atomics
//!
//! The *partner* is the function on the other side of the ordering. No user code runs under one of these locks.
//!
//! | place | what it guards or orders | partner |
//! | --- | --- | --- |
//! | `WaitList::is_occupied` | whether a publisher has to wake a waiter | `wake_all` with `Registration::register`; both change one word, or both fence |
//! | `WaitList::entries`, `taken` | the registered waiters; a lock for those that wait and those that wake | `register` and `wake_registered`; `Registration::deregister` |
//! | `Occupied` | how many wait lists of direct queues are in use | `Occupied::wake_all` with `register_and_fence`, a fence each |
//! | `Parker::state`, `changed` | one sleeping thread | `Nap::sleep` with `unpark` |
//! | `ManualTime::state`, `was_set`, `SeededNumbers` | a clock that a test moves, and its alarms; seeded ids (feature `testing`) | `set_alarm` with `advance`; each lock alone |
//! | `WakeTree::next` | which sleeping thread is woken next | each number is given out once |
//! | `Rate::whole_at` | the allowance of a rate (GCRA) | the word alone |
//! | `Segment::word` | claims, the epoch, *ready* and *closed* | `claim` with `filled`, `mark_ready`, `raise_epoch`, `await_after` and `close` |
//! | `Segment::slots` | each envelope, written once | `write` with `kept` |
//! | `SegmentSender::handed`, `spill` | that a segment is sent once, and what found the channel full | `hand_over` with itself; `send` with `try_recv` |
//! | `Newest::kept`, `due`, `cut`, `lost` | the segments of a queue that keeps the newest. A publisher only tries the lock, until 16,384 envelopes are due | `keep_up_to` with `cut_off`: either side sees the other, by a fence |
//! | `QueueState::consumed` | the room of a shared queue | `set_consumed` with `consumed`; where publishers wait, a fence with `register_and_fence` |
//! | `QueueState::start` | from which sequence number the queue is offered envelopes | `begin` with `start` |
//! | `QueueState::told`, `end` | what the subscriber was told; the final accounts | `tell` with `told`; the cell is written once |
//! | `QueueState::gone`, `closed`, `evicted` | how the queue ended | `leave`, `SharedQueue::close` and `evict` with `takes_no_more` and `is_evicted` |
//! | `QueueState::was_left_out`, `seen`, `lost_reported`, `HighWater` | hints and figures | none |
//! | `Credits::reserved`, `consumed` | places of a direct queue that blocks or evicts | `reserve` with `give_back`; leaving and evicting set a bit in the same word |
//! | `Credits::has_ended` | that nothing more is sent | `end_sending` with `has_ended` |
//! | `Credits::taking` | taking the oldest out of a direct queue that keeps the newest | `take_oldest` with `not_sent` |
//! | `Credits::holds_back`, `Losses::lost`, `told` | the losses of a direct queue, each told once | `lose` with `lost`; `tell` with itself |
//! | `Vacancy::resume_at`, `woken_for`, `patient`, `impatient` | publishers that wait for room | `freed` with `Waits::register`, a fence each |
//! | `Seats::members`, `taken`, `has_left` | the members of a group | changed under `Core::changing` |
//! | `Terms::number`, `Drains`, `LagThrottle::at` | a subscriber's place on the list; that a drain watches it; when a lag was told | `list_as` under `Core::changing`; `tell_drains` with `Watch::check`; the word alone |
//! | `Core::current` | the current head; makes the sequence one order | `install` with every `load`: what was done before the swap is known after the load |
//! | `Core::subscribers` | the newest list | `change` and `sweep`, under `changing`, with `open` |
//! | `Core::changing` | one change of the list at a time. A publisher only tries it, to take evicted subscribers off | `change` with `sweep` |
//! | `Core::stale` | that an evicted subscriber may still be listed | `evicted` with `sweep`, by a fence |
//! | `Core::hurried` | that a publisher has lost a race: a hint | `hurry` with `let_publishers_pass` |
//! | `Core::order` | one order for direct queues too, with [`total_order`](crate::BusBuilder::total_order) | `lock_order`, until the end of `deliver`'s sends |
//! | `Core::readers`, `listed` | wait lists: unfiltered subscribers; those that wait for the list to change, and drains | `append_if` and `complete`; `change`, `evicted` and `wake_drains` |
//! | `Head::is_settled` | that newcomers have a start: a hint | `settle` with `settle_now` |
//! | `ActivationPoint::base` | when a list came into use | `mark` with `base`; written once |
//! | `GivenUpRequests` | the last requests that nobody waits for any more; used once a link has begun | the lock alone |
//! | `Requests::pending`, `register`, `Slot::state`, `delivered`, `contents` | waiting requests (a sharded map); the answers, a lock and a waker | `register` with `answer_all`; `put` with the asking side |
//! | `Notices::records`, `Advisories` | the sinks of what is told; the bus of advisories, made once | none: replaced as a whole |
//! | `Admission::stripes`, `next` | whether a capability is granted, and how many publishes are in flight; which word the next publisher gets | `enter` with `change`; `wake_drains` with `await_all`; none, any word will do |
//! | `Admission::terms`, `changing`, `drains`, `asking` | the terms of a grant; one change at a time; those that wait for its publishes; its pending requests | `check_scope` with `change`; `grant` with `revoke` |
//! | `Grants::known`, `Expiries` | all capabilities (a sharded map), and when they expire; the second lock is taken inside the first | each lock alone |
//! | `Changes::noted`, `recording` | grants and revokes, recorded in their order | `note` with `record` |
//! | `Grants::granted`, `denied`, `Refusals`, `Core::predicate_panics` | figures | none |
//! | `Subscription::filter`, `readiness` | what it listens to now; its channel of tokens | `set_patterns`; made once |
//! | `BusState::of_links`, `SeenIds` | the ids that all links of a bus have seen | each lock alone |
//! | `LinkRegister::links`, `Serving::client` | the links that an inspection shows; the client that it serves | each lock alone |
//! | `GapRecord` | where something is missing in what a link has brought | each lock alone; the number of missing ones is read without it |
//! | `SharedStream::connection`, `traffic`, `changed` | one connection to a stream of a NATS server, and what is under way over it | each lock alone; none waits while it holds it |
//! | `Linked::state` | a running link: its state machines and figures, for its parts and its handles | each lock alone; none waits while it holds it |
//! | `Linked::to_send`, `to_tick`, `to_publish`, `changed`, `cut` | wake-ups of tokio: one part of a link wakes another | what is waited for is in `Linked::state` |
//! | `MemoryServer::server`, `MemoryConnection::state` | the server in memory, and what is under way over one connection | the second lock is taken inside the first |
//! | `LogProgress::synced`, `head`, `error`, `has_ended` | how far an audit log has come | `Output`'s `flush` and `Writer`'s `run` with the log's handle |
//!
//! # Recipes
//!
//! ## A new overflow policy
//!
//! 1. `src/message/overflow.rs`: the variant, what it promises, and whether it `blocks` or `reserves`.
//! 2. `src/queue/terms.rs`: `Terms::deadline`.
//! 3. A shared queue: `Head::next` in `src/engine/head/mod.rs` decides for a queue without room;
//!    `SharedQueue::find_room` in `src/queue/shared/mod.rs` says how much room there is. If the policy takes
//!    envelopes out again, `src/queue/segment_channel/mod.rs` needs another kind of channel, as for `DropOldest`;
//!    `SharedQueue::new` chooses it. `src/observe/inspect/ages.rs` has to know that queued envelopes went out.
//! 4. A direct queue: `DirectQueue::offer` and `not_sent` in `src/queue/direct/mod.rs`, and `src/queue/credits.rs` if
//!    places are reserved. `src/queue/direct/receiver.rs` if the subscriber takes them out in another way.
//! 5. The command: `src/bin/oxide-bus/overflow.rs`, `src/bin/oxide-bus/bench/contestant.rs`, `policy` in
//!    `src/bin/oxide-bus/top/cells.rs`, and in `src/bin/oxide-bus/soak/` the files `part.rs`, `account.rs`, `round.rs`
//!    and `worker/publisher.rs`.
//! 6. Tests: `tests/library/overflow.rs`; the policies of the reference model in `tests/support/model.rs`,
//!    `tests/support/script.rs` and `tests/support/draw.rs`, which the fuzz target shares; a model in
//!    `src/engine/tests/core_loom_policies.rs`; `benches/publish.rs`.
//! 7. Pages: the guarantees 1, 3 and 9, the limitations, the changelog.
//!
//! ## A new filter
//!
//! 1. `src/engine/filter.rs`: the field of `Filter`, and each of its methods: `is_none`, `describe`, `is_same`,
//!    `with_patterns`, `addresses`, `asks_for_a_subject`, `has_predicates`, `Clone`, `Debug`. User code belongs into
//!    `judge`, which catches panics.
//! 2. If it can be looked up, `src/engine/index/mod.rs` and `src/engine/index/trie.rs`, and `Filter::address`. If it
//!    must be asked, `accepts` in `src/engine/matches.rs`. `src/bus/retaining.rs` asks it about retained envelopes.
//! 3. `src/bus/options.rs`: the method of `SubscribeOptions`, `Clone` and `Debug`. `resubscribe` copies the whole
//!    filter (`src/bus/resubscribing.rs`).
//! 4. The command, if it can be written as text: `src/bin/oxide-bus/arguments.rs`.
//!    `src/bin/oxide-bus/why/filter_words.rs` reads the words of `describe` back from audit logs. `filters` in
//!    `src/bin/oxide-bus/top/cells.rs` and `src/observe/inspect/snapshot.rs` show it. `src/bin/oxide-bus/soak/part.rs`.
//! 5. Tests: `tests/library/routing.rs`, `tests/library/groups.rs`; `tests/support/model.rs`, `tests/support/script.rs`
//!    and `tests/support/draw.rs`; `src/engine/tests/index.rs`; `benches/routing.rs`, and the cell (n) in
//!    `benches/compare/cells/filtered.rs`.
//! 6. Pages: the guarantees 3 and 4, the limitations, the changelog.
//!
//! ## A new transport
//!
//! For another server, write an engine of a link, and nothing else: the traits in `src/link/engine.rs` (`Engine`,
//! `EngineSender`, `EngineReceiver`; `StreamEngine` for durable links). `src/link/memory/engine.rs` does so in 220
//! lines, and `src/link/nats/` is the real one, with its tests in `tests/link/nats/contract.rs`.
//!
//! A transport of another kind carries envelopes between the bus and a socket, a file or another bus, as the command's
//! `replay` (`src/bin/oxide-bus/replay/`) does.
//!
//! 1. A new folder of `src/`, at the end of `LAYERS` in `tests/library/layers.rs`. `src/lib.rs` declares it, behind a
//!    feature of `Cargo.toml`. A new dependency is optional, and goes into the list of the second step of `.ci/run`.
//! 2. Out: subscribe, write with [`Codec`](crate::codec::Codec) or [`LinesWriter`](crate::codec::LinesWriter), and pass
//!    on `Lagged`.
//! 3. In: read with a bounded [`Codec`](crate::codec::Codec), and publish only through
//!    [`Publisher::forward`](crate::Publisher::forward), under a [`Grant`](crate::Grant) that
//!    [forwards](crate::Grant::forwards).
//! 4. End: it holds a [`WeakBus`](crate::WeakBus), so it does not keep the bus open.
//! 5. Tests: in tests/library and `tests/library/threat_model.rs`, and a fuzz target for its input (`fuzz/src`,
//!    `fuzz/fuzz_targets`, `fuzz/corpus`).
//! 6. Pages: the threat model, the limitations, the features of the README, the drawing above, the changelog.
