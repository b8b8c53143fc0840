//! Any request against fixed schemes: reading and verifying must refuse it without a panic, in memory or spooled alike.
#![no_main]

use std::{io, sync::LazyLock, time::Duration};

use countersign::{
    scheme::{
        Algorithm, Body, Definition, Encoding, Headers, HeadersDefinition, Missing, ParametersDefinition, ParametersOf,
        PreparedKey, ReplayDefinition, RequirementDefinition, Scheme, SignatureDefinition, Spooled,
        TimestampDefinition, TimestampFormat, Unknown, ValueDefinition, View, Writing,
    },
    secret::Secret,
};
use libfuzzer_sys::fuzz_target;

const NOW: i64 = 1_714_485_600_000;

static SCHEMES: LazyLock<Vec<Scheme>> = LazyLock::new(|| {
    let messages = [
        "{json:/a|match:\"[a-z]*\"}:{json:/b}",
        "{method}\n{path|percent_decode}\n{query|sort}\n{query:a}\n{body|sha256|hex}",
        "{form:a|trim}:{form:b|unbase64|hex}:{header:X-A|percent_encode}",
        "{url}{body}",
        "{pairs:a else groups:b|hex else path}\n{lines}\n{list}\n{path|normalize_path}",
    ];
    messages.iter().filter_map(|message| Scheme::compile(&definition(message)).ok()).collect()
});

static KEY: LazyLock<Option<PreparedKey>> = LazyLock::new(|| {
    let secret = Secret::new(b"a key of some length".to_vec());
    SCHEMES.first().and_then(|scheme| scheme.key_recipe().verifying(&secret).ok())
});

fuzz_target!(|input: (String, Vec<(bool, Vec<u8>)>, Vec<u8>)| {
    let (target, headers, body) = input;
    let request = Request { headers, body };
    let held = View {
        method: "POST",
        target: &target,
        scheme: "https",
        authority: "api.example.com",
        headers: &request,
        body: Body::Memory(&request.body),
        known: &Unknown,
    };
    assert_eq!(SCHEMES.len(), 5);
    let keys: Vec<&PreparedKey> = KEY.iter().collect();
    assert_eq!(keys.len(), 1);
    for scheme in SCHEMES.iter() {
        for body in [Body::Unread, Body::Memory(&request.body), Body::Spooled(&request)] {
            let view = View { body, ..held };
            scheme.is_present(&view);
            if let Ok(claimed) = scheme.read(&view, NOW) {
                assert!(scheme.verify(&claimed, &view, &keys).is_err());
                let _ = scheme.replay_key(&claimed, &view, NOW);
            }
        }
    }
});

fn definition(message: &str) -> Definition {
    let signature = SignatureDefinition::new("{header:X-Signature}", Encoding::Base64, Algorithm::HmacSha256);
    Definition {
        key_id: Some("{header:X-A|default:\"none\"}".to_owned()),
        values: values(),
        require: vec![RequirementDefinition::equal("{header:X-A}", "{body|sha256|base64}")],
        timestamp: Some(TimestampDefinition {
            from: Some("{header:X-A}".to_owned()),
            formats: vec![
                TimestampFormat::Unix,
                TimestampFormat::Iso8601,
                TimestampFormat::HttpDate,
                TimestampFormat::Pattern("%Y%m%dT%H%M%SZ".to_owned()),
            ],
            past: Some(Duration::from_secs(1 << 40)),
            dangerously_unsigned: true,
            ..TimestampDefinition::default()
        }),
        replay: Some(ReplayDefinition { key: None, remember: Some(Duration::from_secs(60)) }),
        ..Definition::new("fuzz", message, signature)
    }
}

/// A value of each kind that the header and the body of the request feed.
fn values() -> Vec<(String, ValueDefinition)> {
    let mut lines = HeadersDefinition::new("{header:X-A}", " ");
    lines.missing = Missing::Empty;
    let mut list = ParametersDefinition::new(vec![ParametersOf::Query, ParametersOf::Form]);
    (list.writing, list.sort, list.unique) = (Writing::Encoded, true, true);
    let from = || "{header:X-A}".to_owned();
    let values = [
        ("pairs", ValueDefinition::Pairs { from: from(), separator: b',' }),
        ("groups", ValueDefinition::Capture { from: from(), expression: "(?<a>[^/]*)(/(?<b>.*))?".to_owned() }),
        ("lines", ValueDefinition::Headers(lines)),
        ("list", ValueDefinition::Parameters(list)),
    ];
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

struct Request {
    /// Whether it is the signature's header, and its value.
    headers: Vec<(bool, Vec<u8>)>,
    body: Vec<u8>,
}

impl Headers for Request {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        let is_signature = name.eq_ignore_ascii_case("X-Signature");
        self.headers.iter().filter(|(signature, _)| *signature == is_signature).for_each(|(_, value)| visit(value));
    }

    fn names(&self, visit: &mut dyn FnMut(&str)) {
        ["X-A", "x-b", "X-Signature"].into_iter().for_each(visit);
    }
}

impl Spooled for Request {
    fn read(&self, visit: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        self.body.chunks(5).for_each(visit);
        Ok(())
    }
}
