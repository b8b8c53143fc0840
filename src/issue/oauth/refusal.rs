//! What a client is told that gets no token: the errors of RFC 6749 section 5.2, as JSON, each in its status.

use serde_json::json;

use super::{ClientFault, FormFault};
use crate::{
    issue::{Failure, UsersAway},
    message::{HoldError, Response},
};

/// A failure, and how it is told.
#[derive(Debug)]
pub struct ProtocolRefusal {
    /// Why, for the log.
    pub why: Failure,
}

/// The name of an error, and its status.
type Error = (u16, &'static str);

const INVALID_REQUEST: Error = (400, "invalid_request");
const INVALID_CLIENT: Error = (401, "invalid_client");
const INVALID_GRANT: Error = (400, "invalid_grant");
const INVALID_SCOPE: Error = (400, "invalid_scope");
const UNAUTHORIZED_CLIENT: Error = (400, "unauthorized_client");
const UNSUPPORTED_GRANT_TYPE: Error = (400, "unsupported_grant_type");
/// RFC 7009 section 2.2.1.
const UNSUPPORTED_TOKEN_TYPE: Error = (400, "unsupported_token_type");
/// Not among those of section 5.2, which has none for a server that cannot answer right now.
const UNAVAILABLE: &str = "temporarily_unavailable";

impl ProtocolRefusal {
    /// The answer. `Retry-After` is where it helps to wait.
    pub fn response(&self) -> Response {
        let (status, error) = told(&self.why);
        let body = json!({ "error": error }).to_string();
        let response = Response::own(status, "application/json", body);
        let response = response.with("Cache-Control", "no-store").with("Pragma", "no-cache");
        match status {
            401 => response.with("WWW-Authenticate", "Basic realm=\"token\", charset=\"UTF-8\""),
            429 | 503 => response.with("Retry-After", wait(&self.why).to_string()),
            _ => response,
        }
    }
}

fn told(why: &Failure) -> Error {
    match why {
        Failure::Held(HoldError::TooLarge { .. } | HoldError::TooLargeToRead { .. }) => (413, INVALID_REQUEST.1),
        Failure::Held(HoldError::NoRoom(_) | HoldError::Spool(_)) => (503, UNAVAILABLE),
        Failure::Held(HoldError::Sender(_)) | Failure::Unreadable(_) => INVALID_REQUEST,
        Failure::Form(
            FormFault::NoForm | FormFault::Malformed | FormFault::Twice | FormFault::TooMany | FormFault::Missing(_),
        ) => INVALID_REQUEST,
        Failure::Client(ClientFault::Twofold) => INVALID_REQUEST,
        Failure::Client(ClientFault::Missing | ClientFault::Unwanted | ClientFault::Malformed) => INVALID_CLIENT,
        Failure::ClientRefused(why) if why.is_guess() => INVALID_CLIENT,
        Failure::ClientRefused(why) => told(why),
        Failure::UnknownGrant => UNSUPPORTED_GRANT_TYPE,
        Failure::Scope => INVALID_SCOPE,
        Failure::OtherClient => UNAUTHORIZED_CLIENT,
        Failure::Irrevocable => UNSUPPORTED_TOKEN_TYPE,
        Failure::NoName
        | Failure::UnknownUser
        | Failure::DisabledUser
        | Failure::WrongPassword
        | Failure::NoPassword
        | Failure::UnreadableUser(_) => INVALID_GRANT,
        Failure::Users(UsersAway::Crowded) => (429, UNAVAILABLE),
        Failure::Users(_) | Failure::UnreadableHolder(_) => (503, UNAVAILABLE),
        Failure::Refresh(fault) if fault.is_verdict() => INVALID_GRANT,
        Failure::Refresh(_) => (503, UNAVAILABLE),
        Failure::Busy | Failure::Throttled { .. } => (429, UNAVAILABLE),
        Failure::Claim(..) | Failure::Answer(_) | Failure::Nameless => INVALID_REQUEST,
        // Of sessions in cookies, which this endpoint has none of.
        Failure::OtherSite(_) | Failure::OtherCsrfToken | Failure::Cookie(_) | Failure::NoSession => INVALID_REQUEST,
        Failure::NotRevoked(_) | Failure::Unsigned | Failure::NoRandomness | Failure::TokenTooLong => {
            (503, UNAVAILABLE)
        }
        Failure::Protocol(refusal) => told(&refusal.why),
    }
}

/// Seconds until it may be tried again.
fn wait(why: &Failure) -> i64 {
    match why {
        Failure::Throttled { seconds } => *seconds,
        Failure::ClientRefused(why) => wait(why),
        _ => 1,
    }
}
