//! `countersign token`: what a person is told of a token.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Output, Stdio},
};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::issuer::{SigningKey, key_set, now};
use crate::support::countersign;

fn told(arguments: &[&str], token: &str, directory: &Path) -> (Option<i32>, String, String) {
    let mut command = countersign();
    command.args(arguments).current_dir(directory).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    child.stdin.take().unwrap().write_all(token.as_bytes()).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn inspect_explains_each_member_in_words_and_verifies_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let key = SigningKey::es256("k1");
    let claims = json!({"iss": "me", "sub": "alice\u{1b}[31m", "exp": 1_800_003_600, "iat": 1_800_000_000,
        "scope": "read", "https://example.com/x": [1]});
    let token = format!("Bearer {}\n", key.signed(&json!({"alg": "ES256", "kid": "k1"}), &claims));
    let (code, data, words) = told(&["token", "inspect", "--at", "1800000000"], &token, directory.path());
    for expected in [
        "kid",
        "k1",
        "which key of the issuer",
        "who issued it",
        "expires 2027-01-15T09:00:00Z, in 1h",
        "issued 2027-01-15T08:00:00Z",
        "what it may be used for",
        "signature of 64 bytes, not verified",
    ] {
        assert!(data.contains(expected), "{expected}: {data}");
    }
    assert!(!data.contains('\u{1b}'), "{data:?}");
    // Control characters in a subject are refused by every config.
    assert_eq!((code, words.contains("\"sub\"")), (Some(4), true), "{words}");
}

