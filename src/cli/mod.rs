//! The command line: a file per command. Data goes to standard output, words to standard error.
//!
//! Exit codes: 0 ok, 1 runtime, 2 usage, 3 bad config, 4 signature or token refused.

mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Lets in only requests that prove who sent them.
#[derive(Parser)]
#[command(version, about, after_help = EXAMPLES, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Exit codes: 0 ok, 1 runtime, 2 usage, 3 bad config, 4 signature or token refused.";

#[derive(Subcommand)]
enum Command {
    /// Run the gateway
    Run(run::Run),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok,
    Runtime,
    Config,
    Refused,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Ok => 0,
            Exit::Runtime => 1,
            Exit::Config => 3,
            Exit::Refused => 4,
        })
    }
}

/// Reads the arguments, runs the command, and says how it ended. Wrong usage exits with 2.
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Run(run) => run.execute().into(),
    }
}

/// Says something to the person, on standard error.
#[allow(clippy::print_stderr, reason = "the one place that does")]
pub(crate) fn words(text: std::fmt::Arguments<'_>) {
    eprintln!("{text}");
}

/// Writes data to standard output. A reader that went away is no failure of ours.
pub(crate) fn data(text: std::fmt::Arguments<'_>) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
