//! What a family was granted, and how that is written where other gateways read it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a family was granted, and to whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// `sub` of its tokens.
    pub subject: Arc<str>,
    /// Claims of their own: an object.
    pub claims: Arc<Value>,
    /// The issuer that alone renews it.
    pub issuer: Arc<str>,
    /// The client that alone uses it, where it was given to one.
    pub client: Option<Arc<str>>,
    /// The scopes that were asked for: its tokens never have more.
    pub scope: Option<Arc<str>>,
}

/// What of it is kept as a text; the issuer is known to whoever keeps it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    subject: String,
    claims: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

impl Grant {
    /// The text that another gateway reads.
    pub(super) fn written(&self) -> String {
        let document = Document {
            subject: self.subject.to_string(),
            claims: Value::clone(&self.claims),
            client: self.client.as_deref().map(str::to_owned),
            scope: self.scope.as_deref().map(str::to_owned),
        };
        // Texts and JSON alone can always be written.
        serde_json::to_string(&document).unwrap_or_default()
    }

    /// What `text` says, if it is one of `issuer`'s that [`written`](Grant::written) made.
    pub(super) fn read(text: &str, issuer: &str) -> Option<Grant> {
        let Document { subject, claims, client, scope } = serde_json::from_str(text).ok()?;
        Some(Grant {
            subject: subject.into(),
            claims: Arc::new(claims),
            issuer: issuer.into(),
            client: client.map(Into::into),
            scope: scope.map(Into::into),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_nothing_else_is() {
        let claims = || Arc::new(json!({ "role": "admin", "teams": ["a", 1.5] }));
        let (subject, issuer) = ("älice\"", "api");
        for (client, scope) in [(None, None), (Some("app"), Some("read write"))] {
            let (client, scope) = (client.map(Into::into), scope.map(Into::into));
            let grant = Grant { subject: subject.into(), claims: claims(), issuer: issuer.into(), client, scope };
            assert_eq!(Grant::read(&grant.written(), "api"), Some(grant));
        }
        for text in [
            "",
            "{}",
            r#"{"subject":"a"}"#,
            r#"{"subject":"a","claims":null,"more":1}"#,
            r#"{"subject":1,"claims":{}}"#,
        ] {
            assert_eq!(Grant::read(text, "api"), None, "{text}");
        }
    }
}
