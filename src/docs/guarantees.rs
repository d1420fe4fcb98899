//! What the bus promises: ten promises, each in a few lines, then its fine print, then the tests that show it.
//!
//! 1. [Isolation](#1-isolation): a publisher waits for no subscriber, except one with
//!    [`Overflow::Block`](crate::Overflow::Block).
//! 2. [Receipt](#2-receipt): when `publish` returns, the envelope is in every queue that the receipt counts as
//!    delivered.
//! 3. [Exact accounts](#3-exact-accounts): matched = received + queued + dropped, and a gap is told once, where it
//!    lies.
//! 4. [Order](#4-order): all unfiltered subscribers receive in one order; every subscriber receives
//!    each publisher's envelopes in the order in which they were published.
//! 5. [Subscribing and unsubscribing are barriers](#5-subscribing-and-unsubscribing-are-barriers) for everything that
//!    is published after they return.
//! 6. [Revoking is a barrier](#6-revoking-is-a-barrier): a publish under the capability that begins after it returned
//!    is refused; `revoke_and_drain` also waits for publishes that are in flight.
//! 7. [Closing](#7-closing): publishes fail; subscribers receive the rest, and then learn that it is the end.
//! 8. [Panics stay where they are](#8-panics-stay-where-they-are), and your code never runs under a lock.
//! 9. [Bounded memory](#9-bounded-memory): nothing grows with past subscribers or revoked capabilities.
//! 10. [No `unsafe`](#10-no-unsafe) in this crate.
//!
//! All of them hold for any number of publishers and subscribers, in any threads. *Before* and *after* mean what one
//! thread can know of another. A publish begins after a call returned if its thread made that call, or learned of its
//! return through a channel, a lock or an atomic.
//!
//! # 1. Isolation
//!
//! * A publisher waits for no subscriber, except one with [`Overflow::Block`](crate::Overflow::Block).
//! * A subscriber that is stuck, slow or gone costs the others no message.
//! * There is one way to block: while a publish waits, its envelope is in no queue; then it is placed in all of them in
//!   one step.
//!
//! ## Fine print: isolation
//!
//! * A publish waits for a `Block` subscriber while its queue is full. If the queue was full, the publish may wait up
//!   to a millisecond more, until several places are free. That is all of the capacity, 128 at most; with a filter a
//!   quarter, 32 at most.
//! * Other publishers continue if their envelopes do not match the full subscriber.
//! * When every matching `Block` subscriber has room, or its time-out is over, all subscribers get the envelope in one
//!   step.
//! * [`publish_timeout`](crate::Bus::publish_timeout) waits no longer than its time-out.
//!   [`try_publish`](crate::Bus::try_publish) never waits: where it would have to, the envelope is in no queue.
//! * Each publish looks whether the full queues have room again, and how much room the nearly full ones have. A publish
//!   that opens a segment looks at all queues.
//!
//! Not promised: that no thread ever waits for a *publisher*. If the system stops a thread in the middle
//! of a publish, subscribers may wait for it, see
//! [limitations](crate::docs::limitations#a-publisher-that-is-stopped).
//!
//! Shown by `tests/library/isolation.rs`, `tests/library/overflow.rs`, `tests/library/blocking.rs`.
//!
//! # 2. Receipt
//!
//! * When a publish has returned `Ok`, the envelope was enqueued for every subscriber that the
//!   [`Receipt`](crate::Receipt) counts as delivered.
//! * A thread that learns of the return finds the envelope in the queue, unless it was received since.
//! * Delivered and dropped together are the subscribers that matched. Zero is no error.
//!
//! ## Fine print: receipt
//!
//! * With [`DropOldest`](crate::Overflow::DropOldest), a newer envelope may have displaced it since. That loss is not
//!   in any receipt: the displaced envelope was delivered by its own. The subscriber is told, and
//!   [`SubscriptionStats::dropped`](crate::SubscriptionStats::dropped) counts it.
//! * A subscriber that leaves while the publish is under way may be counted or not.
//!
//! Not promised: that a subscriber ever looks into its queue.
//!
//! Shown by `tests/library/accounts.rs`, `tests/library/model.rs`, `tests/library/overflow.rs`.
//!
//! # 3. Exact accounts
//!
//! * For each subscription, matched = received + queued + dropped, whenever no publish or receive is in progress.
//! * An envelope is dropped for a subscriber only if its queue was full.
//! * A gap is told once, where it lies: a receive returns [`Lagged`](crate::RecvError::Lagged) with the number of
//!   missed envelopes, and the next receive continues. All ways to receive tell it.
//!
//! ## Fine print: accounts
//!
//! * *Matched* are the envelopes that were published while it was subscribed and that its filter accepts. *Queued* is
//!   [`len`](crate::Subscription::len), *dropped* is [`dropped`](crate::Subscription::dropped).
//! * *Full* means: at some time during the publish. With `Block` it stayed full until the time-out, or until the
//!   bus or the subscription ended.
//! * With `DropOldest`, an envelope is dropped only after *capacity* newer matching envelopes were published. Without a
//!   filter up to 128 more stay.
//! * With `Evict` one envelope is dropped, and from then on nothing matches.
//! * The members of a [group](crate::SubscribeOptions::group) share one queue, and so one account: each matching
//!   envelope is received by one member, or queued, or dropped. A loss is told once, to the member that
//!   receives next. Members may come and go meanwhile.
//!
//! Not promised: that a gap is told in one piece. If publishers still add to a gap while it is
//! told, it is told in two or more pieces; their sum is exact.
//!
//! Shown by `tests/library/model.rs` (every result of random scripts compared with a model),
//! `tests/library/overflow.rs`, `tests/library/groups.rs`, `tests/library/accounts.rs`, `tests/library/stress.rs`.
//!
//! # 4. Order
//!
//! * Every subscriber receives the envelopes of one publishing thread in the order in which that thread
//!   published them.
//! * A publish that begins after another has returned comes after it, for every subscriber.
//! * All subscribers without a filter receive in one order, that of
//!   [`Delivery::sequence`](crate::Delivery::sequence).
//!
//! ## Fine print: order
//!
//! * *Without a filter* means: no pattern, no source, no predicate, no group.
//! * On a bus made with [`total_order`](crate::BusBuilder::total_order) every subscriber receives in that one order,
//!   whatever its filter and policy. Each member of a group receives a part of it.
//!
//! Not promised, without `total_order`: for a subscriber with a filter or in a group, the order of two
//! publishes that overlap in time. The sequence numbers that it receives need not rise then. Nor is the order that of
//! the timestamps: an envelope is stamped when it is made, not when it is published.
//!
//! Shown by `tests/library/order.rs`, `tests/library/total_order.rs`, `tests/library/stress.rs`.
//!
//! # 5. Subscribing and unsubscribing are barriers
//!
//! * An envelope published after [`subscribe`](crate::Bus::subscribe) has returned is offered to the new
//!   subscription. One published before the call is not.
//! * After a [`Subscription`](crate::Subscription) was dropped, nothing more is enqueued for it, its queue
//!   is freed, and [`subscriber_count`](crate::Bus::subscriber_count) has gone down.
//!
//! ## Fine print: barriers
//!
//! * After [`close`](crate::Subscription::close) or [`unsubscribe`](crate::Bus::unsubscribe) has returned, nothing that
//!   is published is offered to that subscription, and the count has gone down. Queued envelopes stay. When they were
//!   received, and losses told, every receive returns `Disconnected`. A waiting receive ends, and publishers
//!   that wait for room in that queue continue.
//!
//! Not promised: the result for a publish that overlaps with either. A publish that overlaps with the
//! drop may leave its envelope in the queue for as long as that publish takes. An envelope that
//! other subscribers have queued lives on for them.
//!
//! Shown by `tests/library/barriers.rs`, `tests/library/leaving.rs`, `tests/library/stress.rs`.
//!
//! # 6. Revoking is a barrier
//!
//! * A publish under a capability that begins after [`revoke`](crate::Bus::revoke) has returned is refused,
//!   and gets its envelope back.
//! * After [`revoke_and_drain`](crate::Bus::revoke_and_drain) has returned `Ok`, no more envelopes come that were
//!   published under it: what is in the queues is all.
//! * Granting is a barrier as well.
//!
//! ## Fine print: revoking
//!
//! * It holds for every [`Publisher`](crate::Publisher), clones included, and for
//!   [`publish_with_capability`](crate::Bus::publish_with_capability).
//! * A [`Grant`](crate::Grant) that replaces another does so at once: each publish is admitted by the old grant or
//!   by the new one, and by the new one if it begins after [`grant`](crate::Bus::grant) has returned.
//! * A task that waits for room is not admitted while it waits. It is checked again when there is room, and gets back
//!   what it may no longer publish: a single envelope is in no queue then; of a batch the first ones may be published.
//!
//! Not promised: that a publish of a thread that had begun is stopped. Its batch is checked once, when it begins. And
//! [`Bus::publish`](crate::Bus::publish) is not subject to any capability.
//!
//! Shown by `tests/library/barriers.rs`, `tests/library/grants.rs`, `tests/library/revoking.rs`,
//! `tests/tasks/revoking.rs`, `tests/library/seed.rs`, and by models.
//!
//! # 7. Closing
//!
//! After [`close`](crate::Bus::close) has returned, or when the last [`Bus`](crate::Bus) and
//! [`Publisher`](crate::Publisher) are gone:
//!
//! * a publish or subscribe that begins is refused;
//! * subscribers receive what they have, losses included, and then `Disconnected` for ever;
//! * waiting receivers and publishers wake. The publishers get their envelopes back.
//!
//! ## Fine print: closing
//!
//! * A plain [`subscribe`](crate::Bus::subscribe) to a closed bus returns a subscription that is at its end.
//! * A publish that overlaps with the close either succeeds or is refused. What succeeded is received.
//! * While a client of an [inspection](crate::docs::inspecting) is being answered, the inspection holds the bus. If it
//!   was the last to do so, the bus closes then, on the inspection's thread.
//! * A [`WeakBus`](crate::WeakBus), a [`WeakPublisher`](crate::WeakPublisher) and a subscription do not keep the bus
//!   open. A thread that holds a publisher while it loops over its own subscription does keep it open, so its loop
//!   never ends.
//!
//! Shown by `tests/library/closing.rs`, `tests/library/blocking.rs`, `tests/library/publisher.rs`.
//!
//! # 8. Panics stay where they are
//!
//! * None of your code that the bus calls runs under a lock of this crate, so it may use the bus.
//! * If it panics, the panic unwinds into the caller. No other thread notices, and the bus goes on.
//! * A predicate that panics is caught, and only its own subscription is evicted.
//!
//! Recursion and destructors that panic are the program's own affair, as with any function.
//!
//! ## Fine print: panics
//!
//! The bus calls this code of yours:
//!
//! * [`Payload::subject`](crate::Payload::subject) and [`measure`](crate::limits::Measure::measure);
//! * the payload's `Serialize`, if the bus was built with [`writable_by`](crate::BusBuilder::writable_by);
//! * [predicates](crate::SubscribeOptions::predicate);
//! * `Drop` of payloads and predicates;
//! * the wakers of tasks;
//! * the iterator given to `publish_batch`, and the closure given to
//!   [`try_recv_each`](crate::Subscription::try_recv_each).
//!
//! These rules hold for it:
//!
//! * This code may publish as well. The program has to see to it that such a recursion ends: the bus does not count its
//!   depth.
//! * When a predicate panics, the panic is caught. The envelope counts as not accepted, and the subscription is
//!   evicted: it receives what it has, and then `Evicted`. The same happens if it panics at a retained envelope
//!   while its subscription begins. [`Stats::predicate_panics`](crate::Stats::predicate_panics) counts each panic.
//! * If `subject` panics, that envelope is offered to no subscriber. In a batch, the envelopes before it
//!   are published, and those after it are lost.
//! * A `Drop` of a payload or predicate should not panic. If it does, the panic unwinds into the publish or receive
//!   that let go of the value. An inspection catches it. Accounts and locks stay whole. Whether that
//!   publish took place is not promised, nor is the rest of a batch.
//! * If the closure given to `try_recv_each` panics, the envelope that it was shown counts as received.
//! * If a waker panics, the panic is caught, and the other waiters are woken.
//! * A subscriber thread that panics drops its subscription, like a thread that ends in any other way.
//!
//! Shown by `tests/library/isolation.rs`, `tests/library/predicates.rs`, `tests/library/payload_drop.rs`,
//! `tests/library/lifecycle.rs`; the wakers by `tests/tasks/wakers.rs`.
//!
//! # 9. Bounded memory
//!
//! * A queue never holds more envelopes than its capacity, but for the exceptions below.
//! * Nothing grows with the number of past subscribers, of revoked capabilities, of publishers (weak ones too) made
//!   and dropped, or of requests that are over.
//!
//! ## Fine print: memory
//!
//! * A queue takes the memory for its capacity on subscribing, see [`capacity`](crate::SubscribeOptions::capacity).
//! * A queue with a filter may hold one envelope more while its subscriber is told of a gap.
//! * Without a filter, a queue with [`DropOldest`](crate::Overflow::DropOldest) holds up to two segments (128) more. If
//!   the system stops a thread that is taking an envelope out of it, it holds
//!   [some more](crate::docs::limitations#what-is-not-lock-free) for that time.
//! * A dropped envelope takes no memory, except as a neighbour: each envelope in a queue with a filter or of a group
//!   keeps its segment, up to 63 others. The other queues keep one segment beside what they hold, and two with
//!   `DropOldest`.
//! * [Retained](crate::Bus::retain) envelopes come beside the queue of a new subscriber: up to
//!   [`MAX_RETAINED`](crate::limits::MAX_RETAINED) for each of
//!   [`MAX_RETAINED_PATTERNS`](crate::limits::MAX_RETAINED_PATTERNS) patterns, each with its segment, shared by all.
//! * No more than [`MAX_PENDING_REQUESTS`](crate::limits::MAX_PENDING_REQUESTS) requests wait at once. Of
//!   several [answers](crate::Replies) to one request, up to 128 are kept until they are taken. A bus that has had a
//!   [link](crate::docs::links) remembers the ids of the last 65,536 that nobody waits for any more.
//!
//! Not promised: anything about the size of your payloads, nor that an envelope is freed at once, see
//! [limitations](crate::docs::limitations#envelopes-live-in-segments).
//!
//! Shown by `tests/library/bounded.rs`, `tests/library/memory.rs`, `tests/library/requests.rs`,
//! `tests/library/retained.rs`; the greatest number of requests in `src/bus/request/mod.rs`.
//!
//! # 10. No `unsafe`
//!
//! `#![forbid(unsafe_code)]` stands at the top of the crate. The crates beneath it (crossbeam, arc-swap,
//! dashmap and others) do contain such code.
