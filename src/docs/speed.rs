//! What a publish and a delivery cost, beside other crates, how it was measured, and the commands that print it on your
//! machine.
//!
//! # One publisher and many subscribers
//!
//! One thread publishes 64 pings, each a fresh envelope, and every subscriber then receives them:
//! nanoseconds for each delivery, medians on a 2-core AMD EPYC virtual machine (2026-11-30, `--quick`).
//!
//! | subscribers | 1 | 4 | 16 | 64 | 256 |
//! | --- | --- | --- | --- | --- | --- |
//! | oxide-bus, `try_recv` | 124 | 40 | 19.4 | 14.1 | 13.1 |
//! | oxide-bus, `try_recv_ref` | 116 | 32 | 11.3 | 6.0 | 4.8 |
//! | `bus` | 135 | 46 | 24.0 | 18.4 | 17.0 |
//! | kanal, a channel each | 120 | 46 | 27.4 | 22.6 | 21.6 |
//! | `tokio::sync::broadcast` | 156 | 56 | 30.2 | 23.9 | 22.4 |
//! | crossbeam, a channel each | 123 | 52 | 33.6 | 28.8 | 28.1 |
//! | `disruptor` (a preallocated ring, no sleeping, no joining) | 69 | 18 | 5.1 | 1.8 | 1.0 |
//! | the seed's design | 275 | 168 | 139 | 135 | 165 |
//!
//! *The seed* is the bus of the `oxide-k` crate, from which this one took its vocabulary.
//!
//! * It allocates 4 times for 64 publishes under load, and not at all to deliver.
//! * A stuck subscriber does not slow publishing measurably.
//! * Batches of 64 (`publish_batch`, `try_recv_each`) take a fifth to a third of the time of the next best.
//!
//! It is not the fastest everywhere. With one subscriber, a channel is as fast. If each envelope carries a JSON
//! document, owned deliveries to up to 16 subscribers take as long as with `bus`.
//!
//! # Between threads
//!
//! With lossless subscribers ([`Overflow::Block`](crate::Overflow::Block)), on two cores, it moves twice as many
//! envelopes as the next best with one subscriber, and 1.1 to 1.2 times as many with two. A crossfire channel for each
//! subscriber moves more with four or eight, where this crate has 0.75 to 0.95 of its deliveries, and with several
//! publishers (0.55 to 1.0).
//!
//! # Tasks
//!
//! Tasks (feature `tokio`) on one thread publish and receive 1.3 to 1.5 times as fast as over the best of tokio's
//! channels and `async-broadcast`, and on two threads 1.1 to 1.6 times as fast. Waking a task takes 1.0 to 1.1 times as
//! long as with tokio's mpsc.
//!
//! # Where programs really are
//!
//! The cells below measure what programs do beside publishing to subscribers that keep up. The command below prints
//! them. As parts of the time of the best peer, on the same machine at rest, in three runs:
//!
//! | cell | time of the best peer |
//! | --- | --- |
//! | (m) publish to 8 sleeping threads; its own processor time; until the last has it | 0.36; 0.4; 1.5 |
//! | (m) the same for 64; its own processor time; until the last has it | 4 to 8; 0.06; 1.3 |
//! | (m) publish to one sleeping thread; to 1, 8 and 64 tasks | 1.05; 1.0, 0.8 to 2.9, 1.0 |
//! | (n) 16 by pattern, by source, by predicate, groups of one | 1.5, 1.4, 1.55, 1.6 |
//! | (n) one of 1,000 | 1.9 to 2.1 |
//! | (o) keep the newest, publish; publish and receive, none slow | 1.03 to 1.15; 0.7 |
//! | (p) groups, 1 and 4 publishers | 2.0 to 2.9 and 2.0 of crossbeam; 2.8 to 4.5 of the best |
//! | (r) request between threads; between tasks | 1.7; 2.0 to 2.2 |
//! | (s) a publish beside a loop of changes among 10,000, median; 90th percentile | 0.8; 0.9 to 1.0 |
//! | (v) write, read a ping; 201 bytes | 0.6, 1.05; 0.8, 0.8 |
//! | (v) audited: 512 publishes, and until they are written | 1.4 to 1.9; 0.9 to 1.0 |
//!
//! Each figure varies with the machine. On an Intel Xeon, and on another AMD EPYC, (n) took 1.3 to 2.5 and one of
//! 1,000 up to 3.5, (o) up to 1.3, and (s) up to 6.6 at the 90th percentile. With 64 sleeping threads on two cores,
//! those that the publisher wakes take its core, and it waits for them.
//!
//! `tokio::sync::broadcast` and `async-broadcast` publish past full queues in 200 ns, however many there are (q). This
//! crate looks once at each full queue: past 10 of them in 0.75 to 0.8 of the time of a crossbeam fan-out, past 1,000
//! in 0.05 to 0.15, past 10,000 in 0.1 to 0.35. One subscriber that is 90 % full makes a publish to 16 others take 1.0
//! to 1.15 times as long, and 1.0 to 1.35 times with what it receives itself (u). These figures of (q) and (u) are of a
//! 2-core AMD EPYC virtual machine that did other work meanwhile, and so are the audited ones. There an audit log with
//! a hash chain takes longer for a line than one without: 1.05 to 1.2 times as long for envelopes of 201 bytes of JSON,
//! and 1.2 to 1.3 times for pings (v). Within a second, of 8 publishers that wait for one slow subscriber the least
//! gets 0.51 to 0.87 of a fair share, and of 64 that wait for a fast one 0.36 to 0.59 (t).
//!
//! | cell | what is measured | against |
//! | --- | --- | --- |
//! | (m) at rest | 1, 8 and 64 threads, and as many tasks, sleep when one envelope is published: what the publish takes, by the clock and by its thread's own processor time, and when the last one has it | every fan-out and ring whose subscribers sleep, in threads and in tasks |
//! | (n) filtered | 16 and 1,000 subscribers that match by pattern, source or predicate; 16 groups of one; one that matches beside 999 that do not | a crossbeam fan-out that asks the same question; the one channel alone |
//! | (o) keep the newest | 8 subscribers with [`DropOldest`](crate::Overflow::DropOldest): none is slow, all read a quarter, none reads | `tokio::sync::broadcast`, `async-broadcast` in overflow mode |
//! | (p) groups | 1 and 4 publishers, 4 members, lossless | crossbeam, crossfire, flume, kanal and async-channel, each as one channel for many senders and receivers |
//! | (q) full queues | a publish to 10, 1,000 and 10,000 subscribers that are full | every contestant that loses rather than waits |
//! | (r) request and reply | a request between two threads, and between two tasks | a pair of channels, which only one thread may use; crossbeam with a channel for each answer; for tasks tokio's mpsc with oneshot |
//! | (s) coming and going | one thread subscribes and leaves in a loop while another publishes every 300 µs to 10, 1,000 and 10,000 subscribers with room: the median, 90th percentile and longest publish, and what it takes to subscribe and leave | `tokio::sync::broadcast`, `async-broadcast`, a crossbeam fan-out behind an arc-swap list |
//! | (t) fairness | 8 publishers to one slow lossless subscriber, and 64 to a fast one: the least share of a publisher (1 is a fair one) and the longest wait | every contestant with several lossless publishers |
//! | (u) nearly full | 16 subscribers that read all, and one at 90 % of its capacity beside them | the same without that one, and every contestant that loses rather than waits |
//! | (v) wire and audit | writing and reading an envelope as JSON; publishing with an audit log | `serde_json` on derived types of the same shape; a channel and a thread that writes lines |
//!
//! Each cell counts what arrives, and fails if something is missing.
//!
//! # How this was measured
//!
//! This prints all of the above on your machine:
//!
//! ```sh
//! cargo bench --features tokio --bench compare
//! ```
//!
//! It takes under fifteen minutes; with `-- --quick`, as for the table above, under three minutes once it is built.
//! `-- --cell a,b` measures only some of the cells, and `-- --json table.json` also writes the medians to a file.
//! [`contributing`](crate::docs::contributing#measure-before-and-after) says how to compare two versions.
//!
//! * Every contestant does the same job with the same envelopes, and each envelope is made within the measured time.
//! * The contestants take turns in short rounds, and each round begins with another contestant. So a disturbance of the
//!   machine affects all of them alike. The first round is not counted, and the median of the others is shown.
//! * `disruptor` and `enso-channel` do less than the others: their subscribers neither sleep nor join. They are shown,
//!   and are never the best peer. `photon-ring` does not take part: it carries plain bytes only, and no envelope.
//! * Allocations are counted in a process of their own, because counting makes an allocation slower.
//! * If the machine does something else at the same time, the cells with several threads vary most.
//!
//! # What routing costs
//!
//! An index finds the subscribers that listen by pattern or source. So the cost of a publish depends on how many
//! subscribers match, and not on how many there are. Nanoseconds for one publish, without making the envelope (the same
//! machine):
//!
//! | subscribers | 0 match | 1 matches | 10 match | 100 match |
//! | --- | --- | --- | --- | --- |
//! | 1 | 248 | 273 | | |
//! | 10 | 253 | 279 | 615 | |
//! | 100 | 267 | 292 | 641 | 4,223 |
//! | 1,000 | 279 | 304 | 684 | 4,260 |
//! | 10,000 | 280 | 305 | 707 | 4,271 |
//!
//! A command to one of 1,000 modules costs a hundredth of what it costs to send it to all of them through
//! `tokio::sync::broadcast`, for 999 to discard. If 64 commands are sent before any module looks, it costs a thirtieth.
//! This prints the tables:
//!
//! ```sh
//! cargo bench --bench routing
//! ```
//!
//! # The parts
//!
//! | command | measures |
//! | --- | --- |
//! | `cargo bench --bench envelope` | making an envelope |
//! | `cargo bench --bench publish` | one publish, by what its subscribers are like |
//! | `cargo bench --bench fanout` | publishing a burst and receiving it, on one thread |
//! | `cargo bench --bench authorize` | a publish without a check, by capability, and through a publisher |
//!
//! The command `oxide-bus bench` puts load on a bus with several threads or tasks, and prints how many envelopes a
//! second arrive and after what time. A scenario says what the load is like (a slow subscriber, a pipeline, subscribers
//! that sleep, …), lists of sizes make a sweep, and `--report` writes a page with plots. With
//! `--against tokio,crossbeam` it runs the same load over the two channels that a program would use instead, in turns
//! with the bus. `--compare` says what has changed since an earlier result by more than the rounds differ.
