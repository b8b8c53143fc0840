//! How a cookie is set, and taken back: over TLS alone, for this host alone, on all of its paths.

/// Longest name and value together, in bytes. Browsers drop a longer cookie without a word (RFC 6265 section 6.1).
pub const LONGEST: usize = 4096;

/// With whose requests a browser sends a cookie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameSite {
    /// With those of pages of the same site alone.
    #[default]
    Strict,
    /// Also where another site's link leads here.
    Lax,
    /// With those of any page.
    None,
}

/// A cookie that is to be set.
#[derive(Clone, Copy)]
pub struct NewCookie<'c> {
    /// Its name.
    pub name: &'c str,
    /// Its value; empty to take it back.
    pub value: &'c str,
    /// How long it is kept, in seconds; 0 to take it back.
    pub max_age: u64,
    /// With whose requests it comes back.
    pub same_site: SameSite,
    /// Whether scripts of the page may read it.
    pub is_open: bool,
}

impl NewCookie<'_> {
    /// The value of a `Set-Cookie` field. There is no `Domain`, so that it is this host's alone, and `__Host-` may be its
    /// name's prefix.
    pub fn field(&self) -> String {
        let NewCookie { name, value, max_age, .. } = self;
        let same_site = match self.same_site {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        };
        let hidden = if self.is_open { "" } else { "; HttpOnly" };
        format!("{name}={value}; Path=/; Max-Age={max_age}; Secure{hidden}; SameSite={same_site}")
    }

    /// Whether a browser keeps one of that length.
    pub fn fits(&self) -> bool {
        self.name.len() + self.value.len() < LONGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_secure_and_of_this_host_and_hidden_unless_a_script_needs_it() {
        let cookie = NewCookie {
            name: "__Host-token",
            value: "a.b.c",
            max_age: 300,
            same_site: SameSite::Strict,
            is_open: false,
        };
        let field = "__Host-token=a.b.c; Path=/; Max-Age=300; Secure; HttpOnly; SameSite=Strict";
        assert_eq!(cookie.field(), field);
        let open = NewCookie { is_open: true, same_site: SameSite::Lax, ..cookie };
        assert_eq!(open.field(), "__Host-token=a.b.c; Path=/; Max-Age=300; Secure; SameSite=Lax");
        let long = "x".repeat(LONGEST);
        assert!(cookie.fits() && !NewCookie { value: &long, ..cookie }.fits());
    }
}
