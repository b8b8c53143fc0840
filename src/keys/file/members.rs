//! A record that has members, as JSON lines and YAML write it: texts by their names, and under `secrets` several secrets.

use zeroize::Zeroizing;

use super::{
    fault::Why,
    row::{Row, SECRET, SecretTexts, Wrong},
    table::Filling,
};

/// The member that holds several secrets.
pub(super) const SECRETS: &str = "secrets";

/// A name, and the text under it.
pub(super) type Member = (String, Zeroizing<String>);

/// All members of a record.
#[derive(Clone, Default)]
pub(super) struct Members {
    pub(super) texts: Vec<Member>,
    /// The members of each of `secrets`, where it stands there.
    pub(super) secrets: Option<Vec<Vec<Member>>>,
}

impl Members {
    /// The text of that name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    /// How many secrets it has: none where it only shuts its id out.
    pub(super) fn count(&self) -> usize {
        let has_own = self.text(SECRET).is_some_and(|secret| !secret.is_empty());
        self.secrets.as_ref().map_or(usize::from(has_own), Vec::len)
    }

    /// Checks the record and adds it to what is known of its id. What is wrong comes with the index of the secret, among
    /// `secrets`, that it is about.
    pub(super) fn put(&self, filling: &mut Filling) -> Result<(), (Option<usize>, Wrong)> {
        let mut row = Row::default();
        self.texts.iter().for_each(|(name, text)| row.set(name, text));
        let of_list = |why| Err((None, (Some(SECRETS.to_owned()), why)));
        match &self.secrets {
            None => row.put(filling).map_err(|wrong| (None, wrong)),
            Some(_) if !row.secret.secret.is_empty() => of_list(Why::Type("alone, without `secret`")),
            Some(all) if all.is_empty() => of_list(Why::Missing),
            Some(all) => all
                .iter()
                .enumerate()
                .try_for_each(|(index, secret)| one_of(&row, secret, filling).map_err(|wrong| (Some(index), wrong))),
        }
    }
}

/// Each secret of a list is as a row of its own.
fn one_of(row: &Row<'_>, secret: &[Member], filling: &mut Filling) -> Result<(), Wrong> {
    let mut texts = SecretTexts { encoding: row.secret.encoding, ..SecretTexts::default() };
    for (name, text) in secret {
        if !texts.set(name, text) {
            return Err((Some(name.clone()), Why::Type("`secret`, `encoding`, `not_before`, `not_after` or `label`")));
        }
    }
    if texts.secret.is_empty() {
        return Err((Some(SECRET.to_owned()), Why::EmptySecret));
    }
    Row { secret: texts, ..row.clone() }.put(filling)
}
