//! `countersign sign`: the same description that verifies a request signs one.

mod shell;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{
    Exit, counted, data,
    key_file::KeyFile,
    keys::random,
    raw_data,
    request::RawRequest,
    trouble::Trouble,
    verify::{By, verify},
    words,
};
use crate::{
    authenticate::Origin,
    keys::KeyTable,
    scheme::{Failure, Scheme},
};

/// Sign a request that is kept in a file
///
///   countersign sign request.http --scheme device-v2 --keys keys.txt
///   countersign sign - --scheme device --keys <(echo "$API_DB_KEY") < request.http
///   printf 'GET /v2/a HTTP/1.1\nHost: localhost:8000\n\n' |
///     countersign sign - --scheme device-v2 --keys keys.txt --id dev-1 --print curl | sh
///
/// The file holds a request: head, an empty line, body. Lines of the
/// head may end in LF alone. Without a Content-Length all the rest of the file is
/// the body, a newline at its end as well.
/// The keys file has lines `id,secret`, or a bare secret for a scheme without ids
/// or a key shared by all; or it is a file of keys as the gateway reads it. Of
/// several lines of one id the first signs. Where the config given with -c names an
/// `encoding` for these keys, they are written so here too.
///
/// The signed request is verified before it is printed.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Sign {
    /// The file that holds the request, or `-` for standard input
    #[arg(value_name = "REQUEST")]
    request: PathBuf,
    #[command(flatten)]
    by: By,
    /// Who signs [default: the only id of the keys file]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// What to print: the request as it is sent, or a command that sends it
    #[arg(long, value_enum, default_value = "http")]
    print: Print,
}

#[derive(Clone, Copy, ValueEnum)]
enum Print {
    Curl,
    Http,
}

impl Sign {
    pub(super) fn execute(self) -> Result<Exit, Trouble> {
        let scheme = self.by.scheme()?;
        let keys = self.by.key_file(&scheme)?;
        let request = RawRequest::read(&self.request)?;
        if request.left_over() > 0 {
            words(format_args!("note: {} behind the body, left out", counted(request.left_over(), "byte")));
        }
        let id = self.signer(&scheme, &keys)?;
        let table = keys.table(|secret| scheme.key_recipe().signing(secret))?;
        let origin = request.origin(self.by.public_origin());
        let signed = sign(&scheme, &table, &request, origin, id, self.by.now_millis())?;
        match self.print {
            Print::Http => raw_data(&signed.to_bytes()),
            Print::Curl => data(format_args!("{}", shell::curl(&signed, origin.scheme))),
        }
        Ok(Exit::Ok)
    }

    fn signer<'a>(&'a self, scheme: &Scheme, keys: &'a KeyFile) -> Result<Option<&'a str>, Trouble> {
        match (&self.id, keys.ids().as_slice()) {
            (Some(id), _) => Ok(Some(id)),
            (None, []) => Ok(None),
            (None, [only]) => Ok(Some(only)),
            (None, several) if scheme.has_key_id() => Err(Trouble::WhichId(several.len())),
            (None, _) => Ok(None),
        }
    }
}

/// Signs `request` with the first secret of `id`, and verifies what came of it.
pub(super) fn sign(
    scheme: &Scheme,
    keys: &KeyTable,
    request: &RawRequest,
    origin: Origin<'_>,
    id: Option<&str>,
    now_millis: i64,
) -> Result<RawRequest, Trouble> {
    let no_secret = || Trouble::NoSecret(id.unwrap_or_default().to_owned());
    let found = keys.find(id.map(str::as_bytes)).at_once().ok().and_then(Result::ok).ok_or_else(no_secret)?;
    let first = found.key().live(now_millis).ok().and_then(|live| live.first()).ok_or_else(no_secret)?;
    let nonce = hex::encode(&*random(16)?);
    let written =
        scheme.sign(&request.view(origin), first, id, now_millis, &nonce).map_err(|failure| match failure {
            Failure::Unreadable { place, .. } if id.is_none() && place == "key_id" => Trouble::NoId,
            other => Trouble::Unsignable(other),
        })?;
    // What is signed for an origin is sent to it.
    let host =
        (origin.authority != request.head().authority()).then(|| ("Host".to_owned(), origin.authority.to_owned()));
    let fields: Vec<(String, String)> = host.into_iter().chain(written.headers).collect();
    let signed = request.with(written.target.as_deref(), &fields)?;
    verify(scheme, keys, &signed, origin, now_millis).map_err(Trouble::WouldBeRefused)?;
    Ok(signed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cli::config_file, keys::KeyRecord, secret::Secret};

    fn keys(scheme: &Scheme) -> KeyTable {
        let prepare = |secret: &Secret| scheme.key_recipe().signing(secret);
        KeyTable::shared(&KeyRecord::of([Secret::new(b"secret-key".to_vec())]), prepare).unwrap()
    }

    fn signed(scheme: &str, text: &str, id: Option<&str>) -> Result<String, Trouble> {
        let scheme = config_file::scheme(scheme, None)?;
        let keys = keys(&scheme);
        let request = RawRequest::parse(text.as_bytes())?;
        let signed = sign(&scheme, &keys, &request, request.origin(None), id, 1_714_485_600_000)?;
        Ok(String::from_utf8(signed.to_bytes()).unwrap())
    }

    #[test]
    fn the_known_device_request_gets_its_known_signature() {
        let body = r#"{"mac_address":"12:34:56:78:9a:bc","timestamp":1714485600}"#;
        let text = format!("POST /verify HTTP/1.1\nHost: a\nX-HMAC-Signature: old\n\n{body}");
        let wire = signed("device", &text, None).unwrap();
        let known = "X-HMAC-Signature: 46cf5c7219b834724d7d32b69446e03ec7a067e0a44efd9b01dd7c876e6a00e2\r\n";
        assert!(wire.contains(known) && !wire.contains("old") && wire.ends_with(body), "{wire}");
    }

    #[test]
    fn a_scheme_with_headers_of_its_own_writes_all_of_them() {
        let wire = signed("device-v2", "GET /a?b=c HTTP/1.1\nHost: a\n\n", Some("dev-1")).unwrap();
        assert!(wire.contains("X-HMAC-Key-Id: dev-1\r\nX-HMAC-Timestamp: 1714485600\r\nX-HMAC-Nonce: "), "{wire}");
    }

    #[test]
    fn a_request_signed_for_another_origin_is_sent_there() {
        let scheme = config_file::scheme("device-v2", None).unwrap();
        let keys = keys(&scheme);
        let request = RawRequest::parse(b"GET / HTTP/1.1\nHost: localhost\n\n").unwrap();
        let authority = "api.example.com";
        let origin = Origin { scheme: "https", authority, asked: authority, is_public_host: true };
        let signed = sign(&scheme, &keys, &request, origin, Some("dev-1"), 0).unwrap();
        assert_eq!(signed.head().authority(), "api.example.com");
        assert!(shell::curl(&signed, origin.scheme).contains("'https://api.example.com/'"));
    }

    #[test]
    fn what_would_not_verify_is_not_printed() {
        let unreadable = signed("device", "POST / HTTP/1.1\nHost: a\n\n{}", None).unwrap_err();
        assert!(matches!(unreadable, Trouble::Unsignable(_)), "{unreadable}");
        let nobody = signed("device-v2", "GET / HTTP/1.1\nHost: a\n\n", None).unwrap_err();
        assert!(matches!(nobody, Trouble::NoId), "{nobody}");
    }
}
