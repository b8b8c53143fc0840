//! What can be done to the keys of one id, wherever they are kept, and whether that was done and nothing else.

use super::{FileFault, KeyRecord, KeySecret, MOST_LIVE, Trouble};
use crate::secret::Secret;

/// What is done to one id.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new id with its first secret.
    Add(NewSecret),
    /// One more secret of an id.
    Rotate(NewSecret, Position),
    /// Takes a secret away.
    Retire(Chosen),
    /// Shuts the id out.
    Disable,
    /// Lets an id in again that was shut out.
    Enable,
}

/// One of the secrets that an id had when it was looked at. What stands in its place by now is left alone.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Among the id's, from 0.
    pub(super) place: usize,
    secret: Secret,
}

impl Chosen {
    /// The secret at that place of `record`.
    pub fn of(record: &KeyRecord, place: usize) -> Option<Chosen> {
        let secret = record.secrets.get(place)?.secret.clone();
        Some(Chosen { place, secret })
    }

    fn is_there(&self, record: &KeyRecord) -> bool {
        record.secrets.get(self.place).is_some_and(|known| known.secret == self.secret)
    }
}

/// A secret that is the text itself.
#[derive(Clone, Debug)]
pub struct NewSecret {
    /// Visible ASCII.
    pub secret: Secret,
    /// What it is called.
    pub label: Option<String>,
}

/// Where among those of its id a new secret goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Before the others: it signs from now on.
    First,
    /// Behind the others.
    Last,
}

