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
}

/// What of it is kept as a text; the issuer is known to whoever keeps it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    subject: String,
    claims: Value,
}

impl Grant {
    /// The text that another gateway reads.
    pub(super) fn written(&self) -> String {
        let document = Document { subject: self.subject.to_string(), claims: Value::clone(&self.claims) };
        // Texts and JSON alone can always be written.
        serde_json::to_string(&document).unwrap_or_default()
    }

    /// What `text` says, if it is one of `issuer`'s that [`written`](Grant::written) made.
    pub(super) fn read(text: &str, issuer: &str) -> Option<Grant> {
        let Document { subject, claims } = serde_json::from_str(text).ok()?;
        Some(Grant { subject: subject.into(), claims: Arc::new(claims), issuer: issuer.into() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_nothing_else_is() {
        for claims in [json!({ "role": "admin", "teams": ["a", 1.5] }), Value::Null] {
            let grant = Grant { subject: "älice\"".into(), claims: Arc::new(claims), issuer: "api".into() };
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
