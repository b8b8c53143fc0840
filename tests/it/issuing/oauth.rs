//! `config/oauth.yaml`: the token endpoint of RFC 6749 and the revocation endpoint of RFC 7009.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Api, part};
use crate::support::{Answer, send};

const FORM: &str = "application/x-www-form-urlencoded";

/// The API that we ship, with an upstream that answers by itself, and what is revoked in a directory of its own.
pub(crate) struct OAuth {
    api: Api,
    _directory: tempfile::TempDir,
}

impl OAuth {
    pub(crate) fn start() -> OAuth {
        OAuth::changed(|config| config)
    }

    fn changed(change: impl Fn(String) -> String) -> OAuth {
        let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/config");
        let config = std::fs::read_to_string(format!("{shipped}/oauth.yaml")).expect("the config");
        let directory = tempfile::tempdir().expect("a directory");
        let config = config
            .replace("users/", &format!("{shipped}/users/"))
            .replace("{ file: revoked }", &format!("{{ file: {}/revoked }}", directory.path().display()))
            .replace("app: { servers: [\"http://127.0.0.1:9001\"] }", "app: { respond: { body: '{subject}' } }");
        OAuth { api: Api::start(&change(config), 8000), _directory: directory }
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.api.address
    }

    fn ask(&self, path: &str, authorization: Option<&str>, content_type: &str, form: &str) -> Answer {
        let authorization = authorization.map(|value| format!("Authorization: {value}\r\n")).unwrap_or_default();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\n{authorization}Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        send(self.api.address, request.as_bytes()).expect("an answer")
    }

    /// As the client `reports`.
    fn token(&self, form: &str) -> Answer {
        self.ask("/token", Some(&basic("reports:wonderland")), FORM, form)
    }

    fn granted(&self, form: &str) -> Value {
        let answer = self.token(form);
        assert_eq!(answer.status, 200, "{form}: {}", answer.text());
        answer.json()
    }

    fn revoke(&self, client: &str, token: &Value) -> Answer {
        let form = format!("token={}&token_type_hint=access_token", token.as_str().expect("a token"));
        self.ask("/revoke", Some(&basic(client)), FORM, &form)
    }

    fn status(&self, token: &Value) -> u16 {
        self.api.get("/api/x", &format!("Bearer {}", token.as_str().expect("a token"))).status
    }
}

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

#[track_caller]
fn assert_error(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.json()), (status, json!({ "error": error })), "{}", answer.text());
    let fields = ["content-type", "cache-control", "pragma"].map(|name| answer.field(name).unwrap_or_default());
    assert_eq!(fields, ["application/json", "no-store", "no-cache"]);
    assert_eq!(answer.field("www-authenticate").is_some(), status == 401);
}

#[test]
fn a_client_has_a_token_for_its_secret_by_basic_and_by_form() {
    let oauth = OAuth::start();
    let by_basic = oauth.token("grant_type=client_credentials");
    assert_eq!((by_basic.field("cache-control"), by_basic.field("pragma")), (Some("no-store"), Some("no-cache")));
    let by_form = "grant_type=client_credentials&client_id=reports&client_secret=wonderland";
    for answer in [by_basic, oauth.ask("/token", None, FORM, by_form)] {
        let answer = answer.json();
        let members: Vec<&String> = answer.as_object().expect("an object").keys().collect();
        assert_eq!(members, ["access_token", "expires_in", "scope", "token_type"], "no refresh token: RFC 6749 4.4.3");
        assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(300)));
        let claims = part(answer["access_token"].as_str().expect("a token"), 1);
        assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("reports"), &json!("reports")));
        assert_eq!(oauth.status(&answer["access_token"]), 200);
    }
}

#[test]
fn a_scope_is_given_as_it_is_asked_for_and_never_more() {
    let oauth = OAuth::start();
    let narrow = oauth.granted("grant_type=client_credentials&scope=read");
    assert_eq!(narrow["scope"], json!("read"));
    assert_eq!(part(narrow["access_token"].as_str().expect("a token"), 1)["scope"], json!("read"));
    let other = oauth.granted("grant_type=client_credentials&scope=write");
    assert_eq!(oauth.status(&other["access_token"]), 403, "the route wants another");
    for scope in ["admin", "read+admin", "read++write", "+read", "%22read%22", "read%0a"] {
        let answer = oauth.token(&format!("grant_type=client_credentials&scope={scope}"));
        assert_error(&answer, 400, "invalid_scope");
    }
}

