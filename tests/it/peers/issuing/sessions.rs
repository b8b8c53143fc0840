//! A session in cookies, as requests and Chromium have it, and what a page of another origin gets out of it: nothing.

use std::env;

use serde_json::json;

use super::super::{
    front::{WITHOUT_CHROMIUM, chromium},
    tools::{beside, python, run},
    witness::Witness,
};
use crate::{issuing::Api, path::tls::Authority};

/// Ours, at an origin that begins with `scheme`, in front of an app with pages; `listen` is said beside its address.
fn start(listen: &str, scheme: &str) -> (Api, Witness) {
    let witness = Witness::start(|target| match target.split('?').next() {
        Some("/page") => Some(include_str!("page.html")),
        Some("/evil") => Some(include_str!("evil.html")),
        _ => None,
    });
    let app = ("127.0.0.1:9001", &*witness.address.to_string());
    let changed = [
        app,
        ("{ address: ", &*format!("{{ {listen}address: ")),
        ("http://localhost", &*format!("{scheme}://localhost")),
    ];
    (Api::shipped_with("browser-session.yaml", 8000, &changed), witness)
}

/// Targets below `/api` that got through.
fn passed(witness: &Witness) -> Vec<String> {
    let targets = witness.take().into_iter().map(|seen| format!("{} {}", seen.method, seen.target));
    targets.filter(|seen| seen.contains(" /api/")).collect()
}

#[test]
fn requests_has_a_session_in_cookies() {
    let authority = Authority::new();
    authority.certify("ours", "localhost");
    let file = |name: &str| authority.file(name).display().to_string();
    let tls = format!("tls: {{ certificate: {}, key: {} }}, ", file("ours.pem"), file("ours.key"));
    let (api, witness) = start(&tls, "https");
    let url = format!("https://localhost:{}", api.address.port());
    run(python().arg(beside("issuing/session.py")).arg(url).env("REQUESTS_CA_BUNDLE", file("root.pem")));
    assert_eq!(passed(&witness), ["GET /api/read", "POST /api/own", "POST /api/own"]);
}

#[test]
fn chromium_has_a_session_that_its_scripts_do_not_see_and_pages_of_other_origins_cannot_use() {
    if env::var_os(WITHOUT_CHROMIUM).is_some() {
        return;
    }
    let (api, witness) = start("", "http");
    let (port, other) = (api.address.port(), witness.address.port());
    let shown = chromium(&format!("http://localhost:{port}/page?{other}"));
    let said = json!({
        "login": 200, "scripts_see": "one", "read": 200, "bare": 403, "own": 200,
        // What is sent blindly comes to an end; what would be read or shown does not.
        "same_site": "fulfilled rejected rejected fulfilled fulfilled",
        "other_site": "fulfilled rejected rejected fulfilled fulfilled",
        "refresh": 200, "logout": 200, "left": "", "after": 401,
    });
    let text = shown.out.split("<p id=\"said\">").nth(1).and_then(|rest| rest.split("</p>").next()).unwrap_or_default();
    assert_eq!(serde_json::from_str::<serde_json::Value>(text).ok(), Some(said), "{text}");
    let mut passed = passed(&witness);
    passed.sort_unstable();
    // Of the other site not even a GET has the cookies; of the other port it has them, and its page sees no answer.
    assert_eq!(passed, ["GET /api/evil-read", "GET /api/own-socket", "GET /api/read", "POST /api/own"]);
}
