//! What the bus promises: ten points, each with its conditions, with what it does not say, and with
//! the tests that show it.
//!
//! 1. [Isolation](#1-isolation): a publisher waits for no subscriber, unless that one asked for
//!    [`Overflow::Block`](crate::Overflow::Block).
//! 2. [Receipt](#2-receipt): when `publish` returns, the envelope is in every queue that the receipt counts as delivered.
//! 3. [Exact accounts](#3-exact-accounts): matched = received + queued + dropped, and a gap is told once, where it lies.
//! 4. [Order](#4-order): all unfiltered subscribers receive in one order; every subscriber receives
//!    each publisher's envelopes in the order in which they were published.
//! 5. [Subscribing and unsubscribing are barriers](#5-subscribing-and-unsubscribing-are-barriers) for all that is
//!    published after they return.
//! 6. [Revoking is a barrier](#6-revoking-is-a-barrier): what is published under the capability after it returned is
//!    refused; `revoke_and_drain` also waits for what is still on its way.
//! 7. [Closing](#7-closing): publishes fail; subscribers receive the rest and then learn that it is the end.
//! 8. [Panics stay where they are](#8-panics-stay-where-they-are), and no code of yours runs under a lock.
//! 9. [Bounded memory](#9-bounded-memory): nothing grows with past subscribers or revoked capabilities.
//! 10. [No `unsafe`](#10-no-unsafe) in this crate.
//!
//! All of them hold for every number of publishers and subscribers, in any threads. Where a point
//! speaks of *before* and *after*, it means what one thread can know of another: a publish begins
//! after a call returned if its thread did that call, or learned of its return, through a channel, a
//! lock or an atomic.
//!
//! # 1. Isolation
//!
//! A publisher waits for no subscriber, unless that one asked for
//! [`Overflow::Block`](crate::Overflow::Block). A subscriber that is stuck, slow or gone costs the
//! others no message.
//!
//! * A publish waits for a `Block` subscriber only while that one's queue is full (or was, until a batch of places is
//!   free, for up to a millisecond). Meanwhile its envelope is in no queue, and other publishers go on whose envelopes
//!   that subscriber does not match.
//! * When every `Block` subscriber that matches has room, or its time-out is over, all get the envelope in one step.
//! * [`publish_timeout`](crate::Bus::publish_timeout) waits no longer than it is told, and
//!   [`try_publish`](crate::Bus::try_publish) not at all: where it would have to, the envelope is in no queue.
//! * A full queue costs each publish one look at whether it has room by now.
//!
//! Not promised: that no thread ever waits for a *publisher*. One that the system stops in the middle
//! of a publish can hold up who receives, see
//! [limitations](crate::docs::limitations#a-publisher-that-is-stopped).
//!
//! Shown by `tests/library/isolation.rs`, `tests/library/overflow.rs`, `tests/library/blocking.rs`.
//!
//! # 2. Receipt
//!
//! When a publish has returned `Ok`, the envelope was enqueued for every subscriber that the
//! [`Receipt`](crate::Receipt) counts as delivered: a thread that learns of the return finds it in the queue, unless it
//! was received since, or, with [`DropOldest`](crate::Overflow::DropOldest), displaced by a newer one.
//!
//! * Delivered and dropped together are the subscribers that matched. None is no error.
//! * A subscriber that leaves while the publish is under way may be counted or not.
//!
//! Not promised: that anybody ever looks into the queue. And that the receipt knows of every loss: an envelope that a
//! newer one displaces was delivered by its own receipt. The subscriber is told of it, and
//! [`SubscriptionStats::dropped`](crate::SubscriptionStats::dropped) counts it.
//!
//! Shown by `tests/library/accounts.rs`, `tests/library/model.rs`, `tests/library/overflow.rs`.
//!
//! # 3. Exact accounts
//!
//! For each subscription, matched = received + queued + dropped: at every moment at which nobody is in
//! the middle of a publish or a receive.
//!
//! * *Matched* are the envelopes published while it was subscribed that its filter accepts; *queued* is
//!   [`len`](crate::Subscription::len), *dropped* is [`dropped`](crate::Subscription::dropped).
//! * An envelope is dropped only if the queue was full at some time during its publish, and, with
//!   `Block`, stayed so until the time-out or the end of the bus or the subscription. With `DropOldest` one that was queued is
//!   dropped only when the last *capacity* that matched are all newer; without a filter up to 128 more stay. With `Evict` one is dropped, and
//!   from then on nothing matches.
//! * A gap is told where it lies: the first receive after the last envelope before it returns
//!   [`Lagged`](crate::RecvError::Lagged), says how many were missed, and the receive after that goes on. All ways
//!   to receive tell it.
//!
//! The members of a [group](crate::SubscribeOptions::group) share one queue, and so one account: each envelope
//! that matches is received by one of them, or queued, or dropped. A loss is told once, by whichever member
//! receives next. Members may come and go meanwhile.
//!
//! Not promised: that a gap is told in one piece. One that is told while publishers still add to it is
//! told in two or more; together they are exact.
//!
//! Shown by `tests/library/model.rs` (every result of random scripts compared with a model),
//! `tests/library/overflow.rs`, `tests/library/groups.rs`, `tests/library/accounts.rs`, `tests/library/stress.rs`.
//!
//! # 4. Order
//!
//! * Every subscriber receives the envelopes of one publishing thread in the order in which that thread
//!   published them.
//! * A publish that begins after another has returned comes after it, for everybody.
//! * Subscribers without a filter (neither pattern nor source nor predicate) all receive in one and the same order,
//!   that of [`Delivery::sequence`](crate::Delivery::sequence); but for groups.
//! * On a bus made with [`total_order`](crate::BusBuilder::total_order) everybody receives in that one order, whatever the
//!   filter and the policy, and each member of a group a part of it.
//!
//! Not promised: without that, for a subscriber with a filter or in a group, the order of two
//! publishes that overlap in time; the sequence numbers it receives need not rise then. And that the order is that of
//! the timestamps: an envelope is stamped when it is made, not when it is published.
//!
//! Shown by `tests/library/order.rs`, `tests/library/total_order.rs`, `tests/library/stress.rs`.
//!
//! # 5. Subscribing and unsubscribing are barriers
//!
//! * What is published after [`subscribe`](crate::Bus::subscribe) has returned is offered to the new
//!   subscription. What was published before it was called is not.
//! * After a [`Subscription`](crate::Subscription) was dropped, nothing more is enqueued for it, what was
//!   queued is freed, and [`subscriber_count`](crate::Bus::subscriber_count) has gone down.
//! * What is published after [`close`](crate::Subscription::close) or [`unsubscribe`](crate::Bus::unsubscribe) has
//!   returned is not offered to that subscription, and the count has gone down. What is queued stays; when it was
//!   received, told losses included, comes `Disconnected` for ever. A receive that waits ends, and publishers
//!   that wait for room there go on.
//!
//! Not promised: which way it goes for a publish that overlaps with either. One that overlaps with the
//! drop may leave its envelope in the queue for as long as that publish takes. And an envelope that
//! other subscribers have queued lives on for them.
//!
//! Shown by `tests/library/barriers.rs`, `tests/library/leaving.rs`, `tests/library/stress.rs`.
//!
//! # 6. Revoking is a barrier
//!
//! A publish under a capability that begins after
//! [`revoke`](crate::Bus::revoke) has returned is refused, and gets its envelope
//! back: through every [`Publisher`](crate::Publisher), clones included, and through
//! [`publish_with_capability`](crate::Bus::publish_with_capability). Granting is a barrier as well.
//!
//! After [`revoke_and_drain`](crate::Bus::revoke_and_drain) has returned `Ok`, nothing comes any more that was
//! published under it: what is in the queues is all.
//!
//! A [`Grant`](crate::Grant) that takes the place of another does so at once: each publish is let pass by the one or
//! by the other, and by the new one if it begins after [`grant`](crate::Bus::grant) has returned.
//!
//! A task that waits for room is not admitted while it waits: it is looked at again when there is some, and gets back
//! what it may not publish any more. An envelope is then in no queue; of a batch the first ones may be published.
//!
//! Not promised: that a publish of a thread which had begun is stopped. Its batch is checked once, when it begins. And
//! [`Bus::publish`](crate::Bus::publish) is not subject to any capability.
//!
//! Shown by `tests/library/barriers.rs`, `tests/library/grants.rs`, `tests/library/revoking.rs`, `tests/tasks/revoking.rs`, `tests/library/seed.rs`,
//! and by models.
//!
//! # 7. Closing
//!
//! After [`close`](crate::Bus::close) has returned, or when the last [`Bus`](crate::Bus) and
//! [`Publisher`](crate::Publisher) are gone:
//!
//! * a publish or subscribe that begins is refused (a plain [`subscribe`](crate::Bus::subscribe) returns
//!   a subscription that is at its end);
//! * subscribers receive what they have, told losses included, then `Disconnected` for ever;
//! * whoever waits in a receive wakes, and so do publishers that wait for room. They get their envelopes back.
//!
//! A publish that overlaps with the close either succeeds or is refused: what succeeded is received.
//!
//! A [`WeakBus`](crate::WeakBus), a [`WeakPublisher`](crate::WeakPublisher) and a subscription do not keep the bus open.
//! A thread that holds a publisher while it loops over its own subscription does, and waits for itself.
//!
//! Shown by `tests/library/closing.rs`, `tests/library/blocking.rs`, `tests/library/publisher.rs`.
//!
//! # 8. Panics stay where they are
//!
//! The code of yours that the bus calls is [`Payload::subject`](crate::Payload::subject) and
//! [`measure`](crate::limits::Measure::measure), the payload's `Serialize` where what is published must be
//! [writable](crate::BusBuilder::writable_by), [predicates](crate::SubscribeOptions::predicate) and their `Drop`, the
//! payload's `Drop`, the wakers of tasks, the iterator given to `publish_batch` and the closure given to
//! [`try_recv_each`](crate::Subscription::try_recv_each). None of it runs under a lock of this crate, so it may use the bus. If it
//! panics, that unwinds into whoever called; no other thread notices, and the bus goes on.
//!
//! * It may publish as well. That recursion ends is for the program to see to, as with any function.
//! * A predicate that panics is the exception: it unwinds into nobody. The envelope counts as not accepted,
//!   and that subscription is evicted: it receives what it has, and then `Evicted`. So is one that panics at what
//!   was retained for it, while it subscribes. Each panic is counted in
//!   [`Stats::predicate_panics`](crate::Stats::predicate_panics).
//! * If `subject` panics, that envelope is offered to nobody. Those of the same batch that came before it
//!   are published, those after it are lost.
//! * If the `Drop` of a payload or a predicate panics, that unwinds into whoever let go of it: a publish or a receive.
//!   Accounts and locks stay whole; whether that publish took place is not promised, nor is the rest of a batch.
//! * If the closure given to `try_recv_each` panics, the envelope that it was shown counts as received.
//! * If a waker panics, that is noticed by nobody, and the others are woken.
//! * A subscriber thread that panics drops its subscription, as any other end does.
//!
//! Shown by `tests/library/isolation.rs`, `tests/library/predicates.rs`, `tests/library/payload_drop.rs`, `tests/library/lifecycle.rs`; the wakers by
//! `tests/tasks/wakers.rs`.
//!
//! # 9. Bounded memory
//!
//! * A queue never holds more envelopes than its capacity (with a filter one more, while its subscriber is told of a
//!   gap), and takes the memory for that on subscribing, see
//!   [`capacity`](crate::SubscribeOptions::capacity). Without a filter, one with
//!   [`DropOldest`](crate::Overflow::DropOldest) holds up to two segments (128) more (and if the system stops a
//!   thread in the midst of taking one out, [some more](crate::docs::limitations#what-is-not-lock-free) for that time).
//! * What is dropped takes no memory, but for neighbours. Each envelope in a queue with a filter or of a group keeps its
//!   segment: up to 63 others. The others' queues keep one segment beside what they hold, and two with `DropOldest`.
//! * What is [retained](crate::Bus::retain) comes beside the queue of a new subscriber: up to
//!   [`MAX_RETAINED`](crate::limits::MAX_RETAINED) envelopes for each of [`MAX_RETAINED_PATTERNS`](crate::limits::MAX_RETAINED_PATTERNS)
//!   patterns, each with its segment, shared by all.
//! * Nothing grows with the number of past subscribers, of capabilities revoked, of publishers (weak ones too) made
//!   and dropped, or of requests that are over.
//! * No more than [`MAX_PENDING_REQUESTS`](crate::limits::MAX_PENDING_REQUESTS) requests wait at once. Of
//!   several [answers](crate::Replies) to one, up to 128 are kept that nobody has taken.
//!
//! Not promised: anything about the size of your payloads, nor that an envelope is freed at once, see
//! [limitations](crate::docs::limitations#envelopes-live-in-segments).
//!
//! Shown by `tests/library/bounded.rs`, `tests/library/memory.rs`, `tests/library/requests.rs`, `tests/library/retained.rs`; the greatest number of
//! requests in `src/bus/request/mod.rs`.
//!
//! # 10. No `unsafe`
//!
//! `#![forbid(unsafe_code)]` stands at the top of the crate. The crates beneath it (crossbeam, arc-swap,
//! dashmap and others) do contain such code.
