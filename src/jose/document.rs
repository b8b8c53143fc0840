//! Whether bytes are a key's document. Anyone may have such a one, so none may serve as a secret: whoever had the public
//! key could sign (CVE-2016-10555). It reads nothing out of them; that is for those who want a document.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use crate::json::Document;

const PEM: &[u8] = b"-----BEGIN ";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// What SEQUENCEs of keys and certificates are made of (RFC 5280 section 4.1, RFC 8017 appendix A.1, RFC 5958 section 2):
/// INTEGER, BIT STRING, OCTET STRING, SEQUENCE, and what is tagged 0 or 1.
const PARTS: [u8; 7] = [0x02, 0x03, 0x04, SEQUENCE, 0xa0, 0xa1, 0x81];
const SEQUENCE: u8 = 0x30;
/// However its padding is written.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether it is PEM, a JWK or a set of them, or DER, as it is or in base64; also where it is not quite well-formed, or text
/// stands around it. Of random bytes less than one in a hundred million looks like DER.
pub fn is_key_document(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes).trim_ascii();
    contains(text, PEM) || is_jwk(text) || is_der(bytes) || is_bare_base64(text)
}

/// A name that is spelled with escapes is seen by whoever reads JSON, and one in what is no JSON by its letters.
fn is_jwk(text: &[u8]) -> bool {
    contains(text, b"\"kty\"")
        || text.starts_with(b"{")
            && (contains(text, b"kty")
                || Document::parse(text)
                    .is_ok_and(|document| document.pointer("/kty").is_some() || document.pointer("/keys").is_some()))
}

/// As some issuers show their key: the PEM without its first line and last.
fn is_bare_base64(text: &[u8]) -> bool {
    // What begins a SEQUENCE.
    if !text.starts_with(b"M") {
        return false;
    }
    let digits: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(digits).is_ok_and(|der| is_der(&der))
}

/// One SEQUENCE and nothing else, of two parts or more.
fn is_der(bytes: &[u8]) -> bool {
    let Some((SEQUENCE, mut rest, [])) = element(bytes) else { return false };
    let mut parts = 0;
    while !rest.is_empty() {
        match element(rest) {
            Some((tag, _, after)) if PARTS.contains(&tag) => (rest, parts) = (after, parts + 1),
            _ => return false,
        }
    }
    parts >= 2
}

/// The first element: its tag, what it holds, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (length, rest) = length(rest)?;
    let (content, after) = rest.split_at_checked(length)?;
    Some((*tag, content, after))
}

/// X.690 section 8.1.3, up to four bytes of it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    if *first < 0x80 {
        return Some((usize::from(*first), rest));
    }
    let count = usize::from(first & 0x7f);
    let (digits, rest) = rest.split_at_checked(count).filter(|_| (1..=4).contains(&count))?;
    let length = digits.iter().fold(0_u32, |length, digit| length << 8 | u32::from(*digit));
    Some((usize::try_from(length).ok()?, rest))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    fn pair(algorithm: &'static rcgen::SignatureAlgorithm) -> rcgen::KeyPair {
        rcgen::KeyPair::generate_for(algorithm).unwrap()
    }

    #[test]
    fn a_document_is_known_whatever_stands_around_it() {
        let pem = pair(&rcgen::PKCS_ED25519).public_key_pem();
        let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        for document in [
            pem.clone(),
            format!("\u{feff}{pem}"),
            format!("Bag Attributes\r\n    friendlyName: api\r\nKey Attributes: <No Attributes>\r\n{pem}"),
            format!("subject=CN = api\n  {pem}"),
            format!("\"{pem}\""),
            format!("\u{feff}{jwk}"),
            format!("// ours\n{jwk}"),
            format!("[{jwk}]"),
            format!(r#"{{"keys":[{jwk}],}}"#),
            jwk.replace('}', ",}"),
            jwk.replace('"', "'"),
            jwk.replace("kty", r"\u006bty"),
            r#"{"keys":[]}"#.to_owned(),
            r#"{kty: "RSA"}"#.to_owned(),
        ] {
            assert!(is_key_document(document.as_bytes()), "{document}");
        }
    }

    #[test]
    fn der_is_a_document_also_in_base64_and_whatever_the_curve() {
        let algorithms = [
            &rcgen::PKCS_ED25519,
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &rcgen::PKCS_ECDSA_P521_SHA512,
            &rcgen::PKCS_RSA_SHA256,
        ];
        for algorithm in algorithms {
            let pair = pair(algorithm);
            let certificate = rcgen::CertificateParams::new(["a.test".to_owned()]).unwrap().self_signed(&pair).unwrap();
            let spki = rcgen::PublicKeyData::subject_public_key_info(&pair);
            for der in [spki, certificate.der().to_vec(), pair.serialize_der()] {
                assert!(is_key_document(&der));
                assert!(!is_key_document(&der[..der.len() - 1]) && !is_key_document(&[&der[..], b"x"].concat()));
                let text = BASE64_STANDARD.encode(&der);
                let lines = text.as_bytes().chunks(64).collect::<Vec<_>>().join(&b'\n');
                for written in [text.into_bytes(), BASE64_STANDARD_NO_PAD.encode(&der).into_bytes(), lines] {
                    assert!(is_key_document(&written));
                }
            }
        }
        let bare = pair(&rcgen::PKCS_RSA_SHA256).public_key_raw().to_vec();
        assert!(is_key_document(&bare), "RFC 8017's own form");
    }

    #[test]
    fn a_secret_is_none_however_odd() {
        let seed = [7; 32];
        let point = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let begins_like_der = [&[SEQUENCE, 30][..], &[0x5a; 30]].concat();
        for secret in [
            &b"{0123456789abcdef"[..],
            b"[\"keys\"]",
            b"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
            b"-----",
            b"",
            b"\xef\xbb\xbf",
            &[SEQUENCE],
            &[SEQUENCE, 0],
            &[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff],
            &begins_like_der,
            point.public_key().as_ref(),
        ] {
            assert!(!is_key_document(secret), "{secret:?}");
        }
    }

    proptest! {
        #[test]
        fn no_random_secret_is_taken_for_a_document(secret in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(!is_key_document(&secret));
        }

        #[test]
        fn what_begins_like_der_never_panics(rest in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = is_key_document(&[&[SEQUENCE], rest.as_slice()].concat());
            let _ = is_key_document(&[&[SEQUENCE, 0x82], rest.as_slice()].concat());
        }
    }
}
