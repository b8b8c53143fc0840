//! `countersign verify`: is this request signed as the scheme wants it, and if not, why not.
//!
//! It remembers nothing: a replay is not recognised here.

mod messages;
mod mismatch;
pub(super) mod slips;

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::{
    Exit, config_file, counted, data,
    key_file::KeyFile,
    key_writing::KeyWriting,
    request::{RawRequest, RequestError},
    trouble::Trouble,
    words,
};
use crate::{
    authenticate::{Origin, Reason},
    clock::Clock,
    config::{self, UrlError},
    keys::{KeyTable, NoKey},
    refusal::Cause,
    scheme::{Claimed, Failure, Scheme},
};

/// Verify a signed request that is kept in a file
///
///   countersign verify request.http --scheme device-v2 --keys keys.txt
///   countersign verify request.http --scheme webhook --keys keys.txt -c gateway.yaml
///   countersign verify - --scheme device --keys <(echo "$API_DB_KEY") < request.http
///   countersign verify captured.http --scheme device-v2 --keys keys.txt \
///     --at 1714485600 --public-origin https://api.example.com
///
/// The file holds the request as sent: head, an empty line, body. Lines of the
/// head may end in LF alone. Without a Content-Length all the rest of the file is
/// the body, a newline at its end as well.
/// The keys file has lines `id,secret`, or a bare secret for a scheme without ids
/// or a key shared by all; or it is a file of keys as the gateway reads it. Several
/// lines of one id are its live secrets. Where no id fits, a line may be a bare secret
/// with a comma in it. Where the config given with -c names an `encoding` for these
/// keys, they are written so here too.
///
/// Exit code 0 and `accepted` on standard output, or 4 and `refused: CAUSE: why` on
/// standard error. Of a wrong signature the message is shown that should have been
/// signed, the signature that it would have, and the slip that explains the one that
/// came, if one does. Nothing is remembered, so a replay is not recognised.
#[derive(Args)]
#[command(verbatim_doc_comment)]
#[allow(rustdoc::bare_urls, reason = "the text is read on a terminal")]
pub(super) struct Verify {
    /// The file that holds the request, or `-` for standard input
    #[arg(value_name = "REQUEST")]
    request: PathBuf,
    #[command(flatten)]
    by: By,
}

/// What a request is verified or signed by.
#[derive(Args)]
pub(super) struct By {
    /// A scheme of the config given with -c, else a preset
    #[arg(long, value_name = "NAME")]
    scheme: String,
    /// The file with the keys
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// A config that has the scheme; the secrets and files it names are not read
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The time, in seconds since 1970 [default: now]
    #[arg(long, value_name = "UNIX", allow_negative_numbers = true)]
    at: Option<i64>,
    /// Scheme and authority as clients see them [default: http:// and the Host header]
    #[arg(long, value_name = "URL", value_parser = origin)]
    public_origin: Option<config::Origin>,
}

/// A request that was accepted.
pub(super) struct Accepted {
    claimed: Claimed,
    /// Which of the id's live secrets, from 0, and how many there are.
    secret: (usize, usize),
}

impl Verify {
    pub(super) fn execute(self) -> Result<Exit, Trouble> {
        let scheme = self.by.scheme()?;
        let file = self.by.key_file(&scheme)?;
        let table = |file: &KeyFile| file.table(|secret| scheme.key_recipe().verifying(secret));
        let keys = table(&file)?;
        let request = match RawRequest::read(&self.request) {
            Err(error) if error.is_refusal() => return Ok(malformed(&error)),
            read => read?,
        };
        if request.left_over() > 0 {
            words(format_args!("note: {} behind the body, not part of it", counted(request.left_over(), "byte")));
        }
        let origin = request.origin(self.by.public_origin.as_ref());
        let now_millis = self.by.now_millis();
        let mut verified = verify(&scheme, &keys, &request, origin, now_millis);
        if let (Err(Reason::NoKey(NoKey::Unknown)), Some(bare)) = (&verified, file.as_bare_secrets()) {
            verified = verify(&scheme, &table(&bare)?, &request, origin, now_millis).or(verified);
        }
        Ok(match verified {
            Ok(accepted) => {
                accepted.show(&scheme);
                Exit::Ok
            }
            Err(reason) => {
                words(format_args!("refused: {}: {reason}", reason.cause().face().name));
                match reason {
                    Reason::Signature(Failure::Stale { behind_millis }) => hint_of_time(now_millis, behind_millis),
                    Reason::Signature(Failure::Mismatch | Failure::Undecodable | Failure::Misspelt(_)) => {
                        mismatch::show(&scheme, &file, &request, &request.view(origin), now_millis);
                    }
                    Reason::Signature(Failure::MissingSignature) => mismatch::show_carrier(&scheme, &request),
                    Reason::NoKey(NoKey::Unknown) => mismatch::show_ids(&scheme, &file, &request.view(origin)),
                    _ => (),
                }
                Exit::Refused
            }
        })
    }
}

fn hint_of_time(now_millis: i64, behind_millis: i64) {
    let stated = now_millis.saturating_sub(behind_millis);
    let unix = stated.div_euclid(1000);
    // No calendar has that time, if the number counts seconds.
    if let (Err(_), Ok(time)) = (Timestamp::from_millisecond(stated), Timestamp::from_millisecond(unix)) {
        words(format_args!(
            "  hint: the request is of {time}, in a unit a thousand times smaller than the scheme's `formats` have \
             (`unix_millis` for `unix`)"
        ));
        return;
    }
    words(format_args!("  hint: the request is of {}; `--at {unix}` judges by its own time", time(stated)));
}

