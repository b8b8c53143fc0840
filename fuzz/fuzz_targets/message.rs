//! Any request against fixed schemes: reading and verifying must refuse it without a panic, in memory or spooled alike.
#![no_main]

use std::{io, sync::LazyLock, time::Duration};

use countersign::{
    scheme::{
        Algorithm, Body, Definition, Encoding, Equality, Headers, MacKey, ReplayDefinition, Scheme,
        SignatureDefinition, Spooled, TimestampDefinition, TimestampFormat, Unknown, View,
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
    ];
    messages.iter().filter_map(|message| Scheme::compile(&definition(message)).ok()).collect()
});

static KEY: LazyLock<MacKey> =
    LazyLock::new(|| MacKey::new(Algorithm::HmacSha256, &Secret::new(b"a key of some length".to_vec())));

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
    assert_eq!(SCHEMES.len(), 4);
    for scheme in SCHEMES.iter() {
        for body in [Body::Unread, Body::Memory(&request.body), Body::Spooled(&request)] {
            let view = View { body, ..held };
            scheme.is_present(&view);
            if let Ok(claimed) = scheme.read(&view, NOW) {
                assert!(scheme.verify(&claimed, &view, &[&*KEY]).is_err());
                let _ = scheme.replay_key(&claimed, &view, NOW);
            }
        }
    }
});

fn definition(message: &str) -> Definition {
    Definition {
        name: "fuzz".to_owned(),
        key_id: Some("{header:X-A|default:\"none\"}".to_owned()),
        values: Vec::new(),
        require: vec![Equality { left: "{header:X-A}".to_owned(), right: "{body|sha256|base64}".to_owned() }],
        message: message.to_owned(),
        signature: SignatureDefinition {
            from: "{header:X-Signature}".to_owned(),
            encoding: Encoding::Base64,
            algorithm: Algorithm::HmacSha256,
        },
        timestamp: Some(TimestampDefinition {
            from: "{header:X-A}".to_owned(),
            formats: vec![TimestampFormat::Unix, TimestampFormat::Iso8601, TimestampFormat::HttpDate],
            past: Some(Duration::from_secs(1 << 40)),
            future: None,
            dangerously_unsigned: true,
        }),
        replay: Some(ReplayDefinition { key: None, remember: Some(Duration::from_secs(60)) }),
        emit: Vec::new(),
    }
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
}

impl Spooled for Request {
    fn read(&self, visit: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        self.body.chunks(5).for_each(visit);
        Ok(())
    }
}
