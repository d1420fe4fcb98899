//! What clients cannot do to the bus and to each other.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use oxide_bus::SubscribeOptions;

use super::Inspected;

/// Nothing takes longer.
const LIMIT: Option<Duration> = Some(Duration::from_secs(20));

/// What the program answers to these bytes. It may hang up before it has read them all.
fn answer(it: &Inspected, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(it.path()).unwrap();
    stream.set_read_timeout(LIMIT).unwrap();
    stream.set_write_timeout(LIMIT).unwrap();
    let _cut = stream.write_all(request);
    let mut answer = Vec::new();
    let _cut = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn another_request_is_refused_in_one_line_of_json() {
    let it = Inspected::new();
    for request in ["\n", "snapshots\n", "Snapshot\n", "snapshot\r\n", "\0\0\n"] {
        let answer = answer(&it, request.as_bytes());
        assert_eq!(
            answer,
            "{\"version\":1,\"error\":\"the one request is a line with the word `snapshot`\"}\n",
            "{request:?}"
        );
    }
    assert!(answer(&it, b"snapshot\n").starts_with("{\"version\":1,\"snapshot\":{"));
}

#[test]
fn a_request_of_a_megabyte_is_refused_and_not_read() {
    let it = Inspected::new();
    let mut stream = UnixStream::connect(it.path()).unwrap();
    stream.set_write_timeout(LIMIT).unwrap();
    let cut = stream.write_all(&vec![b'x'; 1 << 20]).unwrap_err();
    assert_eq!(cut.kind(), ErrorKind::BrokenPipe, "the program hangs up");
    let answer = answer(&it, &[b'x'; 1_000]);
    assert!(answer.starts_with("{\"version\":1,\"error\":"), "{answer}");
    it.look();
}

#[test]
fn a_client_that_hangs_delays_the_next_by_its_time_limit_and_the_bus_not_at_all() {
    let it = Inspected::new();
    let mut subscription = it.bus.subscribe();
    let mut slow = UnixStream::connect(it.path()).unwrap();
    slow.write_all(b"snap").unwrap(); // and no more
    for number in 0..1_000 {
        it.bus.send("counter", number).unwrap();
        assert_eq!(subscription.recv().unwrap().message, number);
    }
    assert_eq!(
        it.look().published,
        1_000,
        "`look` waits for five seconds at most"
    );
}

#[test]
fn a_client_that_does_not_read_delays_the_next_by_its_time_limit() {
    let it = Inspected::new();
    let options = (0..5_000).map(|number| SubscribeOptions::new().name(format!("{number:0200}")));
    let _subscriptions = it.bus.subscribe_many(options).unwrap();
    let mut deaf = UnixStream::connect(it.path()).unwrap();
    deaf.write_all(b"snapshot\n").unwrap(); // the answer is larger than what the system takes for it
    assert_eq!(it.look().subscriptions.len(), 5_000);
}

#[test]
fn dropping_the_handle_does_not_wait_for_a_client() {
    let it = Inspected::new();
    let clients: Vec<_> = (0..20)
        .map(|_| UnixStream::connect(it.path()).unwrap())
        .collect();
    let began = Instant::now();
    drop(it.inspection);
    let took = began.elapsed();
    // Each client would have a second.
    assert!(took < Duration::from_secs(15), "{took:?}");
    drop(clients);
}

#[test]
fn clients_that_come_and_go_leave_nothing_behind() {
    let it = Inspected::new();
    it.look();
    for _ in 0..100 {
        drop(UnixStream::connect(it.path()).unwrap());
    }
    assert_eq!(it.look().published, 0);
}
