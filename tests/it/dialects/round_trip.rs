//! What a preset signs it verifies; whatever part its coverage names cannot be changed; no secret but its own will do.

use countersign::{scheme::presets, secret::Secret};

use super::{
    request::{NOW, Request, preset},
    samples::{NONCE, OTHER, SECRET, plain, signing},
};

/// What signers write and no verifier reads.
const IGNORED: [&str; 1] = ["sign_method"];

struct Signed {
    scheme: countersign::scheme::Scheme,
    request: Request,
    /// Places among the headers that the signer wrote.
    written: Vec<usize>,
}

impl Signed {
    fn by(name: &str) -> Signed {
        let scheme = preset(name);
        let request = plain(name);
        let secret = Secret::new(SECRET.as_bytes().to_vec());
        let key = scheme.key_recipe().signing(&secret).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let emitted = scheme.sign(&request.view(), &key, Some("dev-1"), NOW, NONCE);
        let emitted = emitted.unwrap_or_else(|failure| panic!("{name}: {failure}"));
        let before = request.headers.len();
        let request = request.signed(&emitted);
        Signed { scheme, written: (before..request.headers.len()).collect(), request }
    }

    /// The key id of a request that is accepted.
    fn judged(&self, request: &Request, secret: &str) -> Result<Option<Vec<u8>>, String> {
        let key = self.scheme.key_recipe().signing(&Secret::new(secret.as_bytes().to_vec())).unwrap();
        let claimed = self.scheme.read(&request.view(), NOW).map_err(|failure| failure.to_string())?;
        let verified = self.scheme.verify(&claimed, &request.view(), &[&key]);
        verified.map(|_| claimed.key_id().map(<[u8]>::to_vec)).map_err(|failure| failure.to_string())
    }
}

#[test]
fn every_preset_compiles_and_says_who_speaks_it_and_what_it_leaves_open() {
    for name in presets::names() {
        let text = presets::text(name).expect("a text");
        preset(name);
        let comment: Vec<&str> = text.lines().take_while(|line| line.starts_with("# ")).collect();
        assert!(comment.len() >= 3, "{name} begins with a comment");
        assert!(comment[0].ends_with('.'), "the first line of {name} is a sentence of its own");
        assert!(comment.iter().any(|line| line.contains("Spoken by")), "{name} says who speaks it");
        assert!(comment.iter().any(|line| line.contains("Not signed: ")), "{name} says what it leaves unsigned");
        assert!(text.lines().all(|line| line.chars().count() <= 120), "{name} has a line that is too long");
    }
}

#[test]
fn what_a_preset_signs_it_verifies_and_only_with_its_own_secret() {
    let mut wrong = Vec::new();
    for name in signing() {
        let signed = Signed::by(name);
        if let Err(failure) = signed.judged(&signed.request, SECRET) {
            wrong.push(format!("{name}: {failure}: {:?}", signed.request));
        }
        if signed.judged(&signed.request, OTHER).is_ok() {
            wrong.push(format!("{name} verifies with another secret"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn whatever_a_preset_covers_cannot_be_changed() {
    for name in signing() {
        let signed = Signed::by(name);
        let coverage = signed.scheme.coverage();
        let request = &signed.request;
        let changed_query = match request.target.split_once('?') {
            Some((path, query)) => format!("{path}?{query}&z=9"),
            None => format!("{}?z=9", request.target),
        };
        let changes = [
            (coverage.method, "method", Request { method: "PUT".to_owned(), ..request.clone() }),
            (coverage.path, "path", Request { target: format!("/z{}", request.target), ..request.clone() }),
            (coverage.query, "query", Request { target: changed_query, ..request.clone() }),
            (coverage.authority, "authority", Request { authority: "evil.example.com".to_owned(), ..request.clone() }),
            (coverage.body, "body", Request { body: [&request.body[..], b"&z=9"].concat(), ..request.clone() }),
            (coverage.body, "whole body", Request { body: Vec::new(), ..request.clone() }),
        ];
        for (is_covered, part, changed) in changes {
            if is_covered {
                assert!(signed.judged(&changed, SECRET).is_err(), "{name}: the {part} can be changed");
            }
        }
    }
}

#[test]
fn nothing_that_the_signer_wrote_can_be_changed_but_to_another_key_id() {
    let mut wrong = Vec::new();
    for name in signing() {
        let signed = Signed::by(name);
        let id = signed.judged(&signed.request, SECRET).expect(name);
        let read = signed.written.iter().filter(|at| !IGNORED.contains(&signed.request.headers[**at].0.as_str()));
        for &at in read {
            let (header, value) = &signed.request.headers[at];
            for byte in 0..value.len() {
                let mut bytes = value.clone().into_bytes();
                bytes[byte] = if bytes[byte] == b'7' { b'8' } else { b'7' };
                let mut changed = signed.request.clone();
                changed.headers[at].1 = String::from_utf8(bytes).expect("text");
                // Under another id another key is looked up, and that one verifies nothing.
                if signed.judged(&changed, SECRET).is_ok_and(|other| other == id) {
                    wrong.push(format!("{name}: {header} can be changed at {byte}: {value}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
