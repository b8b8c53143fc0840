//! What a newcomer is told who does a usual thing otherwise than it is done here: each answer says what to do.

use std::{fs, path::Path, process::Stdio};

use crate::support::countersign;

/// The exit code, and all that was said.
fn told(arguments: &[&str], directory: &Path) -> (Option<i32>, String) {
    let mut command = countersign();
    command.args(arguments).current_dir(directory).env("COUNTERSIGN_ADMIN_TOKEN", "none").stdin(Stdio::null());
    let output = command.output().expect("the binary runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).expect("UTF-8"))
}

const CONFIG: &str = "\
listen: 127.0.0.1:8000
upstreams: { app: { echo: true } }
routes:
  - { match: { path: /api/** }, public: true, to: app }
  - { match: { path: /orders }, public: true, to: app }
  - { match: { path: /shop, host: '*.example.com' }, public: true, to: app }
";

#[test]
fn a_path_that_no_route_takes_is_explained_by_what_comes_near() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("gateway.yaml"), CONFIG).unwrap();
    let explain = |url: &str| {
        let (code, said) = told(&["routes", "-c", "gateway.yaml", "--explain", "GET", url], directory.path());
        assert_eq!(code, Some(0), "{said}");
        said
    };
    for (url, near) in [
        ("http://x/api", "`/api/` takes the route `/api/**` (line 4): a slash at the end makes another path"),
        ("http://x/Orders", "`/orders` takes the route `/orders` (line 5): upper and lower case make different paths"),
        ("http://x/shop", "with the host `*.example.com` it takes the route `/shop` (line 6)"),
        ("http://x/orders/1", "`/orders` on line 5 is that path alone; everything below it is `/orders/**`"),
    ] {
        let said = explain(url);
        assert!(said.contains("404 not-found") && said.contains(near), "{url}: {said}");
    }
    assert!(!explain("http://x/elsewhere").contains("hint"), "nothing comes near");
    assert!(!explain("http://x/orders").contains("hint"));
}

#[test]
fn a_config_without_its_option_and_a_gateway_that_is_not_there_are_told_with_what_to_write() {
    let directory = tempfile::tempdir().unwrap();
    for command in ["run", "check"] {
        let (code, said) = told(&[command, "gateway.yaml"], directory.path());
        assert!(code == Some(2) && said.contains("hint: `-c gateway.yaml` names the config file"), "{said}");
    }
    assert!(!told(&["check", "--colour"], directory.path()).1.contains("hint"));
    let nowhere = format!("unix:{}", directory.path().join("nowhere").display());
    let (code, said) = told(&["revocations", "--admin", &nowhere], directory.path());
    assert!(code == Some(1) && said.contains("`-c` with the gateway's config"), "{said}");
}

#[test]
fn a_signature_under_another_name_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let request = "POST /verify HTTP/1.1\nHost: a\nX-Signature: 00\nAccept: text/plain\n\n{\"mac_address\":\"a\",\"timestamp\":1}";
    fs::write(directory.path().join("r.http"), request).unwrap();
    fs::write(directory.path().join("keys.txt"), "secret-key-of-the-device").unwrap();
    let (code, said) = told(&["verify", "r.http", "--scheme", "device", "--keys", "keys.txt"], directory.path());
    assert!(code == Some(4) && said.contains("it is looked for in X-HMAC-Signature"), "{said}");
    assert!(said.contains("hint: the request has `X-Signature`\n"), "{said}");
}
