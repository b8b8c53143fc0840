//! `cookie:` of an issuer: the cookies that a browser keeps its tokens in.

use super::{
    checked::{Session, TokenFrom, Tokens},
    header,
    reader::Reader,
    shape::Fields,
    tree::Node,
};
use crate::cookies::SameSite;

/// Reads the section. `tokens` is the entry that verifies what is issued: there the token's cookie has its name.
pub(super) fn read(node: &Node, tokens: Option<&Tokens>, reader: &mut Reader<'_>) -> Option<Session> {
    let fields = reader.fields(node, "`cookie`", &["same_site", "csrf", "refresh"])?;
    let choices = [("strict", SameSite::Strict), ("lax", SameSite::Lax), ("none", SameSite::None)];
    let same_site =
        fields.value("same_site").map_or(Some(SameSite::Strict), |node| reader.choice(node, "`same_site`", &choices));
    if let (Some(node), Some(SameSite::None)) = (fields.value("same_site"), same_site) {
        reader.warning(node.place, "these cookies come with what a page of any site has a browser send");
    }
    let csrf = name(&fields, "csrf", "__Host-csrf", reader);
    let refresh = name(&fields, "refresh", "__Host-refresh", reader);
    let token = match &tokens?.from {
        TokenFrom::Cookie(name) => name.clone(),
        TokenFrom::Bearer | TokenFrom::Authorization | TokenFrom::Query(_) | TokenFrom::Header(_) => {
            reader
                .error(node.place, "the tokens entry does not look for tokens in a cookie")
                .expected("`from: cookie` in it");
            return None;
        }
    };
    let session = Session { token, csrf: csrf?, refresh: refresh?, same_site: same_site? };
    check(&session, node, reader);
    Some(session)
}

fn name(fields: &Fields<'_>, key: &str, usual: &str, reader: &mut Reader<'_>) -> Option<String> {
    let Some(node) = fields.value(key) else { return Some(usual.to_owned()) };
    let text = reader.line(node, &format!("`{key}`"))?;
    if !header::is_token(text) {
        let shown = reader.quote(node.place, text);
        reader.error(node.place, format!("{shown} is not the name of a cookie"));
        return None;
    }
    Some(text.to_owned())
}

fn check(session: &Session, node: &Node, reader: &mut Reader<'_>) {
    let names = [&session.token, &session.csrf, &session.refresh];
    let is_again = |(at, name): (usize, &&String)| names.iter().take(at).any(|known| known.eq_ignore_ascii_case(name));
    if names.iter().enumerate().any(is_again) {
        reader.error(node.place, "two of the session's cookies have one name");
    }
    if let Some(open) = names.iter().find(|name| !name.starts_with("__Host-")) {
        let shown = reader.quote(node.place, open);
        reader
            .warning(node.place, format!("the cookie {shown} can be set by any other host of this domain"))
            .hint("browsers take a name that begins with `__Host-` from this host alone, and over TLS");
    }
}
