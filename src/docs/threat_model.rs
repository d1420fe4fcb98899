//! What a hostile module can do to the others, and what it cannot.
//!
//! The module is given a [`Publisher`](crate::Publisher) and a [`Subscription`](crate::Subscription), no
//! [`Bus`](crate::Bus), and a payload of a type that is not its own. It is safe Rust in the same process. So nothing
//! here protects from code that uses `unsafe`, hogs the processor, exhausts the memory by itself or ends the process.
//! Use processes against those.
//!
//! # What it cannot do
//!
//! Each line has a test of that name in `tests/library/threat_model.rs`.
//!
//! | it cannot | because | test |
//! | --- | --- | --- |
//! | speak for another | the source is the publisher's; an envelope that it [forwards](crate::Grant::forwards) must be of its own source, or of one that it was granted | `it_cannot_speak_for_another` |
//! | choose an id or a time | the bus stamps them; to [forward](crate::Publisher::forward) an envelope that has them already is a separate [right](crate::Grant::forwards) | `it_cannot_choose_an_id_or_a_time` |
//! | say more than it was granted | the scope is checked for each envelope: published alone, in a batch, or forwarded | `it_cannot_say_more_than_it_was_granted` |
//! | set a header that it was not granted | a [grant](crate::Grant::headers) lists the headers that may be set, in forwarded envelopes too | `it_cannot_set_a_header_that_it_was_not_granted` |
//! | widen what it may say | [`narrow`](crate::Publisher::narrow) adds a condition, and nothing lifts one | `it_cannot_widen_what_it_may_say` |
//! | go on after its capability is revoked | every clone shares the grant; after [`revoke_and_drain`](crate::Bus::revoke_and_drain) no more envelopes of it come | `it_cannot_go_on_after_a_revoke` |
//! | say more often than it may | a [rate](crate::Grant::rate) is one allowance for all clones | `it_cannot_say_it_more_often_than_it_may` |
//! | hold up the others by not receiving | its queue is its own, and publishers do not wait for it, unless it was given [`Overflow::Block`](crate::Overflow::Block) | `it_cannot_hold_up_the_others` |
//! | make the bus grow | a refusal is a count; clones and narrowed publishers are its own memory; a queue has its capacity; of patterns it can [set](crate::Subscription::set_patterns) no more than [`MAX_PATTERNS`](crate::limits::MAX_PATTERNS), of [`MAX_PATTERNS_BYTES`](crate::limits::MAX_PATTERNS_BYTES) together: that, and the index over them, is 16 MiB at most (for each source that the subscription was made for) | `it_cannot_make_the_bus_grow` |
//! | make others search for long | its patterns have no more than [`MAX_PATTERN_SHAPES`](crate::limits::MAX_PATTERN_SHAPES) shapes, of [`MAX_PATTERN_TOKENS`](crate::limits::MAX_PATTERN_TOKENS) tokens: so a look-up takes less than 256 steps, however many patterns there are | `it_cannot_make_others_search_for_long` |
//! | publish what the others cannot hold | a bus may have a [greatest size](crate::BusBuilder::max_payload) for a payload, and refuse what a [codec](crate::BusBuilder::writable_by) cannot write; a payload that no codec could write is refused in any case | `it_cannot_publish_what_others_cannot_hold` |
//! | drown what the bus tells | ten of its refusals a second are told, with the count of the others | `it_cannot_drown_what_the_bus_tells` |
//! | use up the requests of the others | only a [limited number](crate::BusBuilder::max_requests) are pending under one capability | `it_cannot_use_up_the_requests_of_others` |
//! | see more than it was given | a subscription that was made [fixed](crate::SubscribeOptions::fixed) stays as it is | `it_cannot_see_more_than_it_was_given` |
//! | fill the disk with what is refused to it | ten of its refusals a second are recorded in an [audit log](crate::audit), with the count of the others (unless [each](crate::audit::Options::each_denial) is wanted) | `it_cannot_fill_the_disk_with_what_is_refused` |
//! | hide in whose name it tried to speak | a refusal is told with the source that the envelope claimed and its subject | `it_cannot_hide_in_whose_name_it_tried_to_speak` |
//! | change what others receive | a delivery is shared, and lends its envelope for reading | below |
//! | reach the bus | nothing that it holds leads there | below |
//!
//! What comes in by the [inspection socket](#the-inspection-socket) has its tests in `tests/library/inspect/hostile.rs`
//! and `tests/library/inspect/place.rs`.
//!
//! ```compile_fail,E0599
//! # fn module(publisher: oxide_bus::Publisher) {
//! publisher.grant("everything");
//! # }
//! ```
//!
//! ```compile_fail,E0616
//! # fn module(publisher: oxide_bus::Publisher) {
//! publisher.bus.close();
//! # }
//! ```
//!
//! ```compile_fail,E0594
//! # fn module(mut subscription: oxide_bus::Subscription) {
//! let delivery = subscription.recv().unwrap();
//! delivery.source = "kernel".into();
//! # }
//! ```
//!
//! # What it can do
//!
//! * Fill the queues of the subscribers that listen to what it may say, as fast as its rate allows; without a rate, as
//!   fast as it can. They lose what comes then, also from others, and are told. So give each module a rate, and let
//!   subscribers that must not lose anything listen by source or subject.
//! * Make publishers wait, if its subscription was given [`Overflow::Block`](crate::Overflow::Block).
//! * With a filter, cost publishers what it takes to put an envelope into its queue. With patterns, cost them up to 256
//!   steps for the look-up, of some 50 to 100 ns each; only a few steps where `*` always stands in the same places. A
//!   subscription that is made [fixed](crate::SubscribeOptions::fixed) has only the patterns that its owner chose.
//! * Make subscribing and leaving wait, by changing its patterns again and again, unless its subscription was made
//!   [fixed](crate::SubscribeOptions::fixed).
//! * Keep the bus open, since a [`Publisher`](crate::Publisher) does. Keep envelopes in memory, by keeping deliveries:
//!   each up to 64 of them, or fewer by [`BusBuilder::max_segment`](crate::BusBuilder::max_segment).
//! * Make a revoke with draining run into its time-out, if a thread of its waits for room. (Its tasks cannot.)
//! * Save up what its rate allows, while a lossless subscriber has no room. Its threads and tasks that wait for room
//!   were admitted in their time, and their envelopes arrive together.
//! * Use up the rate and the requests of its capability, by a narrowed publisher as well as by the whole one. So narrow
//!   a publisher only for modules that are trusted with the whole allowance. Give others a capability of their own.
//! * With the feature `testing`, go by a clock and ids of its own: outlive a grant's expiry, refill a rate or use it up
//!   for all that share it, choose times, repeat ids. Any crate of the program can switch that feature on for all.
//!   Where modules are not trusted, see that `cargo tree -e features,normal -i oxide-bus` does not show it.
//! * With the feature `tokio`, hold up the thread that wakes it. To poll a future it brings a
//!   [`Waker`](std::task::Waker). That waker is called by the thread that publishes to it, makes room for it, answers
//!   it, closes the bus, or [revokes and drains](crate::Bus::revoke_and_drain), beyond the time-out; the thread of an
//!   [audit log](crate::audit) among them. A waker that panics harms no one else, but one that does not return keeps
//!   that thread, even the log's. Where modules are not trusted with that, build without the feature.
//! * Answer, as itself, any request that it sees, or whose id it guesses, since ids are unique and [not
//!   secret](crate::docs::limitations#what-is-not-checked). A module that must know who answers checks the
//!   [source](crate::Envelope) of the answer. Where [several](crate::Publisher::request_many) answers are wanted, it
//!   can leave no room for those of others, which [`dropped`](crate::Replies::dropped) shows.
//! * With the right to [forward](crate::Grant::forwards), do more: repeat an id, or backdate an envelope. Or publish a
//!   question with the id of another module's request: a trusted module then answers that request with what was meant
//!   for this question. So give that right only to relays that are trusted with it.
//! * Say what an [audit log](crate::audit) cannot record, unless the bus was [built](crate::BusBuilder::writable_by)
//!   for the log's codec: too long a name, too many values, a float that JSON does not have. The log then says so, with
//!   source and subject.
//! * Fill an [audit log](crate::audit) with what it says, as fast as its rate allows and the disk takes it: the log
//!   loses nothing. When the disk is full the log ends, and says so.
//! * Read whatever its subscription listens to. Unless that was made [fixed](crate::SubscribeOptions::fixed) or is a
//!   member of a group, it can also read anything else that is published:
//!   [`set_patterns`](crate::Subscription::set_patterns) widens it. (One without a filter sees everything anyway.)
//!
//! # The inspection socket
//!
//! A program with the feature `inspect` that calls `serve_inspection` lets others look at its bus; see
//! [`inspecting`](super::inspecting). Without that call there is no socket.
//!
//! * Only programs of the same user, and root, can connect: the socket is made in a folder that nobody else may enter,
//!   and has the permissions 0600 before it is put at its path. A user that may write to the socket's folder can
//!   replace the socket by another one, which lies to its clients. So use a folder that only the user may write to,
//!   such as `$XDG_RUNTIME_DIR`.
//! * A client can change nothing. It reads figures, and the names of subscriptions, sources, capabilities and links,
//!   patterns, and the subjects of denied publishes; never a payload. A module in the same process can connect as well,
//!   and learn that.
//! * A client can delay the answer to the next one: by a second if it does not ask, by two more if it does not read. A
//!   request has 64 bytes at most; of a longer one no more is read. Clients are served by one thread, one after
//!   another, so many of them make each other wait, and nothing else: no publisher and no subscriber waits for them.
//! * A module can make answers longer: of each subscription 16 patterns are shown at most. Control
//!   characters in names are escaped by `oxide-bus top`.
