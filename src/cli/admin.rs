//! Asking a running gateway, over its admin listener.

use std::{
    fs,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    time::Duration,
};

use bytes::BytesMut;
use clap::Args;
use serde_json::Value;

use super::trouble::Trouble;
use crate::{
    http1::{BodyDecoder, Limits, ResponseHead, Step},
    secret::Secret,
};

/// The variable that holds the token, where no file does.
const TOKEN_VARIABLE: &str = "COUNTERSIGN_ADMIN_TOKEN";

/// How long an answer may take: a large config takes its time.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a gateway is asked, and with which token.
#[derive(Args)]
pub(super) struct AdminPlace {
    /// The gateway's admin listener
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    admin: SocketAddr,
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

impl AdminPlace {
    /// Asks, and reads the answer.
    ///
    /// # Errors
    /// [`Trouble`]: no token, or no answer.
    pub(super) fn ask(&self, method: &str, path: &str, body: &str) -> Result<Said, Trouble> {
        let token = self.token()?;
        let no_answer = |source| Trouble::NoAnswer { place: self.admin.to_string(), source };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\nAuthorization: Bearer ",
            self.admin,
            body.len()
        );
        let request = [head.as_bytes(), token.expose(), b"\r\n\r\n", body.as_bytes()].concat();
        exchange(self.admin, &request).map_err(no_answer)
    }

    fn token(&self) -> Result<Secret, Trouble> {
        let token = match &self.token_file {
            Some(file) => fs::read(file).map_err(|source| Trouble::TokenFile { file: file.clone(), source })?,
            None => std::env::var(TOKEN_VARIABLE).map_err(|_| Trouble::NoToken)?.into_bytes(),
        };
        Ok(Secret::new(token.trim_ascii_end().to_vec()))
    }
}

fn exchange(address: SocketAddr, request: &[u8]) -> io::Result<Said> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    read(&mut BytesMut::from(&*bytes)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn read(bytes: &mut BytesMut) -> Option<Said> {
    let limits = Limits::default();
    let head = ResponseHead::parse(bytes, &limits, false).ok()??;
    let mut decoder = BodyDecoder::new(head.framing(), &limits);
    let mut body = Vec::new();
    while let Step::Data(data) = decoder.decode(bytes).ok()? {
        body.extend_from_slice(&data);
    }
    // What is no JSON comes from somebody who is no gateway, or an older one.
    Some(Said { status: head.status(), body: serde_json::from_slice(&body).unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_status_and_document() {
        let said = read(&mut BytesMut::from("HTTP/1.1 403 No\r\nContent-Length: 13\r\n\r\n{\"error\":\"x\"}")).unwrap();
        assert_eq!((said.status, said.trouble().to_string().as_str()), (403, "the gateway answered 403: x"));
        assert!(read(&mut BytesMut::from("")).is_none());
    }
}
