//! What a dialect must refuse though a signature in it is good: what is not covered, what is over, what is too much.

use base64::{Engine, prelude::BASE64_STANDARD};
use countersign::{
    scheme::{Body, Failure, Presence, Scheme, View, Why, presets},
    secret::Secret,
};

use super::request::{NOW, Request, preset, preset_with, verify};

const NONCE: &str = "5d41402abc4b2a76b9719d911017c592";

/// A request signed by a scheme.
fn signed(scheme: &Scheme, request: Request) -> Request {
    let key = scheme.key_recipe().signing(&Secret::new(b"secret".to_vec())).expect("a key");
    let emitted = scheme.sign(&request.view(), &key, Some("id"), NOW, NONCE).expect("signed");
    request.signed(&emitted)
}

fn judged(scheme: &Scheme, request: &Request) -> Result<(), Failure> {
    verify(scheme, request, "secret", NOW).map(|_| ())
}

fn post(body: &str) -> Request {
    Request::new("POST", "https://api.example.com/a?b=c").body(body)
}

#[test]
fn credentials_under_another_name_are_no_signature_of_this_scheme() {
    for name in ["hawk", "kong", "cavage", "aws-sigv4", "oauth1", "azure-sas", "edgegrid"] {
        let scheme = preset(name);
        for other in ["Bearer abc", "Basic YTpi", "hawkish id=\"a\"", ""] {
            let request = post("").header("Authorization", other);
            assert_eq!(scheme.is_present(&request.view()), Presence::No, "{name}: {other}");
            assert_eq!(judged(&scheme, &request), Err(Failure::MissingSignature), "{name}: {other}");
        }
    }
    let lower = signed(&preset("hawk"), post(""));
    let value = lower.headers[0].1.replace("Hawk ", "hawk  ");
    assert_eq!(judged(&preset("hawk"), &post("").header("Authorization", &value)), Ok(()));
}

#[test]
fn credentials_that_came_twice_or_cannot_be_taken_apart_are_refused() {
    let scheme = preset("hawk");
    let good = signed(&scheme, post("")).headers[0].1.clone();
    let twice = post("").header("Authorization", &good).header("Authorization", &good);
    assert_eq!(judged(&scheme, &twice), Err(Failure::AmbiguousCarrier));
    for wrong in ["Hawk id", "Hawk id=\"a\"", "Hawk id=\"a\", mac=\"b\"", "Hawk id=\"a\" mac=\"b\"", "Hawk ="] {
        let judged = judged(&scheme, &post("").header("Authorization", wrong));
        assert!(matches!(judged, Err(Failure::Undecodable | Failure::Misspelt(_))), "{wrong}: {judged:?}");
    }
    let repeated = good.replace("mac=", "mac=\"x\", mac=");
    assert_eq!(judged(&scheme, &post("").header("Authorization", &repeated)), Err(Failure::AmbiguousCarrier));
}

#[test]
fn a_body_without_its_digest_is_refused_and_no_body_needs_none() {
    let without_digest = [
        ("cavage", r#"Signature keyId="k",algorithm="hmac-sha256",headers="(request-target) date",signature="S""#),
        ("kong", r#"hmac username="k", algorithm="hmac-sha256", headers="date @request-target", signature="S""#),
        ("apisix", r#"Signature keyId="k",algorithm="hmac-sha256",headers="@request-target date",signature="S""#),
    ];
    for (name, credentials) in without_digest {
        let scheme = preset(name);
        let date = "Tue, 30 Apr 2024 14:00:00 GMT";
        let unsigned = Request::new("GET", "https://api.example.com/a").header("Date", date);
        let readable = credentials.replace("\"S\"", &format!("\"{}\"", BASE64_STANDARD.encode([0; 32])));
        let draft = unsigned.clone().header("Authorization", &readable);
        let claimed = scheme.read(&draft.view(), NOW).expect("claims");
        let message = scheme.message(&claimed, &draft.view()).expect("a message");
        let credentials = credentials.replace("\"S\"", &format!("\"{}\"", mac("secret", &message)));
        let good = unsigned.header("Authorization", &credentials);
        assert_eq!(judged(&scheme, &good), Ok(()), "{name}");
        assert_eq!(judged(&scheme, &good.clone().body("x")), Err(Failure::Requirement), "{name}");
        // A digest of one's own is not in the list that was signed.
        let digest = format!("SHA-256={}", BASE64_STANDARD.encode(sha256("x")));
        let uncovered = Err(Failure::Uncovered { name: "digest".to_owned() });
        assert_eq!(judged(&scheme, &good.body("x").header("Digest", &digest)), uncovered, "{name}");
    }
}

fn mac(key: &str, text: &[u8]) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).expect("any length");
    mac.update(text);
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

fn sha256(text: &str) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).into()
}

