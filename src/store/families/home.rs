//! Where shared families are kept, whichever it is.

use super::{Beginning, FamiliesError, FamilyId, RedisFamilies, ShownToken, SqlFamilies, TokenHash, Verdict};

#[derive(Debug)]
pub(super) enum Home {
    Redis(RedisFamilies),
    Sql(SqlFamilies),
}

impl Home {
    pub(super) async fn begin(&self, beginning: &Beginning<'_>) -> Result<(), FamiliesError> {
        match self {
            Home::Redis(families) => Ok(families.begin(beginning).await?),
            Home::Sql(families) => Ok(families.begin(beginning).await?),
        }
    }

    pub(super) async fn judge(
        &self,
        shown: &ShownToken<'_>,
        successor: Option<&TokenHash>,
    ) -> Result<Verdict, FamiliesError> {
        match self {
            Home::Redis(families) => Ok(families.judge(shown, successor).await?),
            Home::Sql(families) => Ok(families.judge(shown, successor).await?),
        }
    }

    pub(super) async fn restore(
        &self,
        id: &FamilyId,
        spent: &TokenHash,
        successor: &TokenHash,
    ) -> Result<(), FamiliesError> {
        match self {
            Home::Redis(families) => Ok(families.restore(id, spent, successor).await?),
            Home::Sql(families) => Ok(families.restore(id, spent, successor).await?),
        }
    }

    pub(super) async fn end(&self, shown: &ShownToken<'_>) -> Result<(), FamiliesError> {
        match self {
            Home::Redis(families) => Ok(families.end(shown).await?),
            Home::Sql(families) => Ok(families.end(shown).await?),
        }
    }
}