/// Why a change is not made.
#[derive(Debug, thiserror::Error)]
pub enum NotChanged {
    /// The file is broken as it is.
    #[error(transparent)]
    Broken(#[from] FileFault),
    /// The source elsewhere did not do it.
    #[error(transparent)]
    Asked(#[from] Trouble),
    /// The id is there.
    #[error("the id is there already; `rotate` gives it one more secret")]
    Known,
    /// It is not.
    #[error("there is no such id")]
    Unknown,
    /// It has as many as it may.
    #[error("the id has {MOST_LIVE} secrets; `retire` one first")]
    Full,
    /// There is no secret there.
    #[error("the id has no secret at that place")]
    NoSuchSecret,
    /// More than one goes by that name.
    #[error("several of the id's secrets go by that name: which is meant cannot be told, so take it away by hand")]
    SeveralSecrets,
    /// One goes by the new label already.
    #[error("a secret of the id has this label already")]
    SameLabel,
    /// The new label could be taken for a secret without one.
    #[error("a label of one digit is how log and metrics call a secret without one, by its place; take a longer one")]
    LabelIsPlace,
    /// There was one, and another is there by now.
    #[error("the secret is not where it was: somebody else changed this id meanwhile; `list` it")]
    Moved,
    /// It is the last.
    #[error("this is the id's only secret; `disable` shuts it out")]
    Only,
    /// The file has nowhere to write it.
    #[error("the file has no column `{0}`")]
    NoColumn(&'static str),
    /// It cannot be written.
    #[error("the change cannot be written: {0}")]
    Unwritable(String),
    /// What would be there then is not what was asked for.
    #[error("nothing is changed, for more would be than was asked, or less: {0}")]
    Beyond(&'static str),
    /// The config does not say how.
    #[error("the config does not say how: `sql: {{ write: {{ {0}: … }} }}`")]
    NoStatement(&'static str),
    /// It does not say where a label goes.
    #[error("the statement `{0}` has no `:label`")]
    NoLabel(&'static str),
    /// It was asked to write, and did not answer, or not that it is kept.
    #[error("whether the change was made and lasts is not known: `list` the id")]
    Unsure,
    /// Somebody else changes the same id.
    #[error("somebody else changes this id at the same time; try again")]
    Raced,
}

impl Change {
    /// Whether it can be made where this is known of the id.
    ///
    /// # Errors
    /// [`NotChanged`]
    pub(super) fn check(&self, known: Option<&KeyRecord>) -> Result<(), NotChanged> {
        self.check_label(known)?;
        match (self, known) {
            (Change::Add(_), None) => Ok(()),
            (Change::Add(_), Some(_)) => Err(NotChanged::Known),
            (_, None) => Err(NotChanged::Unknown),
            (Change::Rotate(..), Some(record)) if record.secrets.len() >= MOST_LIVE => Err(NotChanged::Full),
            (Change::Retire(_), Some(record)) if record.secrets.len() <= 1 => Err(NotChanged::Only),
            (Change::Retire(chosen), Some(record)) if !chosen.is_there(record) => Err(NotChanged::Moved),
            (Change::Rotate(..) | Change::Retire(_) | Change::Disable | Change::Enable, Some(_)) => Ok(()),
        }
    }

    /// A name must say which secret is meant.
    fn check_label(&self, known: Option<&KeyRecord>) -> Result<(), NotChanged> {
        let label = match self {
            Change::Add(new) | Change::Rotate(new, _) => new.label.as_deref(),
            Change::Retire(_) | Change::Disable | Change::Enable => None,
        };
        let place = label.map_or("", |label| label.strip_prefix("over-").unwrap_or(label));
        let has_it = |secret: &KeySecret| label.is_some() && secret.label.as_deref() == label;
        match () {
            () if matches!(place.as_bytes(), [b'0'..=b'9']) => Err(NotChanged::LabelIsPlace),
            () if known.is_some_and(|record| record.secrets.iter().any(has_it)) => Err(NotChanged::SameLabel),
            () => Ok(()),
        }
    }

    /// Whether the id is what it should be: `before` with the change, and nothing else. With `in_any_order` the order of its
    /// secrets is not this change's.
    ///
    /// # Errors
    /// [`NotChanged::Beyond`]
    pub(super) fn verify(
        &self,
        before: Option<&KeyRecord>,
        after: Option<&KeyRecord>,
        in_any_order: bool,
    ) -> Result<(), NotChanged> {
        let nothing = KeyRecord::default();
        let before = before.unwrap_or(&nothing);
        let after = after.ok_or(NotChanged::Beyond("the id would not be there"))?;
        let mut wanted: Vec<Known<'_>> = before.secrets.iter().map(Known::of).collect();
        match self {
            Change::Add(new) | Change::Rotate(new, Position::Last) => wanted.push(Known::new(new)),
            Change::Rotate(new, Position::First) => wanted.insert(0, Known::new(new)),
            Change::Retire(chosen) => drop(wanted.remove(chosen.place)),
            Change::Disable | Change::Enable => {}
        }
        let mut found: Vec<Known<'_>> = after.secrets.iter().map(Known::of).collect();
        if in_any_order {
            wanted.sort_unstable();
            found.sort_unstable();
        }
        let is_disabled = match self {
            Change::Disable => true,
            Change::Enable => false,
            Change::Add(_) | Change::Rotate(..) | Change::Retire(_) => before.disabled,
        };
        match () {
            () if wanted != found => Err(NotChanged::Beyond("the id would have other secrets")),
            () if after.disabled != is_disabled => Err(NotChanged::Beyond("`disabled` would be another")),
            () if after.attributes != before.attributes => {
                Err(NotChanged::Beyond("the id would have other attributes"))
            }
            () => Ok(()),
        }
    }
}

/// A secret as far as two can be told apart.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Known<'s> {
    secret: &'s [u8],
    label: Option<&'s str>,
    from_millis: i64,
    until_millis: i64,
}

impl<'s> Known<'s> {
    fn of(known: &'s KeySecret) -> Known<'s> {
        Known {
            secret: known.secret.expose(),
            label: known.label.as_deref(),
            from_millis: known.lifetime.from_millis,
            until_millis: known.lifetime.until_millis,
        }
    }

    /// A new one is good at any time.
    fn new(new: &'s NewSecret) -> Known<'s> {
        let (from_millis, until_millis) = (i64::MIN, i64::MAX);
        Known { secret: new.secret.expose(), label: new.label.as_deref(), from_millis, until_millis }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Attributes;

    fn record(secrets: &[&str]) -> KeyRecord {
        KeyRecord::of(secrets.iter().map(|secret| Secret::new(secret.as_bytes().to_vec())))
    }

    fn new(secret: &str) -> NewSecret {
        NewSecret { secret: Secret::new(secret.as_bytes().to_vec()), label: None }
    }

    fn refused(change: &Change, before: &KeyRecord, after: &KeyRecord, in_any_order: bool) -> bool {
        change.verify(Some(before), Some(after), in_any_order).is_err()
    }

    #[test]
    fn a_change_is_what_it_says_and_nothing_else() {
        let rotate = |position| Change::Rotate(new("n"), position);
        assert!(!refused(&rotate(Position::Last), &record(&["a"]), &record(&["a", "n"]), false));
        assert!(!refused(&rotate(Position::First), &record(&["a"]), &record(&["n", "a"]), false));
        assert!(refused(&rotate(Position::Last), &record(&["a"]), &record(&["n", "a"]), false));
        assert!(!refused(&rotate(Position::Last), &record(&["a"]), &record(&["n", "a"]), true));
        assert!(refused(&rotate(Position::Last), &record(&["a"]), &record(&["n"]), true));
        let second = |record: &KeyRecord| Change::Retire(Chosen::of(record, 1).unwrap());
        let (three, two) = (record(&["a", "b", "c"]), record(&["a", "b"]));
        assert!(!refused(&second(&three), &three, &record(&["a", "c"]), false));
        assert!(refused(&second(&two), &two, &record(&["b"]), true));
    }

    #[test]
    fn a_secret_that_was_chosen_is_taken_away_and_no_other_in_its_place() {
        let seen = record(&["a", "b"]);
        let retire = Change::Retire(Chosen::of(&seen, 0).unwrap());
        assert!(retire.check(Some(&seen)).is_ok() && retire.check(Some(&record(&["a", "c", "b"]))).is_ok());
        for now in [&["n", "a", "b"][..], &["b", "a"]] {
            assert!(matches!(retire.check(Some(&record(now))), Err(NotChanged::Moved)), "{now:?}");
        }
        assert!(Chosen::of(&seen, 2).is_none());
    }

    #[test]
    fn a_new_label_names_one_secret() {
        let mut known = record(&["a", "b"]);
        known.secrets[0].label = Some("2026".into());
        let refused = |label: &str| {
            let new = NewSecret { label: Some(label.to_owned()), ..new("n") };
            Change::Rotate(new, Position::Last).check(Some(&known)).err()
        };
        assert!(refused("2027").is_none() && refused("over").is_none());
        assert!(matches!(refused("2026"), Some(NotChanged::SameLabel)));
        for label in ["2", "9", "over-1"] {
            assert!(matches!(refused(label), Some(NotChanged::LabelIsPlace)), "{label}");
        }
        let first = NewSecret { label: Some("1".to_owned()), ..new("n") };
        assert!(matches!(Change::Add(first).check(None), Err(NotChanged::LabelIsPlace)));
    }

    #[test]
    fn nobody_gains_or_loses_what_a_change_is_not_about() {
        let (two, one) = (record(&["a", "b"]), record(&["b"]));
        let attributes = Attributes::new([("routes", "told")]).unwrap();
        let retire = Change::Retire(Chosen::of(&two, 0).unwrap());
        let tied = KeyRecord { attributes, ..two.clone() };
        assert!(refused(&retire, &tied, &one, false), "a retired secret must not free the id of its routes");
        let shut = KeyRecord { disabled: true, ..two.clone() };
        assert!(refused(&retire, &shut, &one, false), "nor let a disabled id in");
        assert!(refused(&Change::Disable, &two, &two, false));
        assert!(!refused(&Change::Disable, &two, &shut, false));
        assert!(!refused(&Change::Enable, &shut, &two, false));
        assert!(refused(&Change::Enable, &shut, &shut, false), "it would still be shut out");
    }
}
