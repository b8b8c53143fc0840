//! The token endpoint (RFC 6749): a client's own secret, a user's name and password, or a refresh token, for a token.

use std::{rc::Rc, sync::Arc};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{ClientFault, Form, Presented};
use crate::{
    deadline::Deadlines,
    issue::{
        Desk, Failure, Grant, Issuer, PasswordChecks, Refresh, RefreshFault, Report, Throttle, UserSource,
        answer::Told,
        desk,
        minter::{Minted, minted_within},
    },
    message::Response,
    policy::Admitted,
};

/// How a token endpoint is served.
#[derive(Debug)]
pub struct TokenEndpoint {
    /// Mints.
    pub issuer: Arc<Issuer>,
    /// Clients, each of which must authenticate; `None`: nobody needs to be one.
    pub clients: Option<Door>,
    /// Users with passwords, who must still be there when a refresh token of theirs is used.
    pub users: Option<Door>,
    /// What may be asked with.
    pub grants: GrantTypes,
    /// How requests are read.
    pub desk: Desk,
}

/// What tokens are given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantTypes {
    /// A client's own secret.
    pub client_credentials: bool,
    /// A user's name and password.
    pub password: bool,
    /// A refresh token.
    pub refresh_token: bool,
}

/// Names and secrets, and how often one may be wrong.
#[derive(Debug)]
pub struct Door {
    /// Who has a secret.
    pub users: Arc<UserSource>,
    /// Checks it.
    pub checks: PasswordChecks,
    /// How often that may fail.
    pub throttle: Throttle,
}

/// Somebody whose secret was the right one.
pub(super) struct Proven {
    pub(super) name: String,
    claims: Value,
}

/// A token that is to be given.
struct Granted<'g> {
    subject: &'g str,
    claims: &'g Value,
    client: Option<&'g str>,
    scope: Option<&'g str>,
    /// When it began to be asked who that is: what is revoked meanwhile, with all from before, is this too.
    asked_millis: i64,
}

/// A request that is read, of a client that is proven where there are any.
struct Asked<'r> {
    form: &'r Form,
    client: Option<&'r Proven>,
    permit: &'r Admitted<'r>,
    millis: i64,
}

impl TokenEndpoint {
    pub(in crate::issue) async fn serve(
        &self,
        deadlines: &Deadlines,
        permit: Admitted<'_>,
        report: &mut Report,
    ) -> Result<Response, Failure> {
        self.answered(deadlines, permit, report).await.map_err(Failure::by_protocol)
    }

    async fn answered(
        &self,
        deadlines: &Deadlines,
        mut permit: Admitted<'_>,
        report: &mut Report,
    ) -> Result<Response, Failure> {
        let form = super::form(&self.desk, &mut permit, deadlines).await?;
        let millis = self.desk.clock.unix_millis();
        let client = client(self.clients.as_ref(), &form, &permit, &self.desk).await?;
        let asked = Asked { form: &form, client: client.as_ref(), permit: &permit, millis };
        let grants = self.grants;
        match form.required("grant_type")? {
            "client_credentials" if grants.client_credentials => self.to_client(&asked, report).await,
            "password" if grants.password => self.for_password(&asked, report).await,
            "refresh_token" if grants.refresh_token => self.for_refresh_token(&asked, report).await,
            _ => Err(Failure::UnknownGrant),
        }
    }

    /// Section 4.4. No refresh token comes with it: the client can ask again.
    async fn to_client(&self, asked: &Asked<'_>, report: &mut Report) -> Result<Response, Failure> {
        let client = asked.client.ok_or(ClientFault::Missing)?;
        let claims = claims_of(&client.claims, Some(client));
        let subject = client.name.as_str();
        let minted = self.minted(&asked.granted(subject, &claims, asked.form.value("scope")), asked.permit).await?;
        Ok(answer(&minted, subject, report))
    }

    /// Section 4.3.
    async fn for_password(&self, asked: &Asked<'_>, report: &mut Report) -> Result<Response, Failure> {
        let door = self.users.as_ref().ok_or(Failure::UnknownGrant)?;
        let (name, password) = (asked.form.required("username")?, asked.form.required("password")?);
        let user = door.check(name, password, asked.permit, &self.desk).await?;
        let claims = claims_of(&user.claims, asked.client);
        let granted = asked.granted(&user.name, &claims, asked.form.value("scope"));
        let mut minted = self.minted(&granted, asked.permit).await?;
        if let Some(refresh) = &self.issuer.refresh {
            minted.refresh = Some(self.begun(refresh, &granted).await?);
        }
        Ok(answer(&minted, &user.name, report))
    }

