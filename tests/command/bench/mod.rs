//! Tests of `oxide-bus bench`: do its numbers add up?

mod compare;
mod report;
mod scenarios;
mod sweep;
mod table;

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::command::text;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_oxide-bus"))
        .arg("bench")
        .args(arguments)
        .output()
        .expect("the command runs")
}

/// Returns the result of a run that succeeded.
fn result(arguments: &[&str]) -> Value {
    let output = bench(&[&["--json"], arguments].concat());
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    assert_eq!(text(&output.stderr), "");
    serde_json::from_slice(&output.stdout).expect("it is one JSON object")
}

fn count(result: &Value, key: &str) -> u64 {
    result[key]
        .as_u64()
        .unwrap_or_else(|| panic!("{key} in {result}"))
}

fn number(result: &Value, key: &str) -> f64 {
    result[key]
        .as_f64()
        .unwrap_or_else(|| panic!("{key} in {result}"))
}

fn assert_it_adds_up(result: &Value) {
    let (delivered, dropped) = (count(result, "delivered"), count(result, "dropped"));
    let (received, lost) = (count(result, "received"), count(result, "lost"));
    let due = count(result, "published") * count(result, "subscribers");
    assert_eq!(
        result["subjects"],
        serde_json::json!([]),
        "they listen to all"
    );
    assert_eq!(received + lost, delivered + dropped, "{result}");
    match result["overflow"].as_str().expect("a name") {
        "block" => assert_eq!((received, lost, dropped), (due, 0, 0), "{result}"),
        "drop-newest" => assert_eq!((received, received + lost), (delivered, due), "{result}"),
        "drop-oldest" => assert_eq!((delivered, dropped), (due, 0), "{result}"),
        "evict" => {
            assert!(received + lost <= due, "{result}");
            assert_eq!(lost, count(result, "evicted"), "one each: {result}");
        }
        other => panic!("{other}"),
    }
    if result["overflow"] != "evict" {
        assert_eq!(count(result, "evicted"), 0, "{result}");
    }
    assert!(number(result, "elapsed_s") > 0.0, "{result}");

    let latency = &result["latency_ns"];
    let samples = count(latency, "samples");
    assert!(samples <= received, "{result}");
    for key in ["p50", "p90", "p99", "p999", "max"] {
        assert_eq!(latency[key].is_null(), samples == 0, "{result}");
    }
    if samples > 0 {
        let steps = ["p50", "p90", "p99", "p999", "max"].map(|key| count(latency, key));
        assert!(steps.is_sorted(), "{result}");
    }
}

const THREADS: &[&str] = &[];

/// Threads, and tasks on runtimes of one and of two threads.
const RUN_BY: [&[&str]; 3] = [
    THREADS,
    &["--async", "--workers", "1"],
    &["--async", "--workers", "2"],
];

#[test]
fn every_delivery_is_accounted_for_with_few_and_many_subscribers_and_publishers() {
    for (run_by, subscribers) in RUN_BY
        .into_iter()
        .flat_map(|run_by| ["1", "4", "64"].map(|subscribers| (run_by, subscribers)))
    {
        for overflow in ["drop-newest", "drop-oldest", "evict", "block"] {
            for publishers in [1, 3] {
                let load = [
                    "--subscribers",
                    subscribers,
                    "--overflow",
                    overflow,
                    "--publishers",
                    &publishers.to_string(),
                    "--messages",
                    "200",
                    "--capacity",
                    "16",
                ];
                let result = result(&[&load, run_by].concat());
                assert_it_adds_up(&result);
                assert_eq!(count(&result, "published"), 200);
                assert_eq!(count(&result, "publishers"), publishers);
                assert_eq!(count(&result, "subscribers").to_string(), subscribers);
                assert_eq!(count(&result, "capacity"), 16);
                assert_eq!(result["overflow"], overflow);
                assert_eq!(result["groups"], Value::Null);
                // The very first envelope has room everywhere, is timed, and stays queued unless the policy displaces
                // it.
                let samples = count(&result["latency_ns"], "samples");
                if overflow != "drop-oldest" {
                    assert!(samples >= count(&result, "subscribers"), "{result}");
                }
            }
        }
    }
}