/// Such keys are handed to others because they are good for a day.
#[test]
fn the_key_of_another_day_signs_nothing() {
    let aws = ["aws-sigv4", "aws-sigv4-presigned", "aws-sigv4-s3", "aws-sigv4-s3-presigned"];
    for name in aws.into_iter().chain(["gcs", "gcs-presigned", "volcengine"]) {
        let scheme = preset(name);
        assert_eq!(judged(&scheme, &signed(&scheme, post(""))), Ok(()), "{name}");
        let text = presets::text(name).expect("a preset");
        let field = |key: &str| {
            let (_, rest) = text.split_once(&format!("\n{key}:")).expect("the key");
            let lines = rest.lines().skip(1).take_while(|line| line.starts_with(' '));
            lines.fold(format!("{key}:"), |all, line| all + "\n" + line)
        };
        let key = field("signing_key").replace(day_of_the_key(&field("signing_key")), "20240429");
        let emit = field("emit").replace("{now:%Y%m%d}", "20240429");
        let yesterday = preset_with(name, &indented(&format!("{key}\n{emit}")));
        let request = signed(&yesterday, post(""));
        assert_eq!(judged(&scheme, &request), Err(Failure::Mismatch), "{name}");
    }
}

/// Its time is in Unix seconds, and the day in its scope must be that of the time.
#[test]
fn tencents_day_is_the_day_of_its_time() {
    let scheme = preset("tencent-tc3");
    let request = || post("").header("Content-Type", "application/json");
    assert_eq!(judged(&scheme, &signed(&scheme, request())), Ok(()));
    let shown = r#"    emit:
      X-TC-Timestamp: "{now}"
      Authorization: >-
        TC3-HMAC-SHA256 Credential={key_id}/2024-04-29/{service}/tc3_request,
        SignedHeaders=content-type;host, Signature={signature}
"#;
    let key = "    signing_key: { from: \"TC3{secret}\", chain: [2024-04-29, \"{scope:service}\", tc3_request] }\n";
    let stolen = preset_with("tencent-tc3", &format!("{shown}{key}    require: []\n"));
    assert_eq!(judged(&scheme, &signed(&stolen, request())), Err(Failure::Mismatch));
    let misdated = preset_with("tencent-tc3", &format!("{shown}    require: []\n"));
    assert_eq!(judged(&scheme, &signed(&misdated, request())), Err(Failure::Requirement));
}

fn indented(yaml: &str) -> String {
    yaml.lines().map(|line| format!("    {line}\n")).collect()
}

/// What the first link of a chain is made of.
fn day_of_the_key(signing_key: &str) -> &str {
    let (_, links) = signing_key.split_once("chain: [\"").expect("a chain");
    links.split_once('"').expect("its first link").0
}

#[test]
fn a_list_that_leaves_out_what_must_be_signed_is_refused() {
    let scheme = preset("cavage");
    let good = signed(&scheme, post(""));
    let with_list = |list: &str| {
        let mut changed = good.clone();
        let credentials = changed.headers.last_mut().expect("credentials");
        credentials.1 = credentials.1.replace("(request-target) host date digest", list);
        judged(&scheme, &changed)
    };
    let lacks = |name: &str| Err(Failure::Uncovered { name: name.to_owned() });
    assert_eq!(with_list("(request-target) host date digest"), Ok(()));
    assert_eq!(with_list("host date digest"), lacks("(request-target)"));
    assert_eq!(with_list("(request-target) host digest"), lacks("date"));
    assert_eq!(with_list(""), lacks("(request-target)"));
    assert_eq!(with_list("(REQUEST-TARGET) HOST DATE DIGEST"), Ok(()));
    assert!(with_list("(request-target) date x-absent digest").is_err());
    assert!(with_list("(request-target)  date digest").is_err());
}

#[test]
fn a_fresh_time_that_nobody_signed_revives_nothing() {
    let scheme = preset("cavage");
    let mut stale = signed(&scheme, post(""));
    let later = NOW + 3_600_000;
    let at = |request: &Request| verify(&scheme, request, "secret", later).map(|_| ());
    assert!(matches!(at(&stale), Err(Failure::Stale { .. })));
    let credentials = stale.headers.last_mut().expect("credentials");
    credentials.1 = credentials.1.replace("headers=", &format!("created={},headers=", later / 1000));
    assert_eq!(at(&stale), Err(Failure::Uncovered { name: "(created)".to_owned() }));
    let kong = preset("kong");
    let revived = |request: Request| verify(&kong, &request, "secret", later).map(|_| ());
    let date = "Tue, 30 Apr 2024 14:00:00 GMT";
    let by_date = preset_with(
        "kong",
        "    emit: { Date: '{now}', Authorization: 'hmac username=\"{key_id}\", algorithm=\"{algorithm}\", headers=\"date @request-target\", signature=\"{signature}\"' }",
    );
    let old = signed(&by_date, Request::new("GET", "https://api.example.com/a"));
    assert_eq!(old.headers[0], ("Date".to_owned(), date.to_owned()));
    let fresh = old.header("X-Date", "Tue, 30 Apr 2024 15:00:00 GMT");
    assert_eq!(revived(fresh), Err(Failure::Uncovered { name: "x-date".to_owned() }));
}

