//! Cookies that hold tokens (RFC 6265): how one is read, how one is set, and what must come with it besides.
//!
//! A browser sends a cookie along whatever page has it do so. What shows that it was a page of our own is the CSRF token:
//! made of the token in the cookie, which no script can read, and sent in a header, which no other site can set.

mod csrf;
mod read;
mod write;

pub use self::{
    csrf::{CSRF_HEADER, OtherPage, Site, check_page, csrf_token, is_own, opens_socket, shown_csrf_token},
    read::{CookieFault, find},
    write::{LONGEST, NewCookie, SameSite},
};
