//! Asking a running gateway, over its admin listener.

use std::{fs, io, net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;
use serde_json::Value;

use super::{
    config_file::describe,
    exchange::{Answer, exchange, exchange_over_file},
    trouble::Trouble,
};
use crate::{
    admin::LONGEST_WORK,
    config::{AdminAddress, UNIX},
    secret::Secret,
};

/// The variable that holds the token, where no file does.
const TOKEN_VARIABLE: &str = "COUNTERSIGN_ADMIN_TOKEN";

/// Where an admin listener is where nothing else is said.
const USUAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9090);

/// How long an answer may take: somewhat longer than what is asked for.
const PATIENCE: Duration = LONGEST_WORK.saturating_add(Duration::from_secs(10));

/// Where a gateway is asked, and with which token.
#[derive(Args)]
pub(super) struct AdminPlace {
    /// The gateway's admin listener: an address, or `unix:` and a path [default: 127.0.0.1:9090]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    admin: Option<AdminAddress>,
    /// The gateway's config, which says where its admin listener is
    #[arg(short = 'c', long = "config", value_name = "FILE", conflicts_with = "admin")]
    config: Option<PathBuf>,
    /// A file with the admin token [default: the variable COUNTERSIGN_ADMIN_TOKEN]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// What the gateway said.
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Said {
    /// The texts of a list in the answer.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.body.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// Why it was not done.
    pub(super) fn trouble(&self) -> Trouble {
        let error = self.body.get("error").and_then(Value::as_str).unwrap_or("it gave no reason");
        Trouble::NotDone { status: self.status, error: error.to_owned() }
    }
}

/// What is no address of an admin listener.
#[derive(Debug, thiserror::Error)]
#[error("wanted is an address and port, such as 127.0.0.1:9090, or `unix:` and a path")]
struct NoAddress;

/// As a config has it, or as people write it: a URL, `localhost`.
fn address(text: &str) -> Result<AdminAddress, NoAddress> {
    if let Some(path) = text.strip_prefix(UNIX) {
        return Ok(AdminAddress::Unix(path.into()));
    }
    let place = text.strip_prefix("http://").unwrap_or(text);
    let place = place.strip_suffix('/').unwrap_or(place);
    let place = place.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}")).unwrap_or(place.to_owned());
    place.parse().map(AdminAddress::Tcp).map_err(|_| NoAddress)
}

impl From<Answer> for Said {
    fn from(Answer { status, body }: Answer) -> Said {
        // What is no JSON comes from somebody who is no gateway, or an older one.
        Said { status, body: serde_json::from_slice(&body).unwrap_or_default() }
    }
}

impl AdminPlace {
    /// Asks, and reads the answer.
    ///
    /// # Errors
    /// [`Trouble`]: no token, or no answer.
    pub(super) fn ask(&self, method: &str, path: &str, body: &str) -> Result<Said, Trouble> {
        let token = self.token()?;
        let address = self.address()?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\nAuthorization: Bearer ",
            body.len()
        );
        let request = [head.as_bytes(), token.expose(), b"\r\n\r\n", body.as_bytes()].concat();
        let answer = match &address {
            AdminAddress::Tcp(address) => exchange(*address, &request, PATIENCE),
            AdminAddress::Unix(path) => exchange_over_file(path, &request, PATIENCE),
        };
        answer.map(Said::from).map_err(|source| unanswered(address.to_string(), source))
    }

    fn address(&self) -> Result<AdminAddress, Trouble> {
        match (&self.admin, &self.config) {
            (Some(address), _) => Ok(address.clone()),
            (None, None) => Ok(AdminAddress::Tcp(USUAL)),
            (None, Some(path)) => {
                let admin = describe(path)?.admin.ok_or_else(|| Trouble::NoAdmin(path.clone()))?;
                Ok(admin.address)
            }
        }
    }

    fn token(&self) -> Result<Secret, Trouble> {
        let token = match &self.token_file {
            Some(file) => fs::read(file).map_err(|source| Trouble::TokenFile { file: file.clone(), source })?,
            None => std::env::var(TOKEN_VARIABLE).map_err(|_| Trouble::NoToken)?.into_bytes(),
        };
        Ok(Secret::new(token.trim_ascii_end().to_vec()))
    }
}

/// Where a reader waits no longer, the gateway may still be at it.
fn unanswered(place: String, source: io::Error) -> Trouble {
    match source.kind() {
        io::ErrorKind::WouldBlock => Trouble::NoAnswerYet(place),
        _ => Trouble::NoAnswer { place, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_listener_may_be_written_as_people_write_it() {
        for text in ["127.0.0.1:9090", "localhost:9090", "http://127.0.0.1:9090", "http://localhost:9090/"] {
            assert!(matches!(address(text), Ok(AdminAddress::Tcp(tcp)) if tcp == USUAL), "{text}");
        }
        assert!(matches!(address("unix:/run/a.sock"), Ok(AdminAddress::Unix(_))));
        for text in ["localhost", "https://127.0.0.1:9090", "gateway:9090", "127.0.0.1"] {
            assert!(address(text).unwrap_err().to_string().contains("such as 127.0.0.1:9090"), "{text}");
        }
    }

    #[test]
    fn what_is_not_answered_in_time_is_not_called_undone() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let told = |source| unanswered(address.to_string(), source).to_string();
        let late = told(exchange(address, b"POST", Duration::from_millis(50)).unwrap_err());
        assert!(
            late.starts_with(&format!("no answer from {address} yet")) && late.contains("still be going on"),
            "{late}"
        );
        drop(listener);
        let nobody = told(exchange(address, b"POST", Duration::from_secs(5)).unwrap_err());
        assert!(nobody.starts_with(&format!("no answer from {address}: ")), "{nobody}");
    }

    #[test]
    fn what_was_not_done_is_told_with_its_reason() {
        let told = |body: &[u8]| Said::from(Answer { status: 403, body: body.to_vec() }).trouble().to_string();
        assert_eq!(told(b"{\"error\":\"x\"}"), "the gateway answered 403: x");
        assert_eq!(told(b"<html>"), "the gateway answered 403: it gave no reason");
    }
}