#[test]
fn each_envelope_goes_to_one_member_of_each_group() {
    for groups in [1, 3, 8] {
        for overflow in ["drop-newest", "drop-oldest", "evict", "block"] {
            let result = result(&[
                "--subscribers",
                "8",
                "--groups",
                &groups.to_string(),
                "--publishers",
                "2",
                "--overflow",
                overflow,
                "--messages",
                "1000",
                "--capacity",
                "16",
            ]);
            assert_eq!(count(&result, "groups"), groups);
            let (received, lost) = (count(&result, "received"), count(&result, "lost"));
            let told = count(&result, "delivered") + count(&result, "dropped");
            assert_eq!(received + lost, told, "{result}");
            match overflow {
                "evict" => assert!(told <= 1_000 * groups && lost <= groups, "{result}"),
                "block" => assert_eq!((received, lost), (1_000 * groups, 0), "{result}"),
                _ => assert_eq!(told, 1_000 * groups, "{result}"),
            }
        }
    }
}

#[test]
fn tasks_share_the_work_of_a_group_too() {
    let result = result(&[
        "--async",
        "--subscribers",
        "4",
        "--groups",
        "2",
        "--overflow",
        "block",
        "--messages",
        "1000",
    ]);
    assert_eq!(count(&result, "received"), 2_000);
    assert!(count(&result, "workers") >= 1, "one for each core");
}

#[test]
fn subscribers_get_what_is_published_on_the_subjects_they_listen_to() {
    // 250 envelopes from each of four publishers.
    let cases: [(&[&str], u64); 6] = [
        (&["bench.0"], 250),
        (&["bench.1", "bench.3"], 500),
        (&["bench.2", "bench.*", "*.2"], 1_000),
        (&["bench.>"], 1_000),
        (&["bench.4", "bench.2"], 250),
        (&["bench.4"], 0),
    ];
    for (patterns, due) in cases {
        for overflow in ["drop-newest", "drop-oldest", "evict", "block"] {
            for (groups, queues) in [(&[][..], 4), (&["--groups", "2"], 2)] {
                for run_by in [THREADS, RUN_BY[2]] {
                    let subjects = patterns.iter().flat_map(|pattern| ["--subject", *pattern]);
                    let subjects = subjects.collect::<Vec<_>>();
                    let load: &[&str] = &["--publishers", "4", "--messages", "1000"];
                    let queue: &[&str] = &["--capacity", "16", "--overflow", overflow];
                    let result = result(&[load, queue, &subjects, groups, run_by].concat());
                    assert_eq!(count(&result, "published"), 1_000);
                    assert_eq!(result["subjects"], serde_json::json!(patterns));
                    let (received, lost) = (count(&result, "received"), count(&result, "lost"));
                    let told = count(&result, "delivered") + count(&result, "dropped");
                    assert_eq!(received + lost, told, "{result}");
                    match overflow {
                        "evict" => assert!(told <= due * queues && lost <= queues, "{result}"),
                        "block" => assert_eq!((received, lost), (due * queues, 0), "{result}"),
                        _ => assert_eq!(told, due * queues, "{result}"),
                    }
                }
            }
        }
    }
}

#[test]
fn the_result_of_tasks_has_the_keys_of_that_of_threads() {
    let [threads, tasks] = [THREADS, RUN_BY[2]].map(|run_by| {
        let result = result(&[&["--messages", "100"], run_by].concat());
        let keys = result.as_object().expect("an object").keys().cloned();
        (keys.collect::<Vec<_>>(), result["workers"].clone())
    });
    assert_eq!(threads.0, tasks.0);
    assert_eq!((threads.1, tasks.1), (Value::Null, Value::from(2)));
}

#[test]
fn a_publisher_on_one_thread_lets_the_receivers_run() {
    let result = result(&[
        "--async",
        "--workers",
        "1",
        "--messages",
        "100000",
        "--overflow",
        "drop-newest",
    ]);
    assert_it_adds_up(&result);
    // There is room for 128, and a task that has published that many yields.
    let due = count(&result, "published") * count(&result, "subscribers");
    assert!(count(&result, "received") > due / 2, "{result}");
}

