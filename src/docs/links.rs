//! Links between the buses of several programs: what is promised, what is not, and what an engine must offer.
//!
//! A program outgrows one process, and then one machine. The bus does not become a broker for that: links connect it
//! over one. A [`Link`] sends envelopes that match its exports to a server, and publishes what it imports from there.
//! The server is behind a small trait, [`Engine`]. One engine uses a [NATS](https://nats.io) server (feature `nats`);
//! one [in memory](crate::link::memory) is for tests.
//!
//! Read the example and the promises first. Then read about [requests](#requests), [groups](#groups),
//! [NATS](#over-nats) and [durable links](#durable-links) as you need them.
//!
//! # An example
//!
//! This is a link between two buses, over a server. By the grant, only readings of `thermometer` on `north` get onto
//! the bus `south`.
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
//! | origin | the name of the exporter; it is in the subject of its frames, and in the header `link-origin` of its envelopes |
//! | frame | a message at the server: an envelope, or something that links say to each other |
//! | number | each exporter counts its envelopes, so an importer notices if one is missing |
//! | life | an exporter from its start to its end; in its next life it counts from the beginning |
//! | mark | a frame that says how far an exporter has counted |
//! | round trip | an answer from the server; it shows that the server has everything that was sent before |
//! | window | the frames that no round trip has confirmed yet |
//! | patience | how long an importer waits for a missing envelope |
//!
//! # What is promised
//!
//! The tests are in tests/link. They check the accounts against a model, under random faults.
//!
//! 1. **Exports are accounted for.** A link numbers the envelopes that it takes from its bus. At any time
//!    `exported = confirmed + pending + lost`. An envelope is *confirmed* when a round trip to the server has come
//!    after it. Unconfirmed ones are sent again after a reconnect. An envelope is *lost* if the server refuses it for
//!    its size, which importers are told at once, or if it is unconfirmed when the link ends.
//! 2. **Imports are accounted for.** For each number an importer does one thing, once: it publishes the envelope,
//!    counts it as refused, denied, late or repeated, or tells it as missed. It publishes in the order of the numbers,
//!    and passes over what comes twice. It asks for missing envelopes again: the exporter keeps as many confirmed
//!    frames as the [window](crate::link::LinkBuilder::window) holds. An envelope that the exporter no longer has, or
//!    that does not come within the [patience](crate::link::LinkBuilder::patience), is missed. While nothing comes from
//!    the exporter, the importer waits six times as long, unless the exporter has begun another life. Each gap is told
//!    by an advisory [`LinkLagged`], and [`LinkGaps`](crate::link::LinkGaps) says before which delivery it lies.
//! 3. **A full window holds the bus back** by the [overflow policy](crate::link::LinkBuilder::overflow) of the export,
//!    and by nothing else. With [`Block`](crate::Overflow::Block), the default, publishers wait, and nothing is lost.
//!    With another policy nobody waits for the server, and losses are counted.
//! 4. **Nothing waits for the server forever.** Each call of the engine has a [time
//!    limit](crate::link::LinkBuilder::time_limit). A call that takes longer counts as a cut. Advisories say when the
//!    server goes away ([`LinkCut`](crate::Advisory::LinkCut)), and when it is back
//!    ([`LinkRestored`](crate::Advisory::LinkRestored)).
//! 5. **[Ready](crate::link::Link::ready) means ready.** The server has confirmed the subscriptions by a round trip,
//!    and refused none of them. Each reconnect begins with the same round trip, before anything counts as confirmed.
//! 6. **Nothing goes in circles.** What a link has brought has the header `link-origin`. Only a [transit](#transit)
//!    sends it on. All links of a bus share a memory of the last 65,536 ids, so an envelope that comes by two links
//!    arrives once.
//! 7. **Nothing forged gets in.** An import publishes under the grant of its publisher: the grant must
//!    [forward](crate::Grant::forwards), and its sources and patterns decide. The grant need not list the header
//!    `link-origin`, because the link itself sets it. A message whose own subject is not that of its frame is denied.
//!    The bus counts and tells these denials as its own.
//! 8. **Hostile frames harm nobody.** Unreadable frames are refused and counted, within the limits of the
//!    [codec](crate::link::LinkBuilder::codec). An impossible number makes nobody wait. Memory is bounded: frames that
//!    wait for earlier ones take at most 64 MiB, and the origin with most of them gives way. An importer that asks for
//!    frames endlessly gets at most every second place, and 4,096 frames at once. Marks and announcements of imports go
//!    out at most every 50 ms.
//! 9. **A link does not keep its bus open.** When the bus ends, the link sends what the bus has given to it, and ends.
//!    A drain that is not over by then ends too. It says how many envelopes were [not
//!    published](crate::link::LinkDrainError::BusClosed).
//!
//! # What is not promised
//!
//! * *Confirmed* is not *received*. The server has the envelope, but perhaps nobody listens there. If the server drops
//!   frames of a slow importer, the importer asks for them again, as long as the exporter is there and keeps them.
//! * An export by pattern takes overlapping publishes in any order, as every subscriber with a filter does. If both
//!   sides must see one order, build the exporting bus with a [total order](crate::BusBuilder::total_order), or [export
//!   everything](crate::link::LinkBuilder::export_everything).
//! * *Confirmed* is not *permitted* either. A server that does not let the link publish to a subject drops the frame,
//!   and says so later: the round trip still succeeds. Such a refusal makes the link not ready, and counts as one of
//!   its [`server_denials`](crate::link::LinkStats::server_denials). Of many refusals not every one is counted.
//! * Only a link that imports everything that the other exports notices a gap. Otherwise missing numbers may belong to
//!   envelopes that it does not import. Then they count as `untracked`, envelopes are published as they arrive, and
//!   losses on the way are not told. So import everything that is exported, and filter on the bus. Marks say what is
//!   exported. If no mark comes within six times the patience, missing numbers are `untracked` until one comes.
//! * A link knows 1,024 origins, and four lives of each. For a new one it forgets the one heard longest ago. Frames of
//!   it that waited for earlier ones are published then, and the gap is told.
//! * A link that joins late receives what is sent from then on. It receives an exporter from its first envelope on only
//!   if the exporter began later than the link. Marks say how old an exporter is, but a delayed mark makes it seem
//!   younger. So two marks must agree, and the link asks for the second one. If both are delayed too long, earlier
//!   envelopes may come, or be told as missed.
//! * A program that ends without [`drain`](crate::link::Link::drain) loses the frames of its window.
//! * The origin of a frame is only a claim, unless the server has [permissions](#over-nats): if only the user of
//!   `north` may publish `ob.north.>`, nobody else can speak as `north`. Without permissions, any client can also
//!   disturb the numbers of an exporter, by forged marks.
//! * The answer of a stream is only a claim too. Each frame of a [durable link](#durable-links) shows its receivers
//!   where the answer goes, `_INBOX.north.…`. Without permissions any of them can answer instead of the stream, and the
//!   link takes for confirmed what is not stored. With permissions no link may publish there.
//! * A subscriber that makes publishers wait makes the import wait. Meanwhile up to 4,096 frames queue; the link asks
//!   for further ones again later. The waiting publish keeps its bus open until it has room.
//! * An envelope that one link may not publish may come by another link while the first attempt runs. It then counts as
//!   repeated.
//!
//! # Requests
//!
//! A responder on another bus answers a [request](crate::Bus::request) like one on the same bus, if two things hold.
//! The request's subject is exported here and imported there; the answer's subject is exported there and imported here.
//! Besides:
//!
//! * **If nobody can answer, the error comes at once.** A link [declines](crate::link::ExportStats::declined) a request
//!   that no link imports. It also declines a request that nobody receives on any importing bus: nobody matches it,
//!   those that match have no room, or it is denied. If all that have the request decline it, it ends with
//!   [`NoResponders`](crate::RequestError::NoResponders). A subscriber never declines, as on one bus. In the first
//!   second after it has connected, a link does not know its importers yet. The error then comes a second late.
//! * **The time that is left travels.** A request goes out with the time that the asking side still waits, an hour at
//!   most. If that time is up before the request is published, it is not published, and counts as
//!   [`late`](crate::link::ImportStats::late). The time on the way is not known, and not counted. A request whose time
//!   is up, or whose [`Replies`](crate::Replies) were dropped, before the link has taken it from the bus does not go
//!   out, and counts as declined.
//! * **A late answer** goes to subscribers only, as on one bus. It counts as one of the
//!   [`late_answers`](crate::link::ImportStats::late_answers), and so does each answer after the first.
//!
//! Links announce what they import when they begin to listen and when they are asked. Then they repeat it with growing
//! pauses, up to 10 s. A link that is silent for 35 s is forgotten, and so is the earlier life of a restarted one. If
//! that life is heard again, it is another link of the same name at the same server; then both stay. Each of the two
//! reports the other, by the advisory [`LinkNamesake`](crate::Advisory::LinkNamesake). When the second one begins,
//! requests may end with `NoResponders` even if the first would answer. That lasts until the first is heard again, at
//! most 10 s.
//!
//! If a link cannot know whether somebody answers, the request's time-out decides. That is so if an importer has
//! vanished with the request, if its message was lost, if a request to a group was sent again, or with more than 256
//! importers. An importer that became ready just now may be unknown for some milliseconds.
//!
//! # Groups
//!
//! Links that [share an import](crate::link::LinkBuilder::import_shared) are a group: the server gives each envelope to
//! one of them. Over NATS that is a queue subscription. Exactness ends in these cases:
//!
//! * If a member ends while envelopes are under way to it, or in its bus, they are lost: no other member gets them.
//! * After a cut of the exporter's connection, unconfirmed envelopes are sent again, and may go to another member.
//!   Envelopes that one link asks for again go to no group a second time.
//! * Numbers mean nothing in a group. So no gap is told, nothing is asked for again, and envelopes are published as
//!   they arrive.
//! * While no member is there, envelopes are lost.
//!
//! A request to a group goes to one of its members. If nobody on that bus answers, the group has declined.
//!
//! In a shell: `oxide-bus link --nats nats://localhost --name south --import-shared 'workers=job.>'`.
//!
//! # Transit
//!
//! A [transit](crate::link::LinkBuilder::transit) is a link that also exports what *another* link of its bus has
//! brought. So envelopes can cross a row of buses with a server between each two.
//!
//! * An importer receives such an envelope from the transit: the grant for that origin decides, and `link-origin` is
//!   the transit's name. Only the envelope's source says where it came from first. A transit is trusted to say that
//!   truly.
//! * Circles end by the ids that all links of a bus remember (promise 6). Beyond that, an envelope is passed on by
//!   eight links at most, and then counted as [`passed_over`](crate::link::ExportStats::passed_over).
//! * An envelope whose id is forgotten does not go out, because nobody knows which link brought it. So a transit that
//!   is 65,536 envelopes behind the other links of its bus passes nothing on.
//! * Requests and their answers pass too. A request that nobody answers on any bus behind a transit ends at once.
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
//! | `ob.<origin>.=c.mark` | how far an exporter is: a second after envelopes, then with growing pauses, and when asked |
//! | `ob.<origin>.=c.gone` | a number that will not come, because no server takes its frame |
//! | `ob.<origin>.=c.hello` | asks all exporters for a mark |
//! | `ob.<origin>.=c.want.<other>` | asks another for missing frames |
//! | `ob.<origin>.=c.imports` | what a link imports |
//! | `ob.<origin>.=c.declined.<other>` | says to another that nobody answers a request |
//! | `ob.<origin>.=b.<connection>` | a round trip of the NATS engine |
//!
//! Bytes of a token other than `[A-Za-z0-9_-]` are escaped as `=HH`, and the empty token is `=`. Wildcards stay as they
//! are. A pattern matches on the bus exactly if the escaped one matches at the server. A whole subject has at most
//! 1,024 bytes; an envelope with a longer one does not go out, and is counted.
//!
//! The header `Ob` has the version, the life of the link, the number, the envelope's id, its time, its source, and its
//! correlation id if it has one. Three parts follow if they apply. `hops=` has the number of links that have passed the
//! envelope on. `left=` has the milliseconds that are left for an answer to a request. `again=` means that the frame
//! was sent before, and a link has asked for it again. A header `name` of the envelope is sent as `Ob-H-name`; in its
//! value `=` and white space at the ends are escaped as `=HH`.
//!
//! # Over NATS
//!
//! NATS comes first because its subjects are those of the bus, its server is one small program, and every language has
//! a client. Core NATS is enough: links find out what is lost on the way, and send it again. In two shells:
//!
//! ```sh
//! oxide-bus link --nats nats://localhost --name south --import 'event.>'
//! oxide-bus link --nats nats://localhost --name north --export 'event.>' < log.jsonl
//! ```
//!
//! The first shell prints what the second sends, until Ctrl-C. Start it first: envelopes that are sent while nobody
//! listens are gone.
//!
//! In a program, `Link::nats("nats://localhost")` begins a link. Passwords, tokens, certificates and credentials files
//! (feature `nats-nkeys`) are options of `link::nats::Nats`.
//!
//! Give each link a user of its own. `oxide-bus link permissions --name north` prints its permissions, for this place
//! in the server's configuration, from `permissions` on:
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
//! * Frames of one import pattern come in order, and no mark overtakes them. Frames of several patterns may overtake
//!   each other. Then the link asks for some that are already under way. One pattern that covers all is cheaper.
//! * If a link is closed while the server is away, its client stays until the server is back or the runtime ends.
//! * If two machines are seldom connected, give each a server of its own, joined as leaf nodes. A round trip then
//!   confirms only that the nearer server has the frames. Frames that are lost between the servers are asked for again.
//!
//! # Durable links
//!
//! Envelopes that are sent over a link while nobody listens are gone. If that must not happen, give both sides a stream
//! (`JetStream`) in which the server stores them: [`durable`](crate::link::LinkBuilder::durable), or
//! `oxide-bus link --durable EVENTS`. Start the server with `-js`, and make the stream once with any client, such as
//! the [`nats` command](https://github.com/nats-io/natscli):
//!
//! ```sh
//! nats stream add EVENTS --subjects 'ob.*.event.>' --defaults
//! oxide-bus link --nats nats://localhost --name south --import 'event.>' --durable EVENTS
//! oxide-bus link --nats nats://localhost --name north --export 'event.>' --durable EVENTS < log.jsonl
//! ```
//!
//! Start the importer once before the exporter, so that the stream knows it. From then on it may be away: it receives
//! later what was stored meanwhile. A link makes no stream, because it cannot decide how much the stream keeps, for how
//! long and on how many servers. When a link is made, it checks that the stream exists and keeps its exports and
//! imports; see [`StreamError`](crate::link::StreamError).
//!
//! * **Confirmed means stored.** The stream acknowledges each frame; up to 1,024 are under way at once. Unacknowledged
//!   frames are sent again after a cut, with the same id (`Nats-Msg-Id`), so the server stores them once. While the
//!   stream is missing or full, nothing is lost: the window fills, and then holds the bus back.
//! * **Each envelope is published once on a bus that stays.** An importer acknowledges an envelope when it is in the
//!   queues of the bus's subscribers. It remembers the numbers of each life of an exporter, without a time limit, and
//!   passes over frames that come again. So an exporter may be away for longer than the server remembers ids (two
//!   minutes by default). Refused or denied envelopes do not come again.
//! * **A link that comes back goes on where it was**, in another process too. The stream knows it by its name: it has a
//!   consumer `south_1` or `south_2` for the link `south`. So give each link of a stream a name of its own. If you give
//!   up a link for good, delete its consumer.
//! * **An importer that crashes receives again what it has not acknowledged**: up to 1,152 envelopes that were
//!   published, or were about to be. After a [`drain`](crate::link::Link::drain) there are none. If a subscriber must
//!   do nothing twice, it has to keep the [ids](crate::Envelope::id) of finished work together with the results.
//! * **A link that is new to the stream** begins with what is sent from then on. With
//!   [`start`](crate::link::LinkBuilder::start) it begins with the first stored envelope, or with the last one of each
//!   subject. The latter is for envelopes that a bus [retains](crate::Bus::retain): with the same rule on both buses,
//!   late subscribers on the other side receive the last state too, even if its exporter has ended. The command has the
//!   option `--start`.
//! * **The order is that of the stream**, which is the exporter's. If a stream is full and refuses some frames for a
//!   while, these come later than the ones that it took meanwhile.
//! * If a stream is deleted, or lost with the store of its server, the link waits for a new one. Then it stores
//!   unacknowledged frames in the new stream, and brings everything from there.
//!
//! The user of a durable link needs more permissions: `oxide-bus link permissions --name north --durable EVENTS` prints
//! them.
//!
//! Not promised:
//!
//! * If a stream drops frames by its own limits before an importer has them, they are gone, and nobody is told.
//! * A frame that is too large for a stream is lost, and only the exporter counts it.
//! * Links that are not durable learn of no gaps in what a durable one sends.
//! * A link knows 1,024 origins of a stream, and eight lives of each. For a new one it forgets the one heard longest
//!   ago. It still brings everything that was stored, but frames that were stored twice may then come twice.
//! * Over a stream, two links with one name are not reported. They delete each other's consumer again and again.
//! * Over a stream, nobody says that a request will not be answered: its time-out decides.
//! * A durable link shares no import in a group. It takes nothing from a work queue (`retention: workqueue`), because
//!   it acknowledges many envelopes at once.
//!
//! # What it costs
//!
//! `cargo bench --features nats --bench link` starts a server of its own. The bare client `async-nats` and links carry
//! notes of 200 bytes in turns. The client sends one header of the same length. The figures are from 31 rounds on two
//! cores that other builds kept busy (load 10). So only the ratios mean something, and ratios of processor time more
//! than those of times:
//!
//! | | bare client | and JSON | link, a task | link, a thread |
//! | --- | --- | --- | --- | --- |
//! | notes a second to the other side | 347,000 | 273,000 | 108,000 | 51,000 |
//! | processor a note, both sides without the server | 2.3 µs | 2.8 µs | 7.7 µs | 17.2 µs |
//! | there and back, median | 236 µs | | 346 µs | 384 µs |
//!
//! So a link takes about three times the processor time of a program that writes and reads its JSON by itself. With
//! [`connect`](crate::link::LinkBuilder::connect) a link runs as a task of the publishers' runtime. With
//! [`spawn`](crate::link::LinkBuilder::spawn) it runs on a thread, and then most of the time goes into threads that
//! wake each other. A link slows a subscriber of other envelopes on the same bus like any other subscriber with a
//! pattern (ratios of several runs 0.95 to 1.16). A subscriber of the same envelopes shares the cores with the link and
//! the server (1.2 to 1.6).
//!
//! With `-- --durable` the bench compares durable links with the bare client, both with 1,024 notes under way at once.
//! It counts how many a second are stored, and how many get through a stream. No quiet machine has measured that yet.
//!
//! # Another engine
//!
//! For another server, implement [`Engine`]; the [module](crate::link::engine) says what a link needs of it. It need
//! not store anything, acknowledge single frames, or tell how many it has lost. An engine for durable links stores and
//! acknowledges; see [`StreamEngine`].
//!
//! [`Engine`]: crate::link::engine::Engine
//! [`StreamEngine`]: crate::link::engine::StreamEngine
//! [`Link`]: crate::link::Link
//! [`LinkLagged`]: crate::Advisory::LinkLagged
