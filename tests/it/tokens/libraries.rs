//! Tokens that libraries of others made, one of each algorithm that they know: `scripts/interop-tokens` makes them anew.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

use super::get;
use crate::support::{Gateway, loopback};

fn recorded() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/recorded/tokens.json");
    serde_json::from_slice(&fs::read(file).expect("the tokens")).expect("JSON")
}

#[test]
fn tokens_of_six_libraries_are_accepted_and_none_of_them_altered() {
    let (recorded, address, directory) = (recorded(), loopback(), tempfile::tempdir().unwrap());
    fs::write(directory.path().join("keys.json"), json!({"keys": recorded["keys"]}).to_string()).unwrap();
    let secrets: String = recorded["secrets"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, secret)| {
            format!("{{ kid: {name}, algorithm: {name}, secret: {{ value: {secret}, encoding: hex }} }}, ")
        })
        .collect();
    let rules = "issuer: https://issuer.test, audience: api, scope: [read, write], require: [jti]";
    let config = format!(
        "listen: {address}\n\
         tokens:\n  public: {{ jwks: {{ file: {}/keys.json }}, {rules} }}\n  shared: {{ keys: [{secrets}], {rules} }}\n\
         upstreams: {{ ok: {{ respond: {{ body: '{{\"sub\":\"{{claim:sub}}\"}}' }} }} }}\n\
         routes: [{{ match: {{ path: /** }}, require: {{ any_of: [{{ jwt: public }}, {{ jwt: shared }}] }}, to: ok }}]\n",
        directory.path().display(),
    );
    let _gateway = Gateway::start(&config, &[], address);
    let mut seen = BTreeSet::new();
    for made in recorded["tokens"].as_array().unwrap() {
        let (library, algorithm) = (made["library"].as_str().unwrap(), made["algorithm"].as_str().unwrap());
        let token = made["token"].as_str().unwrap();
        let answer = get(address, "/", token);
        assert_eq!(answer.status, 200, "{library} {algorithm}: {}", answer.text());
        assert_eq!(answer.json()["sub"], "ålice \"quoted\" 日本", "{library} {algorithm}");
        // The signature's fourth character: all its bits count.
        let at = token.rfind('.').unwrap() + 4;
        let mut altered = token.as_bytes().to_vec();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        assert_eq!(get(address, "/", &altered).status, 401, "{library} {algorithm}");
        seen.insert((library.to_owned(), algorithm.to_owned()));
    }
    // jsonwebtoken of npm knows no EdDSA.
    assert_eq!(seen.len(), 6 * 12 - 1);
}

#[test]
fn encrypted_tokens_of_four_libraries_are_opened_and_none_of_them_altered() {
    let (recorded, address, directory) = (recorded(), loopback(), tempfile::tempdir().unwrap());
    fs::write(directory.path().join("keys.json"), json!({"keys": recorded["keys"]}).to_string()).unwrap();
    let opening = |name: &str| recorded["opening"][name].as_str().unwrap();
    fs::write(directory.path().join("opening.pem"), opening("RSA-OAEP-256")).unwrap();
    let shared = ["dir", "A256KW"].map(|name| {
        let secret = opening(name);
        format!("{{ kid: {name}, algorithm: {name}, secret: {{ value: {secret}, encoding: hex }} }}")
    });
    let config = format!(
        "listen: {address}\n\
         tokens:\n  api:\n    jwks: {{ file: {home}/keys.json }}\n    issuer: https://issuer.test\n    audience: api\n    \
         decrypt: {{ keys: [{}, {{ kid: RSA-OAEP-256, algorithm: RSA-OAEP-256, private_key: {{ file: {home}/opening.pem }} }}] }}\n\
         upstreams: {{ ok: {{ respond: {{ body: '{{\"sub\":\"{{claim:sub}}\"}}' }} }} }}\n\
         routes: [{{ match: {{ path: /** }}, require: {{ jwt: api }}, to: ok }}]\n",
        shared.join(", "),
        home = directory.path().display(),
    );
    let _gateway = Gateway::start(&config, &[], address);
    let mut seen = BTreeSet::new();
    for made in recorded["encrypted"].as_array().unwrap() {
        let (library, algorithm) = (made["library"].as_str().unwrap(), made["algorithm"].as_str().unwrap());
        let token = made["token"].as_str().unwrap();
        let answer = get(address, "/", token);
        assert_eq!(answer.status, 200, "{library} {algorithm}: {}", answer.text());
        assert_eq!(answer.json()["sub"], "ålice \"quoted\" 日本", "{library} {algorithm}");
        let parts: Vec<&str> = token.split('.').collect();
        for place in (1..5).filter(|place| !parts[*place].is_empty()) {
            let mut parts = parts.clone();
            let altered = match parts[place].strip_prefix('A') {
                Some(rest) => format!("B{rest}"),
                None => parts[place].chars().enumerate().map(|(at, c)| if at == 0 { 'A' } else { c }).collect(),
            };
            parts[place] = &altered;
            let refused = get(address, "/", &parts.join("."));
            assert_eq!((refused.status, &refused.json()["type"]), (401, &json!("urn:countersign:invalid-token")));
        }
        seen.insert((library.to_owned(), algorithm.to_owned()));
    }
    assert_eq!(seen.len(), 4 * 3);
    // What is signed alone is not what this entry asks for.
    let signed = recorded["tokens"][0]["token"].as_str().unwrap();
    assert_eq!(get(address, "/", signed).status, 401);
}
