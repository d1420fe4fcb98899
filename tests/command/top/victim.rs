//! A program that is looked at, and killed. It is this test again: a variable of its environment tells it so.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use oxide_bus::Bus;
use oxide_bus::inspect::{LookError, look};
use tempfile::TempDir;

const PATH: &str = "OXIDE_BUS_TOP_VICTIM";

/// Serves an inspection until it is killed.
fn be_the_victim(path: &Path) -> ! {
    let bus = Bus::<u32>::new();
    let _inspection = bus.serve_inspection(path).expect("the one before is dead");
    let mut subscription = bus.subscribe();
    println!("is served");
    loop {
        let _never = subscription.recv();
    }
}

/// Starts a program that serves an inspection at this path. It is served when this returns.
pub(super) fn start(path: &Path) -> Child {
    let mut victim = Command::new(env::current_exe().expect("this binary"))
        .args([
            "--exact",
            "top::victim::a_killed_program_is_gone_and_the_next_one_takes_its_place",
        ])
        .arg("--nocapture")
        .env(PATH, path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it can be started");
    let stdout = BufReader::new(victim.stdout.take().expect("it is piped"));
    let mut lines = stdout.lines().map_while(Result::ok);
    assert!(lines.any(|line| line.ends_with("is served")));
    victim
}

/// Kills a program, so that it leaves its socket behind.
pub(super) fn kill(mut victim: Child) {
    victim.kill().expect("it runs");
    victim.wait().expect("it is a child");
}

#[test]
fn a_killed_program_is_gone_and_the_next_one_takes_its_place() {
    if let Some(path) = env::var_os(PATH) {
        be_the_victim(Path::new(&path));
    }
    let folder = TempDir::new().expect("there is a place for files");
    let path = folder.path().join("bus.sock");
    for _ in 0..2 {
        let victim = start(&path);
        let process = victim.id();
        assert_eq!(look(&path).expect("it is served").process, process);
        kill(victim);
        assert!(path.exists(), "nobody has removed it");
        assert!(matches!(look(&path), Err(LookError::Gone { .. })));
    }
}