#[test]
fn an_expiry_of_its_own_ends_a_signature_early() {
    let own = r#"    emit:
      Date: "{now}"
      Authorization: 'Signature keyId="{key_id}",algorithm="{algorithm}",expires={now:%s},headers="(request-target) (expires) date",signature="{signature}"'
    timestamp: { from: "{auth:created else header:Date}", expires: "{auth:expires}", formats: [http_date, unix], past: 300s, future: 60s }"#;
    let scheme = preset_with("cavage", own);
    let request = signed(&scheme, Request::new("GET", "https://api.example.com/a"));
    assert_eq!(judged(&scheme, &request), Ok(()));
    assert!(matches!(verify(&scheme, &request, "secret", NOW + 1), Err(Failure::Stale { .. })));
    let mut stripped = request.clone();
    let credentials = stripped.headers.last_mut().expect("credentials");
    credentials.1 = credentials.1.replace(&format!("expires={},", NOW / 1000), "");
    assert!(verify(&scheme, &stripped, "secret", NOW + 1).is_err());
    // One that is not in the list is no expiry that anyone signed.
    let mut prolonged = signed(&preset("cavage"), Request::new("GET", "https://api.example.com/a"));
    let credentials = prolonged.headers.last_mut().expect("credentials");
    credentials.1 = credentials.1.replace("headers=", "expires=9999999999,headers=");
    assert_eq!(judged(&scheme, &prolonged), Err(Failure::Uncovered { name: "(expires)".to_owned() }));
}

#[test]
fn an_algorithm_that_is_not_in_the_list_is_refused() {
    let scheme = preset("kong");
    let good = signed(&scheme, post(""));
    for algorithm in ["hmac-sha1", "none", "", "HMAC-SHA256", "ed25519"] {
        let mut changed = good.clone();
        let credentials = changed.headers.last_mut().expect("credentials");
        credentials.1 = credentials.1.replace("algorithm=\"hmac-sha256\"", &format!("algorithm=\"{algorithm}\""));
        assert_eq!(judged(&scheme, &changed), Err(Failure::Algorithm), "{algorithm}");
    }
}

#[test]
fn at_most_eight_signatures_are_looked_at() {
    let scheme = preset("stripe");
    let good = signed(&scheme, post("x")).headers[0].1.clone();
    let with = |others: usize| {
        let other = format!(",v1={}", "0".repeat(64));
        judged(&scheme, &post("x").header("Stripe-Signature", &format!("{good}{}", other.repeat(others))))
    };
    assert_eq!(with(7), Ok(()));
    assert_eq!(with(8), Err(Failure::Undecodable));
    let two_times = good.replace("t=", "t=1,t=");
    assert!(judged(&scheme, &post("x").header("Stripe-Signature", &two_times)).is_err());
    let key = BASE64_STANDARD.encode([1; 24]);
    let none = post("x").header("webhook-id", "a").header("webhook-timestamp", "1714485600");
    let none = none.header("webhook-signature", "v1a,AAAA v2,BBBB");
    assert_eq!(verify(&preset("standard-webhooks"), &none, &key, NOW).err(), Some(Failure::Undecodable));
}

#[test]
fn unsigned_payloads_are_refused_unless_the_config_lets_them_in() {
    let lax = preset_with(
        "aws-sigv4-s3",
        r#"    values: { payload: { if: "{header:x-amz-content-sha256}", is: UNSIGNED-PAYLOAD, then: UNSIGNED-PAYLOAD, else: "{body|sha256|hex}" } }
    emit:
      X-Amz-Date: "{now}"
      x-amz-content-sha256: UNSIGNED-PAYLOAD
      Authorization: >-
        AWS4-HMAC-SHA256 Credential={key_id}/{now:%Y%m%d}/{region}/{service}/aws4_request,
        SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}"#,
    );
    assert!(!lax.coverage().body && preset("aws-sigv4-s3").coverage().body);
    let unsigned = signed(&lax, post("x"));
    assert_eq!(judged(&lax, &unsigned), Ok(()));
    assert_eq!(judged(&lax, &unsigned.clone().body("y")), Ok(()));
    assert_eq!(judged(&preset("aws-sigv4-s3"), &unsigned), Err(Failure::Requirement));
    let whole = signed(&preset("aws-sigv4-s3"), post("x"));
    assert_eq!(judged(&lax, &whole), Ok(()));
    assert_eq!(judged(&lax, &whole.body("y")), Err(Failure::Requirement));
}

