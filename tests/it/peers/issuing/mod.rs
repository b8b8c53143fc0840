//! The token APIs that we ship, as clients that are not ours see them: requests with PyJWT, jose, curl; and the endpoints of OAuth 2.0, as its clients do.

mod sessions;

use std::process::Command;

use super::tools::{beside, node, node_peers, python, run, tool};
use crate::issuing::{Api, KEY, OAuth};

struct Apis {
    token: Api,
    older: Api,
}

impl Apis {
    fn start() -> Apis {
        Apis { token: Api::shipped("token-api.yaml", 8001), older: Api::shipped("legacy-token-api.yaml", 8002) }
    }

    fn tell<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let urls = [&self.token, &self.older].map(|api| format!("http://{}", api.address));
        command.args(urls).env("JWT_KEY", KEY)
    }
}

#[test]
fn requests_and_pyjwt_know_both_token_apis() {
    let apis = Apis::start();
    run(apis.tell(python().arg(beside("issuing/requests_and_pyjwt.py"))));
}

#[test]
fn jose_verifies_what_is_issued_and_signs_what_is_accepted() {
    let apis = Apis::start();
    run(apis.tell(node().env("NODE_PEERS", node_peers()).arg(beside("issuing/jose.mjs"))));
}

#[test]
fn six_libraries_verify_what_is_issued_with_each_algorithm() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = beside("issuing/libraries.py");
    run(python().arg(script).arg(directory.path()).arg(env!("CARGO_BIN_EXE_countersign")));
    run(node().env("NODE_PEERS", node_peers()).arg(beside("issuing/libraries.mjs")).arg(directory.path()));
}

/// The address of an API with the endpoints of OAuth 2.0.
fn endpoints(oauth: &OAuth) -> String {
    format!("http://{}", oauth.address())
}

#[test]
fn authlib_and_requests_oauthlib_have_tokens_renew_and_revoke_them() {
    let oauth = OAuth::start();
    run(python().arg(beside("issuing/oauth.py")).arg(endpoints(&oauth)));
}

#[test]
fn openid_client_has_tokens_renews_and_revokes_them() {
    let oauth = OAuth::start();
    let script = beside("issuing/oauth.mjs");
    run(node().env("NODE_PEERS", node_peers()).arg(script).arg(endpoints(&oauth)));
}

#[test]
fn curl_logs_in_with_a_form_s_words_and_with_json() {
    let apis = Apis::start();
    let url = format!("http://{}/login?username=alice", apis.token.address);
    let token = run(tool("curl", "curl").args(["-sf", "-X", "POST", &url]));
    assert!(token.out.starts_with(r#"{"access_token":"ey"#) && token.out.ends_with(r#""}"#), "{token:?}");
    let url = format!("http://{}/login", apis.older.address);
    let json = r#"{"username":"alice","password":"wonderland"}"#;
    let older = run(tool("curl", "curl").args(["-sf", "--json", json, &url]));
    assert!(older.out.starts_with(r#"{"token":"ey"#), "{older:?}");
}
