//! The live view, in a real terminal.

use std::path::Path;

use oxide_bus::SubscribeOptions;
use tempfile::TempDir;

use super::terminal::Terminal;
use super::{Watched, victim};

/// Starts the live view. When it ends, the shell prints its exit code.
fn watch(terminal: &Terminal, path: &Path) {
    let command = env!("CARGO_BIN_EXE_oxide-bus");
    let path = path.display();
    terminal.run(&format!(
        "clear; {command} top {path} --interval 0.1; echo ended=$?"
    ));
    terminal.wait_for("q quit");
}

/// Waits until the view has ended, and returns its exit code.
fn ended(terminal: &Terminal) -> i32 {
    terminal.wait_until("the end", |screen| {
        screen.lines().any(|line| line.starts_with("ended="))
    });
    terminal.exit_code()
}

/// Returns the names in the table of subscriptions, from the top.
fn names(screen: &str) -> Vec<&str> {
    let heads = screen
        .lines()
        .skip_while(|line| !line.starts_with("subscription"));
    let rows = heads
        .skip(1)
        .take_while(|line| line.contains("drop-newest"));
    rows.filter_map(|line| line.split_whitespace().next())
        .collect()
}

#[test]
fn it_shows_the_bus_as_it_changes_and_leaves_the_terminal_as_it_was() {
    let Some(terminal) = Terminal::start("changes") else {
        return;
    };
    let it = Watched::new();
    let mut roomy = it.subscribe("roomy", 100);
    let _tight = it.subscribe("tight", 2);
    watch(&terminal, &it.path());
    let screen = terminal.screen();
    assert!(screen.contains("published 0"), "{screen}");
    it.send(5);
    let screen = terminal.wait_for("published 5");
    assert_eq!(
        names(&screen),
        ["tight", "roomy"],
        "the one that lost is the first"
    );
    assert!(screen.contains("██████████ 2/2"), "{screen}");
    assert!(
        screen.contains("counter"),
        "the source of the newest: {screen}"
    );
    terminal.wait_for("≥");
    while roomy.try_recv().is_ok() {}
    terminal.wait_for("0/100");
    terminal.press(&["q"]);
    assert_eq!(ended(&terminal), 0);
}

#[test]
fn keys_sort_filter_pause_and_show_the_advisories_of_one() {
    let Some(terminal) = Terminal::start("keys") else {
        return;
    };
    let mut it = Watched::new();
    let _kept = ["beta", "alpha", "gamma"].map(|name| it.subscribe(name, 2));
    let _lossy = it.subscribe("zeta", 1);
    it.send(2);
    watch(&terminal, &it.path());
    let by_loss = ["zeta", "alpha", "beta", "gamma"];
    terminal.wait_until("sorted by loss", |screen| names(screen) == by_loss);
    terminal.press(&["s"]);
    let by_name = ["alpha", "beta", "gamma", "zeta"];
    terminal.wait_until("sorted by name", |screen| names(screen) == by_name);

    terminal.press(&["/", "x", "C-u", "e", "M-x", "t", "C-x", "a"]);
    terminal.wait_for("filter: eta_");
    terminal.wait_until("those with eta", |screen| names(screen) == ["beta", "zeta"]);
    terminal.press(&["Enter", "Down", "Enter"]);
    let screen = terminal.wait_for("Advisories of zeta: lost 1, most queued 1");
    assert!(screen.contains("lagging  zeta  1 lost so far"), "{screen}");
    assert!(!screen.contains("subscribed  beta"), "{screen}");
    terminal.press(&["/", "Escape"]);
    terminal.wait_until("all of them", |screen| names(screen) == by_name);

    terminal.press(&["p"]);
    terminal.wait_for("paused");
    it.send(1);
    it.inspection = None;
    terminal.wait_for("gone: ");
    it.serve();
    let screen = terminal.wait_for("- paused");
    assert!(
        screen.contains("published 2"),
        "what was looked at since is not shown: {screen}"
    );
    terminal.press(&["p"]);
    terminal.wait_for("published 3");
    terminal.press(&["C-c"]);
    assert_eq!(ended(&terminal), 130);
}

#[test]
fn a_thousand_subscriptions_can_be_looked_through() {
    let Some(terminal) = Terminal::start("thousand") else {
        return;
    };
    let it = Watched::new();
    let options =
        (0..1_000).map(|number| SubscribeOptions::new().name(format!("module-{number:03}")));
    let _subscriptions = it.bus.subscribe_many(options).expect("it is open");
    watch(&terminal, &it.path());
    terminal.wait_for("subscriptions 1,000");
    terminal.wait_for("module-000");
    terminal.press(&["End"]);
    terminal.wait_for("module-999");
    terminal.press(&["Home", "/", "9", "9", "9", "Enter"]);
    terminal.wait_until("one", |screen| names(screen) == ["module-999"]);
    terminal.press(&["q"]);
    assert_eq!(ended(&terminal), 0);
}

#[test]
fn a_program_that_is_killed_is_gone_until_it_comes_back() {
    let Some(terminal) = Terminal::start("killed") else {
        return;
    };
    let folder = TempDir::new().expect("there is a place for files");
    let path = folder.path().join("bus.sock");
    let first = victim::start(&path);
    watch(&terminal, &path);
    terminal.wait_for("watching");
    victim::kill(first);
    terminal.wait_for("gone: no program serves an inspection here");
    let second = victim::start(&path);
    terminal.wait_for(&format!("process {}", second.id()));
    terminal.wait_for("watching");
    victim::kill(second);
    terminal.wait_for("gone: ");
    terminal.press(&["q"]);
    assert_eq!(ended(&terminal), 1);
    terminal.wait_for("bus.sock: no program serves an inspection here");
}

#[test]
fn a_signal_ends_it_and_leaves_the_terminal_as_it_was() {
    ended_by("INT", 130);
}

/// The shell gives a program that died of a signal 128 and the number of the signal.
#[test]
fn sigterm_kills_it_and_leaves_the_terminal_as_it_was() {
    ended_by("TERM", 128 + 15);
}

fn ended_by(signal: &str, code: i32) {
    let Some(terminal) = Terminal::start(signal) else {
        return;
    };
    let it = Watched::new();
    let command = env!("CARGO_BIN_EXE_oxide-bus");
    // The shell tells its own id, and becomes the command under it.
    let path = it.path();
    let told = it.folder.path().join("id");
    let (path, shown) = (path.display(), told.display());
    terminal.run(&format!(
        "clear; sh -c 'echo $$ > {shown}; exec {command} top {path}'; echo ended=$?"
    ));
    terminal.wait_for("q quit");
    let process = std::fs::read_to_string(told).expect("it was told");
    let process = process.trim().parse().expect("a number");
    crate::support::command::signal(signal, process);
    assert_eq!(ended(&terminal), code);
}
