//! The attack corpus of `tests/attack/jwt`.

use std::{fs, path::Path, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, crypto};
use serde_json::Value;
use smallvec::SmallVec;

use super::*;
use crate::{
    jose::{Algorithm, Key, PublicKey, ShortRsa},
    secret::Secret,
};

const NOW: i64 = 1_800_000_000;

/// The corpus has more routes; no case uses them.
const ROUTES: [&str; 5] = ["hs256", "kid", "rs256", "es256", "eddsa"];

/// Cases that this room cannot decide, and why.
const SKIPPED: [(&str, &str); 2] = [
    ("J201", "the token is genuine; admission refuses it once it is revoked, which `path::revocations` shows"),
    (
        "J203",
        "as J201: the signature's other form is as genuine, so revocation goes by the token's id; shown there too",
    ),
];

struct Lines<'c>(Vec<(&'c str, &'c str)>);

impl HeaderValues for Lines<'_> {
    fn values<'h>(&'h self, name: &str) -> SmallVec<[&'h [u8]; 2]> {
        self.0.iter().filter(|(line, _)| line.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_bytes()).collect()
    }
}

fn read(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attack/jwt").join(file);
    serde_json::from_slice(&fs::read(path).expect("the corpus")).expect("JSON")
}

fn text<'c>(case: &'c Value, name: &str) -> &'c str {
    case[name].as_str().unwrap_or_else(|| panic!("{name} of {}", case["id"]))
}

fn verifier(policy: &Value, route: &str, keys: &Value) -> Verifier {
    let rules = &policy["routes"][route];
    let [algorithm] = rules["algs"].as_array().expect("algorithms").as_slice() else { panic!("one algorithm") };
    let algorithm = Algorithm::named(algorithm.as_str().expect("a name")).expect("a known one");
    let key = |kid: Option<&str>, name: &Value| {
        let (kid, bytes) = (kid.map(str::to_owned), text(keys, name.as_str().expect("a key's name")).as_bytes());
        let key = match algorithm {
            Algorithm::Hs256 => Key::secret(kid, algorithm, &Secret::new(bytes.to_vec())),
            _ => Key::public(kid, algorithm, &PublicKey::from_pem(bytes, ShortRsa::Refuse).expect("a public key")),
        };
        key.expect("a key of the algorithm")
    };
    let keys = match rules["keys"].as_object() {
        Some(named) => named.iter().map(|(kid, name)| key(Some(kid), name)).collect(),
        None => vec![key(None, &rules["key"])],
    };
    let required = policy["required_claims"].as_array().expect("names");
    Verifier::new(Settings {
        name: route.to_owned(),
        keys: keys.into(),
        decryption: None,
        issuer: Some(text(policy, "iss").to_owned()),
        audience: vec![text(policy, "aud").to_owned()],
        leeway: Duration::from_secs(policy["leeway_s"].as_u64().expect("seconds")),
        require_exp: true,
        claims: ClaimRules {
            required: required.iter().map(|name| name.as_str().expect("a name").to_owned()).collect(),
            ..ClaimRules::default()
        },
    })
    .expect("good settings")
}

/// The token as it is sent; one that depends on the time is made for [`NOW`].
fn token(case: &Value, keys: &Value) -> String {
    if case["time_sensitive"] != true {
        return text(case, "token").to_owned();
    }
    let (before, after) = text(case, "payload").split_once("${now").expect("a time");
    let (offset, after) = after.split_once('}').expect("a closing brace");
    let payload = format!("{before}{}{after}", NOW + offset.parse::<i64>().expect("seconds"));
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(text(case, "header")), URL_SAFE_NO_PAD.encode(payload));
    assert_eq!(case["sign"]["alg"], "HS256");
    let key = EncodingKey::from_secret(text(keys, text(&case["sign"], "key")).as_bytes());
    let signature = crypto::sign(signed.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).expect("a signature");
    format!("{signed}.{signature}")
}

