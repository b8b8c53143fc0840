//! Whose a name is: what a limit counts by is counted together with where it comes from.
//!
//! A key id is a name among those of its key source, a subject and a claim among those of their tokens and issuer. Spelt alike
//! they are two people: whoever may choose his name at one issuer must not spend what another's device has.

use std::sync::Arc;

use crate::{
    message::{Evidence, Identity},
    scheme::{Known, Template},
};

/// What of a caller a template names, and what the config's key sources are called.
#[derive(Clone, Debug, Default)]
pub struct Naming {
    caller: bool,
    claims: bool,
    attributes: bool,
    sources: Arc<[Box<str>]>,
}

/// What comes before the name of a key source, of tokens, of an issuer, and of nothing.
const KEYS: u8 = b'k';
const TOKENS: u8 = b't';
const ISSUER: u8 = b'i';
const NOBODY: u8 = b'-';

impl Naming {
    /// What `template` names. `sources` are the names of the config's key sources, in its order.
    pub fn of(template: &Template, sources: &Arc<[Box<str>]>) -> Naming {
        let mut naming = Naming { sources: sources.clone(), ..Naming::default() };
        for source in template.source_names() {
            match source.as_str() {
                "subject" | "key_id" => naming.caller = true,
                "claim" => naming.claims = true,
                "key" => naming.attributes = true,
                _ => {}
            }
        }
        naming
    }

    /// Writes where all that is named comes from: no two origins write the same, whatever follows them.
    pub(super) fn write(&self, identity: &Identity<'_>, out: &mut Vec<u8>) {
        if self.caller {
            match (identity.evidence(), identity.by) {
                (Some(Evidence::Key(key)), _) => self.write_keys(key.source().0, out),
                (Some(Evidence::Token(token)), Some(by)) => write_tokens(by, &**token, out),
                (Some(Evidence::Token(_)) | None, _) => out.push(NOBODY),
            }
        }
        if self.claims {
            match identity.token() {
                Some((by, token)) => write_tokens(by, token, out),
                None => out.push(NOBODY),
            }
        }
        if self.attributes {
            match identity.attributed() {
                Some(key) => self.write_keys(key.source().0, out),
                None => out.push(NOBODY),
            }
        }
    }

    fn write_keys(&self, source: usize, out: &mut Vec<u8>) {
        // Every key is of a source that the config names.
        let source = self.sources.get(source).map(|name| &**name);
        write(KEYS, source.unwrap_or_default(), out);
    }
}

/// An entry that believes any issuer has the names of many.
fn write_tokens(by: &str, token: &dyn Known, out: &mut Vec<u8>) {
    write(TOKENS, by, out);
    write(ISSUER, token.claim("iss").as_deref().unwrap_or_default(), out);
}

/// The length keeps a name apart from what follows.
fn write(kind: u8, name: &str, out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
    out.extend_from_slice(name.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::{borrow::Cow, rc::Rc};

    use super::*;
    use crate::{
        keys::{KeyRecord, KeyTable, SourceIndex},
        message::Credential,
        scheme::{Algorithm, Definition, Encoding, Fact, Scheme, SignatureDefinition, Sources},
        secret::Secret,
    };

    struct Claims(Option<&'static str>);

    impl Known for Claims {
        fn claim(&self, name: &str) -> Option<Cow<'_, str>> {
            self.0.filter(|_| name == "iss").map(Cow::Borrowed)
        }

        fn fact(&self, _: Fact) -> Option<Cow<'_, str>> {
            None
        }
    }

    fn token<'a>(by: &'a str, issuer: Option<&'static str>) -> Credential<'a> {
        let evidence = Evidence::Token(Arc::new(Claims(issuer)));
        Credential { by, subject: Some(Rc::from("alice")), key_id: None, evidence }
    }

    fn caller(credential: Credential<'_>) -> Identity<'_> {
        let mut identity = Identity::default();
        identity.name_by(credential);
        identity
    }

    fn written(template: &str, identity: &Identity<'_>) -> Vec<u8> {
        let template = Template::compile(template, Sources::Answer).unwrap();
        let mut out = Vec::new();
        Naming::of(&template, &Arc::from([Box::from("devices"), Box::from("partners")])).write(identity, &mut out);
        out
    }

    #[test]
    fn what_names_nobody_is_counted_as_it_is() {
        assert!(written("{route} {scheme_name} {client_address}", &caller(token("api", None))).is_empty());
    }

    fn keyed(table: &KeyTable) -> Credential<'_> {
        let found = table.find(None).at_once().unwrap_or_else(|_| panic!("it is at hand")).unwrap();
        Credential { by: "v2", subject: None, key_id: None, evidence: Evidence::Key(found.matched(0)) }
    }

    #[test]
    fn no_two_origins_are_written_alike() {
        let signature = SignatureDefinition::new("{header:S}", Encoding::Hex, Algorithm::HmacSha256);
        let scheme = Scheme::compile(&Definition::new("v2", "{path}", signature)).unwrap();
        let record = KeyRecord::of([Secret::new(b"secret-key".to_vec())]);
        let table = |index| {
            let shared = KeyTable::shared(&record, |secret| scheme.key_recipe().verifying(secret));
            shared.unwrap().at(SourceIndex(index))
        };
        let (devices, partners) = (table(0), table(1));
        let callers = [
            Identity::default(),
            caller(keyed(&devices)),
            caller(keyed(&partners)),
            caller(token("devices", None)),
            caller(token("api", None)),
            caller(token("api", Some("us"))),
            caller(token("ap", Some("ius"))),
        ];
        let all: Vec<Vec<u8>> = callers.iter().map(|caller| written("{subject}", caller)).collect();
        for (place, one) in all.iter().enumerate() {
            assert!(
                all.iter().skip(place + 1).all(|other| !other.starts_with(one) && !one.starts_with(other)),
                "{place}"
            );
        }
    }

    #[test]
    fn claims_and_attributes_are_of_the_credential_that_they_are_read_from() {
        let mut two = caller(token("api", Some("us")));
        two.add_other(token("guests", Some("them")));
        assert_eq!(written("{claim:sub}", &two), written("{subject}", &two));
        assert_ne!(written("{key:tenant}", &two), written("{subject}", &two));
        assert_eq!(written("{subject}:{claim:tenant}", &two), written("{subject}", &two).repeat(2));
    }
}
