//! From a stage's error to the answer that a client sees: cause, status, shape and texts.

use serde_json::json;

use super::{
    handshake::WrongToken,
    routes::{NotRouted, Why},
};
use crate::{
    authenticate::{
        Denied, Missing, Reason,
        jwt::{self, TokenError},
    },
    forward::Failure,
    http1::BadRequest,
    issue::{self, ClientFault, RefreshFault, UsersAway},
    message::{BodyError, HoldError, Response},
    minting::MintingFault,
    policy::{AddressDenied, Beyond, NotAdmitted, Withdrawn},
    refusal::Cause,
    scheme,
    scheme::Carrier,
};

/// A request that gets no answer but why.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// It is not HTTP as it must be.
    #[error(transparent)]
    Malformed(#[from] BadRequest),
    /// Its head did not come in time.
    #[error("the head did not arrive in time")]
    Slow,
    #[error(transparent)]
    NotRouted(#[from] NotRouted),
    /// Its body is larger than the route takes.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Its address is not let in.
    #[error(transparent)]
    Address(#[from] AddressDenied),
    /// Its address has sent too much that was not verified.
    #[error(transparent)]
    Unverified(#[from] Beyond),
    #[error(transparent)]
    Denied(#[from] Box<Denied>),
    #[error(transparent)]
    Handshake(#[from] WrongToken),
    #[error(transparent)]
    NotAdmitted(#[from] NotAdmitted),
    #[error(transparent)]
    Failed(#[from] Failure),
    #[error(transparent)]
    NotIssued(#[from] issue::Failure),
}

/// How a route's refusals look.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// `{"KEY": DETAIL}` and nothing else, instead of problem+json.
    pub key: Option<String>,
    /// Content type, where it is not the shape's own.
    pub content_type: Option<String>,
    /// Status and detail per cause, where they differ.
    pub texts: Vec<(Cause, Option<u16>, Option<String>)>,
    /// What a client is told to sign whose signature is missing or not good: `Accept-Signature`.
    pub accept_signature: Option<String>,
}

impl Refusal {
    /// What the client may know.
    pub(super) fn cause(&self) -> Cause {
        match self {
            Refusal::Malformed(error) => match error.status() {
                431 => Cause::HeadTooLarge,
                413 => Cause::TooLarge,
                _ => Cause::BadRequest,
            },
            Refusal::Slow => Cause::RequestTimeout,
            Refusal::NotRouted(error) => error.cause(),
            Refusal::Body(error) => of_body(error),
            Refusal::Address(AddressDenied::Listed | AddressDenied::Unlisted | AddressDenied::Unknown) => {
                Cause::AddressDenied
            }
            Refusal::Unverified(_) => Cause::RateLimited,
            Refusal::Denied(denied) => denied.cause,
            Refusal::Handshake(WrongToken) => Cause::InvalidSignature,
            Refusal::NotAdmitted(NotAdmitted::NotAllowed) => Cause::NotAllowed,
            Refusal::NotAdmitted(NotAdmitted::Withdrawn(Withdrawn::Key(_))) => Cause::RevokedKey,
            Refusal::NotAdmitted(NotAdmitted::Withdrawn(Withdrawn::Token(_))) => Cause::RevokedToken,
            Refusal::NotAdmitted(NotAdmitted::Replayed) => Cause::Replayed,
            Refusal::NotAdmitted(NotAdmitted::Stale | NotAdmitted::BeforeStart) => Cause::Stale,
            Refusal::NotAdmitted(NotAdmitted::Store(_) | NotAdmitted::Unknown(_)) => Cause::StoreUnavailable,
            Refusal::NotAdmitted(NotAdmitted::Beyond(_)) => Cause::RateLimited,
            Refusal::NotAdmitted(NotAdmitted::Uncounted(failure)) => of_template(failure),
            Refusal::Failed(failure) => match failure {
                Failure::Busy(_) | Failure::NoRandomness => Cause::Overloaded,
                Failure::Held(error) => of_held(error),
                Failure::Unsigned(failure) => of_signing(failure),
                Failure::AnswerHeld(error) => of_held_answer(error),
                Failure::AnswerUnsigned(_) => Cause::UpstreamFailed,
                Failure::ConnectTimeout(_) | Failure::Timeout => Cause::UpstreamTimeout,
                Failure::Client(error) => of_body(error),
                Failure::Connect { .. } | Failure::Broken(_) | Failure::Answer(_) | Failure::Upgrade => {
                    Cause::UpstreamFailed
                }
                Failure::Unwritable(_) => Cause::UnreadableField,
                Failure::Template(_, failure) | Failure::Assertion(MintingFault::Claim(_, failure)) => {
                    of_template(failure)
                }
                Failure::Assertion(MintingFault::Unsigned | MintingFault::NoRandomness) => Cause::Overloaded,
            },
            Refusal::NotIssued(failure) => of_issuing(failure),
        }
    }

    /// The limit of rate that refused it.
    pub(super) fn beyond(&self) -> Option<&Beyond> {
        match self {
            Refusal::Unverified(beyond) | Refusal::NotAdmitted(NotAdmitted::Beyond(beyond)) => Some(beyond),
            _ => None,
        }
    }

    fn status(&self) -> u16 {
        match self {
            // The codec knows finer statuses than the causes do (417, 501, 505).
            Refusal::Malformed(error) => error.status(),
            _ => self.cause().face().status,
        }
    }

    /// The answer, in the shape of the route where there is one.
    pub(super) fn response(&self, shape: &Shape) -> Response {
        // A document other than ours says how these are told.
        if let Refusal::NotIssued(issue::Failure::Protocol(refusal)) = self {
            return refusal.response();
        }
        let cause = self.cause();
        let text = shape.texts.iter().find(|(of, ..)| *of == cause);
        let status = text.and_then(|(_, status, _)| *status).unwrap_or_else(|| self.status());
        let detail = match text.and_then(|(.., detail)| detail.as_deref()) {
            Some(detail) => detail.to_owned(),
            None => self.detail(),
        };
        let (own_type, body) = match &shape.key {
            Some(key) => ("application/json", json!({ key: detail })),
            None => ("application/problem+json", problem(cause, status, &detail)),
        };
        let response = Response::own(status, shape.content_type.as_deref().unwrap_or(own_type), body.to_string());
        let response = self.with_fields(response);
        match &shape.accept_signature {
            Some(wanted) if self.is_about_signature() => response.with("Accept-Signature", wanted.as_bytes()),
            _ => response,
        }
    }

    /// Whether another signature would have helped.
    fn is_about_signature(&self) -> bool {
        let about = [Cause::MissingSignature, Cause::InvalidSignature, Cause::Stale, Cause::AmbiguousCredential];
        matches!(self, Refusal::Denied(_)) && about.contains(&self.cause())
    }

    fn detail(&self) -> String {
        let own = match self {
            Refusal::Denied(denied) => match &denied.missing {
                Some(missing) => detail_of_missing(missing),
                None => denied.attempts.first().and_then(|(_, reason)| detail_of(reason)),
            },
            Refusal::Malformed(BadRequest::Connect | BadRequest::Trace) => {
                Some("The gateway serves no request of this method".to_owned())
            }
            Refusal::Malformed(BadRequest::Tls) => Some("TLS is not spoken at this port: ask for http://".to_owned()),
            Refusal::Malformed(BadRequest::Http2) => Some("HTTP/2 is not spoken here: ask with HTTP/1.1".to_owned()),
            Refusal::Malformed(BadRequest::Version) => Some("HTTP/1.1 and HTTP/1.0 are spoken here".to_owned()),
            Refusal::Malformed(BadRequest::Expectation) => {
                Some("No expectation but 100-continue can be met".to_owned())
            }
            Refusal::NotRouted(NotRouted::AmbiguousPath(Why::Authority)) => {
                Some("The path begins with two slashes".to_owned())
            }
            Refusal::NotIssued(issue::Failure::OtherSite(_)) => {
                Some("A page of another site, or of another host than the one that was asked, has sent this".to_owned())
            }
            _ => None,
        };
        own.unwrap_or_else(|| self.cause().face().detail.to_owned())
    }

    fn with_fields(&self, response: Response) -> Response {
        match self {
            Refusal::Unverified(beyond) | Refusal::NotAdmitted(NotAdmitted::Beyond(beyond)) => {
                limited(response, beyond)
            }
            Refusal::NotRouted(NotRouted::MethodNotAllowed { allow }) => response.with("Allow", allow.as_bytes()),
            Refusal::NotAdmitted(NotAdmitted::Withdrawn(Withdrawn::Token(_))) => {
                response.with("WWW-Authenticate", "Bearer error=\"invalid_token\"")
            }
            Refusal::Denied(denied) => match &denied.challenge {
                Some(challenge) => response.with("WWW-Authenticate", challenge.field(denied.schemes)),
                None => response,
            },
            Refusal::NotIssued(issue::Failure::Throttled { seconds }) => {
                response.with("Retry-After", seconds.to_string())
            }
            Refusal::NotIssued(issue::Failure::Busy | issue::Failure::Users(UsersAway::Crowded)) => {
                response.with("Retry-After", "1")
            }
            Refusal::Failed(_) if self.cause() == Cause::InvalidToken => {
                response.with("WWW-Authenticate", "Bearer error=\"invalid_token\"")
            }
            _ => response,
        }
    }
}

fn detail_of_missing(missing: &Missing) -> Option<String> {
    match missing {
        // The header that the first clients know has a text that they know.
        Missing::Signature(Carrier::Header(name)) if name.eq_ignore_ascii_case("x-hmac-signature") => None,
        Missing::Signature(Carrier::Header(name)) | Missing::Token(jwt::Carrier::Header(name)) => {
            Some(format!("Missing {name} header"))
        }
        Missing::Signature(Carrier::Query(name)) | Missing::Token(jwt::Carrier::Query(name)) => {
            Some(format!("Missing {name} query parameter"))
        }
        Missing::Signature(Carrier::Json(pointer)) => Some(format!("Missing {pointer} in the JSON body")),
        Missing::Signature(Carrier::Form(name)) => Some(format!("Missing {name} form field")),
        Missing::Token(jwt::Carrier::Bearer | jwt::Carrier::Dpop) => None,
        Missing::Token(jwt::Carrier::Authorization) => Some("Missing Authorization header".to_owned()),
        Missing::Token(jwt::Carrier::Cookie(name)) => Some(format!("Missing {name} cookie")),
    }
}

/// Where a cause's own text would lead astray, and what was looked at is no secret's: the host that was asked, the page's site.
fn detail_of(reason: &Reason) -> Option<String> {
    match reason {
        Reason::OtherHost(_) => Some("The request was sent to another host than the one that is signed".to_owned()),
        Reason::Token(TokenError::ForeignOrigin) => {
            Some("The Origin header is missing or not that of this site".to_owned())
        }
        _ => None,
    }
}

fn limited(response: Response, beyond: &Beyond) -> Response {
    let told = beyond.told();
    let response = response.with("Retry-After", beyond.retry_after().to_string());
    response.with("RateLimit-Policy", told.policy).with("RateLimit", told.standing)
}

/// Nothing upstream failed where a header or an answer wants a value that the caller's credential does not have.
fn of_template(failure: &scheme::Failure) -> Cause {
    match failure {
        scheme::Failure::Unreadable { place, .. } if place.starts_with("claim:") => Cause::InvalidToken,
        scheme::Failure::Unreadable { place, .. } if place.starts_with("key:") => Cause::NotAllowed,
        _ => Cause::UnreadableField,
    }
}

/// A wrong password and a name that does not exist have one face.
fn of_issuing(failure: &issue::Failure) -> Cause {
    match failure {
        issue::Failure::Held(error) => of_held(error),
        issue::Failure::Unreadable(_) | issue::Failure::Cookie(_) | issue::Failure::NoSession => {
            Cause::MissingCredentials
        }
        issue::Failure::OtherSite(_) | issue::Failure::OtherCsrfToken => Cause::CrossSite,
        issue::Failure::Nameless => Cause::NotAllowed,
        issue::Failure::NoName
        | issue::Failure::UnknownUser
        | issue::Failure::DisabledUser
        | issue::Failure::WrongPassword
        | issue::Failure::NoPassword
        | issue::Failure::UnreadableUser(_) => Cause::InvalidCredentials,
        issue::Failure::Users(UsersAway::Away(_) | UsersAway::TimedOut | UsersAway::Silent(_)) => {
            Cause::UsersUnavailable
        }
        issue::Failure::Users(UsersAway::Crowded) => Cause::RateLimited,
        issue::Failure::Users(UsersAway::Nonsense(_)) | issue::Failure::UnreadableHolder(_) => Cause::UsersFailed,
        issue::Failure::Refresh(fault) if fault.is_verdict() => Cause::InvalidCredentials,
        issue::Failure::Refresh(RefreshFault::NoRandomness) => Cause::Overloaded,
        issue::Failure::Refresh(_) => Cause::StoreUnavailable,
        issue::Failure::Form(_)
        | issue::Failure::UnknownGrant
        | issue::Failure::Scope
        | issue::Failure::Irrevocable => Cause::BadRequest,
        issue::Failure::Client(ClientFault::Twofold) => Cause::AmbiguousCredential,
        issue::Failure::Client(ClientFault::Missing | ClientFault::Unwanted | ClientFault::Malformed) => {
            Cause::InvalidCredentials
        }
        issue::Failure::ClientRefused(why) => of_issuing(why),
        issue::Failure::OtherClient => Cause::NotAllowed,
        issue::Failure::NotRevoked(_) => Cause::StoreUnavailable,
        issue::Failure::Protocol(refusal) => of_issuing(&refusal.why),
        issue::Failure::Busy | issue::Failure::Throttled { .. } => Cause::RateLimited,
        issue::Failure::Claim(_, failure) | issue::Failure::Answer(failure) => of_template(failure),
        issue::Failure::Unsigned | issue::Failure::NoRandomness | issue::Failure::TokenTooLong => Cause::Overloaded,
    }
}

/// A client can send what is missing in its request; for the rest it can do nothing.
fn of_signing(failure: &scheme::Failure) -> Cause {
    match failure {
        scheme::Failure::Unreadable { .. } | scheme::Failure::KeyIdUnreadable | scheme::Failure::Uncovered { .. } => {
            Cause::UnreadableField
        }
        _ => Cause::Overloaded,
    }
}

fn of_held(error: &HoldError) -> Cause {
    match error {
        HoldError::TooLarge { .. } | HoldError::TooLargeToRead { .. } => Cause::TooLarge,
        HoldError::NoRoom(_) | HoldError::Spool(_) => Cause::Overloaded,
        HoldError::Sender(error) => of_body(error),
    }
}

/// Of an answer the sender is the upstream.
fn of_held_answer(error: &HoldError) -> Cause {
    match error {
        HoldError::NoRoom(_) | HoldError::Spool(_) => Cause::Overloaded,
        HoldError::Sender(BodyError::Upload(error)) => of_body(error),
        HoldError::Sender(BodyError::Stalled) => Cause::UpstreamTimeout,
        HoldError::TooLarge { .. } | HoldError::TooLargeToRead { .. } | HoldError::Sender(_) => Cause::UpstreamFailed,
    }
}

fn of_body(error: &BodyError) -> Cause {
    match error {
        BodyError::TooLarge { .. } => Cause::TooLarge,
        BodyError::Upload(error) => of_body(error),
        BodyError::Stalled => Cause::RequestTimeout,
        BodyError::Malformed(fault) => match fault.status() {
            413 => Cause::TooLarge,
            _ => Cause::BadRequest,
        },
        BodyError::CutOff(_) => Cause::BadRequest,
    }
}

fn problem(cause: Cause, status: u16, detail: &str) -> serde_json::Value {
    let face = cause.face();
    json!({
        "type": format!("urn:countersign:{}", face.name),
        "title": face.title,
        "status": status,
        "detail": detail,
    })
}