fn outcome(case: &Value, verifier: &Verifier, keys: &Value) -> Result<Option<Token>, TokenError> {
    let send = case["send"].as_str().unwrap_or("Authorization: Bearer {token}").replace("{token}", &token(case, keys));
    let (query, lines) = match send.strip_prefix('?') {
        Some(query) => (Some(query), Vec::new()),
        None => (None, send.split("\r\n").filter_map(|line| line.split_once(": ")).collect()),
    };
    match Carrier::Bearer.find(&Lines(lines), query)? {
        Some(token) => verifier.verify(token, NOW).map(Some),
        None => Ok(None),
    }
}

#[test]
fn the_attack_corpus_is_judged_as_it_says() {
    let (corpus, keys) = (read("cases.json"), read("keys.json"));
    let verifiers = ROUTES.map(|route| (route, verifier(&corpus["policy"], route, &keys)));
    let (mut judged, mut wrong) = (0, Vec::new());
    for case in corpus["cases"].as_array().expect("cases") {
        let (id, route) = (text(case, "id"), text(case, "route"));
        if SKIPPED.iter().any(|(skipped, _)| *skipped == id) {
            continue;
        }
        let (_, verifier) = verifiers.iter().find(|(name, _)| *name == route).expect("a known route");
        let outcome = outcome(case, verifier, &keys);
        let right = match text(case, "expect") {
            "accept" => matches!(outcome, Ok(Some(_))),
            "reject-401" => !matches!(outcome, Ok(Some(_))),
            "either" => true,
            other => panic!("{id} expects {other}"),
        };
        judged += 1;
        if !right {
            wrong.push(format!("{id} {}: {outcome:?}", text(case, "name")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(judged, 114, "all 116, less the skipped ones");
}

#[test]
fn attacks_are_refused_for_the_rule_they_break() {
    use TokenError::*;
    let (corpus, keys) = (read("cases.json"), read("keys.json"));
    let expected = [
        ("J009", WrongAlgorithm),
        ("J021", WrongAlgorithm),
        ("J017", MalformedHeader("alg")),
        ("J029", WrongAlgorithm),
        ("J033", WrongAlgorithm),
        ("J037", WrongAlgorithm),
        ("J039", WrongAlgorithm),
        ("J041", WrongAlgorithm),
        ("J043", WrongSignature),
        ("J055", WrongSignature),
        ("J061", WrongSignature),
        ("J063", WrongSignature),
        ("J065", WrongSignature),
        ("J067", WrongSignature),
        ("J069", ForbiddenHeader("jwk")),
        ("J071", ForbiddenHeader("x5u")),
        ("J073", ForbiddenHeader("x5c")),
        ("J075", UnknownKid),
        ("J081", MalformedHeader("kid")),
        ("J085", WrongSignature),
        ("J091", ForbiddenHeader("crit")),
        ("J103", NotAnObject(Segment::Payload)),
        ("J105", WrongType),
        ("J111", SegmentCount),
        ("J119", TooLong),
        ("J121", MalformedClaim("exp")),
        ("J131", Expired),
        ("J133", NotSeconds("exp")),
        ("J139", Expired),
        ("J141", NotYetValid),
        ("J147", NotSeconds("nbf")),
        ("J149", MalformedClaim("iat")),
        ("J153", WrongIssuer),
        ("J157", MalformedClaim("iss")),
        ("J161", WrongAudience),
        ("J169", MalformedClaim("aud")),
        ("J173", MalformedClaim("sub")),
        ("J175", MalformedClaim("sub")),
        ("J205", MalformedClaim("jti")),
        ("J211", CarrierMalformed),
        ("J213", CarrierRepeated),
    ];
    for (id, rule) in expected {
        let cases = corpus["cases"].as_array().expect("cases");
        let case = cases.iter().find(|case| case["id"] == id).expect("a known case");
        let verifier = verifier(&corpus["policy"], text(case, "route"), &keys);
        assert_eq!(outcome(case, &verifier, &keys).expect_err(id), rule, "{id}");
    }
}
