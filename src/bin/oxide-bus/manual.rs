//! `oxide-bus completions` and `oxide-bus man`: scripts for shells and manual pages, made from the command line itself.

use std::io;
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::failure::Failure;
use super::{Cli, output};

/// Prints a script by which a shell completes the arguments of this command
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS)]
pub(crate) struct CompletionOptions {
    /// For this shell
    shell: Shell,
}

const COMPLETIONS: &str = "\
Examples:
  oxide-bus completions bash > ~/.local/share/bash-completion/completions/oxide-bus
  oxide-bus completions fish > ~/.config/fish/completions/oxide-bus.fish";

/// Prints the manual page of this command, or of one of its subcommands
#[derive(Debug, Args)]
#[command(after_help = MANUAL)]
pub(crate) struct ManualOptions {
    /// The subcommand, such as `replay` or `audit verify`
    #[arg(value_name = "SUBCOMMAND")]
    path: Vec<String>,
}

const MANUAL: &str = "\
Examples:
  oxide-bus man > ~/.local/share/man/man1/oxide-bus.1
  oxide-bus man audit verify | man -l -
      Read the page of a subcommand.";

pub(crate) fn complete(options: &CompletionOptions) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "oxide-bus", &mut script);
    print(&script)
}

pub(crate) fn explain(options: &ManualOptions) -> Result<ExitCode, Failure> {
    let mut command = Cli::command();
    command.build(); // gives each subcommand its whole name
    for name in &options.path {
        let Some(sub) = command.find_subcommand(name) else {
            let parent = command.get_bin_name().unwrap_or(command.get_name());
            return Err(Failure::usage(format_args!(
                "no subcommand '{name}' (see `{parent} --help`)"
            )));
        };
        command = sub.clone();
    }
    let mut page = Vec::new();
    let version = concat!("oxide-bus ", env!("CARGO_PKG_VERSION"));
    let rendered = Man::new(command).source(version).render(&mut page);
    rendered.map_err(Failure::usage)?; // it writes to memory, which does not fail
    print(&page)
}

fn print(text: &[u8]) -> Result<ExitCode, Failure> {
    output::written(io::Write::write_all(&mut io::stdout(), text))?;
    Ok(ExitCode::SUCCESS)
}
