//! Tests of a process that is killed while it writes its audit log: the file holds everything that the process knew to
//! be on disk.
//!
//! The process that is killed is this test again. A variable of its environment tells it so.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::thread;
use std::time::Duration;

use oxide_bus::MessageBus;
use oxide_bus::audit::{self, AuditLog, Flush, Options};
use oxide_bus::kernel::Command;

const VICTIM: &str = "OXIDE_BUS_AUDIT_VICTIM";

/// Publishes from two threads until it is killed, and prints how far its log is known to be on disk.
fn be_the_victim(path: &Path) -> ! {
    let bus = MessageBus::new();
    let options = Options::new()
        .capacity(32)
        .flush(Flush::Interval(Duration::from_millis(1)))
        .rotate_at(20_000);
    let log = AuditLog::start(&bus, path, options).unwrap();
    for source in ["one", "other"] {
        let bus = bus.clone();
        thread::spawn(move || {
            loop {
                bus.send_command(source, Command::Ping).unwrap();
            }
        });
    }
    loop {
        let synced = log.flush().unwrap();
        assert!(log.synced() >= Some(synced));
        // The test may have stopped listening. Then it is about to kill this process, too.
        println!("synced {synced}");
    }
}

#[test]
fn what_was_known_to_be_on_disk_is_there_after_a_kill() {
    if let Some(path) = env::var_os(VICTIM) {
        be_the_victim(Path::new(&path));
    }
    for round in 0..20_u64 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let mut victim = Process::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "audit_kill::what_was_known_to_be_on_disk_is_there_after_a_kill",
            ])
            .arg("--nocapture")
            .env(VICTIM, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(victim.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("synced ")?.parse::<u64>().ok());
        // A little later in each round.
        let mut synced = None;
        for _ in 0..=round {
            synced = told.next().or(synced);
        }
        victim.kill().unwrap();
        victim.wait().unwrap();
        let synced = told.last().or(synced).expect("it has said something");

        let mut paths: Vec<_> = (1..1_000)
            .map(|number| folder.path().join(format!("audit.jsonl.{number}")))
            .take_while(|path| path.exists())
            .collect();
        paths.extend(path.exists().then_some(path)); // not there during a rotation
        let report = audit::verify(&paths).unwrap();
        println!(
            "round {round}: {synced} known to be on disk, {:?} there, {} torn, {} files",
            report.last_record,
            report.torn,
            paths.len()
        );
        assert!(report.is_whole(), "{:?}", report.flaws);
        assert!(report.last_record >= Some(synced), "round {round}");
    }
}
