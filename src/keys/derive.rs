//! Keys that are computed from a master secret and the key id: no storage, however many devices there are.
//!
//! Whoever has the master has every key. An id cannot be taken out here: revoking it is somebody else's business.

use std::{fmt, sync::Arc};

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::{KeyRecord, KeySecret, Lifetime, Lookout, Lookup};
use crate::secret::Secret;

/// Bytes of a derived key.
const LENGTH: usize = 32;

/// How a key is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// HKDF-SHA256 (RFC 5869). The info is the label, a zero byte and the key id: no label and no id has a zero byte, so no two
    /// pairs share one.
    Hkdf {
        /// Tells these keys from others of the same master.
        label: String,
        /// Empty for none.
        salt: Vec<u8>,
    },
    /// HMAC-SHA256 of the key id, as older fleets did it.
    Hmac,
}

/// What of the computed bytes is the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// They are.
    Raw,
    /// Their text in lower-case hexadecimal is.
    Hex,
}

/// The keys of a fleet.
pub struct Derived {
    masters: Vec<Master>,
    output: Output,
}

struct Master {
    state: State,
    label: Option<Arc<str>>,
    lifetime: Lifetime,
}

/// What depends on the master alone, computed once.
enum State {
    Hkdf { extracted: Box<Hkdf<Sha256>>, label: String },
    Hmac(Box<Hmac<Sha256>>),
}

impl Derived {
    /// Keys of those masters, in the order to try.
    pub fn new(masters: &[KeySecret], method: &Method, output: Output) -> Derived {
        let master = |known: &KeySecret| {
            let state = State::new(method, known.secret.expose())?;
            Some(Master { state, label: known.label.clone(), lifetime: known.lifetime })
        };
        Derived { masters: masters.iter().filter_map(master).collect(), output }
    }

    /// What is known of `id`: a secret of each master.
    pub fn record(&self, id: &[u8]) -> KeyRecord {
        let secret = |master: &Master| {
            let secret = master.state.derived(id, self.output)?;
            Some(KeySecret { secret, label: master.label.clone(), lifetime: master.lifetime })
        };
        KeyRecord { secrets: self.masters.iter().filter_map(secret).collect(), ..KeyRecord::default() }
    }
}

impl State {
    /// `None` cannot be: an HMAC takes a key of any length.
    fn new(method: &Method, master: &[u8]) -> Option<State> {
        Some(match method {
            Method::Hkdf { label, salt } => {
                let salt = (!salt.is_empty()).then_some(salt.as_slice());
                State::Hkdf { extracted: Box::new(Hkdf::new(salt, master)), label: label.clone() }
            }
            Method::Hmac => State::Hmac(Box::new(Hmac::new_from_slice(master).ok()?)),
        })
    }

    fn derived(&self, id: &[u8], output: Output) -> Option<Secret> {
        let mut bytes = Zeroizing::new([0_u8; LENGTH]);
        match self {
            State::Hkdf { extracted, label } => {
                extracted.expand_multi_info(&[label.as_bytes(), b"\0", id], &mut *bytes).ok()?;
            }
            State::Hmac(mac) => {
                let mut mac = (**mac).clone();
                mac.update(id);
                let mut tag = mac.finalize().into_bytes();
                bytes.copy_from_slice(&tag);
                tag.as_mut_slice().zeroize();
            }
        }
        Some(Secret::new(match output {
            Output::Raw => bytes.to_vec(),
            Output::Hex => hex::encode(*bytes).into_bytes(),
        }))
    }
}

impl Lookup for Derived {
    fn look_up(&self, id: &[u8]) -> Lookout<'_> {
        Lookout::Now(Ok(Some(Arc::new(self.record(id)))))
    }
}

impl fmt::Debug for Derived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Derived({} masters)", self.masters.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derived(master: &[u8], method: &Method, output: Output, id: &str) -> Vec<u8> {
        let masters = [KeySecret::from(Secret::new(master.to_vec()))];
        Derived::new(&masters, method, output).record(id.as_bytes()).secrets[0].secret.expose().to_vec()
    }

    fn hkdf(label: &str, salt: &[u8]) -> Method {
        Method::Hkdf { label: label.to_owned(), salt: salt.to_vec() }
    }

    #[test]
    fn the_cases_of_rfc_5869_hold_in_the_library_that_is_used() {
        let bytes = |text: &str| hex::decode(text).unwrap();
        for (ikm, salt, info, okm) in [
            (
                "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
                "000102030405060708090a0b0c",
                "f0f1f2f3f4f5f6f7f8f9",
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
            ),
            (
                "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
                "",
                "",
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
            ),
        ] {
            let salt = bytes(salt);
            let hkdf = Hkdf::<Sha256>::new((!salt.is_empty()).then_some(&salt), &bytes(ikm));
            let mut out = vec![0; 42];
            hkdf.expand(&bytes(info), &mut out).unwrap();
            assert_eq!(hex::encode(out), okm);
        }
    }

    #[test]
    fn a_derived_key_is_what_hkdf_makes_of_label_zero_and_id() {
        let expected = {
            let mut out = [0; 32];
            Hkdf::<Sha256>::new(Some(b"salt"), b"master").expand(b"fleet\0dev-1", &mut out).unwrap();
            out
        };
        assert_eq!(derived(b"master", &hkdf("fleet", b"salt"), Output::Raw, "dev-1"), expected);
        let text = hex::encode(expected).into_bytes();
        assert_eq!(derived(b"master", &hkdf("fleet", b"salt"), Output::Hex, "dev-1"), text);
    }

    #[test]
    fn a_plain_hmac_is_what_openssl_prints() {
        // printf dev-1 | openssl dgst -sha256 -hmac master
        let known = {
            let mut mac = Hmac::<Sha256>::new_from_slice(b"master").unwrap();
            mac.update(b"dev-1");
            hex::encode(mac.finalize().into_bytes())
        };
        assert_eq!(derived(b"master", &Method::Hmac, Output::Hex, "dev-1"), known.as_bytes());
    }

    #[test]
    fn no_two_of_master_label_salt_and_id_share_a_key() {
        let keys = [
            derived(b"master", &hkdf("a", b""), Output::Raw, "bc"),
            derived(b"master", &hkdf("ab", b""), Output::Raw, "c"),
            derived(b"master", &hkdf("a", b"s"), Output::Raw, "bc"),
            derived(b"other", &hkdf("a", b""), Output::Raw, "bc"),
            derived(b"master", &Method::Hmac, Output::Raw, "bc"),
        ];
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn each_master_gives_a_secret_with_its_own_time_and_label() {
        let mut masters: Vec<KeySecret> =
            [b"new", b"old"].map(|master| KeySecret::from(Secret::new(master.to_vec()))).into();
        masters[1].lifetime.until_millis = 10;
        masters[1].label = Some("2026".into());
        let record = Derived::new(&masters, &hkdf("", b""), Output::Raw).record(b"dev-1");
        assert_eq!((record.secrets.len(), record.secrets[1].lifetime.until_millis), (2, 10));
        assert_eq!(record.secrets[1].label.as_deref(), Some("2026"));
    }
}
