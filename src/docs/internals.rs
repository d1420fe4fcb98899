//! A tour of the code, in ten minutes: the layers, the way of one envelope, each lock and atomic, and three recipes.
//!
//! [`mechanisms`](super::mechanisms) explains each mechanism in detail. [`contributing`](super::contributing) says how
//! to test and measure a change.
//!
//! # The idea
//!
//! An ordinary fan-out pays one channel send and one receive for each envelope and each subscriber. Here the channels
//! carry *segments*: arrays of up to 64 slots that stay open while they fill. Once a segment is in every queue, a
//! publish only appends to it. It touches no channel, whatever the number of subscribers.
//!
//! A subscriber that has read everything and wants to sleep leaves the segment open and registers in a wait list. The
//! next publisher appends to the segment, and wakes the registered subscribers. Under load segments are long; at rest
//! they have eight slots at most. No timer decides it.
//!
//! # The layers
//!
//! Each folder of `src/` is a layer. A layer imports only from itself and from the layers above it in this drawing;
//! `tests/library/layers.rs` checks every import.
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
//!  engine      the sequence, and which subscriber gets what: core, head, subscriber list, filter, index, retained, requests
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
//! Beside the layers are `docs/`, which has these pages and no code, and `bin/oxide-bus/`, the command, which uses the
//! public interface only. `src/lib.rs` declares the layers and re-exports the public names.
//!
//! # Who holds what
//!
//! ```text
//!  Bus, Publisher ──▶ BusState ─┬─▶ grants
//!                            └─▶ Core
//!                           ┌────┘
//!                           ├─▶ current ─────▶ Head ─────────────┬─▶ Segment: base, word, slots
//!                           │                                    ├─▶ SubscriberList, as it was then
//!                           │                                    └─▶ an Entry for each exception
//!                           └─▶ subscribers ─▶ SubscriberList ───┬─▶ SharedQueue … ══ segments ══▶ Cursor
//!                                                                └─▶ DirectQueue … ══ items ═════▶ DirectReceiver
//!                                                                                                   ▲
//!                                                                                        Subscription
//! ```
//!
//! A *head* is what a publisher works with: the segment that is filled now, the subscriber list that it is for, and an
//! entry for each *exception*, such as a queue that had no room and is left out. A head is never changed, only replaced:
//! by one with a new segment when the old one is full, and by one with a new list when a subscriber comes or goes. The
//! latter may keep the segment. The heads of one segment are numbered, and that number is the *epoch*. The segment's
//! word has the epoch of the head that may claim slots now. A publisher that still holds an earlier head cannot claim;
//! it loads the current one.
//!
//! `current` and `subscribers` are pointers that are replaced as a whole (arc-swap, as in read-copy-update). The double
//! lines are crossbeam channels. A subscription has only a weak handle on the shared state, so it does not keep the bus
//! open.
//!
//! A queue without a filter is *shared*: all such queues receive the same segments, each through its own cursor. A
//! queue with a filter or of a group is *direct*: each matching envelope is sent to it as one item, a segment and a
//! slot number.
//!
//! # The way of one envelope
//!
//! On the publisher's side, where only the fast path is needed:
//!
//! 1. `src/bus/handle/publishing.rs`: `Bus::publish` calls `publish_within` and `place`. They measure the payload if
//!    the bus has limits, and make a `PublishError` of a refusal.
//! 2. `src/engine/core/fast_path.rs`: `Core::publish` calls `append_if`. It loads the current head, and asks three
//!    things. Is every queue shared (`Head::is_plain`)? Is no request waiting for this answer (`may_answer`)? Has no
//!    queue that was left out made room (`Head::is_outdated` in `src/engine/head/accounts.rs`)?
//! 3. `src/engine/head/narrow.rs`: `Head::claim` looks how much room the narrow queues have, if there are any. In
//!    `src/queue/segment.rs` `Segment::claim` takes the next slot by one compare-and-swap, and `Segment::write` moves the
//!    envelope into it. The sequence number is the segment's base plus the slot's number.
//! 4. `src/support/wait_list/mod.rs`: `WaitList::wake_all` reads one flag. If it is set, it wakes the registered
//!    subscribers.
//! 5. `src/engine/receipt.rs`: the head says how many subscribers got the envelope and how many lost it. That is the
//!    `Receipt`.
//!
//! A [`Publisher`](crate::Publisher) comes in through `Publisher::publish_checked` in `src/bus/publisher/checking.rs`.
//! Its permission is checked between steps 2 and 3; see `append_if_permitted`.
//!
//! The slow path, if any of these fails:
//!
//! 6. `src/engine/core/blocking.rs`: `Core::place` makes attempts. An attempt places the envelope everywhere or
//!    nowhere. If a [`Block`](crate::Overflow::Block) queue is full, the thread registers there, tries again, and
//!    sleeps.
//! 7. `src/engine/core/placement.rs`: `Placement::append` looks up the matching direct queues
//!    (`SubscriberList::matches`), reserves a place in those that block (`ReservedPlaces::reserve` in `src/engine/reserved_places.rs`), and claims a
//!    slot.
//! 8. `src/engine/core/placement.rs`: if the segment is full or closed, `Placement::open` closes it, makes the next head
//!    (`Head::next` in `src/engine/head/mod.rs`) with the envelope in its first slot, and installs it by one
//!    compare-and-swap. If another publisher was first, it takes the envelope out again and returns to step 7.
//! 9. `src/engine/core/deliver.rs`: `Core::deliver` sends the item to each direct queue that matches
//!    (`DirectQueue::offer` in `src/queue/direct/mod.rs`), and wakes their readers.
//! 10. `src/engine/head/hand_over.rs`: if the segment is new, `Head::complete` puts it into every queue in its reach,
//!     wakes the readers, and marks the segment ready. Any publisher that meets a segment that is not ready does the
//!     same. Last, `Core::finish` evicts, tells losses, and drops payloads.
//!
//! On the subscriber's side:
//!
//! 11. `src/bus/subscription/receiving.rs`: `Subscription::recv` calls `take`, which calls `advance` in
//!     `src/bus/subscription/advancing.rs`.
//! 12. `src/queue/shared/cursor.rs`: `Cursor::step` goes to the next slot that is known to be claimed. At the end of
//!     them `Cursor::find_next` reads the segment's word again, or takes the next segment out of the channel
//!     (`src/queue/segment_channel/mod.rs`). A direct queue has `DirectReceiver::advance` in
//!     `src/queue/direct/receiver.rs`.
//! 13. `src/queue/shared/state.rs`: `QueueState::set_consumed` stores how many envelopes were consumed. That is what
//!     publishers see as room, and it wakes those that wait for it.
//! 14. `src/bus/subscription/waiting.rs`: if there is nothing, `Subscription::wait` spins briefly, registers
//!     (`Cursor::find_next_or_register`), looks once more, and sleeps in a parker (`src/support/parker.rs`). A task does
//!     the same in `src/tokio/advance.rs`, and returns to its executor instead of sleeping.
//! 15. `src/queue/delivery.rs`: the result is a [`Delivery`](crate::Delivery), a handle on the segment with a slot
//!     number. No payload is copied.
//!
//! # Where what is
//!
//! Every module of the layers, by what it is about:
//!
//! | modules | what |
//! | --- | --- |
//! | `message`, `kernel`, `draft`, `envelope`, `headers`, `source`, `id`, `trace_context` | what is said, by whom, when |
//! | `subject`, `pattern`, `filter`, `index`, `subscriber_list`, `listener`, `matches`, `chunked_list`, `options` | what each subscriber listens to |
//! | `handle`, `state`, `verbs`, `lifecycle`, `builder`, `limits` | the bus: how it is made, used, and closed |
//! | `publisher`, `capability`, `grant`, `granting`, `grants`, `scope`, `admission`, `rate_limiter` | the right to publish, and how often |
//! | `denial`, `refusal`, `refusals`, `demands`, `measure` | why something was refused, and how often; how large an envelope may be |
//! | `core`, `head`, `narrow`, `entry`, `pending`, `placement`, `attempt`, `reserved_places`, `receipt`, `error` | the way of a publish, and its result |
//! | `segment`, `segment_channel`, `queue_kind`, `shared`, `cursor`, `direct`, `group`, `inbox`, `terms` | a subscriber's queue |
//! | `overflow`, `credits`, `losses`, `vacancy`, `throttle` | what happens when it is full |
//! | `delivery`, `subscription`, `iter`, `resubscribing`, `wait`, `recv_error`, `select` | the receiving side |
//! | `request`, `requests`, `retained`, `activation_point`, `retaining`, `drain`, `drains` | answers; what later subscribers receive first; waiting until all is received |
//! | `advisory`, `notices`, `advisories`, `trace`, `excerpt`, `visible`, `name_list`, `accounts`, `stats`, `subscription_stats`, `link_figures`, `metrics`, `inspect`, `audit` | what the bus says about itself |
//! | `codec` | envelopes as JSON |
//! | `wait_list`, `parker`, `eagerness`, `tokio` | sleeping and waking; the bus for tasks |
//! | `engine` of `link`, `memory`, `subject` of `link`, `wire`, `control`, `announcement` | the seam to a server, an engine in memory; what a frame looks like |
//! | `stream` | what a durable link needs of a server, and what may be wrong with it |
//! | `memory`: `stored`, `stream` | a stream in memory |
//! | `durable`: `intake`, `numbers` | what comes from a stream, once |
//! | `nats`: `stream`: `api`, `traffic`, `pulls`, `consumer` | the engine over the streams of a NATS server |
//! | `nats`: `news`, `sender`, `receiver`, `refusal`, `permissions` | the engine over a NATS server |
//! | `frame`, `outgoing`, `resend_queue` | what an exporter must get across, and what importers ask for again |
//! | `incoming`, `arrival`, `want_times`, `held` of `link`, `gap_patience`, `gaps`, `neighbour`, `origins`, `waiting`, `seen`, `recent_ids` | what an importer receives, in order and once, and when it asks for what is missing |
//! | `builder` and `handle` of `link`, `name`, `joining`, `connection`, `settings` of `link`, `state`, `stage`, `status`, `linked`, `calling`, `deadline`, `exporting`, `importing`, `publishing`, `storing`, `driver` | a running link: its parts, side by side in one task |
//! | `import_subject`, `announcement_times`, `known_importers`, `requests_out`, `relays`, `transit` | requests across links: whom an answer may come from, and that nobody answers; what goes on by another link |
//! | `clock` of `support`, `substitutes` | the time that the bus goes by; what stands in for it, and for chance, in tests |
//! | `clock` of `testing`, `ids`, `recorder`, `line`, `idle`, `faulty`, `scheduler` | the kit for tests |
//! | `sync`, `panics`, `failpoints` | atomics, locks and channels, which loom can replace; panics of user code; where tests stop a thread |
//!
//! # Locks and atomics
//!
//! Everything that threads share, in the order of the layers. *Partner* is the function on the other side, with which
//! the ordering is made. No user code runs while one of these locks is held.
//!
//! | place | what it guards or orders | partner |
//! | --- | --- | --- |
//! | `WaitList::is_occupied` | whether a publisher has to wake a waiter | `wake_all` with `Registration::register`; both change one word, or both fence |
//! | `WaitList::entries`, `taken` | the registered waiters; a lock for those that wait and those that wake | `register` and `wake_registered`; `Registration::deregister` |
//! | `Occupied` | how many wait lists of direct queues are in use | `Occupied::wake_all` with `register_and_fence`, a fence each |
//! | `Parker::state`, `changed` | one sleeping thread | `Nap::sleep` with `unpark` |
//! | `ManualTime::state`, `SeededNumbers` | a clock that a test moves, and its alarms; seeded ids (feature `testing`) | `set_alarm` with `advance`; each lock alone |
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
//! | `QueueState::was_left_out`, `seen`, `lost_reported` | hints and figures | none |
//! | `Credits::reserved`, `consumed` | places of a direct queue that blocks or evicts | `reserve` with `give_back`; leaving and evicting set a bit in the same word |
//! | `Credits::has_ended` | that nothing more is sent | `end_sending` with `has_ended` |
//! | `Credits::taking` | taking the oldest out of a direct queue that keeps the newest | `take_oldest` with `not_sent` |
//! | `Credits::holds_back`, `Losses::lost`, `told` | the losses of a direct queue, each told once | `lose` with `lost`; `tell` with itself |
//! | `Vacancy::resume_at`, `patient`, `impatient` | publishers that wait for room | `freed` with `Waits::register`, a fence each |
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
//! | `Requests::pending`, `register`, `Slot` | waiting requests (a sharded map); the answers, a lock and a waker | `register` with `answer_all`; `put` with the asking side |
//! | `Notices::records`, `Advisories` | the sinks of what is told; the bus of advisories, made once | none: replaced as a whole |
//! | `Admission::stripes` | whether a capability is granted, and how many publishes are in flight | `enter` with `change`; `tell` with `await_all` |
//! | `Admission::terms`, `changing`, `leaving`, `asking` | the terms of a grant; one change at a time; those that wait for its publishes; its pending requests | `check_scope` with `change`; `grant` with `revoke` |
//! | `Grants::known`, `Expiries` | all capabilities (a sharded map), and when they expire; the second lock is taken inside the first | each lock alone |
//! | `Changes::noted`, `recording` | grants and revokes, recorded in their order | `note` with `record` |
//! | `Grants::granted`, `denied`, `Refusals`, `Core::predicate_panics` | figures | none |
//! | `Subscription::filter`, `readiness` | what it listens to now; its channel of tokens | `set_patterns`; made once |
//! | `BusState::of_links`, `SeenIds` | the ids that all links of a bus have seen | each lock alone |
//! | `LinkBoard::links`, `Serving::client` | the links that an inspection shows; the client that it serves | each lock alone |
//! | `GapBoard` | where something is missing in what a link has brought | each lock alone; the number of missing ones is read without it |
//! | `SharedStream::connection`, `traffic` | one connection to a stream of a NATS server, and what is under way over it | each lock alone; none waits while it holds it |
//! | `Linked::state` | a running link: its state machines and figures, for its parts and its handles | each lock alone; none waits while it holds it |
//! | `LogProgress::synced`, `head`, `error`, `has_ended` | how far an audit log has come | `Output`'s `flush` and `Writer`'s `run` with the log's handle |
//!
//! # Recipes
//!
//! ## A new overflow policy
//!
//! 1. `src/message/overflow.rs`: the variant, what it promises, and whether it `blocks` or `reserves`.
//! 2. `src/queue/terms.rs`: `Terms::deadline`. `src/bus/options.rs`: `blocks`.
//! 3. A shared queue: `Head::next` in `src/engine/head/mod.rs` decides for a queue without room;
//!    `SharedQueue::find_room` in `src/queue/shared/mod.rs` says how much room there is. If the policy takes
//!    envelopes out again, `src/queue/segment_channel/mod.rs` needs a second kind of channel, as for `DropOldest`.
//! 4. A direct queue: `DirectQueue::offer` and `not_sent` in `src/queue/direct/mod.rs`, and `src/queue/credits.rs` if
//!    places are reserved. `src/queue/direct/receiver.rs` if the subscriber takes them out in another way.
//! 5. The command: `src/bin/oxide-bus/overflow.rs`, `soak/part.rs` and `soak/account.rs`.
//! 6. Tests: `tests/library/overflow.rs`; the policies of the reference model in `tests/support/model.rs`, `script.rs`
//!    and `draw.rs`, which the fuzz target shares; a model in `src/engine/tests/core_loom_policies.rs`;
//!    `benches/publish.rs`.
//! 7. Pages: the guarantees 1, 3 and 9, the limitations, the changelog.
//!
//! ## A new filter
//!
//! 1. `src/engine/filter.rs`: the field of `Filter`, and each of its methods: `is_none`, `describe`, `is_same`,
//!    `with_patterns`, `Clone`, `Debug`. A filter that is user code belongs into `judge`, which catches panics.
//! 2. If it can be looked up, `src/engine/index/mod.rs` and `trie.rs`, and `Filter::address`. If it must be asked,
//!    `accepts` in `src/engine/matches.rs`.
//! 3. `src/bus/options.rs`: the method of `SubscribeOptions`, `Clone` and `Debug`.
//!    `src/bus/subscription/resubscribing.rs`, for `resubscribe`.
//! 4. The command, if it can be written as text: `src/bin/oxide-bus/arguments.rs`.
//! 5. Tests: `tests/library/routing.rs`, `tests/library/groups.rs`; `tests/support/model.rs` and `script.rs`;
//!    `src/engine/tests/index.rs`; `benches/routing.rs`, and the cell (n) in `benches/compare/cells/filtered.rs`.
//! 6. Pages: the guarantees 3 and 4, the limitations, the changelog.
//!
//! ## A new transport
//!
//! A transport carries envelopes between the bus and something else: a socket, a file, another bus. It needs nothing of
//! the engine. For another server than those that [links](super::links) know, an engine of a link is enough. The command's `replay` (`src/bin/oxide-bus/replay.rs`) is one in 400 lines.
//!
//! 1. A new folder of `src/`, and its name at the end of `LAYERS` in `tests/library/layers.rs`: it may import `bus` and
//!    `tokio`. `src/lib.rs` declares it, behind a feature of `Cargo.toml`; the new dependency is optional, and goes
//!    into the list of the second step of `.ci/run`.
//! 2. Out: subscribe, and write with [`Codec`](crate::codec::Codec) or [`LinesWriter`](crate::codec::LinesWriter). Say
//!    which overflow policy it takes, and pass on `Lagged`.
//! 3. In: read with a bounded [`Codec`](crate::codec::Codec), and publish through
//!    [`Publisher::forward`](crate::Publisher::forward) under a [`Grant`](crate::Grant) that
//!    [forwards](crate::Grant::forwards), never through the bus itself: what comes from outside is not trusted.
//! 4. End: it holds a [`WeakBus`](crate::WeakBus), so that it does not keep the bus open.
//! 5. Tests: a file in tests/library, lines in `tests/library/threat_model.rs`, and a fuzz target for what it reads
//!    (`fuzz/src`, `fuzz/fuzz_targets`, `fuzz/corpus`).
//! 6. Pages: the threat model, the limitations, the features of the README, the drawing above, the changelog.