    /// Section 6.
    async fn for_refresh_token(&self, asked: &Asked<'_>, report: &mut Report) -> Result<Response, Failure> {
        let shown = asked.form.required("refresh_token")?.as_bytes();
        let refresh = self.issuer.refresh.as_ref().ok_or(Failure::UnknownGrant)?;
        let (issuer, now_millis) = (self.issuer.name.as_str(), self.desk.clock.unix_millis());
        let grant = refresh.look(shown, issuer, now_millis).await?;
        if grant.client.as_deref() != asked.client_name() {
            return Err(RefreshFault::OtherClient.into());
        }
        let anew = self.current(&grant.subject).await;
        // Who is no user any more; where that cannot be known the token stays good.
        if anew.as_ref().is_err_and(Failure::is_gone) {
            refresh.families.end(shown, issuer).await?;
        }
        let claims = claims_of(anew?.as_ref().unwrap_or(&grant.claims), asked.client);
        let scope = within(asked.form.value("scope"), grant.scope.as_deref())?;
        let mut minted = self.minted(&asked.granted(&grant.subject, &claims, scope), asked.permit).await?;
        // Last of all what cannot be taken back: whatever fails before it leaves the token good.
        minted.refresh = Some(refresh.families.renew(shown, issuer, now_millis).await?);
        Ok(answer(&minted, &grant.subject, report))
    }

    /// The claims of a user who is still there, from a source that can tell.
    async fn current(&self, name: &str) -> Result<Option<Value>, Failure> {
        match self.users.as_ref().filter(|door| door.users.knows_who_is_there()) {
            None => Ok(None),
            Some(door) => door.users.current(name).await.map(Some),
        }
    }

    async fn minted(&self, granted: &Granted<'_>, permit: &Admitted<'_>) -> Result<Minted, Failure> {
        let told = Told { permit, subject: granted.subject, claims: granted.claims, minted: None };
        minted_within(&self.issuer.minter, &told, granted.scope, granted.asked_millis.div_euclid(1000)).await
    }

    async fn begun(&self, refresh: &Refresh, granted: &Granted<'_>) -> Result<String, Failure> {
        let grant = Grant {
            subject: granted.subject.into(),
            claims: Arc::new(granted.claims.clone()),
            issuer: self.issuer.name.as_str().into(),
            client: granted.client.map(Into::into),
            scope: granted.scope.map(Into::into),
            begun_unix: granted.asked_millis.div_euclid(1000),
        };
        Ok(refresh.families.begin(refresh.rules, grant, granted.asked_millis).await?)
    }
}

impl Asked<'_> {
    fn client_name(&self) -> Option<&str> {
        self.client.map(|client| client.name.as_str())
    }

    fn granted<'g>(&'g self, subject: &'g str, claims: &'g Value, scope: Option<&'g str>) -> Granted<'g> {
        Granted { subject, claims, client: self.client_name(), scope, asked_millis: self.millis }
    }
}

impl Door {
    /// Who is called `name` and knows the secret.
    pub(super) async fn check(
        &self,
        name: &str,
        secret: &str,
        permit: &Admitted<'_>,
        desk: &Desk,
    ) -> Result<Proven, Failure> {
        let name = desk::named(name)?;
        let now_millis = desk.clock.unix_millis();
        let attempt = self.throttle.attempt(name, permit.client().whence, now_millis)?;
        let secret = Zeroizing::new(secret.as_bytes().to_vec());
        let checked = self.users.check(name, secret, &self.checks).await;
        if !checked.as_ref().is_err_and(Failure::is_attempt) {
            attempt.give_back(now_millis);
        }
        let known = checked?;
        Ok(Proven { name: known.subject.unwrap_or_else(|| name.to_owned()), claims: known.claims })
    }
}

/// The client that asks, proven, where there are clients.
pub(super) async fn client(
    clients: Option<&Door>,
    form: &Form,
    permit: &Admitted<'_>,
    desk: &Desk,
) -> Result<Option<Proven>, Failure> {
    let presented = Presented::read(permit.head().values("authorization"), form)?;
    match (clients, presented) {
        (None, None) => Ok(None),
        // What nobody checks would look as if it had been.
        (None, Some(_)) => Err(ClientFault::Unwanted.into()),
        (Some(_), None) => Err(ClientFault::Missing.into()),
        (Some(door), Some(Presented { id, secret })) => {
            let checked = door.check(&id, &secret, permit, desk).await;
            checked.map(Some).map_err(|why| Failure::ClientRefused(Box::new(why)))
        }
    }
}

/// Claims of whoever the token is for, and the client that it is given to (RFC 9068 section 2.2).
fn claims_of(own: &Value, client: Option<&Proven>) -> Value {
    let mut claims = own.as_object().cloned().unwrap_or_default();
    claims.extend(client.map(|client| ("client_id".to_owned(), json!(client.name))));
    Value::Object(claims)
}

/// What of the scopes that a family was given is asked for now: never more.
fn within<'s>(asked: Option<&'s str>, given: Option<&'s str>) -> Result<Option<&'s str>, Failure> {
    let (Some(words), Some(given)) = (asked, given) else { return Ok(asked.or(given)) };
    let is_given = words.split(' ').all(|word| given.split(' ').any(|known| known == word));
    if is_given { Ok(asked) } else { Err(Failure::Scope) }
}

/// Section 5.1.
fn answer(minted: &Minted, subject: &str, report: &mut Report) -> Response {
    let mut body = json!({ "access_token": minted.token, "token_type": "Bearer", "expires_in": minted.lifetime });
    let more = [("refresh_token", &minted.refresh), ("scope", &minted.scope)];
    if let Some(body) = body.as_object_mut() {
        body.extend(more.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?)))));
    }
    report.subject = Some(Rc::from(subject));
    let response = Response::own(200, "application/json", body.to_string());
    response.with("Cache-Control", "no-store").with("Pragma", "no-cache")
}