#[test]
fn what_cannot_be_granted_is_refused_in_the_words_of_the_standard() {
    let oauth = OAuth::start();
    for form in [
        "",
        "grant_type=",
        "grant_type=client_credentials&grant_type=client_credentials",
        "grant_type=password&username=alice",
        "grant_type=refresh_token",
        "grant_type=%zz",
        "scope=read&scope=read&grant_type=client_credentials",
    ] {
        assert_error(&oauth.token(form), 400, "invalid_request");
    }
    let grant = "grant_type=client_credentials";
    let json =
        oauth.ask("/token", Some(&basic("reports:wonderland")), "application/json", r#"{"grant_type":"password"}"#);
    assert_error(&json, 400, "invalid_request");
    for grant in ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code", "PASSWORD"] {
        assert_error(&oauth.token(&format!("grant_type={grant}")), 400, "unsupported_grant_type");
    }
    assert_error(&oauth.token(&format!("{grant}&client_secret=wonderland")), 400, "invalid_request");
    assert_error(&oauth.token(&format!("{grant}&client_id=shop")), 400, "invalid_request");
    let password = "grant_type=password&username=alice&password=guess";
    assert_error(&oauth.token(password), 400, "invalid_grant");
    assert_error(&oauth.token("grant_type=password&username=nobody&password=guess"), 400, "invalid_grant");
    let large = format!("{grant}&x={}", "x".repeat(100_000));
    assert_error(&oauth.token(&large), 413, "invalid_request");
    assert_eq!(oauth.api.get("/token", &basic("reports:wonderland")).status, 405);
}

#[test]
fn a_client_that_is_not_who_it_says_is_told_the_same_whether_there_is_one_or_not() {
    let oauth = OAuth::start();
    let form = "grant_type=client_credentials";
    for authorization in [
        basic("reports:guess"),
        basic("nobody:guess"),
        basic("reports:"),
        basic(":"),
        basic("reports"),
        "Basic".to_owned(),
        "Bearer x".to_owned(),
    ] {
        let answer = oauth.ask("/token", Some(&authorization), FORM, form);
        assert_error(&answer, 401, "invalid_client");
        let challenge = answer.field("www-authenticate").expect("a challenge");
        assert!(challenge.starts_with("Basic realm="), "{challenge}");
    }
    assert_error(&oauth.ask("/token", None, FORM, form), 401, "invalid_client");
    for client in ["client_id=reports", "client_id=reports&client_secret=guess", "client_id=nobody&client_secret=guess"]
    {
        assert_error(&oauth.ask("/token", None, FORM, &format!("{form}&{client}")), 401, "invalid_client");
    }
    let log = oauth.api.gateway.output_when(|log| log.contains("client: wrong password"));
    assert!(log.contains("client: wrong password") && !log.contains("guess") && !log.contains("nobody"), "{log}");
}

#[test]
fn guessing_a_client_s_secret_comes_to_an_end() {
    let throttle = "clients: apps, throttle: { client: { rate: 1/h, burst: 2 } }, users";
    let oauth = OAuth::changed(|config| config.replace("clients: apps, users", throttle));
    let guess = || oauth.ask("/token", Some(&basic("reports:guess")), FORM, "grant_type=client_credentials").status;
    assert_eq!([guess(), guess(), guess()], [401, 401, 429]);
    let right = oauth.token("grant_type=client_credentials");
    assert_error(&right, 429, "temporarily_unavailable");
    assert!(right.field("retry-after").is_some());
    let shop = oauth.ask("/token", Some(&basic("shop:builder")), FORM, "grant_type=client_credentials");
    assert_eq!(shop.status, 200, "another client is another's");
}

