//! One row of a file of keys, whatever its format: texts by the names of their columns, checked and put into the table.
//!
//! A row has an id, a secret, and what else is known; rows of one id are its secrets, in the order to try.

use std::sync::Arc;

use super::{
    super::{
        Attributes, Encoding, KeyRecord, KeySecret, LONGEST_NAME, LONGEST_SECRET, Lifetime, MOST_LIVE, is_key_id,
        moment,
    },
    fault::Why,
    table::Filling,
};
use crate::{secret::Secret, sql_link::truth};

/// Columns that mean something; any other is an attribute.
pub(super) const ID: &str = "id";
pub(super) const SECRET: &str = "secret";
pub(super) const ENCODING: &str = "encoding";
pub(super) const NOT_BEFORE: &str = "not_before";
pub(super) const NOT_AFTER: &str = "not_after";
pub(super) const LABEL: &str = "label";
pub(super) const DISABLED: &str = "disabled";

/// A row's texts, borrowed from where they stand. An empty text is as if it were not there.
#[derive(Clone, Default)]
pub(super) struct Row<'r> {
    pub(super) id: &'r str,
    pub(super) secret: SecretTexts<'r>,
    pub(super) disabled: &'r str,
    pub(super) attributes: Vec<(&'r str, &'r str)>,
}

/// A secret as it is written.
#[derive(Clone, Copy, Default)]
pub(super) struct SecretTexts<'r> {
    pub(super) secret: &'r str,
    pub(super) encoding: &'r str,
    pub(super) not_before: &'r str,
    pub(super) not_after: &'r str,
    pub(super) label: &'r str,
}

/// What is wrong, and in which column.
pub(super) type Wrong = (Option<String>, Why);

impl<'r> Row<'r> {
    /// Takes the text of a column.
    pub(super) fn set(&mut self, column: &'r str, text: &'r str) {
        match column {
            ID => self.id = text,
            DISABLED => self.disabled = text,
            _ => {
                if !self.secret.set(column, text) {
                    self.attributes.push((column, text));
                }
            }
        }
    }

    /// Checks the row and adds it to what is known of its id.
    pub(super) fn put(&self, filling: &mut Filling) -> Result<(), Wrong> {
        let at = |column: &str, why| (Some(column.to_owned()), why);
        if !is_key_id(self.id.as_bytes()) {
            return Err(at(ID, if self.id.is_empty() { Why::Missing } else { Why::Id }));
        }
        let disabled = match self.disabled {
            "" => false,
            text => truth(text).ok_or_else(|| at(DISABLED, Why::Type("true or false")))?,
        };
        // One without may stand for an id that is shut out; else somebody forgot it.
        let secret = match self.secret.secret {
            "" if disabled => None,
            _ => Some(self.secret.read()?),
        };
        let attributes = Attributes::new(self.attributes.iter().copied()).map_err(|(index, fault)| {
            (self.attributes.get(index).map(|(name, _)| (*name).to_owned()), Why::Attribute(fault))
        })?;
        if let Some(secret) = &secret {
            filling.noted.secret(self.id, &secret.secret, self.secret.secret);
        }
        let mut record = filling.record(self.id.as_bytes()).unwrap_or_default();
        add(&mut record, secret, disabled, attributes)?;
        filling.put(self.id.as_bytes(), &record).map_err(|_| (None, Why::NoRoom))
    }
}

/// One more row of an id.
fn add(
    record: &mut KeyRecord,
    secret: Option<KeySecret>,
    disabled: bool,
    attributes: Option<Arc<Attributes>>,
) -> Result<(), Wrong> {
    let at = |column: &str, why| Err((Some(column.to_owned()), why));
    if secret.is_some() && record.secrets.len() >= MOST_LIVE {
        return at(SECRET, Why::TooManySecrets);
    }
    if secret.as_ref().is_some_and(|new| record.secrets.iter().any(|known| known.secret == new.secret)) {
        return at(SECRET, Why::SecretTwice);
    }
    // They stand on one of the lines, or on each.
    match (&record.attributes, attributes) {
        (_, None) => {}
        (None, Some(attributes)) => record.attributes = Some(attributes),
        (Some(known), Some(attributes)) if **known == *attributes => {}
        (Some(_), Some(_)) => return Err((None, Why::OtherAttributes)),
    }
    record.disabled |= disabled;
    record.secrets.extend(secret);
    Ok(())
}

impl<'r> SecretTexts<'r> {
    /// Takes the text of a column; false if it is not about a secret.
    pub(super) fn set(&mut self, column: &str, text: &'r str) -> bool {
        let field = match column {
            SECRET => &mut self.secret,
            ENCODING => &mut self.encoding,
            NOT_BEFORE => &mut self.not_before,
            NOT_AFTER => &mut self.not_after,
            LABEL => &mut self.label,
            _ => return false,
        };
        *field = text;
        true
    }

    fn read(&self) -> Result<KeySecret, Wrong> {
        let at = |column: &str, why| (Some(column.to_owned()), why);
        let secret = self.bytes()?;
        if self.label.len() > LONGEST_NAME || self.label.chars().any(char::is_control) {
            return Err(at(LABEL, Why::Label));
        }
        let time = |column, text: &str, absent| match text {
            "" => Ok(absent),
            text => moment(text).ok_or_else(|| at(column, Why::NotTime)),
        };
        let lifetime = Lifetime {
            from_millis: time(NOT_BEFORE, self.not_before, i64::MIN)?,
            until_millis: time(NOT_AFTER, self.not_after, i64::MAX)?,
        };
        if lifetime.from_millis >= lifetime.until_millis {
            return Err(at(NOT_AFTER, Why::NeverGood));
        }
        Ok(KeySecret { secret, label: (!self.label.is_empty()).then(|| self.label.into()), lifetime })
    }

    fn bytes(&self) -> Result<Secret, Wrong> {
        let at = |column: &str, why| (Some(column.to_owned()), why);
        let encoding = match self.encoding {
            "" => Encoding::default(),
            name => Encoding::named(name).ok_or_else(|| at(ENCODING, Why::Type(Encoding::ONE_OF)))?,
        };
        let why = match (self.secret.len(), encoding) {
            (0, _) => Why::EmptySecret,
            (1..=LONGEST_SECRET, Encoding::Hex) => Why::NotHex,
            (1..=LONGEST_SECRET, Encoding::Base64) => Why::NotBase64,
            (1..=LONGEST_SECRET, Encoding::Base64Url) => Why::NotBase64Url,
            (_, _) => Why::LongSecret,
        };
        encoding.decode(self.secret.as_bytes()).ok_or_else(|| at(SECRET, why))
    }
}
