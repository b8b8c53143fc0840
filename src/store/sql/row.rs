//! A family as it stands in its row, and what there is to say of a token of it.

use super::super::families::{ShownToken, TokenHash, Verdict};
use crate::{
    secret::are_equal,
    sql_link::{Row, SqlError},
};

/// A family, and the time at which the database said so.
pub(super) struct Held {
    /// Hexadecimal.
    pub(super) hash: String,
    /// As it is written: it is only ever given back.
    pub(super) turn: String,
    issuer: String,
    granted: String,
    lifetime: i64,
    absolute: i64,
    grace: i64,
    begun: i64,
    renewed: i64,
    /// Of the token that was spent last.
    previous: Option<String>,
    now: i64,
}

impl Held {
    pub(super) fn read(row: &Row) -> Result<Held, SqlError> {
        Ok(Held {
            hash: text(row, "hash")?.to_owned(),
            turn: text(row, "turn")?.to_owned(),
            issuer: text(row, "issuer")?.to_owned(),
            granted: text(row, "granted")?.to_owned(),
            lifetime: number(row, "lifetime_ms")?,
            absolute: number(row, "absolute_ms")?,
            grace: number(row, "grace_ms")?,
            begun: number(row, "begun_ms")?,
            renewed: number(row, "renewed_ms")?,
            previous: find(row, "previous_hash").map(|_| text(row, "previous_hash")).transpose()?.map(str::to_owned),
            now: number(row, "now_ms")?,
        })
    }

    /// Whoever knows a family's id has seen one of its tokens; if it is not the good one, it is a spent one.
    pub(super) fn judge(&self, shown: &ShownToken<'_>) -> Verdict {
        let is_over = |since: i64, time: i64| self.now >= since.saturating_add(time);
        let is_shown = |hash: &str| are_equal(hash.as_bytes(), written(shown.hash).as_bytes());
        if self.issuer != shown.issuer {
            Verdict::OtherIssuer
        } else if is_over(self.renewed, self.lifetime) || is_over(self.begun, self.absolute) {
            Verdict::Expired
        } else if is_shown(&self.hash) {
            Verdict::Good(self.granted.clone())
        } else if self.previous.as_deref().is_some_and(is_shown) && !is_over(self.renewed, self.grace) {
            Verdict::Crossed
        } else {
            Verdict::Reused
        }
    }
}

/// A hash as it stands in the table.
pub(super) fn written(hash: &TokenHash) -> String {
    hex::encode(hash)
}

fn find<'r>(row: &'r Row, name: &str) -> Option<&'r [u8]> {
    let (_, cell) = row.iter().find(|(known, _)| known == name)?;
    cell.as_ref().map(|bytes| bytes.as_slice())
}

fn text<'r>(row: &'r Row, name: &'static str) -> Result<&'r str, SqlError> {
    let text = find(row, name).and_then(|bytes| std::str::from_utf8(bytes).ok());
    text.ok_or_else(|| unreadable(name))
}

fn number(row: &Row, name: &'static str) -> Result<i64, SqlError> {
    text(row, name)?.parse().map_err(|_| unreadable(name))
}

fn unreadable(name: &str) -> SqlError {
    SqlError::Unreadable(format!("`{name}` of a family of refresh tokens cannot be read").into())
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use zeroize::Zeroizing;

    use super::*;

    const HASH: TokenHash = [7; 32];
    const SPENT: TokenHash = [8; 32];

    /// Begun at 0 and renewed at 5,000, with a grace of 100.
    fn row(now: &str) -> Row {
        let [hash, spent] = [HASH, SPENT].map(|hash| written(&hash));
        let cells = [
            ("hash", hash.as_str()),
            ("turn", "3"),
            ("issuer", "api"),
            ("granted", "{}"),
            ("lifetime_ms", "10000"),
            ("absolute_ms", "20000"),
            ("grace_ms", "100"),
            ("begun_ms", "0"),
            ("renewed_ms", "5000"),
            ("previous_hash", spent.as_str()),
            ("now_ms", now),
        ];
        let cell = |text: &str| Some(Zeroizing::new(text.as_bytes().to_vec()));
        cells.into_iter().map(|(name, text)| (Cow::Borrowed(name), cell(text))).collect()
    }

    fn judged(now: &str, hash: &TokenHash, issuer: &str) -> Verdict {
        Held::read(&row(now)).unwrap().judge(&ShownToken { id: &[1; 16], hash, issuer })
    }

    #[test]
    fn a_token_is_good_until_its_time_is_over_and_a_spent_one_crosses_for_its_grace_alone() {
        assert_eq!(judged("14999", &HASH, "api"), Verdict::Good("{}".to_owned()));
        assert_eq!(judged("15000", &HASH, "api"), Verdict::Expired);
        assert_eq!(judged("5000", &HASH, "other"), Verdict::OtherIssuer);
        assert_eq!(judged("5099", &SPENT, "api"), Verdict::Crossed);
        assert_eq!(judged("5100", &SPENT, "api"), Verdict::Reused);
        assert_eq!(judged("5000", &[9; 32], "api"), Verdict::Reused, "spent before that");
    }

    #[test]
    fn of_a_row_that_cannot_be_read_nothing_is_said() {
        for name in ["hash", "turn", "issuer", "granted", "grace_ms", "now_ms"] {
            let without: Row = row("0").into_iter().filter(|(known, _)| known != name).collect();
            assert!(matches!(Held::read(&without), Err(SqlError::Unreadable(_))), "{name}");
        }
        assert!(Held::read(&row("soon")).is_err());
    }
}
