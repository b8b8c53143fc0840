//! A statement with named parameters, `:id`, as an operator writes it: what a database is given in their places, and what is
//! bound there.

use std::sync::Arc;

use crate::sql_link::Kind;

/// A statement that changes keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    text: Arc<str>,
    parameters: Vec<Parameter>,
}

/// What can be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// The key id.
    Id,
    /// The secret, as it is written in the database.
    Secret,
    /// Its label; null where it has none.
    Label,
}

/// Why a text is no statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementFault {
    /// A parameter that there is not.
    #[error("there is no parameter `:{0}`")]
    Unknown(String),
    /// The id must be bound: a statement without it is about every id.
    #[error("it has no `:{0}`")]
    Missing(&'static str),
    /// A quote or comment that does not end.
    #[error("a quote or a comment in it does not end")]
    Open,
}

impl Parameter {
    const ALL: [(&'static str, Parameter); 3] =
        [("id", Parameter::Id), ("secret", Parameter::Secret), ("label", Parameter::Label)];
}

impl Statement {
    /// Reads `text` for a database of that kind. `needs` are the parameters that it must have.
    ///
    /// # Errors
    /// [`StatementFault`]
    pub fn parse(text: &str, kind: &Kind, needs: &[&'static str]) -> Result<Statement, StatementFault> {
        let (mut written, mut parameters, mut rest) = (String::with_capacity(text.len()), Vec::new(), text);
        while let Some(first) = rest.chars().next() {
            let plain = plain(rest).ok_or(StatementFault::Open)?;
            if plain > 0 {
                let (before, after) = rest.split_at_checked(plain).ok_or(StatementFault::Open)?;
                written.push_str(before);
                rest = after;
                continue;
            }
            rest = rest.strip_prefix(first).unwrap_or_default();
            let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
            let known = Parameter::ALL.into_iter().find(|(known, _)| *known == name);
            let (_, parameter) = known.ok_or_else(|| StatementFault::Unknown(name.to_owned()))?;
            parameters.push(parameter);
            written.push_str(&match kind {
                Kind::Postgres(_) => format!("${}", parameters.len()),
                Kind::MySql(_) | Kind::Sqlite(_) => "?".to_owned(),
            });
            rest = rest.strip_prefix(name).unwrap_or_default();
        }
        let has = |name: &str| Parameter::ALL.iter().any(|(known, one)| *known == name && parameters.contains(one));
        match needs.iter().find(|name| !has(name)) {
            Some(missing) => Err(StatementFault::Missing(missing)),
            None => Ok(Statement { text: written.into(), parameters }),
        }
    }

    /// Whether it has that parameter.
    pub fn binds(&self, parameter: Parameter) -> bool {
        self.parameters.contains(&parameter)
    }

    /// What the database is given.
    pub(super) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// What is bound, in its order.
    pub(super) fn bound<'b>(
        &self,
        id: &'b str,
        secret: Option<&'b str>,
        label: Option<&'b str>,
    ) -> Vec<Option<&'b str>> {
        let value = |parameter: &Parameter| match parameter {
            Parameter::Id => Some(id),
            Parameter::Secret => secret,
            Parameter::Label => label,
        };
        self.parameters.iter().map(value).collect()
    }
}

/// Bytes at the beginning of `text` that hold no parameter: a quote or a comment as a whole, or one character. 0 where a
/// parameter begins; `None` where a quote or comment does not end.
fn plain(text: &str) -> Option<usize> {
    let up_to = |opened: usize, end: &str| {
        let found = text.get(opened..)?.find(end)?;
        Some(opened + found + end.len())
    };
    let first = text.chars().next()?;
    let second = text.chars().nth(1);
    match (first, second) {
        // A doubled quote ends one text and begins another, which comes to the same.
        ('\'', _) => up_to(1, "'"),
        ('"', _) => up_to(1, "\""),
        ('`', _) => up_to(1, "`"),
        ('-', Some('-')) => Some(up_to(2, "\n").unwrap_or(text.len())),
        ('/', Some('*')) => up_to(2, "*/"),
        // A cast of PostgreSQL, and what assigns in MySQL.
        (':', Some(':' | '=')) => Some(2),
        (':', Some(next)) if next.is_ascii_alphabetic() => Some(0),
        (first, _) => Some(first.len_utf8()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql_link::Address;

    fn parse(url: &str, text: &str) -> Result<(String, usize), StatementFault> {
        let address = Address::parse(url, None).unwrap();
        let statement = Statement::parse(text, address.kind(), &["id"])?;
        Ok((statement.text.to_string(), statement.parameters.len()))
    }

    #[test]
    fn each_parameter_gets_the_place_that_its_database_wants() {
        let text = "insert into d (mac, key, made) select :id, :secret, ':id' from d where mac=:id -- of :id\n";
        let postgres = "insert into d (mac, key, made) select $1, $2, ':id' from d where mac=$3 -- of :id\n";
        assert_eq!(parse("postgres://db/d", text), Ok((postgres.to_owned(), 3)));
        assert_eq!(
            parse("sqlite:d.db", "delete from d where id = :id"),
            Ok(("delete from d where id = ?".to_owned(), 1))
        );
    }

    #[test]
    fn what_is_no_parameter_stays_as_it_is() {
        for text in ["'it''s :x'", "\":x\"", "`:x`", "/* :x */", "'2027'::date", "@a := 1", "a[1:2]", "'ä' || :id"] {
            let (written, _) = parse("postgres://db/d", &format!(":id {text}")).unwrap();
            assert_eq!(written, format!("$1 {}", text.replace(":id", "$2")));
        }
    }

    #[test]
    fn what_is_about_every_id_or_does_not_end_is_refused() {
        let refused = |text| parse("mysql://db/d", text).unwrap_err().to_string();
        assert_eq!(refused("delete from d"), "it has no `:id`");
        assert_eq!(refused("delete from d where id = ':id'"), "it has no `:id`");
        assert_eq!(refused("delete from d where id = :name"), "there is no parameter `:name`");
        assert_eq!(refused("delete from d where id = :ids"), "there is no parameter `:ids`");
        assert_eq!(refused("select ':id"), "a quote or a comment in it does not end");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}") {
            let _ = parse("postgres://db/d", &text);
        }
    }
}
