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
  - { match: { path: '/users/{id}' }, public: true, to: app }
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
        (
            "http://x/users/7/name",
            "`/users/{id}` on line 7 is that path alone; everything below it is `/users/{id}/**`",
        ),
        ("http://a.example.com/shop/1", "`/shop` on line 6 is that path alone; everything below it is `/shop/**`"),
    ] {
        let said = explain(url);
        assert!(said.contains("404 not-found") && said.contains(near), "{url}: {said}");
    }
    assert!(!explain("http://x/elsewhere").contains("hint"), "nothing comes near");
    assert!(!explain("http://x/orders").contains("hint"));
    assert!(!explain("http://x/shop/1").contains("hint"), "a host that the route is not for");
}

#[test]
fn what_comes_near_is_a_route_of_the_listener_that_was_asked() {
    let directory = tempfile::tempdir().unwrap();
    let config = "\
listen: [{ name: a, address: 127.0.0.1:8000 }, { name: b, address: 127.0.0.1:8001 }]
upstreams: { app: { echo: true } }
routes:
  - { match: { path: /orders, listen: a }, public: true, to: app }
  - { match: { path: /, listen: b }, public: true, to: app }
";
    fs::write(directory.path().join("gateway.yaml"), config).unwrap();
    for (port, near) in [(8000, "`/orders` on line 4"), (8001, "`/` on line 5")] {
        let url = format!("http://127.0.0.1:{port}/orders/1");
        let (_, said) = told(&["routes", "-c", "gateway.yaml", "--explain", "GET", &url], directory.path());
        assert!(said.contains(&format!("hint      {near} is that path alone")), "{said}");
    }
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

#[test]
fn what_the_log_says_of_files_of_keys_is_in_a_check_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let config = "\
listen: 127.0.0.1:8000
keys:
  devices: { file: keys.csv }
schemes: { device: { preset: device-v2, keys: devices } }
upstreams: { app: { echo: true } }
routes: [{ match: { path: / }, require: { hmac: device }, to: app }]
";
    fs::write(directory.path().join("gateway.yaml"), config).unwrap();
    let keys =
        "id,secret,routes\na,hunter2-hunter2-a,*\nb, hunter2-hunter2-b,*\nc,hunter2-hunter2-a,*\nd,hunter2,/elsewhere";
    fs::write(directory.path().join("keys.csv"), keys).unwrap();
    let check = |more: &[&str]| told(&[&["check", "-c", "gateway.yaml"], more].concat(), directory.path());
    let (code, said) = check(&[]);
    for wanted in [
        "keys.csv:3: warning: a secret of `b` has white space around it, which is part of the key\n",
        "keys.csv:4: warning: `c` has a secret of `a`: whoever has it can sign as either\n",
        "keys.csv:5: warning: a secret has fewer than 16 bytes\n",
        "keys.csv:5: warning: the file does not end with a newline: a copy that broke off would end so, its last value cut\n",
        "keys.csv:5: warning: a key is tied to `/elsewhere`, and no route has that name\n",
    ] {
        assert!(code == Some(0) && said.contains(wanted) && !said.contains("hunter2"), "{wanted}: {said}");
    }
    let (_, said) = check(&["--json"]);
    let document: serde_json::Value = serde_json::from_str(&said).unwrap();
    let problems = document["problems"].as_array().unwrap();
    let problem = problems.iter().find(|problem| problem["line"] == 4 && problem["file"] != "gateway.yaml").unwrap();
    assert_eq!((&problem["severity"], &problem["column"]), (&"warning".into(), &serde_json::Value::Null));

    fs::remove_file(directory.path().join("keys.csv")).unwrap();
    let (code, said) = check(&[]);
    let wanted = "gateway.yaml:3:20: error: the file of keys cannot be read: there is no such file\n";
    assert!(code == Some(3) && said.contains(wanted) && said.contains("keys.csv }"), "{said}");
}

const V2: &str = "POST /devices/lamp?a=1 HTTP/1.1\nHost: 127.0.0.1:8000\nContent-Length: 11\n\n{\"on\":true}";

/// What `verify` says of the request in `r.http`, by a preset or a scheme of the config.
fn verified(scheme: &[&str], directory: &Path) -> (Option<i32>, String) {
    told(&[&["verify", "r.http", "--keys", "keys.txt", "--scheme"], scheme].concat(), directory)
}

fn written(name: &str, content: &str, directory: &Path) {
    fs::write(directory.join(name), content).unwrap();
}