#[test]
fn a_refresh_token_is_for_the_client_that_has_it_and_good_once() {
    let oauth = OAuth::changed(|config| config.replace("lifetime: 14d", "grace: 0s"));
    let first = oauth.granted("grant_type=password&username=alice&password=wonderland&scope=read");
    let refresh =
        |token: &Value| format!("grant_type=refresh_token&refresh_token={}", token.as_str().expect("a token"));
    let (form, shop) = (refresh(&first["refresh_token"]), basic("shop:builder"));
    assert_error(&oauth.ask("/token", Some(&shop), FORM, &form), 400, "invalid_grant");
    assert_error(&oauth.token(&format!("{form}&scope=write")), 400, "invalid_scope");
    let second = oauth.granted(&form);
    let claims = part(second["access_token"].as_str().expect("a token"), 1);
    let said = [&claims["sub"], &claims["role"], &claims["client_id"], &claims["scope"]];
    assert_eq!(said, [&json!("alice"), &json!("admin"), &json!("reports"), &json!("read")]);
    assert_error(&oauth.token(&form), 400, "invalid_grant");
    assert_error(&oauth.token(&refresh(&second["refresh_token"])), 400, "invalid_grant");
    assert_error(&oauth.token("grant_type=refresh_token&refresh_token=nonsense"), 400, "invalid_grant");
}

#[test]
fn a_client_revokes_its_own_tokens_and_is_told_nothing_of_texts_that_are_none() {
    let oauth = OAuth::start();
    let pair = oauth.granted("grant_type=password&username=alice&password=wonderland");
    assert_error(&oauth.revoke("shop:builder", &pair["access_token"]), 400, "unauthorized_client");
    assert_error(&oauth.revoke("shop:builder", &pair["refresh_token"]), 400, "unauthorized_client");
    assert_error(&oauth.revoke("reports:guess", &pair["access_token"]), 401, "invalid_client");
    assert_eq!(oauth.status(&pair["access_token"]), 200);
    for token in [&pair["access_token"], &pair["access_token"], &pair["refresh_token"], &json!("nonsense")] {
        let answer = oauth.revoke("reports:wonderland", token);
        assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    }
    assert_eq!(oauth.status(&pair["access_token"]), 401);
    let form = format!("grant_type=refresh_token&refresh_token={}", pair["refresh_token"].as_str().expect("a token"));
    assert_error(&oauth.token(&form), 400, "invalid_grant");
    let reports = basic("reports:wonderland");
    assert_error(&oauth.ask("/revoke", Some(&reports), FORM, "token_type_hint=x"), 400, "invalid_request");
}

#[test]
fn a_refresh_token_that_was_spent_a_moment_ago_ends_what_came_of_it_when_it_is_revoked() {
    let oauth = OAuth::changed(|config| config.replace("lifetime: 14d", "grace: 60s"));
    let refresh =
        |token: &Value| format!("grant_type=refresh_token&refresh_token={}", token.as_str().expect("a token"));
    let first = oauth.granted("grant_type=password&username=alice&password=wonderland");
    let second = oauth.granted(&refresh(&first["refresh_token"]));
    assert_error(&oauth.token(&refresh(&first["refresh_token"])), 400, "invalid_grant");
    let third = oauth.granted(&refresh(&second["refresh_token"]));
    assert_eq!(oauth.revoke("reports:wonderland", &second["refresh_token"]).status, 200);
    assert_error(&oauth.token(&refresh(&third["refresh_token"])), 400, "invalid_grant");
}

#[test]
fn a_logout_takes_back_the_token_that_it_is_asked_with_where_it_says_so() {
    let route = "routes:\n  - { match: { path: /logout, methods: [POST] }, require: { jwt: api }, to: logout }\n";
    let oauth = OAuth::changed(|config| {
        let with_route = config.replace("routes:\n", route);
        with_route.replace("upstreams:\n", "upstreams:\n  logout: { logout: { issuer: api, and_token: true } }\n")
    });
    let pair = oauth.granted("grant_type=password&username=alice&password=wonderland");
    let body = json!({ "refresh_token": pair["refresh_token"] }).to_string();
    let bearer = format!("Bearer {}", pair["access_token"].as_str().expect("a token"));
    let logout = || oauth.ask("/logout", Some(&bearer), "application/json", &body).status;
    assert_eq!((logout(), logout()), (200, 401));
    assert_eq!(oauth.status(&pair["access_token"]), 401);
}