impl By {
    pub(super) fn scheme(&self) -> Result<std::sync::Arc<Scheme>, Trouble> {
        config_file::scheme(&self.scheme, self.config.as_deref())
    }

    pub(super) fn key_file(&self, scheme: &Scheme) -> Result<KeyFile, Trouble> {
        let mut file = KeyFile::read(&self.keys, scheme)?;
        if let Some(config) = &self.config {
            KeyWriting::of(&self.scheme, config)?.decode(&mut file);
        }
        Ok(file)
    }

    pub(super) fn public_origin(&self) -> Option<&config::Origin> {
        self.public_origin.as_ref()
    }

    pub(super) fn now_millis(&self) -> i64 {
        self.at.map_or_else(|| Clock::system().unix_millis(), |unix| unix.saturating_mul(1000))
    }
}

/// Verifies `request` as a gateway would, but for replays.
pub(super) fn verify(
    scheme: &Scheme,
    keys: &KeyTable,
    request: &RawRequest,
    origin: Origin<'_>,
    now_millis: i64,
) -> Result<Accepted, Reason> {
    let view = request.view(origin);
    let claimed = scheme.read(&view, now_millis)?;
    // These keys stand in a file: nothing has to be waited for.
    let found = keys.find(claimed.key_id()).at_once().unwrap_or(Err(NoKey::Unknown))?;
    let live = found.key().live(now_millis)?;
    let secret = (scheme.verify(&claimed, &view, live.prepared())?, live.prepared().len());
    Ok(Accepted { claimed, secret })
}

impl Accepted {
    fn show(&self, scheme: &Scheme) {
        data(format_args!("accepted"));
        data(format_args!("  scheme  {}", scheme.name()));
        if let Some(id) = self.claimed.key_id() {
            data(format_args!("  key id  {}", String::from_utf8_lossy(id)));
        }
        if let (index, count @ 2..) = self.secret {
            data(format_args!("  secret  {} of {count}", index + 1));
        }
        if let Some(millis) = self.claimed.time_millis() {
            data(format_args!("  time    {}", time(millis)));
        }
    }
}

fn malformed(error: &RequestError) -> Exit {
    words(format_args!("refused: {}: {error}", Cause::BadRequest.face().name));
    Exit::Refused
}

/// `1714485600 (2024-04-30T14:00:00Z)`
fn time(millis: i64) -> String {
    let unix = millis.div_euclid(1000);
    match Timestamp::from_millisecond(millis) {
        Ok(time) => format!("{unix} ({time})"),
        Err(_) => unix.to_string(),
    }
}

fn origin(text: &str) -> Result<config::Origin, UrlError> {
    config::origin(text.strip_suffix('/').unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{keys::KeyRecord, secret::Secret};

    const BODY: &str = r#"{"mac_address":"12:34:56:78:9a:bc","timestamp":1714485600}"#;
    const SIGNATURE: &str = "46cf5c7219b834724d7d32b69446e03ec7a067e0a44efd9b01dd7c876e6a00e2";

    fn judged(signature: &str, body: &str) -> Result<Accepted, Reason> {
        let text = format!("POST /verify HTTP/1.1\nHost: a\nX-HMAC-Signature: {signature}\n\n{body}");
        let request = RawRequest::parse(text.as_bytes()).unwrap();
        let scheme = config_file::scheme("device", None).unwrap();
        let prepare = |secret: &Secret| scheme.key_recipe().verifying(secret);
        let keys = KeyTable::shared(&KeyRecord::of([Secret::new(b"secret-key".to_vec())]), prepare).unwrap();
        verify(&scheme, &keys, &request, request.origin(None), 0)
    }

    #[test]
    fn the_known_device_request_is_accepted() {
        let accepted = judged(SIGNATURE, BODY).unwrap_or_else(|reason| panic!("{reason}"));
        assert_eq!(accepted.claimed.key_id(), Some(&b"12:34:56:78:9a:bc"[..]));
        assert_eq!(accepted.claimed.time_millis(), Some(1_714_485_600_000));
    }

    #[test]
    fn anything_else_is_refused_for_its_own_reason() {
        let cause = |signature: &str, body: &str| judged(signature, body).err().map(|reason| reason.cause());
        assert_eq!(cause(SIGNATURE, &BODY.replace("600}", "601}")), Some(Cause::InvalidSignature));
        assert_eq!(cause("", BODY), Some(Cause::MissingSignature));
        assert_eq!(cause("zz", BODY), Some(Cause::InvalidSignature));
        assert_eq!(cause(SIGNATURE, "{}"), Some(Cause::UnreadableField));
    }

    #[test]
    fn a_time_is_shown_in_both_forms() {
        assert_eq!(time(1_714_485_600_000), "1714485600 (2024-04-30T14:00:00Z)");
        assert_eq!(time(i64::MAX), "9223372036854775");
    }

    #[test]
    fn a_public_origin_is_a_scheme_and_an_authority() {
        assert_eq!(origin("https://api.example.com/").unwrap().authority, "api.example.com");
        assert!(origin("api.example.com").is_err() && origin("http://a/path").is_err());
    }
}
