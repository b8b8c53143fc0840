//! The command line: a file per command. Data goes to standard output, words to standard error.
//!
//! Exit codes: 0 ok, 1 runtime, 2 usage, 3 bad config, 4 signature or token refused. No command takes a secret as an
//! argument: arguments are seen by every process on the machine.

mod admin;
mod check;
mod config_file;
mod demo;
mod exchange;
mod hash_password;
mod key_file;
mod key_writing;
mod keys;
mod protection;
mod reload;
mod request;
mod revoke;
mod routes;
mod run;
mod scheme;
mod sign;
mod signals;
mod table;
mod terminal;
mod token;
mod trouble;
mod verify;

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::OnceLock,
};

use clap::{
    Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};

/// Lets in only requests that prove who sent them
///
///   countersign demo                                 see it work, without a file
///   countersign check -c config/quickstart.yaml      is it right, what is unsigned
///   countersign run -c config/quickstart.yaml        run the gateway
///   countersign routes -c gateway.yaml --explain POST http://localhost/devices/1
///   countersign sign request.http --scheme device-v2 --keys keys.txt --print curl
///   countersign verify request.http --scheme device-v2 --keys keys.txt
#[derive(Parser)]
#[command(version, verbatim_doc_comment, after_help = EXIT_CODES, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 ok, 1 runtime, 2 usage, 3 bad config, 4 signature or token refused.
Every command has examples: `countersign COMMAND --help`.";

#[derive(Subcommand)]
enum Command {
    Run(run::Run),
    Reload(reload::Reload),
    Revoke(revoke::Revoke),
    Unrevoke(revoke::Unrevoke),
    #[command(name = "revocations")]
    ListRevocations(revoke::ListRevocations),
    Demo(demo::Demo),
    Check(check::Check),
    Routes(routes::RoutesCommand),
    Sign(sign::Sign),
    Verify(verify::Verify),
    #[command(subcommand)]
    Keys(keys::Keys),
    #[command(subcommand)]
    Scheme(scheme::SchemeCommand),
    #[command(subcommand)]
    Token(token::TokenCommand),
    HashPassword(hash_password::HashPassword),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok,
    Runtime,
    Usage,
    Config,
    Refused,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Ok => 0,
            Exit::Runtime => 1,
            Exit::Usage => 2,
            Exit::Config => 3,
            Exit::Refused => 4,
        })
    }
}

/// Reads the arguments, runs the command, and says how it ended. Wrong usage exits with 2.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return told(&error).into(),
    };
    let ended = match arguments.command {
        Command::Run(run) => Ok(run.execute()),
        Command::Reload(reload) => reload.execute(),
        Command::Revoke(revoke) => revoke.execute(),
        Command::Unrevoke(unrevoke) => unrevoke.execute(),
        Command::ListRevocations(list) => list.execute(),
        Command::Demo(demo) => demo.execute(),
        Command::Check(check) => Ok(check.execute()),
        Command::Routes(routes) => routes.execute(),
        Command::Sign(sign) => sign.execute(),
        Command::Verify(verify) => verify.execute(),
        Command::Keys(keys) => keys.execute(),
        Command::Scheme(scheme) => scheme.execute(),
        Command::Token(token) => token.execute(),
        Command::HashPassword(hash) => hash.execute(),
    };
    let exit = ended.unwrap_or_else(|trouble| trouble.tell());
    match LOST.get() {
        Some(error) if exit == Exit::Ok => {
            words(format_args!("countersign: standard output: {error}"));
            Exit::Runtime.into()
        }
        _ => exit.into(),
    }
}

/// Prints what clap has to say, help or what is wrong with the arguments. A file that stands alone may be meant for a config.
fn told(error: &clap::Error) -> Exit {
    let _ = error.print();
    if !error.use_stderr() {
        return Exit::Ok;
    }
    if let (ErrorKind::UnknownArgument, Some(ContextValue::String(given))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
        && [".yaml", ".yml"].iter().any(|end| given.ends_with(end))
    {
        words(format_args!("\nhint: `-c {given}` names the config file"));
    }
    Exit::Usage
}

/// Why data did not get to standard output, where it did not: a key on a full disk must not pass for one that is kept.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// `1 route`, `2 routes`.
pub(crate) fn counted<N: std::fmt::Display + From<u8> + PartialEq>(count: N, what: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// Says something to the person, on standard error.
pub(crate) fn words(text: std::fmt::Arguments<'_>) {
    // Not `eprintln!`, which panics where nobody listens any more.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes a line of data to standard output.
pub(crate) fn data(text: std::fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    arrived(writeln!(out, "{text}").and_then(|()| out.flush()));
}

/// Writes bytes to standard output as they are.
pub(crate) fn raw_data(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    arrived(out.write_all(bytes).and_then(|()| out.flush()));
}

/// A reader that went away is no failure of ours; any other is told at the end.
fn arrived(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let _ = LOST.set(error);
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_shows_examples_before_its_options() {
        fn leaves(command: &mut clap::Command, found: &mut usize) {
            if command.has_subcommands() {
                return command.get_subcommands_mut().filter(|c| c.get_name() != "help").for_each(|c| leaves(c, found));
            }
            let name = command.get_name().to_owned();
            let help = command.render_long_help().to_string();
            let example = help.find("\n  ").unwrap_or(usize::MAX);
            let first = help.lines().skip(1).find(|line| !line.trim().is_empty()).unwrap_or_default();
            assert!(first.contains("countersign "), "{name} begins with {first:?}");
            assert!(help.find("Usage:").is_some_and(|usage| example < usage), "{name}");
            *found += 1;
        }
        let (mut command, mut found) = (Arguments::command(), 0);
        command.build();
        leaves(&mut command, &mut found);
        assert_eq!(found, 25);
    }

    #[test]
    fn no_argument_takes_a_secret() {
        for arguments in [
            vec!["countersign", "sign", "r", "--scheme", "s", "--key", "hunter2"],
            vec!["countersign", "verify", "r", "--scheme", "s", "--secret", "hunter2"],
        ] {
            assert!(Arguments::try_parse_from(arguments).is_err());
        }
    }
}
