//! What can be done where values lend each other bytes, in the words of the scheme at hand: clients that are sold and shipped
//! sign what they sign, and only how it is read can still change.

use super::{Chain, Fault, Part, Source, Template};
use crate::scheme::{TimestampFormat, template::Filter};

/// What is done about it where two values can lend each other bytes.
const MOVING: &str = "bytes can move from one to the other under the same signature; a newline between them, where neither can \
    hold one, or a `match` of one length on all such neighbours but one, as `match:\"[0-9]{10}\"`, ends that";

/// What to do where there was too much to look through.
pub(super) fn too_complex() -> Fault {
    let fault = Fault::whole("message", "this scheme is too complex to be sure what a signature of it covers");
    fault.hint(
        "what may repeat without end is simpler than what is counted, as `match:\"[a-z]+\"` beside \
        `match:\"[a-z]{1,1000}\"`; so are a newline between values, and fewer values that are made of others",
    )
}

/// What to do about two neighbours of a message.
pub(super) fn of_neighbours(message: &Template, key_id: Option<&Template>, first: &Chain) -> String {
    match closed(message, key_id, first) {
        Some(closed) => format!("{MOVING}; and where clients cannot be changed, {closed}"),
        None => MOVING.to_owned(),
    }
}

/// The value read so that it cannot hold the literal behind it: nothing that clients send changes.
pub(super) fn closed(message: &Template, key_id: Option<&Template>, first: &Chain) -> Option<String> {
    let mut parts = message.parts().iter();
    parts.find(|part| matches!(part, Part::Chain(chain) if chain.offset == first.offset))?;
    // Of these nobody can say what they will hold.
    if matches!(first.source, Source::Body | Source::Path | Source::Target | Source::Query | Source::Url) {
        return None;
    }
    let Some(Part::Literal(literal)) = parts.next() else { return None };
    let sign = literal.chars().next().filter(|sign| is_plain(*sign) && !sign.is_ascii_alphanumeric())?;
    let (place, read) = match (&first.source, key_id.and_then(Template::single)) {
        (Source::KeyId, Some(own)) => (" in `key_id`", own),
        _ => ("", first),
    };
    let lone = read.otherwise.is_none();
    let source = &read.source;
    lone.then(|| {
        let earlier = if read.filters.is_empty() { "" } else { "|…" };
        format!("`{{{source}{earlier}|match:\"[^{sign}]+\"}}`{place}, if no value of it has a `{sign}`")
    })
}

/// What needs no escape in a set of an expression, nor in a template's quotes.
fn is_plain(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || ".:;,|/=#@!$%*+? _".contains(sign)
}

/// A time read in one length: what its formats write of this century.
pub(super) fn time_of_one_length(chain: &Chain, formats: &[TimestampFormat]) -> String {
    let source = &chain.source;
    let expressions: Vec<String> = formats.iter().filter_map(expression).collect();
    let shown: Vec<String> =
        expressions.iter().map(|expression| format!("`{{{source}|match:\"{expression}\"}}`")).collect();
    match shown.as_slice() {
        [] => "read it with a `match` that says how long it is".to_owned(),
        [one] if formats.len() == 1 => format!("read it with a `match` that says how long it is: {one}"),
        several => format!(
            "read it with a `match` that says how long it is: {}; other `formats` are refused then",
            several.join(" or ")
        ),
    }
}

/// What a time looks like in that format, in one length.
fn expression(format: &TimestampFormat) -> Option<String> {
    match format {
        TimestampFormat::Unix => Some("[0-9]{10}".to_owned()),
        TimestampFormat::UnixMillis => Some("[0-9]{13}".to_owned()),
        TimestampFormat::Iso8601 | TimestampFormat::Rfc3339 => of_pattern("%Y-%m-%dT%H:%M:%SZ"),
        TimestampFormat::HttpDate => None,
        TimestampFormat::Pattern(pattern) => of_pattern(pattern),
    }
}

/// `None` where a directive is of no one length.
fn of_pattern(pattern: &str) -> Option<String> {
    let (mut expression, mut signs) = (String::new(), pattern.chars());
    while let Some(sign) = signs.next() {
        match (sign, if sign == '%' { signs.next() } else { None }) {
            ('%', Some('Y')) => expression.push_str("[0-9]{4}"),
            ('%', Some('m' | 'd' | 'H' | 'M' | 'S')) => expression.push_str("[0-9]{2}"),
            ('%', _) => return None,
            (plain, _) if plain.is_ascii_alphanumeric() || "-:/,_ ".contains(plain) => expression.push(plain),
            (other, _) if is_plain(other) => expression.extend(['[', other, ']']),
            _ => return None,
        }
    }
    Some(expression)
}

/// Whether a time in some format can get past what a template asks of its spelling. `true` where that cannot be told.
pub(super) fn can_be_written(template: &Template, formats: &[TimestampFormat]) -> bool {
    let Some(chain) = template.single().filter(|chain| chain.otherwise.is_none()) else { return true };
    let only_asks = !chain.filters.is_empty() && chain.filters.iter().all(|filter| matches!(filter, Filter::Match(_)));
    !only_asks || formats.iter().any(|format| format.spellings().any(|text| passes(&text, &chain.filters)))
}

fn passes(text: &str, filters: &[Filter]) -> bool {
    filters
        .iter()
        .all(|filter| filter.apply(&mut crate::scheme::template::Scratch::from_slice(text.as_bytes())).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_its_own_expression() {
        let told = |format: TimestampFormat| expression(&format);
        let pattern = |text: &str| told(TimestampFormat::Pattern(text.to_owned()));
        assert_eq!(told(TimestampFormat::UnixMillis).as_deref(), Some("[0-9]{13}"));
        assert_eq!(pattern("%Y%m%dT%H.%M").as_deref(), Some("[0-9]{4}[0-9]{2}[0-9]{2}T[0-9]{2}[.][0-9]{2}"));
        assert_eq!((pattern("%a %Y"), pattern("%Y\"")), (None, None));
    }
}
