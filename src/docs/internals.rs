//! How it works: the way of an envelope through the bus, from file to file of `src/`.
//!
//! # The idea
//!
//! A channel's send and receive, for each envelope and each subscriber, is what an ordinary fan-out costs. Here
//! the channels carry *segments*: arrays of up to 64 slots that stay open while they fill. Once a segment
//! is in every queue, to publish is to append to it, and no channel is touched, however many subscribers
//! there are. A subscriber that has read everything and wants to sleep leaves the segment open, and registers in a wait
//! list; the next publisher appends to the segment, and wakes those that are registered. Under load segments are long, at
//! rest they have eight slots at most. No timer decides it.
//!
//! # Who holds what
//!
//! ```text
//!  Bus, Publisher ──▶ Shared: Core, grants
//!                           │
//!                           ├─▶ current ──▶ Opening ─┬─▶ Segment: base, word, slots
//!                           │                        ├─▶ Route, as it was then
//!                           │                        └─▶ an Entry for each follower
//!                           └─▶ route ────▶ Route ───┬─▶ FollowQueue … ══ segments ══▶ Follower
//!                                                    └─▶ PickQueue …   ══ single ═══▶ Picker
//!                                                                                    ▲
//!                                                                          Subscription
//! ```
//!
//! `current` and `route` are pointers that are replaced whole (arc-swap); the double lines are crossbeam
//! channels. A subscription has only a weak handle on what is shared, so it does not keep the bus open.
//!
//! # Where what is
//!
//! In the order in which an envelope travels, by the modules in the folders of `src/`:
//!
//! | file | what |
//! | --- | --- |
//! | `message`, `kernel`, `draft`, `envelope`, `headers`, `source`, `stamp`, `trace_context` | what is said, by whom, when |
//! | `publisher`, `capability` | who may say it |
//! | `grant`, `granting`, `grants`, `scope`, `rate`, `admission` | what is granted: for which subjects and sources, how often, and who is publishing under it now |
//! | `builder`, `demands`, `limits`, `measure` | limits of a bus: how many grants, how large an envelope, what must be writable; whether it has one order for all |
//! | `denial`, `refusal`, `refusals` | why something was refused, and how often |
//! | `handle`, `shared`, `verbs`, `lifecycle`, `drain` | the handle: publish, subscribe; what all handles share; how it begins and ends |
//! | `subject`, `pattern`, `filter`, `route`, `index`, `shelf`, `options` | who listens to what: the list of subscribers |
//! | `fanout`, `caught` | the way of a publish; panics of user code on it |
//! | `pending`, `opening`, `entry`, `segment` | the sequence: where envelopes lie, and who has room for them |
//! | `queue`, `terms`, `inbox`, `follow`, `lane`, `pick`, `group` | a subscriber's queue, without and with a filter; a queue for several |
//! | `follower` | the subscriber's side of a queue without a filter |
//! | `overflow`, `limit`, `room`, `losses`, `vacancy` | what happens when it is full |
//! | `delivery`, `subscription`, `iter`, `wait`, `recv_error`, `select` | the receiving side |
//! | `request`, `requests` | a publish that waits for its answer |
//! | `retained`, `retaining` | what later subscribers receive first |
//! | `receipt`, `error` | what became of it, and what went wrong |
//! | `advisory`, `board`, `advisories`, `trace`, `told`, `visible`, `words`, `throttle`, `accounts`, `stats`, `metrics` | what the bus says about itself |
//! | `codec` | envelopes as JSON |
//! | `audit` | what happened, on disk |
//! | `wait_list`, `eagerness`, `parker`, `tokio` | what wakes those that wait; the bus for tasks |
//! | `sync`, `pause` | every atomic, lock and channel, so that models can take their place; where tests stop a thread |
//!
//! # A publish (`fanout`)
//!
//! ```text
//!   load the current opening ◀──────────────────────────────────────────────────┐
//!        ▼                                                                      │
//!   has somebody who was left out made room? ── yes ──▶ close the segment        │
//!        ▼                                                                      │
//!   look up who picks the envelope, if anybody has a filter                     │
//!        ▼                                                                      │
//!   claim a slot ── done ──▶ write it, deliver, done                            │
//!        │ full, closed, or not ready                                           │
//!   not ready? ── yes ──▶ hand the segment over to all in reach, mark it ready ──┤
//!        ▼                                                                      │
//!   close the segment, load the route                                            │
//!        │ ── the bus has closed ──▶ give the envelope back, done               │
//!        ▼                                                                      │
//!   make the next opening, with the envelope in its first slot                  │
//!        ▼                                                                      │
//!   install it by compare-and-swap ── lost ──▶ take the envelope out again ─────┘
//!        ▼ won
//!   hand the segment over to all in reach, mark it ready, deliver, done
//! ```
//!
//! *Deliver* is what is left to do: send the envelope to the channels of those who picked it, count those
//! who lose it. The receipt sums it up.
//!
//! # A segment (`segment`)
//!
//! One word holds the number of claimed slots and some bits, and moves like this:
//!
//! ```text
//!               handed over                claim: one more slot
//!   NEW ────────────────────────▶ READY ◀──┐
//!    │                              │ └────┘
//!    │ close                        │ close (by the one that opens the next)
//!    ▼          handed over         ▼
//!   CLOSED ────────────────────▶ READY + CLOSED: the number of claimed slots is final
//! ```
//!
//! A new segment has the envelopes of its opener in its first slots, so a subscriber may read them before it is marked
//! ready.
//!
//! The word also says which opening of the segment may claim, see below. A claim compares the whole word, so none
//! succeeds before *ready*, after *closed*, or by another opening. Slot *i* has the
//! sequence number *base + i*, and the next segment's base is this one's base plus its final count: that makes
//! the one order. A slot is written once, after its claim; a subscriber that comes to a claimed slot before it
//! is written waits. The file begins with the argument why this is right.
//!
//! # Openings and entries (`opening`)
//!
//! An opening is a segment, a route, and what is out of the ordinary. Nearly every follower's queue has the segment in its
//! reach and knows of all its losses. Such a queue is *plain*: what was enqueued for it follows from the sequence
//! number where it began, the losses that were told, and how far the segment was filled. The others have an entry: how
//! many envelopes were enqueued and how many left out before this segment, and whether the segment is in *reach*. Entries
//! follow from the opening before and from how far its segment was filled. So losses need no counter that publishers
//! would share: that a queue was left out is a range of sequence numbers.
//!
//! How many slots a segment gets: twice as many as the last one if that filled up, else as many as that one held; or
//! what a batch asks for, if that is more; at most 64, at most 16 KiB, and at most the room of every queue that has
//! any. One that is opened while subscribers wait for envelopes has eight slots at most: what all have received stays in
//! memory until the segment is full. Every queue in reach therefore has room for all of it, and a capacity is exact. A queue without room is out of
//! reach; if nobody is in reach, and nobody picks, the segment only counts, up to 1024, and keeps nothing. If a queue
//! out of reach drops, each publish looks whether it has made room by now, and closes the segment if so: the next one
//! includes it again. (One word for all, that a subscriber raises when it makes room, would save these looks. But to
//! be exact a subscriber would need a fence after each receive, to learn whether it was left out.) If publishers wait
//! for it, the segment has a single slot.
//!
//! # Helping
//!
//! A segment is installed before it is handed over, so a publisher may be stopped in between. Whoever comes
//! next does not wait: it hands the segment over itself and marks it ready. A queue may be given the same segment
//! by two publishers at the same moment; the follower passes over what it has seen, by the base number, and the
//! channel has a few places more than the capacity for that. If even those are taken (that many publishers were stopped
//! at just this step, and the subscriber has read nothing since), the segment goes into a second channel, and the
//! subscriber sorts it in. `lane` has the argument why none is lost, late or left unread.
//!
//! # Followers (`follow`, `follower`, `lane`)
//!
//! A follower has one segment in its hand and reads slot after slot. At the end of what is claimed, a receive that
//! does not wait answers that it is empty and leaves the segment open. One that waits spins for a moment, if its last
//! sleep was short, and then sleeps. After each slot it stores how many envelopes it has consumed, which
//! is what publishers see as room.
//!
//! # Sleeping (`wait_list`, `parker`)
//!
//! Threads and tasks wait in the same way: try, register in a wait list, try again, sleep. Subscribers without a filter
//! have one list for the whole bus. Whoever appends to a segment, opens one, or ends something reads one flag, and wakes
//! all that are registered. One that holds the open segment orders its registration and the next claim by the segment's
//! word, which both change; one that does not orders its registration and the next opening by a fence on each side.
//!
//! Each queue with a filter has a list of its own. A publish that has sent to many of them puts one fence after the sends,
//! and reads one count: how many of these lists are occupied in the whole bus. Of the threads of a group one is woken for
//! each envelope; one that has not taken it wakes the next.
//!
//! Tasks are woken directly. Threads are woken by tree, for waking one is a call of the system: the publisher wakes two,
//! each of these wakes two more before it looks at its envelope, and so on.
//!
//! A segment whose base is higher than what the follower expects comes after a gap, and the difference is the
//! number that is told. At the end of the queue, where no segment shows the gap, it asks the bus how many were
//! left out so far.
//!
//! A follower that keeps the newest always has room, so every segment is in its reach (`queue/segment_channel/newest`). Whoever opens the
//! next segment takes out of its queue what comes before the last *capacity* envelopes, and counts it there; the jump from
//! one base to the next tells the gap.
//!
//! # Pickers (`pick`, `room`)
//!
//! A subscriber with a filter receives `(segment, slot)` pairs, each sent by itself. Where the queue drops
//! what comes when it is full, the channel decides: what a send finds full is lost. How much is queued follows from the channel's length and from what was
//! consumed. Where publishers wait, or put the subscriber out, a publisher first reserves a place, by a
//! compare-and-swap in `room`. Each pair carries how many envelopes had been lost before it was sent: that
//! tells the gap in its place. Where a gap is told first, the pair after it is out of the channel already, and is held back; then one envelope more
//! than the capacity may be queued, if a publisher sends in just that moment.
//!
//! In a queue with a filter that keeps the newest a publisher that finds the channel full takes the oldest pair out, and counts it as lost.
//! It does so under a lock, and so does the subscriber that receives. So what was lost always lies between what was
//! received and what is in the channel: the gap is told before the next pair is taken.
//!
//! Every queue that picked an envelope has it when one fence is passed. Then one count for the whole bus says whether
//! anything waits at a queue like these: mostly there is no more to look at.
//!
//! # One order for all (`fanout`)
//!
//! An envelope has its sequence number before it is sent to those who picked it, so two publishers may send in
//! another order than they were numbered. With `total_order` a mutex is held from the number to the last of these
//! sends. It is taken after the predicates were asked, and given back before payloads are dropped or tasks are
//! woken, so nobody's code runs under it. Who finds a queue full that must not lose anything lines up there, and
//! waits when the mutex is free again; who comes later lines up behind. Followers need none of it: what goes to
//! them alone takes no mutex.
//!
//! # Groups (`group`)
//!
//! A group is one queue of that kind, with several receiving ends. Its members are counted under the lock that
//! guards the list. It is on the list once, so a publish finds it as it finds any subscriber.
//!
//! # Eviction (`room`, `follow`)
//!
//! A publisher that finds a queue with `Overflow::Evict` full marks it as evicted: a bit in the word in which
//! places are reserved, or, of a follower, a flag that whoever hands over the segment sets before it is ready. From then
//! on nothing is offered to it. (Where no places are reserved, a publish that has begun may still send; so a subscriber whose
//! predicate has panicked learns of its end when its channel ends.) Then the publisher takes it off the list, if nobody is changing that; else
//! whoever is changing it does so.
//!
//! # Waiting for room (`vacancy`, `engine/core/blocking`)
//!
//! A publish is tried as a whole: it places its envelope everywhere or nowhere. Before it claims a slot it reserves a
//! place with every picker that publishers wait for, and it installs no opening that leaves out a follower that they wait for. Where one
//! of these has no room, the attempt gives back what it has reserved and names that queue. A thread registers there, tries again, and
//! sleeps; a task does the same and returns to its executor. The subscriber wakes them: it stores its count, puts a fence, and looks
//! whether somebody is registered; a publisher registers, puts a fence, and reads the count. One of them at least sees the other.
//!
//! A queue that was found full counts as full until a batch of places is free, for publishers that have waited for less
//! than a millisecond. So segments stay long, and publishers are seldom woken.
//!
//! A subscriber whose time-out is over does not count any more: the attempt leaves it out, and the envelope is lost for it.
//!
//! # Finding who listens (`route`, `index`, `shelf`)
//!
//! A route holds its subscribers in the order in which they came, and an index of those with a filter: tries
//! over the tokens of their patterns, one for all sources and one for each source that is named. A publish looks
//! its subject up, gathers whom it finds, and asks their predicates last. What it found and what they said is kept
//! while it tries again, so none is asked twice; then it claims its slot in a segment of the same route.
//!
//! Routes are never changed. List and index are made of rows of up to 64 items; a change copies one row in each
//! of the lists that it touches, and the handles on the other rows. The old route keeps the old rows.
//!
//! # Changing the list (`route`)
//!
//! Subscribing, unsubscribing and closing make a new route under a mutex, then see to it that the current
//! opening is for that route or a newer one. That is the barrier: whoever publishes after that goes by the new list. The
//! old queue's sending end goes with the last opening that lists it.
//!
//! Mostly the new opening has the same segment (`engine/head/same_segment`), so a change costs the others nothing. The segment's
//! word has an *epoch*, the number of the opening that may claim. A newcomer is given the open segment, then the epoch is
//! raised, and the newcomer starts at the slot after those that were claimed by then. Whoever holds an older opening can
//! claim no more, and loads the new one. Where the segment is closed or full, or has more free slots than a newcomer has
//! places, or nobody would be left to read it, or something is retained, an empty opening is installed instead, and the
//! next publish opens a segment.
//!
//! Publishers go first (`engine/core/priority`): who changes the list waits for a publisher that has lost the race for the next
//! opening, up to five milliseconds. Else threads that subscribe and leave in a loop could starve it.
//!
//! Closing does so twice. The first route is closed and lists the subscribers still: the opening that brings it in
//! has the accounts of all of them, and these are final: followers are told, and woken. The second lists nobody, so that
//! the other queues disconnect.
//!
//! A follower that is closed alone goes the same way: it is marked, so that no later opening offers it anything, and
//! the current segment is retired. From then on its accounts do not change, and say what its subscriber has still
//! to receive; then it is taken off the list. Of a picker nothing has to be settled: its room counts.
//!
//! # Grants (`grants`, `admission`, `scope`, `rate`)
//!
//! Each capability that is granted or held has one *admission* in a sharded map, and a publisher keeps a reference to
//! it, so that revoking reaches every publisher at once. One that is neither granted nor held nor published under is
//! forgotten.
//!
//! A publish that only appends asks whether it may after it got hold of the current opening, before it claims a slot, and
//! writes to no word of the admission. Who revokes, and waits, puts another opening in the place of the current one
//! when the capability is revoked: what was appended by the old one, or by those before, is in the queues; nothing more is,
//! since their segments are closed or take claims by the new one alone; and who gets hold of a later one has acquired, through the swap, that it is revoked. So there
//! is nobody to be waited for.
//!
//! Who publishes in any other way (sends to those who pick it, waits for room, opens a segment or only counts in one, is
//! measured, has a correlation id, publishes a batch, or by the name of a capability that has restrictions) adds one to a word of the admission and takes it off when all is enqueued. A bit in the
//! same word
//! says whether the capability is granted without restrictions: so one atomic addition asks and counts, and no fence is
//! needed, since of an addition and a change to one word one comes first. If the bit is not set, the terms are read:
//! a value behind an arc-swap that is replaced whole, before the words are changed. Who revokes may wait until each
//! count has been zero once: whoever comes in later is refused, and not waited for. A second bit says whether it is
//! granted at all; who finds that it is not is refused without being counted, so that those who try again and again
//! hold up nobody who waits. There are four words, so that publishers on many threads do not all fight for one.
//!
//! A rate is one word as well: the time at which the allowance would be whole again. Each publish moves it on.
//!
//! # Requests (`request`, `requests`)
//!
//! A request is registered by its id, in a sharded map, before it is published. A publish looks at the number of
//! those that are pending; if there are any, and its envelope has a correlation id, it puts the envelope's place into
//! the slot of that request, and takes it off the map, both under the lock of one shard. It does so once the envelope is
//! placed and before it waits for anybody. An envelope that no segment keeps gets a segment of its own for that. Where several
//! answers are wanted the slot has 128 places, and the request stays on the map until its [`Replies`](crate::Replies) are
//! dropped, time is up, or the bus closes. The asking side holds the bus weakly.
//!
//! A slot is one allocation: a lock around the answers and the waker of the task that waits, a condition on which a
//! thread sleeps, and a word that says without the lock whether there is anything to take. Before it sleeps a thread looks
//! at that word for some microseconds, if its last answer came within 50 µs. An asking side whose request is off the map
//! already, which its one answer has done, does not go there to clear up.
//!
//! # Retained envelopes (`retained`)
//!
//! An opening also has what is retained up to its segment's base. It follows, as the accounts do, from the opening before
//! and its segment, which is closed: whoever makes an opening looks at the envelopes of the segment before. So there is
//! one state for each place in the sequence, and no lock. A slot that is not written yet is set aside for the next to
//! look, and so is a segment in whose place only another is put; a subscriber waits for it. While something is retained, segments keep what they would only count.
//!
//! A new subscriber needs the base of the first opening that lists him. That is marked, with the list, before the
//! opening after it is installed. What is retained with a lower sequence number is his backlog.
//!
//! # Advisories (`board`, `advisories`)
//!
//! What the bus says about itself travels on a second bus, made when somebody asks for it, which has no
//! advisories. They are put up after the fact and outside every lock, by the thread that did it: where nobody
//! listens that is one load. A loss is noted where it is counted, for a follower where a segment is opened that
//! leaves it out, and told when the publish is over, since who listens may publish in turn.
//!
//! # Figures (`stats`)
//!
//! Nothing is counted for them. How much was published is the sequence; what a follower was given and lost is in the
//! current opening's entry, what it consumed is its own word; a picker's is in its room. High water is noted for a
//! follower when a segment is opened, which looks at the room anyhow, for a picker by the subscriber, each 16th time that it takes
//! something out, and by a publisher that finds it full.
//!
//! # How it is checked
//!
//! * Loom explores the interleavings of the models that stand beside the code (`--cfg oxide_loom`), of the
//!   larger ones those with few preemptions. All atomics, locks and channels of this crate come through `sync`
//!   (but for two cells that are written once, when the bus closes and when somebody asks for advisories), which puts loom's, or stand-ins made
//!   of loom's, in their place.
//! * A reference model in plain sequential code is compared with the bus over random scripts
//!   (`tests/library/model.rs`), and over a fuzzer's. The other [fuzz targets](super::fuzzing) are for patterns, for all
//!   that reads input, and for the round trip of envelopes.
//! * A publisher is stopped at each step of its way, and the others go on (`engine/tests/core_stopped/mod.rs`, by the hooks in
//!   `pause`).
//! * Stress tests run publishers and subscribers of every kind at once and check the accounts at the end
//!   (`tests/library/stress.rs`).
//! * The command `oxide-bus soak` does, at random and for as long as you like, everything that users of a bus can do at
//!   once: `cargo run --release --features cli -- soak --minutes 30`. It uses the public interface only. Each publisher
//!   numbers its envelopes, so each subscriber knows what it misses, and checks what it receives. A round takes some
//!   tenths of a second; at its end all publishers rest, and accounts, figures and memory are compared. The first broken
//!   promise ends it, and names the seed of that round.
