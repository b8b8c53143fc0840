//! `countersign hash-password`: what a file of users keeps instead of a password.

use std::{
    io::{self, BufRead, IsTerminal, Read, Write},
    path::PathBuf,
};

use clap::Args;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::{Exit, data, trouble::Trouble, words};
use crate::{
    config::{self, System},
    password::{LONGEST, Method, PasswordHash},
};

/// Hash a password for a file of users
///
///   countersign hash-password                               asks for it, without showing it
///   printf %s "$PASSWORD" | countersign hash-password       from a script
///   countersign hash-password --check users.yaml --user alice
///
/// argon2id with 19 MiB and two passes, unless it is to be bcrypt. The hash goes to standard output.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct HashPassword {
    /// bcrypt with cost 12, for programs that know nothing else; at most 72 bytes
    #[arg(long, conflicts_with = "check")]
    bcrypt: bool,
    /// Whether it is the password of a user in this file; exit code 4 where it is not
    #[arg(long, value_name = "FILE", requires = "user")]
    check: Option<PathBuf>,
    /// The user whose password is checked
    #[arg(long, value_name = "NAME", requires = "check")]
    user: Option<String>,
}

impl HashPassword {
    pub(super) fn execute(self) -> Result<Exit, Trouble> {
        if let (Some(file), Some(user)) = (&self.check, &self.user) {
            return check(file, user);
        }
        let method = if self.bcrypt { Method::Bcrypt } else { Method::Argon2id };
        let hash = PasswordHash::make(&password(true)?, method).map_err(Trouble::Password)?;
        data(format_args!("{}", hash.to_text()));
        Ok(Exit::Ok)
    }
}

fn check(file: &std::path::Path, name: &str) -> Result<Exit, Trouble> {
    let (users, problems) = config::read_users(file, &System);
    for problem in problems {
        words(format_args!("{problem}"));
    }
    let Some(users) = users else { return Ok(Exit::Config) };
    let Some(user) = users.iter().find(|user| user.name == name) else {
        words(format_args!("countersign: there is no user of that name in the file"));
        return Ok(Exit::Refused);
    };
    match user.password.matches(&password(false)?) {
        true => {
            words(format_args!("it is the password{}", if user.disabled { ", and the user is disabled" } else { "" }));
            Ok(Exit::Ok)
        }
        false => {
            words(format_args!("countersign: it is another password"));
            Ok(Exit::Refused)
        }
    }
}

/// From a terminal a line that is not shown, `twice` where a slip could not be seen; otherwise all there is, less one newline.
fn password(twice: bool) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        let mut all = Zeroizing::new(Vec::with_capacity(LONGEST + 2));
        let most = u64::try_from(LONGEST + 2).unwrap_or(u64::MAX);
        stdin.lock().take(most).read_to_end(&mut all).map_err(Trouble::Input)?;
        cut_newline(&mut all);
        return Ok(all);
    }
    let first = ask("Password: ").map_err(Trouble::Input)?;
    if twice && ask("Once more: ").map_err(Trouble::Input)? != first {
        return Err(Trouble::PasswordsDiffer);
    }
    Ok(first)
}

fn ask(prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let quiet = Quiet::terminal()?;
    let mut out = io::stderr().lock();
    out.write_all(prompt.as_bytes())?;
    out.flush()?;
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST + 2));
    io::stdin().lock().read_until(b'\n', &mut line)?;
    drop(quiet);
    writeln!(out)?;
    cut_newline(&mut line);
    Ok(line)
}

fn cut_newline(text: &mut Vec<u8>) {
    if text.last() == Some(&b'\n') {
        text.pop();
        if text.last() == Some(&b'\r') {
            text.pop();
        }
    }
}

/// A terminal that shows nothing of what is typed, until it is dropped.
struct Quiet(Termios);

impl Quiet {
    fn terminal() -> io::Result<Quiet> {
        let usual = tcgetattr(io::stdin())?;
        let mut quiet = usual.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Quiet(usual))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
