//! Tests of the scripts for shells, and of the manual pages.

use std::process::{Command, Output};

use crate::support::command::text;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_oxide-bus"))
        .args(arguments)
        .output()
        .expect("the command runs")
}

#[test]
fn each_shell_gets_a_script_that_knows_the_options() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        let script = text(&output.stdout);
        for word in ["replay", "audit", "overflow"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(run(&["completions", "sh"]).status.code(), Some(2));
}

#[test]
fn bash_takes_the_script() {
    let script = run(&["completions", "bash"]).stdout;
    let check = r#"eval "$1" && COMP_WORDS=(oxide-bus aud) && COMP_CWORD=1 && _oxide__bus oxide-bus aud oxide-bus && echo "${COMPREPLY[@]}""#;
    let output = Command::new("bash")
        .args(["-c", check, "bash", text(&script)])
        .output();
    let output = output.expect("bash is there");
    assert_eq!(
        text(&output.stdout).trim(),
        "audit",
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn there_is_a_page_for_the_command_and_for_each_subcommand() {
    for (path, title, says) in [
        (&[][..], ".TH oxide-bus 1", "Exit codes"),
        (&["replay"], ".TH oxide-bus-replay 1", "\\-\\-subject"),
        (
            &["audit", "verify"],
            ".TH oxide-bus-audit-verify 1  \"oxide-bus ",
            "\\-\\-continued",
        ),
    ] {
        let output = run(&[&["man"], path].concat());
        assert_eq!(output.status.code(), Some(0), "{path:?}");
        let page = text(&output.stdout);
        assert!(page.contains(title) && page.contains(says), "{page}");
    }
    let output = run(&["man", "audit", "nothing"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr).trim(),
        "oxide-bus: no subcommand 'nothing' (see `oxide-bus audit --help`)"
    );
}
