//! A session in cookies: what a login sets in a browser, what a refresh takes from there, and what a logout takes back.
//!
//! Three cookies: the token's and the refresh token's, which no script can read, and one with the CSRF token, which the page's
//! own scripts must read and send back in a header.

use super::{Failure, Issuer, minter::Minted};
use crate::{
    cookies::{self, NewCookie, SameSite, Site},
    http1::RequestHead,
    message::Response,
    policy::Admitted,
    scheme::Unknown,
    secret::are_equal,
};

/// The cookies of an issuer's sessions.
#[derive(Debug, Clone)]
pub struct Session {
    /// The name of the one with the token.
    pub token: String,
    /// The name of the one with the CSRF token.
    pub csrf: String,
    /// The name of the one with the refresh token.
    pub refresh: String,
    /// With whose requests they come back.
    pub same_site: SameSite,
}

impl Session {
    /// That no page of another site logs a browser in: to a session of somebody else's, say.
    pub(super) fn check_page(permit: &Admitted<'_>) -> Result<(), Failure> {
        let site = Site { scheme: permit.view(&Unknown).scheme, authority: permit.asked() };
        cookies::check_page(permit.head(), site).map_err(|page| Failure::OtherSite(Box::new(page)))
    }

    /// The same of a request that goes on with a session or ends it: it must show the session's CSRF token. Where the token
    /// is still there, that is the one made of it; else the one in its cookie.
    pub(super) fn check(&self, permit: &Admitted<'_>) -> Result<(), Failure> {
        Session::check_page(permit)?;
        let head = permit.head();
        let shown = cookies::shown_csrf_token(head).ok_or(Failure::OtherCsrfToken)?;
        let is_right = match cookie(head, &self.token)? {
            Some(token) => are_equal(shown, cookies::csrf_token(token).as_bytes()),
            None => cookie(head, &self.csrf)?.is_some_and(|own| are_equal(shown, own)),
        };
        if is_right { Ok(()) } else { Err(Failure::OtherCsrfToken) }
    }

    /// The refresh token that came, if one did.
    pub(super) fn refresh_token<'p>(&self, permit: &'p Admitted<'_>) -> Result<Option<&'p [u8]>, Failure> {
        cookie(permit.head(), &self.refresh)
    }

    /// Whether browsers would keep the token.
    pub(super) fn check_length(&self, minted: &Minted) -> Result<(), Failure> {
        let cookie = self.hidden(&self.token, &minted.token, minted.lifetime);
        if cookie.fits() { Ok(()) } else { Err(Failure::TokenTooLong) }
    }

    /// `answer`, which sets the session's cookies.
    pub(super) fn begin(&self, answer: Response, minted: &Minted, issuer: &Issuer) -> Response {
        let refresh_age = issuer.refresh.as_ref().map(|refresh| refresh.rules.lifetime.as_secs());
        let csrf = cookies::csrf_token(minted.token.as_bytes());
        // As long as the session can go on: a refresh shows it too.
        let csrf_age = refresh_age.unwrap_or(minted.lifetime);
        let mut answer = set(answer, self.hidden(&self.token, &minted.token, minted.lifetime));
        answer = set(answer, NewCookie { is_open: true, ..self.hidden(&self.csrf, &csrf, csrf_age) });
        match (&minted.refresh, refresh_age) {
            (Some(token), Some(age)) => set(answer, self.hidden(&self.refresh, token, age)),
            _ => answer,
        }
    }

    /// `answer`, which takes all of them back.
    pub(super) fn end(&self, answer: Response) -> Response {
        let names = [&self.token, &self.csrf, &self.refresh];
        names.into_iter().fold(answer, |answer, name| set(answer, self.hidden(name, "", 0)))
    }

    fn hidden<'c>(&self, name: &'c str, value: &'c str, max_age: u64) -> NewCookie<'c> {
        NewCookie { name, value, max_age, same_site: self.same_site, is_open: false }
    }
}

fn set(answer: Response, cookie: NewCookie<'_>) -> Response {
    answer.with("Set-Cookie", cookie.field())
}

fn cookie<'h>(head: &'h RequestHead, name: &str) -> Result<Option<&'h [u8]>, Failure> {
    let found = cookies::find(head.values("cookie"), name.as_bytes())?;
    Ok(found.filter(|value| !value.is_empty()))
}
