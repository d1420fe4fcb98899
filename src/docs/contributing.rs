//! For a change of this crate: how to test it, how to read a failing model, how to measure it, and where it belongs.
//!
//! Read [`internals`](super::internals) first: it is a tour of the code in ten minutes.
//!
//! # How to run things
//!
//! | to see | command |
//! | --- | --- |
//! | everything that must hold of a change | `bash .ci/run` |
//! | tests, with all features (five minutes on two cores) | `cargo test --all-features` |
//! | one test | `cargo test --all-features --test library -- overflow::` |
//! | lints and format | `cargo clippy --all-targets --all-features -- -D warnings`, `cargo fmt --check` |
//! | these pages, with links checked | `RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --all-features` |
//! | loom models | `RUSTFLAGS='--cfg oxide_loom' CARGO_TARGET_DIR=target/loom cargo test --release --features tokio --lib loom` |
//! | random load, every promise checked | `cargo run --release --features cli -- soak --minutes 30` |
//! | the comparison with other crates (three minutes once built) | `cargo bench --features tokio --bench compare -- --quick` |
//! | the parts | `cargo bench --bench publish`, and `fanout`, `routing`, `authorize`, `envelope` |
//! | a link beside the bare client of its server (three minutes once built) | `cargo bench --features nats --bench link` |
//! | that benches compile | `cargo bench --all-features --no-run` |
//! | a fuzz target, see [`fuzzing`](super::fuzzing) | `cargo +nightly fuzz run envelope_decode -- -max_len=4096` |
//! | fuzz bodies on their corpus, without a fuzzer | `cargo test --all-features --test library corpus` |
//!
//! `.ci/run` needs a Rust toolchain with rustfmt and clippy, and a C++ compiler for the fuzz targets. It installs
//! nothing but Debian's `nats-server`, `openssl` and `tmux`, if they are missing. Without the first the tests in
//! tests/link/nats are skipped, without `openssl` the one of TLS, and without `tmux` those of the live view of `top`;
//! where the environment variable `CI` is set they fail.
//!
//! # Where a test goes
//!
//! | what it shows | place |
//! | --- | --- |
//! | what a user may rely on, in threads | tests/library, in the file of the promise; each guarantee names its files |
//! | the same in tasks | tests/tasks; a new method also needs its twin (`tests/tasks/parity.rs`) |
//! | links between buses | tests/link; with more messages: `OXIDE_LINK_MESSAGES=1000000 cargo test --release --features link link` |
//! | the command | tests/command |
//! | what needs a process of its own: a global recorder, a kill, a folder | tests/process |
//! | what needs a NATS server | tests/link/nats, which start one each, on a free port; with ten crashes each: `OXIDE_LINK_LONG=1 cargo test --features nats --test link nats::faults` |
//! | any mixture of operations | the reference model, `tests/support/model.rs`: random scripts and a fuzz target run it |
//! | that a hostile module cannot do something | `tests/library/threat_model.rs`, with a line on that [page](super::threat_model) |
//! | what one private function does | in a few lines, `mod tests` at the end of its file; else the folder `tests` of its layer in `src/` |
//! | an interleaving of two or three threads | a loom model in the folder `tests` of its layer in `src/` |
//! | that the others go on if a thread is stopped just there | `src/engine/tests/core_stopped/`, by a step of `support/failpoints` |
//! | a rule about the sources or these pages | `tests/library/layers.rs`, `tests/library/type_names.rs`, `tests/library/documents.rs` |
//!
//! No test sleeps to let time pass, or relies on it: a `ManualClock` of the module `testing` shows when a grant expires
//! and a wait ends, to the nanosecond (`tests/library/testing/clock.rs`). `Instant::now` is for what no user chooses;
//! everything else asks `support::clock`.
//!
//! A test's name says what holds, as a sentence: `a_subscriber_that_sleeps_is_woken_by_either_of_two_publishers`.
//!
//! # A failing loom model
//!
//! A model is a function that loom runs once for each interleaving of its threads. [loom](https://docs.rs/loom) also
//! tries the older values that a relaxed load may return. So a missing ordering fails here, though not on an ordinary
//! machine.
//!
//! 1. Run the one model, by its name. The last lines are of the interleaving that failed.
//!
//!    ```sh
//!    RUSTFLAGS='--cfg oxide_loom' CARGO_TARGET_DIR=target/loom \
//!        cargo test --release --features tokio --lib NAME -- --nocapture
//!    ```
//!
//! 2. Read what kind of failure it is:
//!    * an `assert!` of the model: a promise was broken in this interleaving;
//!    * *deadlock*: every thread sleeps, so a wake-up was lost, or two waited for each other;
//!    * *causality violation*: two accesses are not ordered, so an acquire or release is missing;
//!    * *leaked*: a cycle of `Arc`s, or a value that no thread dropped;
//!    * *exceeded maximum number of branches*: a loop spins without `yield_now`, so loom never lets the other thread
//!      run.
//! 3. Make the model smaller: fewer envelopes, fewer threads, fewer preemptions (the number given to `explore`). Most
//!    failures need one or two.
//! 4. See the steps: write `loom::model` in the place of `explore` for the moment, and set `LOOM_LOG=trace`,
//!    `LOOM_LOCATION=1` (file and line of each access), `LOOM_MAX_PREEMPTIONS=2`, `LOOM_MAX_BRANCHES=10000` and
//!    `LOOM_CHECKPOINT_INTERVAL=1` (a line for each interleaving). The end of the output is the failing one.
//! 5. Mend the cause, and say in the comment beside the ordering why it is needed and which function is its partner.
//!    Then weaken it once, and see that the model fails.
//!
//! `explore` prints how many interleavings there were, and whether that was all or what a minute allows. A model whose
//! number falls to a handful does not test anything any more.
//!
//! # Measure before and after
//!
//! * Build the comparison of both versions: `cargo bench --bench compare --no-run`, in a working copy each. Choose the
//!   cells that your change may touch; [`speed`](super::speed) lists them.
//! * Run them in turns, at least five times each, on a machine that does nothing else: before, after, before, after:
//!   `cargo bench --bench compare -- --cell a,m --json after-1.json`. With `--features tokio` for cells of tasks.
//! * Compare ratios, not times. In each file divide the cell by one of its peers, such as the crossbeam fan-out of the
//!   same run; then compare the medians of these ratios. A machine that is slower for a while is so for the peers as
//!   well.
//! * A difference below the spread of the runs of one version is none. Say the spread with the result.
//! * Count too: the cells of allocations are exact, and need one run.
//!
//! A change that makes a cell slower needs a reason in its message, and in [`speed`](super::speed) if a user sees it.
//!
//! # A new mechanism
//!
//! It comes with three things, or it does not come:
//!
//! 1. **A user who needs it**: a program that is wrong or clumsy without it, best as a test or in the
//!    [cookbook](super::cookbook).
//! 2. **The test that shows it**: one that fails without the mechanism. For something between threads, a loom model
//!    too.
//! 3. **The line in the [guarantees](super::guarantees)**, or in the [limitations](super::limitations), that says what
//!    may now be relied on. If there is nothing to say there, it is not needed.
//!
//! One mechanism for each job: there is one wait list, one parker, one way to block. Before you add a second, say why
//! the first cannot do it.
//!
//! # The rule of layers
//!
//! `tests/library/layers.rs` reads every path in the code of `src/`, and fails with file, line and rule:
//!
//! * A folder imports only from itself and from those before it: support, message, codec, queue, engine, authority,
//!   bus, observe, tokio, link, testing. If a lower layer needs something of a higher one, move the thing down, or give
//!   the lower one a trait that the higher one implements, as `AdvisorySink` of `src/engine/notices.rs`.
//! * Inside the crate a path names the module that defines a thing, not the public name that `src/lib.rs` re-exports.
//! * The modules of one folder, also of the command, import each other in no circle. Only a parent and its child may
//!   use each other. A name that a `mod.rs` re-exports counts as the module that defines it.
//! * No two types share a name; `tests/library/type_names.rs` checks it.
//! * A file has fewer than 400 lines. A module with children is a folder with a `mod.rs`. Beside the folders there is
//!   `src/lib.rs` only.
//!
//! A new module also gets its place in the table of [`mechanisms`](super::mechanisms#where-what-is).
//!
//! # How it is written
//!
//! * Comments say why, in plain English: a subject, a verb, short sentences. A module's first line says what it is.
//! * An ordering has its reason and its partner beside it. An atomic operation without a comment is not done.
//! * No `unsafe`, and no user code under a lock.
//! * Public names are documented, with an example that runs, `# Errors`, `# Panics`, and `# Cost` where it is not
//!   obvious.
//! * Each change that a user sees has a line in the changelog.
