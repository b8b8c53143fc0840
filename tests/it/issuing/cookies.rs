//! `config/browser-session.yaml`: a session in cookies, as a browser has one, and what other sites try with it.

use serde_json::{Value, json};

use super::{Api, part};
use crate::support::{Answer, send};

const ALICE: &str = r#"{"username":"alice","password":"wonderland"}"#;

/// A gateway with the config that we ship; the app behind it answers with what it got.
fn api() -> Api {
    Api::shipped_with(
        "browser-session.yaml",
        8000,
        &[
            ("http://localhost:8000", "https://app.example"),
            ("app: { servers: [\"http://127.0.0.1:9001\"] }", "app: { echo: true }"),
        ],
    )
}

/// What a browser keeps of an answer: names and values.
#[derive(Clone, Debug, Default)]
struct Jar(Vec<(String, String)>);

impl Jar {
    fn take(&mut self, answer: &Answer) {
        for field in answer.fields.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value) {
            let (name, rest) = field.split_once('=').expect("a name");
            let (value, attributes) = rest.split_once("; ").expect("attributes");
            assert!(attributes.starts_with("Path=/; Max-Age=") && attributes.contains("; Secure"), "{field}");
            assert!(attributes.ends_with("; SameSite=Strict") && !attributes.contains("Domain"), "{field}");
            assert_eq!(attributes.contains("HttpOnly"), name != "__Host-csrf" || value.is_empty(), "{field}");
            self.0.retain(|(known, _)| known != name);
            if !attributes.contains("Max-Age=0") {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    fn value(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    fn without(&self, name: &str) -> Jar {
        Jar(self.0.iter().filter(|(known, _)| known != name).cloned().collect())
    }

    fn field(&self) -> String {
        let pairs: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("Cookie: theme=dark; {}", pairs.join("; "))
    }

    /// As a script of the page sends it.
    fn shown(&self) -> String {
        format!("X-CSRF-Token: {}", self.value("__Host-csrf"))
    }
}

fn ask(api: &Api, method: &str, target: &str, fields: &[&str], body: &str) -> Answer {
    ask_host(api, "app.example", (method, target), fields, body)
}

fn ask_host(api: &Api, host: &str, (method, target): (&str, &str), fields: &[&str], body: &str) -> Answer {
    let lines: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    let length = body.len();
    let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{lines}Content-Length: {length}\r\n\r\n");
    send(api.address, format!("{head}{body}").as_bytes()).expect("an answer")
}

fn login(api: &Api) -> (Jar, Value) {
    let mut jar = Jar::default();
    let answer = ask(api, "POST", "/login", &["Sec-Fetch-Site: same-origin", "Origin: https://app.example"], ALICE);
    assert_eq!((answer.status, answer.field("cache-control")), (200, Some("no-store")), "{}", answer.text());
    jar.take(&answer);
    (jar, answer.json())
}

fn told(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["type"].as_str().unwrap_or_default().to_owned())
}

fn cross_site() -> (u16, String) {
    (403, "urn:countersign:cross-site".to_owned())
}

#[test]
fn a_session_lives_in_cookies_and_no_script_sees_a_token() {
    let api = api();
    let (mut jar, body) = login(&api);
    assert_eq!(body, json!({ "expires_in": 300, "csrf_token": jar.value("__Host-csrf") }));
    assert_eq!(part(jar.value("__Host-token"), 1)["sub"], json!("alice"));
    let read = ask(&api, "GET", "/api/x", &[&jar.field()], "");
    assert_eq!(read.status, 200, "{}", read.text());
    let changed = ask(&api, "POST", "/api/x", &[&jar.field(), &jar.shown()], "x");
    assert_eq!(changed.status, 200, "{}", changed.text());
    for seen in [&read, &changed] {
        let seen = seen.text();
        assert!(
            seen.contains("theme=dark") && !seen.contains("__Host-token") && !seen.contains("__Host-refresh"),
            "{seen}"
        );
        assert!(seen.contains("alice"), "{seen}");
    }
    let page = ask(&api, "GET", "/index.html", &[&jar.field()], "").text();
    assert!(page.contains("theme=dark") && !page.contains("__Host-token"), "a public route gets no session: {page}");

    let old = jar.clone();
    let refreshed = ask(&api, "POST", "/refresh", &[&jar.field(), &jar.shown()], "");
    assert_eq!(refreshed.status, 200, "{}", refreshed.text());
    jar.take(&refreshed);
    for name in ["__Host-token", "__Host-csrf", "__Host-refresh"] {
        assert_ne!(jar.value(name), old.value(name), "{name}");
    }
    assert_eq!(ask(&api, "POST", "/api/x", &[&jar.field(), &jar.shown()], "").status, 200);
    assert_eq!(told(&ask(&api, "POST", "/api/x", &[&jar.field(), &old.shown()], "")), cross_site(), "another token's");
    let late = jar.without("__Host-token");
    let later = ask(&api, "POST", "/refresh", &[&late.field(), &late.shown()], "");
    assert_eq!(later.status, 200, "a token that is over is gone from the browser: {}", later.text());
    jar.take(&later);

    let spent = jar.clone();
    let out = ask(&api, "POST", "/logout", &[&jar.field(), &jar.shown()], "");
    assert_eq!((out.status, out.text().as_str()), (200, "{}"));
    jar.take(&out);
    assert!(jar.0.is_empty(), "{jar:?}");
    assert_eq!(ask(&api, "POST", "/refresh", &[&spent.field(), &spent.shown()], "").status, 401);
    assert_eq!(ask(&api, "GET", "/api/x", &[&jar.field()], "").status, 401);
}

#[test]
fn what_another_site_has_a_browser_send_changes_nothing() {
    let api = api();
    let (jar, _) = login(&api);
    let (stranger, _) = login(&api);
    let cookie = jar.field();
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        for shown in [None, Some("X-CSRF-Token: "), Some("X-CSRF-Token: x"), Some(stranger.shown().as_str())] {
            let fields: Vec<&str> = std::iter::once(cookie.as_str()).chain(shown).collect();
            assert_eq!(told(&ask(&api, method, "/api/x", &fields, "a=b")), cross_site(), "{method} {shown:?}");
        }
    }
    for target in ["/refresh", "/logout"] {
        assert_eq!(told(&ask(&api, "POST", target, &[&cookie], "")), cross_site(), "{target}");
        let planted = stranger.shown();
        assert_eq!(told(&ask(&api, "POST", target, &[&cookie, &planted], "")), cross_site(), "{target}");
        let from_there = [cookie.as_str(), &jar.shown(), "Sec-Fetch-Site: cross-site"];
        assert_eq!(told(&ask(&api, "POST", target, &from_there, "")), cross_site(), "{target}");
    }
    for said in
        ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example", "Origin: null"]
    {
        let answer = ask(&api, "POST", "/login", &[said, "Content-Type: text/plain"], ALICE);
        assert_eq!(told(&answer), cross_site(), "{said}");
        assert!(answer.field("set-cookie").is_none(), "{said}");
        let detail = answer.json()["detail"].as_str().map(str::to_owned);
        let of_another = "A page of another site, or of another host than the one that was asked, has sent this";
        assert_eq!(detail.as_deref(), Some(of_another), "{said}");
    }
    assert_eq!(
        ask(&api, "POST", "/refresh", &[&jar.field(), &jar.shown()], "").status,
        200,
        "the session is what it was"
    );
    let socket = |more: &[&str]| {
        let fields = [&[cookie.as_str(), "Upgrade: websocket", "Connection: upgrade"], more].concat();
        ask(&api, "GET", "/api/x", &fields, "")
    };
    assert_eq!(told(&socket(&["Origin: https://evil.example"])), cross_site());
    let detail = socket(&["Origin: https://evil.example"]).json()["detail"].as_str().map(str::to_owned);
    assert_eq!(detail.as_deref(), Some("The Origin header is missing or not that of this site"));
    assert_eq!(told(&socket(&[])), cross_site());
    assert_eq!(
        told(&socket(&["Origin: http://app.example"])),
        cross_site(),
        "whoever is on the way can write that page"
    );
    assert_ne!(socket(&["Origin: https://app.example"]).status, 403);
}

/// Pages of two hosts of one site share `SameSite` cookies, and one may hold what the other must not get at.
#[test]
fn a_page_of_the_public_host_is_another_host_s_no_less_than_any_page() {
    let api = api();
    let (jar, _) = login(&api);
    let cookie = jar.field();
    let socket = |host: &str, origin: &str| {
        let origin = format!("Origin: https://{origin}");
        let fields = [cookie.as_str(), "Upgrade: websocket", "Connection: upgrade", &origin];
        ask_host(&api, host, ("GET", "/api/x"), &fields, "").status
    };
    assert_eq!(socket("admin.example", "app.example"), 403);
    assert_eq!(socket("app.example", "admin.example"), 403);
    assert_ne!(socket("admin.example", "admin.example"), 403);
    let login = |origin: &str| {
        let origin = format!("Origin: https://{origin}");
        ask_host(&api, "admin.example", ("POST", "/login"), &[&origin], ALICE).status
    };
    assert_eq!((login("app.example"), login("admin.example")), (403, 200));
}

/// As nginx does where it is told nothing of `Host`: the page is refused, and the log says for which host.
#[test]
fn behind_a_proxy_that_changes_the_host_and_is_not_named_the_log_has_both_hosts() {
    let api = api();
    let page = ["Sec-Fetch-Site: same-origin", "Origin: https://app.example"];
    let answer = ask_host(&api, "backend", ("POST", "/login"), &page, ALICE);
    assert_eq!(told(&answer), cross_site());
    let why = "`Origin` says `https://app.example`, and `https://backend` was asked";
    assert!(api.gateway.output_when(|log| log.contains(why)).contains(why));
    let named = ask_host(&api, "app.example:443", ("POST", "/login"), &page, ALICE);
    assert_eq!(named.status, 200, "{}", named.text());
}

#[test]
fn a_cookie_that_could_be_either_of_two_is_neither() {
    let api = api();
    let (jar, _) = login(&api);
    let (token, refresh) = (jar.value("__Host-token"), jar.value("__Host-refresh"));
    for second in ["__Host-token=x", "__Host-token=", "__Host-token", " __Host-token =x"] {
        let cookie = format!("{}; {second}", jar.field());
        assert_eq!(ask(&api, "GET", "/api/x", &[&cookie], "").status, 401, "{second}");
        let two = format!("Cookie: {second}");
        assert_eq!(ask(&api, "GET", "/api/x", &[&jar.field(), &two], "").status, 401, "{second}");
    }
    for odd in [format!("__host-token={token}"), format!("__Host-token=\"{token}\""), format!("__Host-token ={token}")]
    {
        assert_eq!(ask(&api, "GET", "/api/x", &[&format!("Cookie: {odd}")], "").status, 401, "{odd}");
    }
    // The token of one place is none in another.
    assert_eq!(ask(&api, "GET", "/api/x", &[&format!("Authorization: Bearer {token}")], "").status, 401);
    let body = json!({ "refresh_token": refresh }).to_string();
    assert_eq!(told(&ask(&api, "POST", "/refresh", &[], &body)), cross_site());
    let both = format!("{}; __Host-refresh=x", jar.field());
    assert_eq!(ask(&api, "POST", "/refresh", &[&both, &jar.shown()], "").status, 400);
    let none = jar.without("__Host-refresh");
    assert_eq!(ask(&api, "POST", "/refresh", &[&none.field(), &none.shown()], "").status, 400);
    let log = api.gateway.output_when(|log| log.contains("came more than once"));
    assert!(!log.contains(token) && !log.contains(refresh) && !log.contains(jar.value("__Host-csrf")), "{log}");
}
