//! The revocation endpoint (RFC 7009): a token's holder says that it is not to be good any more.

use std::{fmt, sync::Arc};

use super::{Door, token::client};
use crate::{
    deadline::Deadlines,
    issue::{Desk, Failure, Issuer, RefreshFault, takeback::Takeback},
    message::Response,
    policy::Admitted,
};

/// How tokens are taken back.
#[derive(Debug)]
pub struct Revocation {
    /// Whose tokens.
    pub issuer: Arc<Issuer>,
    /// Clients, each of which must authenticate and revokes its own tokens alone; `None`: whoever has a token may.
    pub clients: Option<Door>,
    /// Knows genuine tokens.
    pub reader: Arc<dyn TokenReader>,
    /// Where it is kept which are not good any more.
    pub takeback: Takeback,
    /// How requests are read.
    pub desk: Desk,
}

/// What tells a token of the issuer's from any other text.
pub trait TokenReader: fmt::Debug + Send + Sync {
    /// The token, if it is genuine and good at `now_unix`, seconds since 1970.
    fn read(&self, token: &[u8], now_unix: i64) -> Option<AccessToken>;
}

/// What is known of a genuine token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// `jti`
    pub jti: Option<String>,
    /// `exp`, in seconds since 1970; `None`: for good.
    pub expires_unix: Option<i64>,
    /// `client_id`: whom it was given to.
    pub client: Option<String>,
}

impl Revocation {
    pub(in crate::issue) async fn serve(
        &self,
        deadlines: &Deadlines,
        permit: Admitted<'_>,
    ) -> Result<Response, Failure> {
        self.answered(deadlines, permit).await.map_err(Failure::by_protocol)
    }

    /// A text that is no good token is what it is to be already (section 2.2). The hint of what it may be is not needed.
    async fn answered(&self, deadlines: &Deadlines, mut permit: Admitted<'_>) -> Result<Response, Failure> {
        let form = super::form(&self.desk, &mut permit, deadlines).await?;
        let client = client(self.clients.as_ref(), &form, &permit, &self.desk).await?;
        let client = client.as_ref().map(|client| client.name.as_str());
        let shown = form.required("token")?.as_bytes();
        match self.reader.read(shown, self.desk.clock.unix()) {
            Some(token) => self.end_token(&token, client).await?,
            None => self.end_family(shown, client).await?,
        }
        Ok(Response::own(200, "application/json", "{}").with("Cache-Control", "no-store").with("Pragma", "no-cache"))
    }

    async fn end_token(&self, token: &AccessToken, client: Option<&str>) -> Result<(), Failure> {
        // Without clients nobody's token is another's.
        if self.clients.is_some() && token.client.as_deref() != client {
            return Err(Failure::OtherClient);
        }
        let jti = token.jti.as_deref().ok_or(Failure::Irrevocable)?;
        self.takeback.token(jti, token.expires_unix, self.desk.clock.unix()).await
    }

    async fn end_family(&self, shown: &[u8], client: Option<&str>) -> Result<(), Failure> {
        let Some(refresh) = &self.issuer.refresh else { return Ok(()) };
        let issuer = self.issuer.name.as_str();
        match refresh.families.look(shown, issuer, self.desk.clock.unix_millis()).await {
            Ok(grant) if self.clients.is_some() && grant.client.as_deref() != client => Err(Failure::OtherClient),
            Ok(_) => Ok(refresh.families.end(shown, issuer).await?),
            // Spent a moment ago: its successor must not outlive it. In another moment it would end the family whoever shows it,
            // so that nobody is asked whose client they are.
            Err(RefreshFault::Crossed) => Ok(refresh.families.end(shown, issuer).await?),
            Err(fault) if fault.is_verdict() => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }
}
