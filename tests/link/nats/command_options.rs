//! What `oxide-bus link` says of its server, and its options beyond one server and patterns.

use std::collections::BTreeSet;
use std::io::BufRead;
use std::sync::mpsc;
use std::thread;

use super::command::{Running, id, run, sample, says};
use super::server::{DEADLINE, Server};
use super::support::text;

#[test]
fn a_server_that_goes_away_and_one_that_is_back_are_said_in_a_line_each() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let url = server.url();
    let mut south = Running::start(&["--nats", &url, "--name", "south", "--import", ">"]);
    for _ in 0..2 {
        server.kill();
        let said = south.says();
        assert_eq!(said, "oxide-bus: the link south has lost its server");
        server.restart();
        let said = south.says();
        assert_eq!(said, "oxide-bus: the link south has its server again");
    }
    let (code, _, said) = south.interrupt();
    assert_eq!((code, said.as_str()), (Some(130), ""));
}

#[test]
fn what_is_shared_is_printed_by_one_of_the_group() {
    let Some(server) = Server::start() else {
        return;
    };
    let url = server.url();
    let (tells, printed) = mpsc::channel();
    let mut group = Vec::new();
    for name in ["south", "east"] {
        let shared = ["--import-shared", "printers=command.>", "--import-shared"];
        let both = [
            &["--nats", &url, "--name", name],
            &shared[..],
            &["printers=event.>"],
        ];
        let mut member = Running::start(&both.concat());
        let (stdout, tells) = (member.stdout.take().expect("it is piped"), tells.clone());
        thread::spawn(move || {
            for line in stdout.lines() {
                let _ended = tells.send(line.expect("it is UTF-8"));
            }
        });
        group.push(member);
    }
    let north = run(
        &["--nats", &url, "--name", "north", "--export", ">"],
        &sample(),
    );
    assert_eq!(north.status.code(), Some(0), "{}", text(&north.stderr));
    let lines: Vec<_> = (0..18)
        .map(|_| printed.recv_timeout(DEADLINE).expect("each is printed"))
        .collect();
    let ids: BTreeSet<_> = lines.iter().map(|line| id(line)).collect();
    assert_eq!(ids.len(), 18);
    for member in group {
        let (code, _, said) = member.interrupt();
        assert_eq!(code, Some(130), "{said}");
    }
    for (wrong, code, trouble) in [
        ("event.>", 2, "with `=` between them"),
        ("Printers=event.>", 2, "lowercase"),
        ("printers=event..>", 2, "at byte"),
    ] {
        let output = run(
            &["--nats", &url, "--name", "south", "--import-shared", wrong],
            "",
        );
        assert_eq!(output.status.code(), Some(code));
        let said = text(&output.stderr);
        assert!(said.contains(trouble), "{said}");
    }
}

#[test]
fn a_transit_brings_what_comes_from_one_server_to_the_other() {
    let (Some(near), Some(far)) = (Server::start(), Server::start()) else {
        return;
    };
    let (near, far) = (near.url(), far.url());
    let mut south = Running::start(&["--nats", &far, "--name", "south", "--import", ">"]);
    let middle = Running::start(&[
        "--nats",
        &near,
        "--transit",
        &far,
        "--name",
        "middle",
        "--import",
        ">",
        "--export",
        ">",
    ]);
    let north = run(
        &["--nats", &near, "--name", "north", "--export", ">"],
        &sample(),
    );
    assert_eq!(north.status.code(), Some(0), "{}", text(&north.stderr));
    for (line, read) in south.lines(18).iter().zip(sample().lines()) {
        assert_eq!(id(line), id(read));
        assert!(line.contains(r#""link-origin":"middle""#), "{line}");
    }
    let (code, printed, said) = middle.interrupt();
    assert_eq!((code, printed.lines().count()), (Some(130), 18), "{said}");
    says(&said, "confirmed 18");
    says(
        &said,
        "from north: received 18, repeated 0, refused 0, missed 0",
    );
}

#[test]
fn a_link_that_is_new_to_a_stream_begins_where_the_options_say() {
    let Some(server) = Server::with_stream_of_all() else {
        return;
    };
    let url = server.url();
    let durable = ["--nats", &url, "--durable", "ALL"];
    let north = [&durable[..], &["--name", "north", "--export", ">"]].concat();
    let north = run(&north, &sample());
    assert_eq!(north.status.code(), Some(0), "{}", text(&north.stderr));
    let ids = |lines: &[String]| -> Vec<_> { lines.iter().map(|it| id(it).to_owned()).collect() };
    let all: Vec<_> = sample().lines().map(str::to_owned).collect();
    let start = |name| {
        let south = ["--name", name, "--import", ">", "--start", name];
        Running::start(&[&durable[..], &south].concat())
    };
    let mut first = start("first");
    assert_eq!(ids(&first.lines(18)), ids(&all));
    let mut last = start("last-per-subject");
    let of_each = [0, 1, 11, 14, 15, 16, 17].map(|at: usize| all[at].clone());
    assert_eq!(ids(&last.lines(7)), ids(&of_each));
    for link in [first, last] {
        assert_eq!(link.interrupt().0, Some(130));
    }
    let south = [
        "--nats", &url, "--name", "south", "--import", ">", "--start", "first",
    ];
    let output = run(&south, "");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--durable"));
}
