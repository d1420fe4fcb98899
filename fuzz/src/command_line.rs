//! Fuzzes the command line.

use std::ffi::OsString;

#[allow(dead_code, unused_imports)] // only the parsing of the command line is used
#[path = "../../src/bin/oxide-bus/main.rs"]
mod command;

/// Parses arguments as the command does, each up to a NUL. Checks that they are accepted, or ask for help, or that one
/// line says what is wrong and names the help.
pub fn command_line(data: &[u8]) {
    let arguments = data.split(|&byte| byte == 0).map(argument);
    let arguments: Vec<_> = [OsString::from("oxide-bus")]
        .into_iter()
        .chain(arguments)
        .collect();
    let Err(error) = command::parse(&arguments) else {
        return;
    };
    if !command::is_mistake(&error) {
        assert!(error.to_string().contains("oxide-bus"), "{error}");
        return;
    }
    let line = command::usage::line(error, &arguments);
    assert_eq!(
        command::output::escaped(line.chars()),
        line,
        "it is one line"
    );
    let (mistake, help) = line
        .rsplit_once(" (see `oxide-bus")
        .expect("it names the help");
    assert!(!mistake.is_empty() && help.ends_with(" --help`)"), "{line}");
}

#[cfg(unix)]
fn argument(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
}

/// Elsewhere an argument cannot hold arbitrary bytes.
#[cfg(not(unix))]
fn argument(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}
