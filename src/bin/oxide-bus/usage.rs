//! Errors of the command line, each in one line.
//!
//! Clap writes paragraphs: what is wrong, tips, the usage, where the help is. This module joins the first two, and
//! names the help of the subcommand.

use std::ffi::OsString;

use clap::CommandFactory;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};

use super::{Cli, output};

/// Returns the line for an error of these arguments. The first is the name by which the command was called.
pub(crate) fn line(error: clap::Error, arguments: &[OsString]) -> String {
    let help = command(arguments.iter().skip(1));
    format!("{} (see `{help} --help`)", mistake(error))
}

/// Returns what clap says is wrong, with its tips, in one line.
fn mistake(mut error: clap::Error) -> String {
    error.remove(ContextKind::Usage);
    // What the user typed is escaped first, so every line break that is left is one of clap's.
    let context: Vec<_> = (error.context())
        .map(|(kind, value)| (kind, escaped(value)))
        .collect();
    for (kind, value) in context {
        error.insert(kind, value);
    }
    let text = error.to_string();
    let text = text.trim_start_matches("error: ");
    let text = (text.rsplit_once("\nFor more information")).map_or(text, |(text, _)| text);
    let mut line = String::new();
    for part in text.lines().map(str::trim).filter(|part| !part.is_empty()) {
        line += separator(&line, part);
        line += part;
    }
    line
}

/// Returns what separates two of clap's lines. Clap puts each item of a list, its values in brackets, and each tip into
/// a line of its own.
fn separator(before: &str, part: &str) -> &'static str {
    if before.is_empty() {
        ""
    } else if before.ends_with(':') || part.starts_with('[') {
        " "
    } else if part.starts_with("tip: ") {
        "; "
    } else {
        ", "
    }
}

fn escaped(value: &ContextValue) -> ContextValue {
    let styled = |text: &StyledStr| StyledStr::from(output::escaped(text.to_string().chars()));
    match value {
        ContextValue::String(text) => ContextValue::String(output::escaped(text.chars())),
        ContextValue::Strings(texts) => ContextValue::Strings(
            texts
                .iter()
                .map(|text| output::escaped(text.chars()))
                .collect(),
        ),
        ContextValue::StyledStr(text) => ContextValue::StyledStr(styled(text)),
        ContextValue::StyledStrs(texts) => {
            ContextValue::StyledStrs(texts.iter().map(styled).collect())
        }
        other => other.clone(),
    }
}

/// Returns the full name of the subcommand that the arguments begin with.
fn command<'a>(arguments: impl Iterator<Item = &'a OsString>) -> String {
    let all = Cli::command();
    let (mut command, mut called) = (&all, all.get_name().to_owned());
    for argument in arguments {
        let Some(subcommand) = command.find_subcommand(argument) else {
            break;
        };
        command = subcommand;
        called = format!("{called} {}", command.get_name());
    }
    called
}
