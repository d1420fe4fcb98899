//! What to know before you rely on the bus.
//!
//! # Envelopes live in segments
//!
//! Envelopes that are published about the same time lie in one segment: up to 64, and no more than 16 KiB of
//! them (unless one alone is larger; what a payload keeps on the heap is not counted). A segment is freed
//! as a whole. So:
//!
//! * A [`Delivery`](crate::Delivery) that is kept keeps up to 63 neighbours. Its documents say what bounds that:
//!   [`BusBuilder::max_segment`](crate::BusBuilder::max_segment), or a copy. Payloads do not say what they hold, to make
//!   a segment shorter: a small one may begin it, and large ones be appended.
//! * The bus keeps its newest segment until the next one is opened or its last reader leaves: up to 63 envelopes that
//!   everybody has received after a burst, up to 7 where subscribers wait for each. Those of a subscriber that leaves may stay in it for that long. And a subscription keeps the segment that it reads. A payload's `Drop` therefore runs some time after the
//!   last subscriber received it. For prompt release, send a handle that the receiver can empty, such
//!   as a `Mutex<Option<T>>`.
//! * That `Drop` runs in whichever thread lets go of the segment last: a publisher or a subscriber.
//!
//! # What is not lock-free
//!
//! Without a lock of this crate, and without waiting for another thread, are: reading the list of
//! subscribers, checking a [`Publisher`](crate::Publisher)'s grant, appending to the current segment,
//! opening the next (it takes memory from the allocator, which may lock). Receiving what is queued is
//! without a lock as well.
//!
//! Not lock-free are:
//!
//! * subscribing, unsubscribing and closing: a mutex around the list of subscribers, which publishers
//!   never take. Each of them, and a revoke that drains, first lets a publisher pass that has lost the race for the next
//!   segment. It waits 5 ms at most, should that one be stopped, or its predicates be slow;
//! * granting, revoking, making and dropping publishers, and
//!   [`publish_with_capability`](crate::Bus::publish_with_capability): a sharded map with a
//!   reader-writer lock for each shard; and a mutex around what expires when, where a grant that expires begins, is
//!   renewed or ends;
//! * waking subscribers that sleep: the mutex around the list of those that wait, and one for each thread;
//! * publishing an envelope with a correlation id while a [request](crate::Bus::request) is pending: a sharded
//!   map, as above, and in it a mutex around the answers to the one that it answers;
//! * [`Overflow::Block`](crate::Overflow::Block): a mutex for each such queue, which the subscriber takes too where it
//!   makes room that is waited for, and one for each publisher that waits;
//! * [`Overflow::DropOldest`](crate::Overflow::DropOldest) with a filter or in a group: a mutex for each such queue, held
//!   while the subscriber takes an envelope out, or a publisher that finds it full puts one in the place of another, for a
//!   few instructions. A thread that is stopped just there holds up the subscriber, and publishers that find the queue
//!   full. Without a filter: one mutex for the queue, held for some instructions once a segment. The subscriber
//!   waits for it. A publisher leaves its work to whoever holds it: if the system stops a thread just there, the queue
//!   grows beyond its bound until that goes on, or until 16,384 envelopes too many have come, and then publishers wait too;
//! * publishing to subscribers with a filter and to groups on a bus with
//!   [`total_order`](crate::BusBuilder::total_order): one mutex for all of them. Where one of them is stopped
//!   just after it has lined up for a full [`Block`](crate::Overflow::Block) queue, `try_publish` by others finds that
//!   queue full until it goes on.
//!
//! # A publisher that is stopped
//!
//! Between claiming its place in a segment and writing the envelope there, a publisher runs a few
//! instructions. If the system stops the thread just there, subscribers without a filter that come to
//! this place wait for it (spinning first, then sleeping for up to a millisecond at a time), even in
//! [`try_recv`](crate::Subscription::try_recv). Other publishers go on. Crossbeam's own queue has such a
//! place too, in sending and receiving. If it is stopped a little later, before it has woken those that waited for
//! its envelope, they sleep on until it goes on or somebody else publishes. Of many threads that sleep the publisher wakes
//! two, and each thread that wakes up wakes two more: if the system does not let such a thread run, the others that it was
//! to wake wait for it, or for another of them.
//!
//! To a subscriber with a filter or a member of a group, the end of the bus
//! shows as the end of a channel; so does an eviction for a predicate that panicked. It comes when the last publish that had begun before
//! [`close`](crate::Bus::close) is through: a thread that is stopped in the middle of one, or a predicate that does not
//! return, keeps it from them.
//!
//! # Order with a filter
//!
//! To a subscriber with a pattern or a source each envelope is sent by itself, after it has its sequence
//! number. So of two publishers at work at the same moment either may come first there, whatever their
//! sequence numbers. Each publisher's own envelopes stay in order.
//! [`BusBuilder::total_order`](crate::BusBuilder::total_order) makes it one order for all, at the price of a lock
//! around each such publish.
//!
//! For such a subscriber a gap of 2³¹ envelopes or more may be told later than where it lies; the sum is
//! exact all the same.
//!
//! The same goes for the members of a group.
//!
//! # What keeps the newest
//!
//! * Without a filter the queue holds at least the newest *capacity*, and up to 128 more: what is left of the segment that is
//!   being read, which is received before the gap is told, and the segment that is published to. So
//!   [`len`](crate::Subscription::len) may exceed [`capacity`](crate::Subscription::capacity), and with a small capacity
//!   most of what is received is older than the newest *capacity*. One with a filter holds the capacity, exactly.
//! * The [`Receipt`](crate::Receipt) counts an envelope as delivered that displaces another. That one was
//!   counted as delivered too, by its own receipt: what becomes of it shows in
//!   [`dropped`](crate::Subscription::dropped) only.
//! * With a filter, a thread that is stopped in the midst of putting an envelope in, or taking one out, holds up the others, as
//!   [above](#a-publisher-that-is-stopped).
//! * Whoever displaces an envelope drops it, so a payload's `Drop` may run in a publish.
//!
//! # Groups
//!
//! * A member that has received an envelope and panics while it works on it has received it: no other
//!   member gets it.
//! * Losses are told to whichever member receives next, before what is queued, not where they lie.
//! * Each member receives a part of each publisher's envelopes in order. Which of two members is done first
//!   with what it received is another matter.
//!
//! # Waiting publishers
//!
//! With [`Overflow::Block`](crate::Overflow::Block), while the queue is full:
//!
//! * Each publish that matches waits, of every publisher. All subscribers wait for its envelope with it: it is enqueued
//!   for all, or for none.
//! * There is no first-come order among publishers that wait: when there is room, all are woken, and whoever comes first
//!   gets it. Nobody starves (`tests/library/fairness.rs`), but shares differ.
//! * A publisher that finds a queue full holds out for up to a millisecond until a batch of places is free (all of the
//!   capacity, 128 at most; with a filter a quarter, 32 at most), and is content with a single place
//!   after that. With one place at a time every segment would hold one envelope, for everybody.
//! * A predicate may be asked again at each attempt.
//! * A thread that publishes to a full `Block` subscription of its own waits for itself. Set a time-out, or
//!   receive on another thread. The same goes for two threads that wait in a circle.
//! * The time-out is for each step of a batch, not for the whole.
//!
//! # What grows with the number of subscribers
//!
//! * Subscribing and unsubscribing copy a 64th of the list, and what is noted of the subscribers that are full. Among
//!   10,000 that takes some 10 µs, with a filter or without (`cargo bench --bench compare -- --cell s`). Publishers go
//!   on with the segment that is open, unless nothing can be appended to it, or a newcomer has fewer places than it has
//!   free slots, or something is retained: then the next one opens a segment, which costs more the more subscribers
//!   there are. Evicting copies all of the list, once for all that one
//!   publish evicts.
//! * Publishing does not grow with the subscribers that have a pattern or a source and do not match. A
//!   predicate is asked by every publish that its patterns and sources let through, or all where it has none.
//! * In the index each pattern has a node for each of its tokens, up to 16, and that for each source where
//!   sources are named too. A subject is looked up with and without each token, so many patterns with many `*` in
//!   different places cost more to tell apart: `a` or `*` at each of 12 places are 4,096 patterns, and 8,191 nodes
//!   that each such publish goes through. A subscription can be [set](crate::Subscription::set_patterns) to no more
//!   than [`MAX_PATTERN_SHAPES`](crate::limits::MAX_PATTERN_SHAPES) of such shapes; the holder of the bus may subscribe with any.
//! * While some subscriber has a filter, a batch is placed one envelope at a time.
//! * Opening a segment looks at every subscriber without a filter, and sends to each that has room.
//! * Every publish looks whether one of those that are full and drop has made room: one load for each.
//! * [`len`](crate::Subscription::len), [`is_empty`](crate::Subscription::is_empty) and
//!   [`dropped`](crate::Subscription::dropped) of a subscription without a filter look it up in the list. So does
//!   its receiving, once for each segment, after it has ever lost anything.
//!
//! # Subjects are not quite those of NATS
//!
//! * An empty token is a token as any other, written `\e` in a pattern, and `*` and `>` match it: a custom event
//!   whose kind is empty has the subject `event.custom.web.\e`, which `event.custom.web.*` matches. In NATS no token is
//!   empty.
//! * A token may hold dots, spaces and any other character; in text some are escaped.
//! * A payload may have no subject. Then no pattern matches it, not even `>`; nor does a grant of patterns let it pass.
//! * A pattern has up to [`MAX_PATTERN_TOKENS`](crate::limits::MAX_PATTERN_TOKENS) tokens and
//!   [`MAX_PATTERN_BYTES`](crate::limits::MAX_PATTERN_BYTES).
//! * A subscriber by pattern on a bus whose payloads [never](crate::Payload::subject) have a subject is evicted by the
//!   first of them. Where only some payloads have none, it misses those silently. Retaining such payloads
//!   [by pattern](crate::Bus::retain) keeps nothing, and says nothing either.
//!
//! # Slow subscribers shorten the segments
//!
//! A segment is no longer than the room of any subscriber that has room. Where one is nearly full all the
//! time, neither keeping up nor stuck, segments are short for everybody and each publish costs more. One that
//! is stuck altogether does not have this effect.
//!
//! There is no option to let such a one come back later, when it has room for many: it would lose envelopes though
//! its queue had room. Who may be slow and is not to hold up the others subscribes with a filter, if only a predicate
//! that accepts all: then each envelope is sent to it by itself. Or with
//! [`Overflow::DropOldest`](crate::Overflow::DropOldest): then it always has room. Neither has a say in how long segments are.
//!
//! # Advisories
//!
//! * They are told by the thread that did what they tell of, after it was done: of two threads at work at once
//!   either may tell first. (An [audit log](crate::audit) has grants and revokes in the order in which they came about.)
//! * That a subscription without a filter lags is told when a segment is opened that leaves it out, or pushes out what it
//!   had queued: up to 1,024 envelopes late, if nobody has room, else up to 64.
//! * To tell something may run code that does something to be told, as a subscriber of `tracing` that publishes.
//!   Beyond four of them in one another nothing is told.
//!
//! # What is retained
//!
//! * An envelope that is retained keeps its segment: up to 63 neighbours, see above.
//! * While anything is retained, opening a segment asks each envelope of the one before for its subject, in whichever
//!   thread opens it. A subject that panics there counts as none. If the subject publishes or subscribes, what is
//!   being looked at is looked at later.
//! * Subscribing waits for a publisher that was stopped at its place in a segment, as receiving does.
//! * A new subscriber's predicate is asked of them while it subscribes. If it panics, what comes after is not
//!   given to it, and it is evicted; [`subscribe_with`](crate::Bus::subscribe_with) returns it all the same.
//!
//! # Requests
//!
//! * A request cannot know who means to answer. Where a subscriber listens to everything, as a log does, it
//!   waits for the time-out though nobody will answer.
//! * An answer is taken when it is published. One that comes after the time-out is an ordinary envelope.
//! * A request whose answer is on its way when the bus closes may end with
//!   [`Closed`](crate::RequestError::Closed), though subscribers get the answer.
//!
//! # What is not checked
//!
//! * [`Envelope::source`](crate::Envelope) is what its maker wrote. Only a
//!   [`Publisher`](crate::Publisher) fixes it.
//! * Ids are unique (but see [below](#after-a-fork)) and not secret. Do not use one as a password.
//! * A capability is a name. Whoever holds a [`Bus`](crate::Bus) may present or grant any.
//! * A payload with interior mutability can be changed by its subscribers, for all of them.
//!
//! # After a fork
//!
//! A process that forks without `exec` copies the generator of random bits of the thread that forks. If that thread had
//! made an id before, for an envelope or a subscription, parent and child go on with the same random bits, and so do two
//! children. Then only the clock keeps their ids apart, in steps of 244 ns: of 16,000 children that each made an envelope
//! at once, up to five had an id of another. To notice a fork takes a system call for each envelope, and that costs more
//! than the envelope.
//!
//! A thread whose first id comes after the fork has a generator of its own, in parent and child. So fork before the
//! first bus is used, or make the child's envelopes in a thread that the child starts. A bus that other threads use does
//! not survive a fork in any case: what they were in the middle of stays so in the child. So does an audit log: its
//! thread is in the parent only.
//!
//! # Audit logs
//!
//! * The record of an envelope says its source, and not which publisher has [forwarded](crate::Publisher::forward) it:
//!   it was one of those that were granted the right to, for that source, which the log says.
//! * [Verifying](crate::audit::verify) finds what no log writes, not what somebody has changed into something that a log
//!   might have written: there are no checksums, and runs do not name each other.
//!
//! # Tasks
//!
//! * A publisher thread that is [stopped](#a-publisher-that-is-stopped) between claiming its place and writing
//!   the envelope holds up the thread of a task that receives, as it does any other: in that window, of a few
//!   instructions, there is nobody who could wake the task.
//! * Of a group whose members wait in tasks all are woken by each envelope, and one finds it: one that was woken
//!   need not come. For a hundred idle workers that is a hundred wake-ups.
//! * A stream that is not asked any more keeps the waker of who asked it last, until something comes or it is
//!   dropped.
//! * Tasks that wait for room are content with one place, however short their wait.
//! * Who gives others a turn is woken at once, so he comes after those who are ready, and not after those whom tokio
//!   defers, such as by its `yield_now`: they come every 61st time.
//! * A batch is one step for the task that publishes it, however long it is: it gives way after it.
//! * An executor that runs inside a task of tokio's, such as `futures::executor::block_on`, uses up the task's budget and
//!   gets no new one. Receiving and publishing go on there, but tokio's own timers do not, so neither do the methods
//!   that take a time-out. Use `block_in_place`, or tokio's `Handle::block_on`.
//! * `Overflow::Block { timeout }` bounds the waiting of threads. A task waits as long as it takes, or as long as
//!   it says itself.