#[test]
fn inspect_names_the_rule_that_would_refuse_a_token_anywhere() {
    let directory = tempfile::tempdir().unwrap();
    let inspect = |token: &str| {
        let (code, _, words) = told(&["token", "inspect"], token, directory.path());
        (code, words)
    };
    let key = SigningKey::es256("k1");
    let headed = |header| key.signed(&header, &json!({}));
    assert_eq!(inspect(&headed(json!({"alg": "ES256"}))).0, Some(0));
    for (token, said) in [
        ("a.b".to_owned(), "three segments"),
        ("a.b.c.d".to_owned(), "an encrypted one five"),
        (
            format!("{}.a.a.a.a", URL_SAFE_NO_PAD.encode(r#"{"alg":"dir","enc":"A256GCM","cty":"JWT","zip":"DEF"}"#)),
            "\"zip\"",
        ),
        (format!("{}.a.a.a.a", URL_SAFE_NO_PAD.encode(r#"{"alg":"dir","enc":"A256GCM"}"#)), "not believed"),
        (headed(json!({"alg": "ES256", "jku": "https://evil"})), "\"jku\""),
        (headed(json!({"alg": "ES256", "crit": ["b64"]})), "\"crit\""),
        (key.signed(&json!({"alg": "ES256"}), &json!({"exp": "soon"})), "\"exp\""),
        (
            key.signed(&json!({"alg": "ES256"}), &json!({"exp": now() * 1000})),
            "milliseconds, where seconds are wanted?",
        ),
    ] {
        let (code, words) = inspect(&token);
        assert!(code == Some(4) && words.contains(said), "{said}: {words}");
    }
    assert_eq!(inspect("").0, Some(2));
}

fn hs256(kid: &str, secret: &[u8], claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&json!({"alg": "HS256", "kid": kid})), part(claims));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn verify_shows_what_a_token_says_beside_what_is_wanted() {
    let directory = tempfile::tempdir().unwrap();
    let text = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    fs::write(directory.path().join("jwt.key"), format!("{text}\n")).unwrap();
    let config = "listen: 127.0.0.1:8000\n\
        tokens: { api: { keys: [{ kid: k1, algorithm: HS256, secret: { file: jwt.key } }], issuer: 'https://me', audience: [api, app] } }\n\
        upstreams: { ok: { echo: true } }\n\
        routes: [{ match: { path: / }, require: { jwt: api }, to: ok }]\n";
    fs::write(directory.path().join("gateway.yaml"), config).unwrap();
    let told_of = |kid: &str, secret: &[u8], claims: Value| {
        let mut claims = claims;
        claims.as_object_mut().unwrap().entry("exp").or_insert_with(|| (now() + 60).into());
        let token = hs256(kid, secret, &claims);
        let (code, _, words) = told(&["token", "verify", "-c", "gateway.yaml"], &token, directory.path());
        assert!(!words.contains(&token) && !words.contains(text), "{words}");
        (code, words)
    };
    let good = || json!({"iss": "https://me", "aud": "api", "exp": now() + 60});
    assert_eq!(told_of("k1", text.as_bytes(), good()).0, Some(0));
    let with_newline = format!("{text}\n");
    for (kid, secret, claims, said) in [
        ("k1", text.as_bytes(), json!({"iss": "https://me/", "aud": "api"}), "they differ in the slash at the end"),
        ("k1", text.as_bytes(), json!({"aud": "api"}), "its `iss`  is not there\n  wanted  https://me\n"),
        ("k1", text.as_bytes(), json!({"iss": "https://me", "aud": ["x"]}), "its `aud`  [\"x\"]\n  wanted  api, app\n"),
        ("k2", text.as_bytes(), good(), "its `kid`  k2\n  wanted  k1\n"),
        ("k1", with_newline.as_bytes(), good(), "it would fit if the key ends in a newline"),
        (
            "k1",
            &hex::decode(text).unwrap(),
            good(),
            "it would fit if the key is hex-decoded first: `encoding: hex` beside",
        ),
        ("k1", b"another secret of enough bytes!!", good(), "whoever signs has another secret"),
    ] {
        let (code, words) = told_of(kid, secret, claims);
        assert!(code == Some(4) && words.contains(said), "{said}: {words}");
    }
    let (code, words) = told_of("k1", text.as_bytes(), json!({"iss": "https://me", "aud": "api", "exp": now() * 1000}));
    assert!(code == Some(4) && words.contains("\"exp\" is too large for a time in seconds: milliseconds"), "{words}");
}

#[test]
fn a_secret_that_stands_in_a_jwk_can_be_taken_over_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let secret = [0xfb_u8; 32];
    let written = URL_SAFE_NO_PAD.encode(secret);
    let token = hs256("k1", &secret, &json!({"iss": "me", "aud": "api", "exp": now() + 60}));
    let verify = |encoding: &str| {
        let config = format!(
            "listen: 127.0.0.1:8000\n\
             tokens: {{ api: {{ keys: [{{ kid: k1, algorithm: HS256, secret: {{ value: '{written}'{encoding} }} }}], issuer: me, audience: api }} }}\n\
             upstreams: {{ ok: {{ echo: true }} }}\n\
             routes: [{{ match: {{ path: / }}, require: {{ jwt: api }}, to: ok }}]\n"
        );
        fs::write(directory.path().join("gateway.yaml"), config).unwrap();
        let (code, _, words) = told(&["token", "verify", "-c", "gateway.yaml"], &token, directory.path());
        assert!(!words.contains(&written), "{words}");
        (code, words)
    };
    let (code, words) = verify("");
    assert!(code == Some(4) && words.contains("`encoding: base64url` beside the secret"), "{words}");
    let (code, words) = verify(", encoding: base64");
    assert!(code == Some(3) && words.contains("it can be read with `encoding: base64url`"), "{words}");
    assert_eq!(verify(", encoding: base64url").0, Some(0));
}

#[test]
fn inspect_explains_an_encrypted_token_as_far_as_anyone_can_see() {
    let directory = tempfile::tempdir().unwrap();
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","cty":"JWT","kid":"ours"}"#);
    let (code, data, words) = told(&["token", "inspect"], &format!("{header}.AAAA.AAAA.AAAA.AAAA"), directory.path());
    assert_eq!(code, Some(0), "{words}");
    for expected in [
        "how the content's key is had",
        "how the content is encrypted",
        "which key of the receiver",
        "a signed token where it is JWT",
        "encrypted content of 3 bytes",
    ] {
        assert!(data.contains(expected), "{expected}: {data}");
    }
}

#[test]
fn verify_says_which_rule_of_the_config_refused_and_never_the_token() {
    let directory = tempfile::tempdir().unwrap();
    let (key, other) = (SigningKey::es256("k1"), SigningKey::es256("k1"));
    fs::write(directory.path().join("keys.json"), key_set([&key])).unwrap();
    let config = "listen: 127.0.0.1:8000\n\
        tokens:\n  api: { jwks: { file: keys.json }, issuer: me, audience: api, scope: read }\n  \
        far: { jwks: { url: 'https://issuer.test/keys' }, issuer: me, audience: api }\n\
        upstreams: { ok: { echo: true } }\n\
        routes: [{ match: { path: / }, require: { any_of: [{ jwt: api }, { jwt: far }] }, to: ok }]\n";
    fs::write(directory.path().join("gateway.yaml"), config).unwrap();
    let verify = |more: &[&str], token: &str| {
        let arguments = [&["token", "verify", "-c", "gateway.yaml"], more].concat();
        let (code, data, words) = told(&arguments, token, directory.path());
        assert!(!words.contains(token) && !data.contains(token));
        (code, data, words)
    };
    let good = json!({"iss": "me", "aud": "api", "scope": "read", "sub": "alice", "jti": "7"});
    let (code, data, _) = verify(&["--tokens", "api"], &key.token(&good));
    assert_eq!((code, data.as_str()), (Some(0), "accepted\n  subject: alice\n  kid: k1\n  id: 7\n"));
    let mut old = good.clone();
    old["exp"] = (now() - 7200).into();
    let cases = [
        (other.token(&good), "invalid-token: the signature does not match"),
        (key.token(&json!({"iss": "you", "aud": "api"})), "invalid-token: the token is from another issuer"),
        (
            key.token(&json!({"iss": "me", "aud": "api"})),
            "insufficient-scope: the token does not have the scope \"read\"",
        ),
        (key.token(&old), "token-expired: the token expired"),
    ];
    for (token, said) in cases {
        let (code, _, words) = verify(&["--tokens", "api"], &token);
        assert!(code == Some(4) && words.contains(said), "{said}: {words}");
    }
    assert_eq!(verify(&["--tokens", "api", "--at", &(now() - 7300).to_string()], &key.token(&old)).0, Some(0));
    let (code, _, words) = verify(&["--tokens", "far"], &key.token(&good));
    assert!(code == Some(4) && words.contains("--jwks"), "{words}");
    assert_eq!(verify(&["--tokens", "far", "--jwks", "keys.json"], &key.token(&good)).0, Some(0));
    let (code, _, words) = verify(&[], &key.token(&good));
    assert!(code == Some(2) && words.contains("api, far"), "{words}");
}

/// The gateway would not believe them either.
#[test]
fn verify_takes_of_another_set_only_what_the_entry_takes_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let (edwards, rsa) = (SigningKey::ed25519("ed"), SigningKey::rs256("rsa"));
    fs::write(directory.path().join("keys.json"), key_set([&edwards])).unwrap();
    fs::write(directory.path().join("more.json"), key_set([&edwards, &rsa])).unwrap();
    let config = "listen: 127.0.0.1:8000\n\
        tokens: { api: { jwks: { file: keys.json, algorithms: [EdDSA] }, issuer: me, audience: api } }\n\
        upstreams: { ok: { echo: true } }\n\
        routes: [{ match: { path: / }, require: { jwt: api }, to: ok }]\n";
    fs::write(directory.path().join("gateway.yaml"), config).unwrap();
    let verify = |key: &SigningKey| {
        let token = key.token(&json!({"iss": "me", "aud": "api"}));
        told(&["token", "verify", "-c", "gateway.yaml", "--jwks", "more.json"], &token, directory.path())
    };
    assert_eq!(verify(&edwards).0, Some(0));
    let (code, _, words) = verify(&rsa);
    assert!(code == Some(4) && words.contains("no key for the token's kid"), "{words}");
}

#[test]
fn a_token_is_issued_by_hand_as_the_config_s_issuer_would_and_a_config_believes_it() {
    let directory = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    fs::write(directory.path().join("key.pem"), key.serialize_pem()).unwrap();
    fs::write(directory.path().join("public.pem"), key.public_key_pem()).unwrap();
    let config = "listen: 127.0.0.1:8000\n\
        tokens:\n  api: { keys: [{ kid: k1, private_key: { file: key.pem } }], issuer: me, audience: [api, app], equal: { level: 3 } }\n  \
        theirs: { keys: [{ kid: k1, public_key: { file: public.pem } }], issuer: me, audience: api }\n\
        issuers: { api: { tokens: api, audience: api, lifetime: 5m, claims: { who: '<{subject}>', role: '{claim:role}' } } }\n\
        upstreams: { ok: { echo: true }, login: { login: { issuer: api, dangerously_without_password: true } } }\n\
        routes:\n  - { match: { path: / }, require: { any_of: [{ jwt: api }, { jwt: theirs }] }, to: ok }\n  \
        - { match: { path: /l, methods: [POST] }, public: true, to: login }\n";
    fs::write(directory.path().join("gateway.yaml"), config).unwrap();
    let issue = |more: &[&str]| {
        let arguments = [&["token", "issue", "-c", "gateway.yaml", "--subject", "alice"], more].concat();
        told(&arguments, "", directory.path())
    };
    let (code, token, words) = issue(&["--claim", "role=admin", "--claim", "level=3"]);
    assert_eq!((code, words.as_str()), (Some(0), ""));
    let claims = crate::issuing::part(token.trim_end(), 1);
    for (name, value) in [("sub", "alice"), ("who", "<alice>"), ("role", "admin"), ("iss", "me"), ("aud", "api")] {
        assert_eq!(claims[name], value, "{claims}");
    }
    assert_eq!((&claims["level"], claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()), (&json!(3), 300));
    for entry in ["api", "theirs"] {
        let verify = ["token", "verify", "-c", "gateway.yaml", "--tokens", entry];
        assert_eq!(told(&verify, &token, directory.path()).0, Some(0), "{entry}");
    }
    let (code, token, _) = issue(&["--tokens", "api", "--audience", "app", "--claim", "level=3", "--lifetime", "90s"]);
    let claims = crate::issuing::part(token.trim_end(), 1);
    assert_eq!((code, &claims["aud"], &claims["who"]), (Some(0), &json!("app"), &json!(null)));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 90);
    for (arguments, code, said) in [
        (&["--tokens", "theirs"][..], 1, "no key that signs"),
        (&["--claim", "level=3"], 2, "--claim role=VALUE"),
        (&["--claim", "role=x", "--claim", "level=4"], 4, "refused: invalid-token: the claim \"level\""),
        (&["--tokens", "api", "--claim", "level=3"], 2, "--audience"),
        (&["--tokens", "them"], 2, "it has api, theirs"),
        (&["--issuer", "them"], 2, "it has api"),
        (&["--claim", "exp=1"], 2, "`exp`"),
        (&["--lifetime", "5"], 2, "a unit"),
    ] {
        let (ended, data, words) = issue(arguments);
        assert_eq!((ended, data.as_str()), (Some(code), ""), "{arguments:?}: {words}");
        assert!(words.contains(said), "{said}: {words}");
    }
}

#[test]
fn what_a_token_is_bound_to_is_shown_and_that_nobody_asked_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let key = SigningKey::es256("k1");
    fs::write(directory.path().join("keys.json"), key_set([&key])).unwrap();
    let config = "listen: 127.0.0.1:0\ntokens: { api: { jwks: { file: keys.json }, issuer: i, audience: a } }\n\
                  upstreams: { app: { echo: true } }\n\
                  routes: [{ match: { path: / }, require: { jwt: api }, to: app }]\n";
    fs::write(directory.path().join("gateway.yaml"), config).unwrap();
    let thumbprint = URL_SAFE_NO_PAD.encode([7; 32]);
    let inspect = ["token", "inspect"];
    let verify = ["token", "verify", "-c", "gateway.yaml"];
    for (cnf, verified, inspected) in [
        (json!({ "jkt": thumbprint }), "bound to the key BwcH", "a DPoP proof"),
        (json!({ "x5t#S256": thumbprint }), "bound to the certificate BwcH", "that its connection must be made with"),
        (json!({ "jkt": thumbprint, "x5t#S256": thumbprint }), "(x5t#S256): not checked", "not checked: the key (jkt)"),
    ] {
        let claims = json!({ "iss": "i", "aud": "a", "sub": "alice", "exp": now() + 60, "cnf": cnf });
        let token = key.signed(&json!({ "alg": "ES256", "kid": "k1" }), &claims);
        let (code, data, words) = told(&verify, &token, directory.path());
        assert!(code == Some(0) && data.contains(verified), "{data}{words}");
        let (code, data, words) = told(&inspect, &token, directory.path());
        assert!(code == Some(0) && data.contains(inspected), "{data}{words}");
    }
    let claims = json!({ "iss": "i", "aud": "a", "exp": now() + 60, "cnf": { "kid": "x" } });
    let token = key.signed(&json!({ "alg": "ES256", "kid": "k1" }), &claims);
    assert_eq!(told(&verify, &token, directory.path()).0, Some(4));
    let (code, data, words) = told(&inspect, &token, directory.path());
    assert!(code == Some(4) && data.contains("bound to something that is not known here"), "{data}{words}");
}
