//! Links between the buses of several programs: what is promised, what is not, and what an engine must offer.
//!
//! A program outgrows one process, and then one machine. The bus does not become a broker for that: it is *linked* over
//! one. A [`Link`] sends what matches its exports to a server, and publishes what it imports from there. The server is
//! behind a small trait, [`Engine`]. One engine speaks to a [NATS](https://nats.io) server (feature `nats`); one
//! [in memory](crate::link::memory) is for tests.
//!
//! To use links, read the example and the promises, and then what you need of [requests](#requests), [groups](#groups),
//! [NATS](#over-nats) and [durable links](#durable-links).
//!
//! # An example
//!
//! Two buses with a server between them. Only what `thermometer` of `north` says about readings gets onto the bus
//! `south`: the grant decides.
//!
#![cfg_attr(feature = "link", doc = "```")]
#![cfg_attr(not(feature = "link"), doc = "```ignore")]
//! use std::time::Duration;
//! use oxide_bus::link::Link;
//! use oxide_bus::link::memory::MemoryServer;
//! use oxide_bus::{Bus, Grant, Payload, Subject};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Reading { room: String, celsius: f64 }
//! impl Payload for Reading {
//!     fn subject(&self) -> Subject<'_> {
//!         Subject::new(["reading", &self.room])
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let (north, south) = (Bus::<Reading>::new(), Bus::<Reading>::new());
//!     let (server, limit) = (MemoryServer::new(), Duration::from_secs(10));
//!
//!     south.grant(Grant::new("from:north").forwards().sources(["thermometer"]).pattern("reading.>"))?;
//!     let to = Link::over(server.engine())
//!         .name("south")
//!         .import_from("north", "reading.>", south.publisher("link", "from:north"))
//!         .spawn(&south)?; // a thread of its own; tasks have `connect`
//!     to.ready(limit)?;
//!     let from = Link::over(server.engine()).name("north").export("reading.>").spawn(&north)?;
//!
//!     let mut readings = south.subscribe();
//!     north.send("thermometer", Reading { room: "cellar".into(), celsius: 12.5 })?;
//!     let reading = readings.recv()?;
//!     assert_eq!((reading.message.celsius, reading.header("link-origin")), (12.5, Some("north")));
//!
//!     from.drain(limit)?;
//!     assert_eq!(from.stats().export.confirmed, 1);
//!     Ok(())
//! }
//! ```
//!
//! # Words
//!
//! | word | meaning |
//! | --- | --- |
//! | exporter, importer | a link as it sends, and as it receives; one link may be both |
//! | origin | the name of the exporter: its frames have it in their subject, and what it sent has it in the header `link-origin` |
//! | frame | what goes through the server: an envelope, or what links say to each other |
//! | number | each exporter counts its envelopes, so an importer notices if one is missing |
//! | life | an exporter from its start to its end; in its next life it counts from the beginning |
//! | mark | a frame that says how far an exporter has counted |
//! | round trip | an answer from the server, which shows that it has everything that was sent before |
//! | window | what was sent and is not yet confirmed by a round trip |
//! | patience | how long an importer waits for what is missing |
//!
//! # What is promised
//!
//! The tests are in tests/link; the promises of accounts are checked against a model under random faults.
//!
//! 1. **What was taken is accounted for.** A link numbers what it takes from its bus. At any time
//!    `exported = confirmed + pending + lost`. *Confirmed* means that a round trip to the server came after it. What is
//!    not confirmed is sent again after a reconnect. *Lost* is what the server refuses for its size, of which importers
//!    are told at once, and what is not confirmed when the link ends.
//! 2. **What comes is accounted for.** For each number an importer does one thing, once: it publishes the envelope,
//!    counts it as refused, denied, late or repeated, or tells it as missed. It publishes in the order of the numbers.
//!    What comes twice is passed over. What is missing it asks for again: the exporter keeps as many confirmed frames as
//!    the [window](crate::link::LinkBuilder::window) holds. What the exporter no longer has, or what does not come within
//!    the [patience](crate::link::LinkBuilder::patience), is missed. While nothing at all comes from the exporter, the
//!    importer waits six times as long, unless the exporter has begun another life. For each gap there is an advisory
//!    [`LinkLagged`], and [`LinkGaps`](crate::link::LinkGaps) says before which delivery it lies.
//! 3. **A full window holds the bus back** by the [overflow policy](crate::link::LinkBuilder::overflow) of the export, and by
//!    nothing else. With [`Block`](crate::Overflow::Block), the default, publishers wait, and nothing is lost. With
//!    another, nobody waits for the server, and the losses are counted.
//! 4. **Nothing waits for the server without end.** Each call of the engine has a
//!    [time limit](crate::link::LinkBuilder::time_limit). A call that takes longer counts as a cut. Advisories say when
//!    the server goes away ([`LinkCut`](crate::Advisory::LinkCut)), and when it is back
//!    ([`LinkRestored`](crate::Advisory::LinkRestored)).
//! 5. **[Ready](crate::link::Link::ready) means ready.** The server has confirmed the subscriptions by a round trip, and
//!    refused none of them. After each reconnect that is done again, before anything counts as confirmed.
//! 6. **Nothing goes in circles.** What a link has brought has the header `link-origin`, and no link sends it again but a
//!    [transit](#transit). All links of a bus remember the last 65,536 ids together, so an envelope that comes by two
//!    links arrives once.
//! 7. **Nothing forged gets in.** An import publishes under the grant of its publisher: the grant must
//!    [forward](crate::Grant::forwards), and its sources and patterns decide. It need not list the header
//!    `link-origin`, which the link itself sets. A message whose own subject is not that of its frame is denied. Denials
//!    are counted, and told by the bus as its own.
//! 8. **Hostile frames harm nobody.** What cannot be read is refused and counted, within the limits of the
//!    [codec](crate::link::LinkBuilder::codec). A number that cannot be makes nobody wait. What is kept is bounded. Of
//!    frames that wait for earlier ones there are 64 MiB at most, and the origin that holds most of them gives way. An
//!    importer that asks for frames without end gets every second place at most, and 4,096 frames at once. Marks, and
//!    what a link imports, go out every 50 ms at most.
//! 9. **A link does not keep its bus open.** When the bus ends, the link sends what the bus has given to it, and ends. So
//!    does a drain that is not over by then. It says how much of what came was
//!    [not published](crate::link::LinkDrainError::BusClosed).
//!
//! # What is not promised
//!
//! * *Confirmed* is not *received*. The server has the envelope; perhaps nobody listens there. What the server drops for
//!   a slow importer is asked for again, as long as the exporter is there and keeps it.
//! * An export by pattern takes publishes that overlap in time in any order, as every subscriber with a filter does. If
//!   both sides are to see one order, build the exporting bus for a [total order](crate::BusBuilder::total_order), or
//!   [export everything](crate::link::LinkBuilder::export_everything).
//! * *Confirmed* is not *permitted* either. A server that does not let the link publish to a subject drops the frame, and
//!   says so later: the round trip succeeds all the same. Such refusals make the link not ready, and are counted as
//!   [`server_denials`](crate::link::LinkStats::server_denials), but not each of many.
//! * A gap is noticed only by a link that imports all that the other exports. Otherwise the missing numbers may be of
//!   envelopes that it does not import. Then they are counted as `untracked`, the order is that of the arrival, and losses
//!   on the way are not told. So import all that is exported, and filter on the bus. Marks say what is exported; if none
//!   comes within six times the patience, missing numbers are `untracked` until one comes.
//! * A link knows 1,024 origins, and four lives of each. For more it forgets those that it has heard nothing of for
//!   longest: what waited for earlier frames is published then, and the gap told.
//! * A link that joins late receives what is sent from then on. Only an exporter that began after the importer is
//!   received from its first envelope on. Marks say how old an exporter is. If one was on its way for longer than the
//!   exporter was there before the importer, it seems to have begun later. So two marks must agree, the second one asked
//!   for anew; if both were, envelopes from before may come, or be told as missed.
//! * A program that ends without [`drain`](crate::link::Link::drain) loses what is in its window.
//! * The origin of a frame is a claim, unless the server has [permissions](#over-nats): if nobody but the user of `north`
//!   may publish `ob.north.>`, nobody else can speak as `north`. Without that, any client can also disturb the numbers
//!   of an exporter, by marks that it forges.
//! * That a stream has stored a frame is a claim as well. Each frame of a [durable link](#durable-links) says where the
//!   answer goes, `_INBOX.north.…`, to all that receive the frame. Without permissions any of them can answer in the place
//!   of the stream; then the link takes for confirmed what is not stored. With them no link may publish there.
//! * A subscriber that makes publishers wait makes the import wait. Meanwhile up to 4,096 frames queue; what comes after
//!   them is asked for again later. The publish that waits keeps its bus open until it has room.
//! * An envelope that one link was denied to publish may come by another while the first attempt runs. It is then
//!   counted as repeated.
//!
//! # Requests
//!
//! A [request](crate::Bus::request) is answered by a responder on another bus as by one here, if the request's subject is
//! exported here and imported there, and the answer's subject is exported there and imported here. Besides:
//!
//! * **That nobody answers is an error at once.** A link [declines](crate::link::ExportStats::declined) a request that no
//!   link imports, or that nobody received on the buses of all links that import it: nobody matched it, all that did had
//!   no room, or it was denied. If everything that has the request declines it, it ends with
//!   [`NoResponders`](crate::RequestError::NoResponders). A subscriber never declines, as on one bus. In the first second
//!   after it has connected a link does not know its importers yet; the error then comes a second late.
//! * **The time that is left travels.** A request goes out with the time that the asking side still waits, an hour at
//!   most. One that waited too long before it is published is not published, and counted as
//!   [`late`](crate::link::ImportStats::late). The time on the way itself is not known, and not counted. One that nobody
//!   waits for any more before the link has taken it from the bus does not go out at all, and is counted as declined: its
//!   time is up, or the request or its [`Replies`](crate::Replies) was dropped.
//! * **A late answer** goes to subscribers only, as on one bus. It is counted as
//!   [`late_answers`](crate::link::ImportStats::late_answers), and so is each answer after the first.
//!
//! Links say what they import when they begin to listen, when they are asked, and then more and more seldom, at last
//! every 10 s. One that says nothing for 35 s is forgotten, and so is the earlier life of one that was started again.
//! If that life says something later, it is another link of the same name at the same server: then both stay. Such a link
//! says so itself, by the advisory [`LinkNamesake`](crate::Advisory::LinkNamesake), as soon as it hears the other one. A
//! request that is on its way when the second of them begins may end with `NoResponders` though the first would answer,
//! and so may others until the first one is heard again, 10 s later at most.
//!
//! Where a link cannot know, the request's time-out decides: if an importer has vanished with the request, if what it
//! said was lost on the way, if a request to a group was sent again, or with more than 256 importers. An importer that
//! has become ready just now may be unknown for some milliseconds.
//!
//! # Groups
//!
//! Links that [share an import](crate::link::LinkBuilder::import_shared) are a group: the server gives each envelope to
//! one of them. Over NATS that is a queue subscription. This is where exactness ends:
//!
//! * A member that ends with envelopes on their way to it, or in its bus, has lost them: nobody else gets them.
//! * After a cut of the exporter's connection, what was not confirmed is sent again, and may go to another member. What
//!   one link asks for again goes to no group a second time.
//! * Numbers say nothing in a group. So no gap is told, nothing is asked for again, and the order is that of the
//!   arrival.
//! * While no member is there, what is sent is lost.
//!
//! A request to a group goes to one of its members. If nobody on that bus answers, the group has declined.
//!
//! In a shell: `oxide-bus link --nats nats://localhost --name south --import-shared 'workers=job.>'`.
//!
//! # Transit
//!
//! A link that is a [transit](crate::link::LinkBuilder::transit) also exports what *another* link of its bus has
//! brought. So buses in a row, each with a server between it and the next, hear of each other.
//!
//! * An importer receives it from the transit: the grant for that origin decides, and `link-origin` is the transit's
//!   name. Where it was sent first only its source says; to trust a transit is to trust it in that.
//! * Circles end by the ids that all links of a bus remember (promise 6). Beyond that, an envelope is passed on by
//!   eight links at most, and then counted as [`passed_over`](crate::link::ExportStats::passed_over).
//! * An envelope whose id is forgotten does not go out: that it was brought is known, but not by which link. So a
//!   transit that is 65,536 envelopes behind the links beside it passes nothing on.
//! * Requests pass as well, and their answers. A request that nobody answers on any bus behind a transit ends at once.
//!
//! In a shell, between two servers: `oxide-bus link --nats nats://near --transit nats://far --name middle --import '>'
//! --export '>'`.
//!
//! # On the wire
//!
//! | subject | what |
//! | --- | --- |
//! | `ob.<origin>.<tokens>` | an envelope. The body is the message alone, as JSON, so that any client of the server can read it |
//! | `ob.<origin>.=_` | an envelope whose payload has no subject |
//! | `ob.<origin>.=c.mark` | how far an exporter is: a second after envelopes, then more and more seldom, and when asked |
//! | `ob.<origin>.=c.gone` | a number that will not come, in its place: no server takes it |
//! | `ob.<origin>.=c.hello` | asks all exporters for a mark |
//! | `ob.<origin>.=c.want.<other>` | asks another for what is missing |
//! | `ob.<origin>.=c.imports` | what a link imports |
//! | `ob.<origin>.=c.declined.<other>` | says to another that nobody answers a request |
//! | `ob.<origin>.=b.<connection>` | a round trip of the NATS engine |
//!
//! Bytes of a token other than `[A-Za-z0-9_-]` are escaped as `=HH`, and the empty token is `=`. Wildcards stay as they
//! are. A pattern matches on the bus exactly if the escaped one matches at the server. A whole subject has at most 1,024
//! bytes; what is longer does not go out, and is counted.
//!
//! The header `Ob` has the version, the life of the link, the number, the envelope's id, its time, its source, and its
//! correlation id if it has one. Then come, as they apply, `hops=` with the number of links that have passed it on,
//! `left=` with the milliseconds that are left for an answer to a request, and `again=` if it was sent before and a link
//! has asked for it again. A header `name` of the envelope is sent as `Ob-H-name`; in its value `=` and white space at
//! the ends are escaped as `=HH`.
//!
//! # Over NATS
//!
//! NATS comes first since its subjects are those of the bus, its server is one small program, and every language has a
//! client. Core NATS is enough: what is lost on the way, links find out and send again. In two shells:
//!
//! ```sh
//! oxide-bus link --nats nats://localhost --name south --import 'event.>'
//! oxide-bus link --nats nats://localhost --name north --export 'event.>' < log.jsonl
//! ```
//!
//! The first shell prints what the second sends, until Ctrl-C. Start it first: what is sent while nobody listens is gone.
//!
//! In a program, `Link::nats("nats://localhost")` begins a link. Passwords, tokens, certificates and credentials files
//! (feature `nats-nkeys`) are options of `link::nats::Nats`.
//!
//! Give each link a user of its own. `oxide-bus link permissions --name north` prints what the server is to permit it,
//! from `permissions` on, for this place in its configuration:
//!
//! ```text
//! authorization { users: [
//!   { user: north, password: …
//! permissions: {
//!   publish: ["ob.north.>"]
//!   subscribe: ["ob.>"]
//! } }
//! ] }
//! ```
//!
//! * Frames of one import pattern come in order, and no mark overtakes them. Those of several patterns may overtake each
//!   other; then some are asked for that are on their way already. One pattern that covers all is cheaper.
//! * A link that is closed while the server is away leaves its client behind, until the server is there again or the
//!   runtime ends.
//! * Between two machines that see each other seldom, give each a server of its own, joined as leaf nodes. A round trip
//!   then confirms that the nearer server has it, and nothing about the farther one; what is lost between them is asked
//!   for again.
//!
//! # Durable links
//!
//! What is sent over a link while nobody listens is gone. Where that must not be, give both sides a stream
//! (`JetStream`) in which the server stores what it is given: [`durable`](crate::link::LinkBuilder::durable), or
//! `oxide-bus link --durable EVENTS`. The server is started with `-js`, and the stream is made once, by any client, such
//! as the [`nats` command](https://github.com/nats-io/natscli):
//!
//! ```sh
//! nats stream add EVENTS --subjects 'ob.*.event.>' --defaults
//! oxide-bus link --nats nats://localhost --name south --import 'event.>' --durable EVENTS
//! oxide-bus link --nats nats://localhost --name north --export 'event.>' --durable EVENTS < log.jsonl
//! ```
//!
//! Start the importer once before the exporter, so that the stream knows it. From then on it may be away: it is brought
//! what was stored meanwhile. A link makes no stream: how much that keeps, for how long and on how many servers is not a
//! link's to decide. It checks when it is made that the stream is there and keeps what is exported and imported; see
//! [`StreamError`](crate::link::StreamError).
//!
//! * **Confirmed means stored.** Each frame is acknowledged by the stream; up to 1,024 are on their way at once. What is
//!   not acknowledged is sent again after a cut, with the same id (`Nats-Msg-Id`), so that the server stores it once.
//!   While the stream is missing or full, nothing is lost: the window fills, and then holds the bus back.
//! * **Each envelope is published once on a bus that stays.** An importer acknowledges an envelope when it is in the queues
//!   of the bus's subscribers. It remembers the numbers of each life of an exporter, without a time limit, and passes over
//!   what comes again. So an exporter may be away for longer than the server remembers ids (two minutes by default). What
//!   was refused or denied does not come again.
//! * **A link that comes back goes on where it was**, in another process too, by its name: the stream has a consumer
//!   `south_1` or `south_2` for the link `south`. So give each link of a stream a name of its own. When a link is given
//!   up for good, delete its consumer.
//! * **An importer that crashes receives again what it has not acknowledged**: up to 1,152 envelopes that were published,
//!   or were about to be. After a [`drain`](crate::link::Link::drain) there are none. A subscriber that must do nothing
//!   twice keeps the [ids](crate::Envelope::id) of what it has done together with the results.
//! * **A link that is new to the stream** begins with what is sent from then on, or where
//!   [`start`](crate::link::LinkBuilder::start) says: with the first envelope that is stored, or with the last one of each
//!   subject. The latter is for what a bus [retains](crate::Bus::retain): give both buses the same rule, and late
//!   joiners on the other side have the last state as well, even if its exporter has ended. The command has the option
//!   `--start`.
//! * **The order is that of the stream**, which is the exporter's. If a stream refuses some frames for a while, since it is
//!   full, those come later than the ones it took meanwhile.
//! * A stream that is deleted, or lost with the store of its server, is waited for. Then the link goes on: what was not
//!   acknowledged is stored in the new stream, and everything in there is brought.
//!
//! The user of a durable link needs more permissions: `oxide-bus link permissions --name north --durable EVENTS` prints
//! them.
//!
//! Not promised:
//!
//! * What a stream drops by its own limits before an importer has it is gone, and nobody is told.
//! * What a stream never takes, since it is too large, is lost; only the exporter counts it.
//! * Links that are not durable do not hear of gaps in what a durable one sends.
//! * A link knows 1,024 origins of a stream, and eight lives of each. For more it forgets those that it has heard of least
//!   lately. All that they have stored is brought; only what they have stored twice may then come twice.
//! * Nobody says over a stream that two links have the same name. They take each other's consumer away, again and again.
//! * Nobody says over a stream that a request is not answered: its time-out decides.
//! * A durable link shares no import in a group, and takes nothing from a work queue (`retention: workqueue`), since it
//!   acknowledges many envelopes at once.
//!
//! # What it costs
//!
//! `cargo bench --features nats --bench link` starts a server of its own, and lets the bare client `async-nats` and links
//! carry notes of 200 bytes in turns. The client sends one header of the same length. A run of 31 rounds on two cores
//! that other builds kept busy (load 10), so only the ratios say something, and those of times say less than those of
//! processor time:
//!
//! | | bare client | and JSON | link, a task | link, a thread |
//! | --- | --- | --- | --- | --- |
//! | notes a second to the other side | 347,000 | 273,000 | 108,000 | 51,000 |
//! | processor a note, both sides without the server | 2.3 µs | 2.8 µs | 7.7 µs | 17.2 µs |
//! | there and back, median | 236 µs | | 346 µs | 384 µs |
//!
//! So a link takes about three times the processor of a program that writes and reads its JSON by itself. By
//! [`connect`](crate::link::LinkBuilder::connect) a link runs as a task of the publishers' runtime; by
//! [`spawn`](crate::link::LinkBuilder::spawn) on a thread, and then threads that wake each other take most of the time. A
//! link slows a subscriber of the same bus that receives other envelopes as any other subscriber with a pattern does
//! (ratios of several runs 0.95 to 1.16). A subscriber of the same envelopes shares the cores with the link and the
//! server (1.2 to 1.6).
//!
//! With `-- --durable` it compares durable links with the bare client, both with 1,024 notes on their way at once: how many
//! a second are stored, and how many get through a stream. No quiet machine has measured that yet.
//!
//! # Another engine
//!
//! For another server, implement [`Engine`]; the [module](crate::link::engine) says what a link needs of it. It need not
//! store anything, nor acknowledge single frames, nor tell how many it has lost. An engine for durable links does store
//! and acknowledge; [`StreamEngine`] leads to it.
//!
//! [`Engine`]: crate::link::engine::Engine
//! [`StreamEngine`]: crate::link::engine::StreamEngine
//! [`Link`]: crate::link::Link
//! [`LinkLagged`]: crate::Advisory::LinkLagged