#[test]
fn workers_are_for_tasks_only() {
    let output = bench(&["--workers", "2"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--async"));
}

#[test]
fn of_tasks_there_may_be_more_than_of_threads() {
    let size: &[&str] = &["--subscribers", "1025", "--publishers", "1025"];
    let load: &[&str] = &["--async", "--messages", "1025", "--overflow", "drop-newest"];
    let result = result(&[load, size].concat());
    assert_it_adds_up(&result);
    assert_eq!(count(&result, "published"), 1_025);
}

/// There is memory for two subscribers beside the thread that waits for Ctrl-C.
#[cfg(target_os = "linux")]
#[test]
fn where_there_are_no_more_threads_the_user_is_told_so() {
    let output = Command::new("sh")
        .args(["-c", r#"ulimit -v 4194304; exec "$0" bench"#])
        .arg(env!("CARGO_BIN_EXE_oxide-bus"))
        .env("RUST_MIN_STACK", (1_u64 << 30).to_string())
        .output()
        .expect("the command runs");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    let stderr = text(&output.stderr);
    assert!(
        stderr.starts_with("oxide-bus: cannot start a thread: "),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn an_evicted_subscriber_has_received_what_its_queue_held_and_lost_one_envelope() {
    // Each publish puts one envelope into a queue of one place, so every subscriber is evicted sooner or later.
    let result = result(&[
        "--overflow",
        "evict",
        "--capacity",
        "1",
        "--publishers",
        "2",
        "--messages",
        "200000",
    ]);
    assert_it_adds_up(&result);
    assert_eq!(count(&result, "published"), 200_000);
    assert_eq!(count(&result, "evicted"), 4, "{result}");
    assert_eq!(count(&result, "lost"), 4);
    assert!(count(&result, "received") >= 4, "the first had room");
}

#[test]
fn one_envelope_in_sixteen_of_each_publisher_is_timed() {
    let result = result(&[
        "--publishers",
        "3",
        "--subscribers",
        "2",
        "--messages",
        "97",
        "--overflow",
        "block",
    ]);
    // 33, 32 and 32 envelopes: the first and the 17th of each publisher, and the 33rd of the first publisher.
    assert_eq!(count(&result["latency_ns"], "samples"), 7 * 2);
}

#[test]
fn publishing_to_nobody_works() {
    let result = result(&["--subscribers", "0", "--messages", "1000"]);
    assert_it_adds_up(&result);
    assert_eq!(count(&result, "published"), 1_000);
    assert_eq!(count(&result, "delivered"), 0);
    assert!(number(&result, "deliveries_per_s").abs() < f64::EPSILON);
    assert_eq!(
        result["latency_ns"].to_string(),
        r#"{"max":null,"p50":null,"p90":null,"p99":null,"p999":null,"samples":0}"#
    );
}

#[test]
fn by_default_nothing_is_lost() {
    let result = result(&["--messages", "5000", "--capacity", "1"]);
    assert_it_adds_up(&result);
    assert_eq!(result["overflow"], "block");
    assert_eq!(count(&result, "received"), 20_000);
}

#[test]
fn publishing_nothing_works() {
    let result = result(&["--messages", "0"]);
    assert_it_adds_up(&result);
    assert_eq!(count(&result, "published"), 0);
    assert_eq!(count(&result["latency_ns"], "samples"), 0);
}

#[test]
fn a_duration_ends_the_run() {
    let result = result(&["--duration", "0.2", "--payload", "100"]);
    assert_it_adds_up(&result);
    assert!(count(&result, "published") > 0);
    assert_eq!(count(&result, "payload_bytes"), 100);
    let elapsed = number(&result, "elapsed_s");
    assert!((0.2..10.0).contains(&elapsed), "{elapsed}");
}

/// Linux shows which signals a process catches. Once it catches SIGINT, Ctrl-C does not kill it.
#[cfg(target_os = "linux")]
fn catches_ctrl_c(process: u32) -> bool {
    const SIGINT: u64 = 1 << 1;
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    caught.expect("a mask of signals") & SIGINT != 0
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_the_run_and_what_was_measured_is_printed() {
    let child = Command::new(env!("CARGO_BIN_EXE_oxide-bus"))
        .args(["bench", "--json", "--duration", "20", "--overflow", "block"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command runs");
    while !catches_ctrl_c(child.id()) {
        std::thread::yield_now();
    }
    let signalled = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(signalled.is_ok_and(|status| status.success()));
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    let result: Value = serde_json::from_slice(&output.stdout).expect("it is one JSON object");
    assert_it_adds_up(&result);
    assert!(number(&result, "elapsed_s") < 20.0, "{result}");
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_a_sweep_and_the_rounds_that_were_done_are_printed() {
    let child = Command::new(env!("CARGO_BIN_EXE_oxide-bus"))
        .args(["bench", "--csv", "--messages", "100", "--warm-up", "0"])
        .args(["--rounds", "1000", "--subscribers", "1,2,3,4,5,6,7,8"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command runs");
    while !catches_ctrl_c(child.id()) {
        std::thread::yield_now();
    }
    crate::support::command::signal("INT", child.id());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    let lines = text(&output.stdout).lines().count();
    assert!(
        (2..8_000).contains(&lines),
        "it has not gone on to the end: {lines}"
    );
}
