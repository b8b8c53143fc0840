//! The token APIs that we ship, as clients that are not ours see them: requests with PyJWT, jose, curl.

use std::process::Command;

use super::tools::{beside, node, node_peers, python, run, tool};
use crate::issuing::{Api, KEY};

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