/// A gateway decodes the key, and whoever tries the same request has its text at hand.
#[test]
fn a_key_that_the_config_decodes_is_decoded_from_a_keys_file_too() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    for (keys, line) in [
        ("{ shared: { env: KEY, encoding: hex } }", "00112233445566778899aabbccddeeff"),
        ("{ static: { dev-1: { env: KEY, encoding: hex } } }", "dev-1,00112233445566778899aabbccddeeff"),
        ("{ static: { dev-1: [{ env: KEY, encoding: base64 }] } }", "ABEiM0RVZneImaq7zN3u/w=="),
        ("{ shared: { env: KEY, encoding: base64url } }", "ABEiM0RVZneImaq7zN3u_w"),
        ("{ derive: { master: { env: KEY } } }", "dev-1,00112233445566778899aabbccddeeff"),
        ("{ redis: { url: redis://127.0.0.1, key: 'k:{id}', encoding: hex } }", "00112233445566778899aabbccddeeff"),
    ] {
        let config = DECODED.replace("{ static: { dev-1: { env: KEY, encoding: hex } } }", keys);
        written("gateway.yaml", &config, directory);
        written("keys.txt", "dev-1,not-this-one\n", directory);
        written("keys.csv", "id,secret,encoding\ndev-1,00112233445566778899aabbccddeeff,hex\n", directory);
        written("request.http", V2, directory);
        let sign = ["sign", "request.http", "--scheme", "device-v2", "--id", "dev-1", "--keys", "keys.csv"];
        written("r.http", &told(&sign, directory).1, directory);
        written("keys.txt", line, directory);
        let (code, said) = verified(&["device", "-c", "gateway.yaml"], directory);
        assert!(code == Some(0) && said.contains("is decoded from"), "{keys}: {said}");
    }
    // The client signs with the text, the gateway has its bytes.
    written("gateway.yaml", DECODED, directory);
    written("keys.txt", "dev-1,00112233445566778899aabbccddeeff", directory);
    let sign = ["sign", "request.http", "--scheme", "device-v2", "--keys", "keys.txt"];
    written("r.http", &told(&sign, directory).1, directory);
    let (code, said) = verified(&["device", "-c", "gateway.yaml"], directory);
    assert!(code == Some(4) && said.contains("it would fit if the key is written in hex first"), "{said}");
    written("keys.txt", "dev-1,no-hexadecimal", directory);
    let (_, said) = verified(&["device", "-c", "gateway.yaml"], directory);
    assert!(said.contains("written in hexadecimal; what the keys file has is not"), "{said}");
}

const DECODED: &str = "\
listen: 127.0.0.1:8000
keys: { k: { static: { dev-1: { env: KEY, encoding: hex } } } }
schemes: { device: { preset: device-v2, keys: k } }
upstreams: { app: { echo: true } }
routes: [{ match: { path: / }, require: { hmac: device }, to: app }]
";

#[test]
fn a_time_in_milliseconds_is_told_and_no_other_time_to_judge_by() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    written("keys.txt", "dev-1,secret-key-of-the-device", directory);
    let signature = format!("X-HMAC-Signature: {}", "00".repeat(32));
    let time = "X-HMAC-Timestamp: 1796042254000";
    let head =
        ["X-HMAC-Key-Id: dev-1", time, "X-HMAC-Nonce: 0123456789abcdef", &signature, "Content-Length"].join("\n");
    written("r.http", &V2.replace("Content-Length", &head), directory);
    let (code, said) = verified(&["device-v2"], directory);
    assert!(code == Some(4) && said.contains("the request is of 2026-11-30T12:37:34Z, in a unit a thousand"), "{said}");
    assert!(!said.contains("--at"), "{said}");
}

/// What a client signed that put something else in the place of the digest of its body.
#[test]
fn a_digest_of_the_body_that_is_written_otherwise_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    written("keys.txt", "dev-1,secret-key-of-the-device", directory);
    let time = "1796042254";
    for (digest, wanted) in [
        ("{body|sha256|base64}", "the digest of the body is in base64"),
        ("{body|sha256|HEX}", "the digest of the body is in upper case"),
        ("{body|sha256}", "the digest of the body stands there as raw bytes"),
        ("{body}", "the body stands there itself, in the place of its digest"),
    ] {
        let config = CLIENT.replace("DIGEST", digest);
        written("client.yaml", &config, directory);
        written("request.http", V2, directory);
        let sign =
            ["sign", "request.http", "--scheme", "client", "-c", "client.yaml", "--keys", "keys.txt", "--at", time];
        written("r.http", &told(&sign, directory).1, directory);
        let (code, said) = verified(&["device-v2", "--at", time], directory);
        assert!(code == Some(4) && said.contains(&format!("it would fit if {wanted}")), "{digest}: {said}");
    }
}

const CLIENT: &str = r#"
listen: { address: 127.0.0.1:8000, public_origin: "http://127.0.0.1:8000" }
keys: { k: { static: { dev-1: { env: KEY } } } }
schemes:
  client:
    preset: device-v2
    keys: k
    message: "v2\n{key_id}\n{method}\n{authority}\n{target}\n{header:X-HMAC-Timestamp}\n{header:X-HMAC-Nonce}\nDIGEST"
upstreams: { app: { echo: true } }
routes: [{ match: { path: / }, require: { hmac: client }, to: app }]
"#;
