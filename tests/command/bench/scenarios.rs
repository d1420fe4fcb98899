//! Tests of the scenarios: is the load that of their names?

use serde_json::Value;

use super::{RUN_BY, count, number, result};

fn of(scenario: &str, more: &[&str]) -> Value {
    let result = result(&[&["--scenario", scenario], more].concat());
    assert_eq!(result["scenario"], scenario);
    let (received, lost) = (count(&result, "received"), count(&result, "lost"));
    let told = count(&result, "delivered") + count(&result, "dropped");
    assert_eq!(received + lost, told, "{result}");
    result
}

fn samples(result: &Value) -> u64 {
    count(&result["latency_ns"], "samples")
}

#[test]
fn each_envelope_of_the_targeted_scenario_is_for_one_subscriber() {
    for run_by in RUN_BY {
        for overflow in ["block", "drop-newest", "drop-oldest"] {
            let load = [
                "--messages",
                "1001",
                "--publishers",
                "3",
                "--overflow",
                overflow,
            ];
            let result = of("targeted", &[&load, run_by].concat());
            assert_eq!(count(&result, "published"), 1_001);
            assert_eq!(count(&result, "received") + count(&result, "lost"), 1_001);
        }
    }
}

#[test]
fn each_stage_of_a_pipeline_publishes_what_it_receives_and_the_last_one_takes_the_time() {
    for run_by in RUN_BY {
        let result = of(
            "pipeline",
            &[&["--messages", "100", "--capacity", "4"], run_by].concat(),
        );
        assert_eq!(
            count(&result, "published"),
            400,
            "by the publisher and three stages"
        );
        assert_eq!(count(&result, "received"), 400);
        assert_eq!(samples(&result), 7, "one in 16");
    }
}

#[test]
fn a_pipeline_that_loses_accounts_for_it_at_each_stage() {
    for overflow in ["drop-newest", "drop-oldest", "evict"] {
        let load = [
            "--messages",
            "2000",
            "--capacity",
            "1",
            "--overflow",
            overflow,
        ];
        let result = of("pipeline", &load);
        assert!(count(&result, "published") >= 2_000, "{result}");
        assert!(count(&result, "received") > 0, "{result}");
    }
}

#[test]
fn a_pipeline_of_one_stage_is_a_broadcast_to_one() {
    let result = of("pipeline", &["--messages", "100", "--subscribers", "1"]);
    assert_eq!(
        (count(&result, "published"), count(&result, "received")),
        (100, 100)
    );
}

#[test]
fn each_request_is_answered_and_timed() {
    for run_by in RUN_BY {
        let load = ["--messages", "100", "--publishers", "3", "--payload", "10"];
        let result = of("request", &[&load, run_by].concat());
        assert_eq!(
            (count(&result, "published"), count(&result, "received")),
            (100, 100)
        );
        assert_eq!(samples(&result), 100);
    }
}

#[test]
fn a_slow_consumer_holds_up_a_publisher_that_waits_for_it() {
    for run_by in RUN_BY {
        let result = of("slow-consumer", &[&["--messages", "1000"], run_by].concat());
        assert_eq!(count(&result, "received"), 4_000);
        assert!(
            number(&result, "elapsed_s") >= 0.02,
            "1,000 times 20 µs: {result}"
        );
    }
}

#[test]
fn at_rest_and_in_bursts_the_publishers_sleep_and_each_envelope_is_timed() {
    for run_by in RUN_BY {
        for (scenario, messages, slept) in [("at-rest", "20", 0.02), ("burst", "1024", 0.008)] {
            let result = of(scenario, &[&["--messages", messages], run_by].concat());
            assert_eq!(samples(&result), count(&result, "received"), "{result}");
            assert_eq!(
                count(&result, "received"),
                4 * messages.parse::<u64>().expect("a number")
            );
            assert!(number(&result, "elapsed_s") >= slept, "{result}");
        }
    }
}