#[test]
fn a_presigned_url_is_good_as_long_as_it_says_and_never_longer_than_the_scheme_lets_it() {
    let scheme = preset("aws-sigv4-presigned");
    let url = signed(&scheme, Request::new("GET", "https://api.example.com/a"));
    let at = |now| verify(&scheme, &url, "secret", now).map(|_| ());
    assert_eq!(at(NOW + 300_000), Ok(()));
    assert!(matches!(at(NOW + 300_001), Err(Failure::Stale { .. })));
    let day = preset_with(
        "aws-sigv4-presigned",
        r#"    timestamp: { from: "{query:X-Amz-Date}", lasts: "{query:X-Amz-Expires}", formats: ["%Y%m%dT%H%M%SZ"], past: 60s, future: 60s }"#,
    );
    assert!(matches!(verify(&day, &url, "secret", NOW + 60_001), Err(Failure::Stale { .. })));
    for lasts in ["-1", "1e9", "", "99999999999999999999"] {
        let wrong = Request {
            target: url.target.replace("X-Amz-Expires=300", &format!("X-Amz-Expires={lasts}")),
            ..url.clone()
        };
        assert!(judged(&scheme, &wrong).is_err(), "{lasts}");
    }
}

#[test]
fn only_the_headers_own_realm_is_left_out_of_what_oauth_signs() {
    let scheme = preset("oauth1");
    let good = signed(&scheme, Request::new("GET", "https://api.example.com/a?b=c"));
    assert_eq!(judged(&scheme, &good), Ok(()));
    let mut with_realm = good.clone();
    with_realm.headers[0].1 = with_realm.headers[0].1.replace("OAuth ", "OAuth realm=\"x\", ");
    assert_eq!(judged(&scheme, &with_realm), Ok(()));
    for parameter in ["realm=x", "oauth_signature=x", "z"] {
        let changed = Request { target: format!("{}&{parameter}", good.target), ..good.clone() };
        assert_eq!(judged(&scheme, &changed), Err(Failure::Mismatch), "{parameter}");
    }
}

#[test]
fn a_nonce_spelled_otherwise_is_the_same_nonce() {
    let scheme = preset("oauth1");
    let good = signed(&scheme, Request::new("GET", "https://api.example.com/a"));
    let mut other = good.clone();
    other.headers[0].1 = other.headers[0].1.replace(NONCE, &NONCE.replacen('5', "%35", 1));
    let replay = |request: &Request| {
        let claimed = verify(&scheme, request, "secret", NOW).expect("accepted");
        scheme.replay_key(&claimed, &request.view(), NOW).expect("a key").expect("a key")
    };
    assert_ne!(good.headers, other.headers);
    assert_eq!(replay(&good), replay(&other));
}

#[test]
fn what_the_head_shows_is_refused_before_the_body_is_read() {
    for name in ["stripe", "hawk", "aws-sigv4", "cavage", "standard-webhooks"] {
        let scheme = preset(name);
        let secret = Secret::new(BASE64_STANDARD.encode([1; 24]).into_bytes());
        let key = scheme.key_recipe().signing(&secret).expect("a key");
        let request = post("x");
        let emitted = scheme.sign(&request.view(), &key, Some("id"), NOW, NONCE).expect("signed");
        let request = request.signed(&emitted);
        let head = View { body: Body::Unread, ..request.view() };
        assert!(scheme.read(&head, NOW).expect("claims").is_complete(), "{name}");
        assert!(matches!(scheme.read(&head, NOW + 86_400_000), Err(Failure::Stale { .. })), "{name}");
    }
}

#[test]
fn a_parameter_that_oauth_reads_in_its_header_may_not_come_from_elsewhere() {
    let scheme = preset("oauth1");
    let good = signed(&scheme, Request::new("GET", "https://api.example.com/a?b=c"));
    for parameter in ["oauth_nonce=x", "oauth%5Ftimestamp=1", "oauth_token="] {
        let changed = Request { target: format!("{}&{parameter}", good.target), ..good.clone() };
        assert!(
            matches!(judged(&scheme, &changed), Err(Failure::Unreadable { why: Why::Repeated, .. })),
            "{parameter}"
        );
    }
    let coverage = scheme.coverage();
    assert_eq!((coverage.query, coverage.body, coverage.touching), (false, false, vec!["query"]));
}
