//! Changing keys in a database, with statements of the operator's own. In one transaction the id is looked up by the query that a
//! gateway asks, the statement is run, and the id is looked up again: unless that finds what was asked for, nothing is done.

use super::{MOST_ROWS, Parameter, Source, Statement};
use crate::{
    keys::{
        Change, KeyRecord, NotChanged, Row, Trouble, rows,
        writable::{Pending, Writable},
    },
    sql_link::{SqlError, Transaction},
};

/// The statements that change keys; those that are not there cannot be asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Write {
    /// Adds an id with a secret.
    pub add: Option<Statement>,
    /// Gives an id one more secret.
    pub rotate: Option<Statement>,
    /// Takes a secret away.
    pub retire: Option<Statement>,
    /// Shuts an id out.
    pub disable: Option<Statement>,
    /// Lets one in again.
    pub enable: Option<Statement>,
    /// Finds one number: how many ids there are.
    pub count: Option<String>,
}

impl Writable for Source {
    fn whole<'w>(&'w self, id: &'w str) -> Pending<'w, Option<KeyRecord>> {
        Box::pin(async move {
            let rows = self.rows(id).await?;
            Ok(rows::whole(id.as_bytes(), &rows, self.encoding).map_err(Trouble::unreadable)?)
        })
    }

    fn change<'w>(&'w self, id: &'w str, change: &'w Change) -> Pending<'w, ()> {
        Box::pin(async move {
            let statement = self.write.statement(change)?;
            let mut transaction = self.database.begin().await.map_err(Trouble::from)?;
            let (rows, before) = self.found(&mut transaction, id).await?;
            change.check(before.as_ref())?;
            let (secret, label) = self.told(change, &rows, id)?;
            let bound = statement.bound(id, secret.as_deref().map(String::as_str), label.as_deref());
            transaction.run(statement.text(), &bound).await.map_err(Trouble::from)?;
            let (_, after) = self.found(&mut transaction, id).await?;
            change.verify(before.as_ref(), after.as_ref(), true)?;
            match transaction.commit().await {
                Ok(()) => Ok(()),
                // A serializable transaction may be refused for another's sake.
                Err(SqlError::Refused(_) | SqlError::Raced(_) | SqlError::Held(_)) => Err(NotChanged::Raced),
                Err(_) => Err(NotChanged::Unsure),
            }
        })
    }

    fn count(&self) -> Pending<'_, u64> {
        Box::pin(async move {
            let query = self.write.count.as_deref().ok_or(NotChanged::NoStatement("count"))?;
            let rows = self.database.rows(&query.into(), &[], 1).await.map_err(Trouble::from)?;
            let cell = rows.first().and_then(|row| row.first()).and_then(|(_, cell)| cell.as_deref());
            let number = cell.and_then(|cell| std::str::from_utf8(cell).ok()).and_then(|text| text.parse().ok());
            number.ok_or_else(|| Trouble::unreadable("`count` does not find one number").into())
        })
    }
}

impl Source {
    async fn found(
        &self,
        transaction: &mut Transaction,
        id: &str,
    ) -> Result<(Vec<Row<'static>>, Option<KeyRecord>), NotChanged> {
        let rows = transaction.rows(&self.query, &[id], MOST_ROWS).await.map_err(Trouble::from)?;
        self.check(&rows)?;
        let record = rows::whole(id.as_bytes(), &rows, self.encoding).map_err(Trouble::unreadable)?;
        Ok((rows, record))
    }

    /// The secret that a change is about, as it is written in the database, and its label.
    fn told(&self, change: &Change, rows: &[Row<'_>], id: &str) -> Result<Told, NotChanged> {
        let no_text = || NotChanged::Unwritable("the secret is no text".to_owned());
        match change {
            Change::Add(new) | Change::Rotate(new, _) => {
                let written = self.encoding.encode(&new.secret).ok_or_else(no_text)?;
                Ok((Some(written), new.label.clone()))
            }
            Change::Retire(chosen) => {
                let written = rows::written(id.as_bytes(), rows, chosen.place).ok_or(NotChanged::NoSuchSecret)?;
                Ok((Some(written.0.ok_or_else(no_text)?), written.1))
            }
            Change::Disable | Change::Enable => Ok((None, None)),
        }
    }
}

type Told = (Option<zeroize::Zeroizing<String>>, Option<String>);

impl Write {
    fn statement(&self, change: &Change) -> Result<&Statement, NotChanged> {
        let (name, statement) = match change {
            Change::Add(_) => ("add", &self.add),
            Change::Rotate(..) => ("rotate", &self.rotate),
            Change::Retire(_) => ("retire", &self.retire),
            Change::Disable => ("disable", &self.disable),
            Change::Enable => ("enable", &self.enable),
        };
        let statement = statement.as_ref().ok_or(NotChanged::NoStatement(name))?;
        // A label that is written nowhere would be lost without a word.
        match change {
            Change::Add(new) | Change::Rotate(new, _) if new.label.is_some() && !statement.binds(Parameter::Label) => {
                Err(NotChanged::NoLabel(name))
            }
            Change::Add(_) | Change::Rotate(..) | Change::Retire(_) | Change::Disable | Change::Enable => Ok(statement),
        }
    }
}
