//! Each mechanism of the engine in detail: how it works, and why nothing is lost.
//!
//! Read [`internals`](super::internals) first, for the layers, the way of an envelope, and the table of locks and
//! atomics.
//!
//! # A publish (`engine/core`)
//!
//! ```text
//!   load the current head ◀─────────────────────────────────────────────────────┐
//!        ▼                                                                      │
//!   has a queue that was left out made room? ── yes ──▶ close the segment        │
//!        ▼                                                                      │
//!   look up the matching direct queues, if there are any; reserve places        │
//!        ▼                                                                      │
//!   claim a slot ── done ──▶ write it, deliver, done                            │
//!        │ full, closed, not ready, or no room in a narrow queue                │
//!   not ready? ── yes ──▶ hand the segment over to all in reach, mark it ready ──┤
//!        ▼                                                                      │
//!   close the segment, load the subscriber list                                 │
//!        │ ── the bus has closed ──▶ give the envelope back, done               │
//!        ▼                                                                      │
//!   make the next head, with the envelope in its first slot                     │
//!        ▼                                                                      │
//!   install it by compare-and-swap ── lost ──▶ take the envelope out again ─────┘
//!        ▼ won
//!   deliver, hand the segment over to all in reach, mark it ready, done
//! ```
//!
//! *Deliver* is the rest of the work: it sends the envelope to the channels of the direct queues that match, and counts
//! the subscribers that lose it. The receipt sums it up.
//!
//! # A segment (`queue/segment`)
//!
//! One word holds the number of claimed slots and some bits. It moves like this:
//!
//! ```text
//!               handed over                claim: one more slot
//!   NEW ────────────────────────▶ READY ◀──┐
//!    │                              │ └────┘
//!    │ close                        │ close (by the publisher that opens the next)
//!    ▼          handed over         ▼
//!   CLOSED ────────────────────▶ READY + CLOSED: the number of claimed slots is final
//! ```
//!
//! A new segment has its opener's envelopes in its first slots, so a subscriber may read them before the segment is
//! marked ready.
//!
//! The word also says which head may claim slots (its *epoch*, see below). A claim compares the whole word, so no claim
//! succeeds before *ready*, after *closed*, or by another head. Slot *i* has the sequence number *base + i*, and the
//! next segment's base is this base plus the final count. That makes the one order. A slot is written once, after its
//! claim. A subscriber that comes to a claimed slot waits until it is written. The file begins with the argument why
//! this is right.
//!
//! # Heads and entries (`engine/head`, `queue/entry`)
//!
//! A head is a segment, a subscriber list, and the exceptions among the queues. Nearly every shared queue has the
//! segment in its reach, and its subscriber knows of all its losses. Such a queue is *plain*: what was enqueued for it
//! follows from its first sequence number, the losses that were told, and how far the segment was filled. The others
//! have an entry: how many envelopes were enqueued and how many left out before this segment, and whether the segment
//! is in *reach*. Entries follow from the previous head and from how far its segment was filled. So losses need no
//! counter that publishers would share: a time in which a queue was left out is a range of sequence numbers.
//!
//! A segment gets twice as many slots as the last one if that filled up, else as many as the last one held; or what a
//! batch asks for, if that is more. It gets at most 64 slots, at most 16 KiB, and at most the room of every queue that
//! has any and that publishers wait for. A segment that is opened while subscribers wait has eight slots at most, since
//! received envelopes stay in memory until the segment is full.
//!
//! Another queue with less room than the segment has slots is *narrow* (`engine/head/narrow`). Before a publish claims
//! a slot, it looks how much room each narrow queue has by then, and claims no slot beyond that. Room only grows
//! between this look and the claim, since only claims of this segment take it. So a capacity is exact. If the next slot
//! has no room in a narrow queue, the segment is closed, and the next one leaves that queue out. Each publish pays for
//! each narrow queue, and each publish that opens a segment, for every queue; so the length is chosen for which both
//! together cost least. One subscriber that is nearly full does not shorten the segment for sixteen others; sixteen of
//! seventeen do.
//!
//! A queue without room is out of reach. If no queue is in reach and no direct queue matches, the segment only counts,
//! up to 1,024, and keeps nothing. If a queue out of reach drops, each publish looks whether that queue has made room,
//! and closes the segment if so; the next segment includes the queue again. (One word for all, raised by a subscriber
//! that makes room, would save these looks. But to be exact a subscriber would need a fence after each receive, to
//! learn whether it was left out.) If publishers wait for a queue, and one of them has waited long enough, it leaves
//! the queue out. That segment has a single slot.
//!
//! # Helping
//!
//! A segment is installed before it is handed over, so a publisher may be stopped in between. The next publisher does
//! not wait: it hands the segment over itself, and marks it ready. Two publishers may give a queue the same segment at
//! the same moment. The cursor passes over a segment that it has seen, by the base number, and the channel has a few
//! more places than the capacity for that. If even those are taken (that many publishers were stopped at just this
//! step, and the subscriber has read nothing since), the segment goes into a second channel, and the subscriber sorts
//! it in. `queue/segment_channel` has the argument why no segment is lost, late or left unread.
//!
//! # Shared queues (`queue/shared`, `queue/shared/cursor`, `queue/segment_channel`)
//!
//! A cursor has one segment in its hand, and reads slot after slot. At the end of the claimed slots, a receive that
//! does not wait returns `Empty` and leaves the segment open. A receive that waits spins for a moment, if its last
//! sleep was short, and then sleeps. After each slot the cursor stores how many envelopes it has consumed. Publishers
//! see that number as room.
//!
//! If a segment's base is higher than the cursor expects, there is a gap before it. The difference is the number of
//! losses that is told. At the end of the queue, where no segment shows the gap, the cursor asks the bus how many
//! envelopes were left out so far.
//!
//! A queue that keeps the newest always has room, so every segment is in its reach (`queue/segment_channel/newest`).
//! The publisher that opens the next segment takes everything before the last *capacity* envelopes out of the queue,
//! and counts it there. The jump from one base to the next tells the gap.
//!
//! # Sleeping (`support/wait_list`, `support/parker`)
//!
//! Threads and tasks wait in the same way: try, register in a wait list, try again, sleep. Subscribers without a filter
//! have one list for the whole bus. A thread that appends to a segment, opens one, or ends something reads one flag,
//! and wakes all registered waiters. No wake-up is lost, for one of two reasons. A subscriber that holds the open
//! segment registers and then changes the segment's word, which the next claim changes too. One that does not hold it
//! registers and then puts a fence, and the publisher that opens the next segment puts one as well.
//!
//! Each direct queue has a list of its own. A publish that has sent to many of them puts one fence after the sends, and
//! reads one count: how many of these lists are occupied in the whole bus. Of the threads of a group one is woken for
//! each envelope; if it does not take the envelope, it wakes the next thread.
//!
//! Tasks are woken directly. Threads are woken by tree, because waking a thread is a system call: the publisher wakes
//! two, each of these wakes two more before it looks at its envelope, and so on.
//!
//! # Direct queues (`queue/direct`, `queue/credits`)
//!
//! A subscriber with a filter receives `(segment, slot)` items, each sent by itself. Where the queue drops what finds
//! it full, the channel decides: an envelope whose send finds the channel full is lost. The number of queued envelopes
//! follows from the channel's length and from what was consumed. Where publishers wait, or evict the subscriber, a
//! publisher first reserves a place in the credits, by a compare-and-swap. Each item carries how many envelopes had
//! been lost before it was sent. That tells the gap in its place. If a gap is told first, the item after it is out of
//! the channel already, and is held back. Then one envelope more than the capacity may be queued, if a publisher sends
//! at just that moment.
//!
//! In a direct queue that keeps the newest, a publisher that finds the channel full takes the oldest item out, and
//! counts it as lost. It does so under a lock, and so does the subscriber that receives. So what was lost always lies
//! between what was received and what is in the channel, and the gap is told before the next item is taken.
//!
//! After one fence, every direct queue that matched has the envelope. Then one count for the whole bus says whether any
//! subscriber waits at such a queue. Mostly there is nothing more to look at.
//!
//! # One order for all (`engine/core/deliver`)
//!
//! An envelope has its sequence number before it is sent to the direct queues. So two publishers may send in another
//! order than that of their numbers. With `total_order` a mutex is held from the number to the last of these sends. It
//! is taken after the predicates were asked, and given back before payloads are dropped or tasks are woken, so no user
//! code runs under it. A publisher never waits for room while it holds the mutex: it has reserved its places before, or
//! its attempt has failed. Shared queues do not need the mutex, so a publish that matches no direct queue does not take
//! it.
//!
//! # Groups (`queue/direct/group`)
//!
//! A group is one direct queue with several receiving ends. Its members are counted under the lock that guards the
//! subscriber list. It is on the list once, so a publish finds it like any subscriber.
//!
//! # Eviction
//!
//! A publisher that finds a queue with `Overflow::Evict` full marks it as evicted. In a direct queue the mark is a bit
//! in the word in which places are reserved. In a shared queue it is a flag, set by the thread that hands the segment
//! over, before the segment is ready. From then on nothing is offered to the queue. (Where no places are reserved, a
//! publish that has begun may still send. So a subscriber whose predicate has panicked learns of its end when its
//! channel ends.) Then the publisher takes the queue off the list, or leaves that to the thread that is changing the
//! list at the moment.
//!
//! # Waiting for room (`queue/vacancy`, `engine/core/blocking`)
//!
//! There is one way to block. A publish is tried as a whole: it places its envelope everywhere or nowhere. Before it
//! claims a slot it reserves a place in every direct queue that publishers wait for, and it installs no head that
//! leaves out a shared queue that they wait for. If one of these has no room, the attempt gives back what it has
//! reserved, and names that queue. A thread registers there, tries again, and sleeps. A task does the same and returns
//! to its executor. The subscriber wakes them: it stores its count, puts a fence, and looks whether a waiter is
//! registered. A publisher registers, puts a fence, and reads the count. At least one of them sees the other.
//!
//! A queue that was found full counts as full until a batch of places is free, for publishers that have waited for less
//! than a millisecond. So segments stay long, and publishers are seldom woken.
//!
//! A subscriber whose time-out is over no longer counts: the attempt leaves it out, and it loses the envelope.
//!
//! # Finding subscribers (`engine/subscriber_list`, `engine/index`, `support/chunked_list`)
//!
//! A subscriber list holds its subscribers in the order in which they came, and an index of those with a filter. The
//! index has tries over the tokens of their patterns, one for all sources and one for each source that is named. A
//! publish looks its subject up, gathers the subscribers that it finds, and asks their predicates last. A thread keeps
//! their answers while it tries again, so no predicate is asked twice; a task asks again at each attempt. Then it
//! claims its slot in a segment of the same list.
//!
//! A list is never changed, only replaced (copy-on-write, as in read-copy-update). List and index are made of rows of
//! up to 64 items. A change copies one row in each of the lists that it touches, and the handles on the other rows. The
//! old list keeps the old rows.
//!
//! # Changing the list (`engine/core/membership`)
//!
//! Subscribing, unsubscribing and closing make a new list under a mutex. Then they make sure that the current head is
//! for that list or a newer one. That is the barrier: a publish after that goes by the new list. The old queue's
//! sending end is dropped with the last head that lists it.
//!
//! Mostly the new head has the same segment (`engine/head/same_segment`), so a change costs the others nothing. The
//! segment's word has an *epoch*, the number of the head that may claim. A newcomer is given the open segment, then the
//! epoch is raised, and the newcomer starts at the slot after those that were claimed by then. A publisher that holds
//! an older head can claim no more, and loads the new one. An empty head is installed instead in four cases: the
//! segment is closed or full, it has more free slots than a newcomer has places, no queue would be left to read it, or
//! something is retained. Then the next publish opens a segment.
//!
//! Publishers go first (`engine/core/priority`): a change of the list waits for a publisher that has lost the race for
//! the next head, up to five milliseconds. Otherwise threads that subscribe and leave in a loop could starve it.
//!
//! Closing makes two changes. The first list is closed and still has the subscribers: the head that brings it in has
//! the accounts of all of them, and these are final. Shared queues are told, and their subscribers woken. The second
//! list is empty, so that the direct queues disconnect.
//!
//! A shared queue that is closed alone goes the same way. It is marked, so that no later head offers it anything, and
//! the current segment is retired. From then on its accounts do not change, and say what its subscriber has still to
//! receive. Then it is taken off the list. A direct queue needs no settling: its channel and its credits count.
//!
//! # Grants (`authority`)
//!
//! Each capability that is granted or held has one *admission* in a sharded map. A publisher keeps a reference to it,
//! so revoking reaches every publisher at once. A capability that is neither granted nor held nor published under is
//! forgotten.
//!
//! **The fast path.** A publish that only appends checks its permission after it has loaded the current head and before
//! it claims a slot. It writes to no word of the admission. A revoke that waits retires the current head when the
//! capability is revoked. What was appended by that head, or by one before, is in the queues. Nothing more is appended
//! by them, since their segments are closed or take claims by the new head alone. A publisher that loads a later head
//! has acquired, through the swap, that the capability is revoked. So there is no publisher to wait for.
//!
//! **The slow path.** A publish is counted in these cases: it sends to direct queues, waits for room, or opens a
//! segment; it appends to a segment that only counts; it is measured, has a correlation id, or is a batch; or it names
//! a capability with restrictions. It adds one to a word of the admission, and takes it off when all is enqueued. A bit
//! in the same word says whether the capability is granted without restrictions. So one atomic addition asks and
//! counts. It needs no fence, since of an addition and a change to one word one comes first. If the bit is not set, the
//! terms are read: a value behind an arc-swap that is replaced as a whole, before the words are changed.
//!
//! A revoke may wait until each count has been zero once: later publishes are refused, and not waited for. A second bit
//! says whether the capability is granted at all. A publisher that finds that it is not is refused without being
//! counted, so publishers that try again and again hold up no revoke that waits. There are four words, so that
//! publishers on many threads do not all contend for one.
//!
//! A rate is one word as well (GCRA, the generic cell rate algorithm): the time at which the allowance would be whole
//! again. Each publish moves it on.
//!
//! # Requests (`bus/request`, `engine/requests`)
//!
//! A request is registered by its id, in a sharded map, before it is published. A publish looks at the number of
//! pending requests. If there are any, and its envelope has a correlation id, it puts the envelope's place into the
//! slot of that request, and takes the request off the map. It does both under the lock of one shard. It does so once
//! the envelope is placed, and before it waits for anything. An envelope that no segment keeps gets a segment of its
//! own for that. If several answers are wanted, the slot has 128 places, and the request stays on the map until its
//! [`Replies`](crate::Replies) are dropped, time is up, or the bus closes. The asking side holds the bus weakly.
//!
//! A slot is one allocation. It has a lock around the answers and the waker of the waiting task, a condition on which a
//! thread sleeps, and a word that says without the lock whether there is anything to take. Before it sleeps, a thread
//! reads that word for some microseconds, if its last answer came within 50 µs. An asking side whose request is off the
//! map already, because its one answer has come, does not go there to clean up.
//!
//! # Retained envelopes (`engine/retained`)
//!
//! A head also has what is retained up to its segment's base. Like the accounts, it follows from the previous head and
//! its segment, which is closed: the publisher that makes a head looks at the envelopes of the segment before. So there
//! is one state for each place in the sequence, and no lock. A slot that is not written yet stays unexamined until the
//! next head is made, and so does a segment that is only replaced by an empty one; a subscriber waits for it. While
//! something is retained, segments keep what they would otherwise only count.
//!
//! A new subscriber needs the base of the first head that lists it, its *activation point*. It is marked, with the
//! list, before the next head is installed. Retained envelopes with a lower sequence number are the subscriber's
//! backlog.
//!
//! # Advisories (`engine/notices`, `bus/advisories`)
//!
//! What the bus says about itself travels on a second bus, made when the program asks for it. That bus has no
//! advisories. Advisories are told after the fact and outside every lock, by the thread that did what they tell of.
//! Without a listener that costs one load. A loss is noted where it is counted; for a shared queue, where a segment is
//! opened that leaves it out. It is told when the publish is over, since a listener may publish in turn.
//!
//! # Figures (`bus/stats`)
//!
//! Nothing is counted just for them. The number of published envelopes is the sequence. What a shared queue was given
//! and lost is in the current head, and what it consumed is its own word. A direct queue has its credits. The
//! high-water mark of a shared queue is noted when a segment is opened, which looks at the room anyhow. That of a
//! direct queue is noted by the subscriber, at each 16th receive, and by a publisher that finds the queue full.
//!
//! # Draining (`engine/drain`)
//!
//! A drain watches one queue at a time, of those that are not empty. It marks that queue, and sleeps until the
//! subscriber that receives the last envelope wakes it, or the list changes. Then it looks at all queues again. A
//! receive that finds no mark costs one load.
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
//! | `segment`, `segment_channel`, `queue_kind`, `shared`, `cursor`, `direct`, `group`, `seat`, `inbox`, `gathering`, `terms` | a subscriber's queue |
//! | `overflow`, `credits`, `losses`, `vacancy`, `throttle` | what happens when it is full |
//! | `delivery`, `subscription`, `iter`, `resubscribing`, `wait`, `recv_error`, `select` | the receiving side |
//! | `request`, `requests`, `retained`, `activation_point`, `retaining`, `drain`, `drains` | answers; what later subscribers receive first; waiting until all is received |
//! | `advisory`, `notices`, `loss_notices`, `advisories`, `trace`, `excerpt`, `visible`, `name_list`, `accounts`, `stats`, `subscription_stats`, `link_figures`, `metrics`, `inspect`, `audit` | what the bus says about itself |
//! | `codec` | envelopes as JSON |
//! | `wait_list`, `parker`, `eagerness`, `tokio` | sleeping and waking; the bus for tasks |
//! | `link`: `engine`, `memory`, `name`, `stream`, `error` | the seam to a server, an engine in memory; what a durable link needs of a server, and what may be wrong with it |
//! | `memory`: `server`, `connection`, `stored`, `reading`, `stream` | the server in memory, and its streams |
//! | `nats`: `stream`: `api`, `traffic`, `pulls`, `consumer` | the engine over the streams of a NATS server |
//! | `nats`: `news`, `sender`, `receiver`, `refusal`, `permissions` | the engine over a NATS server |
//! | `frames`: `frame`, `subject`, `wire`, `control`, `import_subject` | what a frame looks like, and what links say to each other |
//! | `outbound`: `outgoing`, `resend_queue` | what an exporter must get across, and what importers ask for again |
//! | `inbound`: `incoming`, `arrival`, `want_times`, `held`, `gap_patience`, `gaps`, `neighbour`, `origins`, `inbound_queue`, `recent_ids` | what an importer receives, in order and once, and when it asks for what is missing |
//! | `durable`: `intake`, `numbers` | what comes from a stream, once |
//! | `requests` of `link`: `announcement`, `announcement_times`, `known_importers`, `requests_out` | requests across links: whom an answer may come from, and that nobody answers |
//! | `state` of `link`: `action`, `connection`, `linked`, `settings`, `stage`, `status`, `storing` | what the parts of a running link share |
//! | `builder` and `handle` of `link`, `joining`, `deadline`, `running`: `driver`, `calling`, `exporting`, `importing`, `publishing`, `storing`, `relays`, `seen`, `transit` | a running link: its parts, side by side in one task; what goes on by another link |
//! | `clock` of `support`, `substitutes` | the time that the bus goes by; what stands in for it, and for chance, in tests |
//! | `clock` of `testing`, `ids`, `recorder`, `line`, `idle`, `faulty`, `scheduler` | the kit for tests |
//! | `sync`, `panics`, `failpoints` | atomics, locks and channels, which loom can replace; panics of user code; where tests stop a thread |
//!
//! # How it is checked
//!
//! * Loom explores the interleavings of the models in each layer's folder `tests` (`--cfg oxide_loom`); of the larger
//!   ones, those with few preemptions. All atomics, locks and channels of the engine come through `support/sync`, which
//!   replaces them by loom's, or by stand-ins made of loom's. Exceptions are cells that are written once, such as the
//!   one for when the bus closes, the register of requests, and the sinks of advisories.
//! * A reference model in plain sequential code is compared with the bus over random scripts
//!   (`tests/library/model.rs`), and over a fuzzer's. The other [fuzz targets](super::fuzzing) are for patterns, for
//!   all code that reads input, and for the round trip of envelopes.
//! * A publisher is stopped at each step of its way, and the others go on (`src/engine/tests/core_stopped/mod.rs`, by
//!   the hooks in `support/failpoints`).
//! * Stress tests run publishers and subscribers of every kind at once, and check the accounts at the end
//!   (`tests/library/stress.rs`).
//! * The command `oxide-bus soak` does, at random and for as long as you like, everything that users of a bus can do at
//!   once: `cargo run --release --features cli -- soak --minutes 30`. It uses the public interface only. Each publisher
//!   numbers its envelopes, so each subscriber knows what it misses, and checks what it receives. A round takes some
//!   tenths of a second. At its end all publishers rest, and accounts, figures and memory are compared. The first
//!   broken promise ends the run, and names the seed of that round.
