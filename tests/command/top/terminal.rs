//! A real terminal: one of tmux, with a server of its own.

use std::env;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::command::text;

/// Nothing takes longer to show.
const DEADLINE: Duration = Duration::from_mins(1);

/// A terminal of 120 columns and 40 rows, with a shell in it. Dropping it ends everything in it.
pub(super) struct Terminal {
    server: String,
}

fn tmux(server: &str, arguments: &[&str]) -> std::io::Result<Output> {
    Command::new("tmux")
        .args(["-L", server, "-f", "/dev/null"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
}

impl Terminal {
    /// Starts a terminal. `None` if tmux is not installed.
    pub(super) fn start(test: &str) -> Option<Self> {
        let server = format!("oxide-bus-{}-{test}", std::process::id());
        let start = [
            "new-session",
            "-d",
            "-x",
            "120",
            "-y",
            "40",
            "env PS1='ready$ ' sh",
        ];
        let Ok(started) = tmux(&server, &start) else {
            assert!(env::var_os("CI").is_none(), "tmux is not installed");
            eprintln!("skipped: tmux is not installed");
            return None;
        };
        assert!(started.status.success(), "{}", text(&started.stderr));
        let terminal = Terminal { server };
        terminal.wait_for("ready$");
        Some(terminal)
    }

    fn ask(&self, arguments: &[&str]) -> String {
        let output = tmux(&self.server, arguments).expect("it is installed");
        assert!(output.status.success(), "{}", text(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(super) fn screen(&self) -> String {
        self.ask(&["capture-pane", "-p"])
    }

    /// Presses keys, by their names.
    pub(super) fn press(&self, keys: &[&str]) {
        self.ask(&[&["send-keys"], keys].concat());
    }

    /// Types a line into the shell.
    pub(super) fn run(&self, line: &str) {
        self.ask(&["send-keys", "-l", line]);
        self.press(&["Enter"]);
    }

    /// Waits until the screen is so, and returns it.
    pub(super) fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let screen = self.screen();
            if is_so(&screen) {
                return screen;
            }
            assert!(Instant::now() < deadline, "not shown: {what}\n{screen}");
            thread::sleep(Duration::from_millis(20)); // to look again
        }
    }

    pub(super) fn wait_for(&self, what: &str) -> String {
        self.wait_until(what, |screen| screen.contains(what))
    }

    /// Waits until the command that was started by [`run`](Self::run) has ended, and returns its exit code. Checks that
    /// the terminal is as it was: not the alternate screen, with a cursor, and with an echo.
    pub(super) fn exit_code(&self) -> i32 {
        self.run("stty -a | grep -qw -- -echo; echo code=$?");
        let _echoes = self.wait_for("code=1");
        let flags = self.ask(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"]);
        assert_eq!(flags.trim(), "0 1");
        let screen = self.screen();
        let (_, code) = screen.rsplit_once("ended=").expect("it has ended");
        let digits = code.chars().take_while(char::is_ascii_digit);
        digits.collect::<String>().parse().expect("a number")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _gone = tmux(&self.server, &["kill-server"]);
    }
}
