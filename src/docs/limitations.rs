//! What to know before you rely on the bus.
//!
//! # Envelopes live in segments
//!
//! Envelopes that are published at about the same time lie in one segment: up to 64, and no more than 16 KiB of them,
//! unless one alone is larger. (Memory that a payload has on the heap is not counted.) A segment is freed as a whole.
//! So:
//!
//! * A [`Delivery`](crate::Delivery) that is kept keeps up to 63 neighbours. Its documents say what bounds that:
//!   [`BusBuilder::max_segment`](crate::BusBuilder::max_segment), or a copy. The size of a payload does not shorten a
//!   segment: a small payload may begin it, and large ones be appended.
//! * The bus keeps its newest segment until the next one is opened or its last reader leaves. That is up to 63
//!   envelopes that every subscriber has received after a burst, and up to 7 where subscribers wait for each envelope.
//!   Envelopes of a subscriber that leaves may stay in it for that long. A subscription keeps the segment that it
//!   reads. So a payload's `Drop` runs some time after the last subscriber received it. For prompt release, send a
//!   handle that the receiver can empty, such as a `Mutex<Option<T>>`.
//! * That `Drop` runs in the thread that lets go of the segment last: a publisher or a subscriber.
//!
//! # What is not lock-free
//!
//! These take no lock of this crate and wait for no other thread: reading the list of subscribers, checking a
//! [`Publisher`](crate::Publisher)'s grant, appending to the current segment, and opening the next one. (The allocator
//! may lock.) Receiving what is queued takes no lock either.
//!
//! Not lock-free are:
//!
//! * **Subscribing, unsubscribing and closing**: a mutex around the list of subscribers, which publishers
//!   never wait for. Each of them, and a revoke that drains, first lets a publisher pass that has lost the race for the
//!   next segment. It waits 5 ms at most, in case that publisher is stopped, or its predicates are slow.
//! * **Granting, revoking, making and dropping publishers, and
//!   [`publish_with_capability`](crate::Bus::publish_with_capability)**: a sharded map with a reader-writer lock for
//!   each shard. Where a grant that expires begins, is renewed or ends, also a mutex around the expiry times.
//! * **Waking subscribers that sleep**: the mutex around the wait list, and one for each thread.
//! * **Publishing an envelope with a correlation id while a [request](crate::Bus::request) is pending**: a sharded
//!   map, as above, and in it a mutex around the answers to that request.
//! * **[`Overflow::Block`](crate::Overflow::Block)**: mutexes for each such queue, around the lists of publishers that
//!   wait for it. The subscriber takes them too when it makes room that is waited for. And one for each waiting
//!   publisher.
//! * **[`Overflow::DropOldest`](crate::Overflow::DropOldest) with a filter or in a group**: a mutex for each such
//!   queue. It is held for a few instructions, while the subscriber takes an envelope out, or a publisher that finds
//!   the queue full replaces the oldest. A thread that is stopped just there holds up the subscriber, and publishers
//!   that find the queue full.
//! * **`DropOldest` without a filter**: one mutex for the queue, held for some instructions once a segment. The
//!   subscriber waits for it. A publisher leaves its work to the thread that holds it. If the system stops a thread
//!   just there, the queue grows beyond its bound until that thread continues, or until 16,384 envelopes too many have
//!   come; then publishers wait too.
//! * **Publishing to subscribers with a filter and to groups on a bus with
//!   [`total_order`](crate::BusBuilder::total_order)**: one mutex for all of them.
//!
//! # A publisher that is stopped
//!
//! Between claiming its place in a segment and writing the envelope there, a publisher runs a few
//! instructions. If the system stops the thread just there, subscribers without a filter that come to
//! this place wait for it (spinning first, then sleeping for up to a millisecond at a time), even in
//! [`try_recv`](crate::Subscription::try_recv). Other publishers continue. Crossbeam's own queue has such a
//! place too, in sending and receiving.
//!
//! A publisher that is stopped a little later has not yet woken the subscribers that waited for its envelope. They
//! sleep until it continues or another thread publishes. Of many sleeping threads the publisher wakes two, and each
//! woken thread wakes two more. If the system does not let a woken thread run, the threads that it was to wake wait for
//! it, or for another woken thread.
//!
//! A publish reserves its places in [`Block`](crate::Overflow::Block) queues with a filter before it publishes. If its
//! thread is stopped in between, others find those places taken: `try_publish` may find such a queue full until the
//! thread continues.
//!
//! To a subscriber with a filter or a member of a group, the end of the bus shows as the end of a channel; so does an
//! eviction for a predicate that panicked. It comes when the last publish that had begun before
//! [`close`](crate::Bus::close) is through. A thread that is stopped in the middle of a publish, or a predicate that
//! does not return, delays it.
//!
//! # Order with a filter
//!
//! To a subscriber with a pattern or a source each envelope is sent by itself, after it has its sequence
//! number. So of two publishers at work at the same moment either may come first there, whatever their
//! sequence numbers. Each publisher's own envelopes stay in order.
//! [`BusBuilder::total_order`](crate::BusBuilder::total_order) makes it one order for all, at the price of a lock
//! around each such publish. The same goes for the members of a group.
//!
//! For such a subscriber a gap of 2³¹ envelopes or more may be told later than where it lies. The sum is
//! exact all the same.
//!
//! # What keeps the newest
//!
//! * Without a filter the queue holds at least the newest *capacity*, and up to 128 more. These are the rest of the
//!   segment that is being read, which is received before the gap is told, and the segment that is published to. So
//!   [`len`](crate::Subscription::len) may exceed [`capacity`](crate::Subscription::capacity), and with a small
//!   capacity most of what is received is older than the newest *capacity*. A queue with a filter holds the capacity,
//!   exactly.
//! * The [`Receipt`](crate::Receipt) counts an envelope as delivered that displaces another. The displaced envelope was
//!   counted as delivered too, by its own receipt: its loss shows in
//!   [`dropped`](crate::Subscription::dropped) only.
//! * With a filter, a thread that is stopped while it puts an envelope in, or takes one out, holds up the others, as
//!   [above](#a-publisher-that-is-stopped).
//! * The thread that displaces an envelope drops it, so a payload's `Drop` may run in a publish.
//!
//! # Groups
//!
//! * If a member receives an envelope and panics while it works on it, the envelope was received: no other
//!   member gets it.
//! * Losses are told to the member that receives next, before what is queued, not where they lie.
//! * Each member receives a part of each publisher's envelopes in order. Which of two members finishes first
//!   with what it received is another matter.
//!
//! # Waiting publishers
//!
//! With [`Overflow::Block`](crate::Overflow::Block), while the queue is full:
//!
//! * Each matching publish waits, of every publisher. All subscribers wait for its envelope with it: it is enqueued
//!   for all, or for none.
//! * When there is room, the thread that has waited longest is woken, and wakes the next once it has published. A
//!   publisher that comes just then may be faster. On a quiet machine each of eight gets at least half a fair share
//!   of a second (`tests/library/fairness.rs`).
//! * A place that a publish has reserved, and gives back because another subscriber has no room, is taken for that
//!   moment. A `try_publish` may be refused for it, and a publish whose time is over may lose an envelope.
//! * A publisher that finds a queue full waits for up to a millisecond until a batch of places is free (all of the
//!   capacity, 128 at most; with a filter a quarter, 32 at most). After that it takes a single place. With one place at
//!   a time every segment would hold one envelope, for every subscriber.
//! * A task that waits asks a predicate again at each attempt.
//! * A thread that publishes to a full `Block` subscription of its own waits for itself. Set a time-out, or
//!   receive on another thread. The same goes for two threads that wait in a circle.
//! * The time-out is for each step of a batch, not for the whole.
//!
//! # Your code on the bus
//!
//! * **Recursion.** A predicate, a subject, a waker or a `Drop` may publish, and so call itself again. So may a
//!   subscriber of `tracing` that is told an advisory, and cause another by that. The bus does not count how deep.
//!   Recursion without end overflows the stack, as in any function.
//! * **Destructors that panic.** A payload's `Drop` should not panic. If it does, the panic unwinds into the publish or
//!   receive that let go of it. The bus goes on, with whole locks and accounts. Whether that publish took place is not
//!   promised, nor is the rest of its batch (`tests/library/payload_drop.rs`).
//!
//! # What grows with the number of subscribers
//!
//! * Subscribing and unsubscribing copy a 64th of the list, and the notes about full subscribers. Among 10,000 that
//!   takes some 10 µs, with a filter or without (`cargo bench --bench compare -- --cell s`). Publishers continue with
//!   the open segment, unless nothing can be appended to it, or a newcomer has fewer places than it has free slots, or
//!   something is retained. Then the next publisher opens a segment, which costs more the more subscribers there are.
//!   Evicting copies all of the list, once for all that one publish evicts.
//! * Publishing does not grow with the subscribers that have a pattern or a source and do not match. A
//!   predicate is asked by every publish that its patterns and sources let through; without any, by every publish.
//! * In the index each pattern has a node for each of its tokens, up to 16, and that for each source where sources are
//!   named too. A subject is looked up with and without each token, so many patterns with many `*` in different places
//!   cost more. For example, `a` or `*` at each of 12 places are 4,096 patterns, and 8,191 nodes that each such publish
//!   visits. A subscription can be [set](crate::Subscription::set_patterns) to no more than
//!   [`MAX_PATTERN_SHAPES`](crate::limits::MAX_PATTERN_SHAPES) of such shapes; the holder of the bus may subscribe with
//!   any.
//! * While some subscriber has a filter, a batch is placed one envelope at a time.
//! * Opening a segment looks at every subscriber without a filter, and sends to each that has room.
//! * Every publish looks whether a full subscriber that drops has made room, and how much room the narrow ones
//!   [have](#many-slow-subscribers-shorten-the-segments): a load for each, or two.
//! * [`len`](crate::Subscription::len), [`is_empty`](crate::Subscription::is_empty) and
//!   [`dropped`](crate::Subscription::dropped) of a subscription without a filter look it up in the list. So does
//!   its receiving, once for each segment, after its first loss.
//!
//! # Subjects are not quite those of NATS
//!
//! * An empty token is a token like any other, written `\e` in a pattern, and `*` and `>` match it: a custom event
//!   whose kind is empty has the subject `event.custom.web.\e`, which `event.custom.web.*` matches. In NATS no token is
//!   empty.
//! * A token may hold dots, spaces and any other character; in text some are escaped.
//! * A payload may have no subject. Then no pattern matches it, not even `>`; nor does a grant of patterns admit it.
//! * A pattern has up to [`MAX_PATTERN_TOKENS`](crate::limits::MAX_PATTERN_TOKENS) tokens and
//!   [`MAX_PATTERN_BYTES`](crate::limits::MAX_PATTERN_BYTES).
//! * A subscriber by pattern on a bus whose payloads [never](crate::Payload::subject) have a subject is evicted by the
//!   first of them. If only some payloads have none, it misses those silently. Retaining such payloads
//!   [by pattern](crate::Bus::retain) keeps nothing, and says nothing either.
//!
//! # Many slow subscribers shorten the segments
//!
//! A queue in reach of a segment may have less room than the segment has slots: it is *narrow*. Before each publish the
//! publisher looks how much room it has by then. So a few subscribers that are nearly full all the time, neither
//! keeping up nor stuck, cost the others next to nothing. If there are many of them, looking at each would cost more
//! than shorter segments, and segments are shortened to their room. A subscriber that publishers wait for always
//! shortens the segments to its room. One that has no room at all does not have this effect.
//!
//! There is no option to let such a subscriber come back later, when it has more room: it would lose envelopes though
//! its queue had room. If many subscribers may be slow and must not hold up the others, give them a filter, if only a
//! predicate that accepts everything: then each envelope is sent to them by itself. Or give them
//! [`Overflow::DropOldest`](crate::Overflow::DropOldest): then they always have room. Neither kind shortens segments.
//!
//! # Advisories
//!
//! * They are told by the thread that did what they tell of, after it was done. If two threads are at work at once,
//!   either may report first. (An [audit log](crate::audit) has grants and revokes in the order in which they came
//!   about.)
//! * The lag of a subscription without a filter is reported when a segment is opened that leaves it out, or that
//!   displaces what it had queued. That is up to 64 envelopes late, and up to 1,024 if no subscriber has room.
//!
//! # What is retained
//!
//! * A retained envelope keeps its segment: up to 63 neighbours, see above.
//! * While anything is retained, opening a segment asks each envelope of the previous one for its subject, in the
//!   thread that opens it. A subject that panics there counts as none. If the subject publishes or subscribes, the
//!   envelopes in question are looked at later.
//! * Subscribing waits for a publisher that was stopped at its place in a segment, as receiving does.
//! * A new subscriber's predicate is asked about retained envelopes while it subscribes. If it panics, the rest is not
//!   given to it, and it is evicted; [`subscribe_with`](crate::Bus::subscribe_with) returns it all the same.
//!
//! # Requests
//!
//! * A request cannot know which subscriber means to answer. If a subscriber listens to everything, as a log does, the
//!   request waits for its time-out though no answer will come.
//! * An answer is taken when it is published. One that comes after the time-out is an ordinary envelope.
//! * A request whose answer is in flight when the bus closes may end with
//!   [`Closed`](crate::RequestError::Closed), though subscribers get the answer.
//!
//! # What is not checked
//!
//! * [`Envelope::source`](crate::Envelope) is what its maker wrote. Only a
//!   [`Publisher`](crate::Publisher) fixes it.
//! * Ids are unique (but see [below](#after-a-fork)) and not secret. Do not use one as a password.
//! * A capability is a name. Any holder of a [`Bus`](crate::Bus) may present or grant any capability.
//! * A payload with interior mutability can be changed by its subscribers, for all of them.
//!
//! # After a fork
//!
//! A process that forks without `exec` copies the random generator of the thread that forks. If that thread had made an
//! id before, for an envelope or a subscription, parent and child continue with the same random bits, and so do two
//! children. Then only the clock keeps their ids apart, in steps of 244 ns: of 16,000 children that each made an
//! envelope at once, up to five had an id of another. Noticing a fork takes a system call for each envelope, which
//! costs more than the envelope.
//!
//! A thread whose first id comes after the fork has a generator of its own, in parent and child. So fork before the
//! first bus is used, or make the child's envelopes in a thread that the child starts. A bus that other threads use
//! does not survive a fork in any case: what they were in the middle of stays so in the child. Nor does an audit log:
//! its thread is in the parent only. Nor does an [inspection](super::inspecting): a child that drops its handle ends
//! the parent's, so it must [forget](std::mem::forget) it.
//!
//! # Audit logs
//!
//! * The record of an envelope says its source, and not which publisher has [forwarded](crate::Publisher::forward) it.
//!   It was one that was granted the right to forward, for that source, which the log says.
//! * A log says which subscriptions listened when an envelope was published, and not which received it. Of a loss it
//!   says which subscription had lost how many by then, and not which envelopes; of a refusal it does not say the
//!   envelope's id. So `oxide-bus why` tells no more than that.
//! * [Verifying](crate::audit::verify) finds what no log writes. It does not find a record that was changed into one
//!   that a log might have written, unless the log has a [hash chain](crate::audit#the-format). A chain covers one run,
//!   and a program that can write the file can also make a new chain for it: keep its heads elsewhere.
//!
//! # Tasks
//!
//! * A publisher thread that is [stopped](#a-publisher-that-is-stopped) between claiming its place and writing
//!   the envelope holds up the thread of a task that receives, as it does any other. In that window, of a few
//!   instructions, no other thread could wake the task.
//! * If members of a group wait in tasks, all are woken by each envelope, and one finds it: a task that was woken
//!   need not come. For a hundred idle workers that is a hundred wake-ups.
//! * A stream that is not polled any more keeps the waker of its last poll, until something comes or it is
//!   dropped.
//! * Tasks that wait for room take a single place, however short their wait.
//! * A task that gives others a turn is woken at once. So it comes after the tasks that are ready, but not after those
//!   that tokio defers, such as by its `yield_now`: they come every 61st time.
//! * A batch is one step for the task that publishes it, however long it is. The task gives way after it.
//! * An executor that runs inside a task of tokio's, such as `futures::executor::block_on`, uses up the task's budget
//!   and gets no new one. Receiving and publishing continue there, but tokio's own timers do not, so neither do the
//!   methods that take a time-out. Use `block_in_place`, or tokio's `Handle::block_on`.
//! * [`Overflow::BlockFor`](crate::Overflow::BlockFor) bounds the waiting of threads. A task waits as long as it takes,
//!   or as long as its own time-out says.
