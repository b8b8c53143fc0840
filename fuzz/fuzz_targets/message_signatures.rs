//! HTTP Message Signatures: the headers of a request are the input, split at line feeds: `Signature-Input`, `Signature`,
//! `Content-Digest`, and one more header that may be covered. Whatever they say, reading and verifying ends without a
//! panic, nothing verifies under a key that did not sign, and what is signed is canonical: the parameters in the signature
//! base, sent as the header, give the same base.

#![no_main]

use std::sync::LazyLock;

use countersign::{
    scheme::{Algorithm, Body, FieldType, Headers, MessageSignaturesDefinition, PreparedKey, Scheme, Unknown, View},
    secret::Secret,
};
use libfuzzer_sys::fuzz_target;

/// 2024-04-30T14:00:00Z
const NOW: i64 = 1_714_485_600_000;

static SCHEME: LazyLock<Scheme> = LazyLock::new(|| {
    let mut definition = MessageSignaturesDefinition::new("fuzz", vec![Algorithm::HmacSha256]);
    definition.components = vec!["@method".to_owned()];
    definition.replay = true;
    definition.structured = vec![("x-dictionary".to_owned(), FieldType::Dictionary)];
    Scheme::message_signatures(&definition).expect("the definition")
});
static KEY: LazyLock<PreparedKey> = LazyLock::new(|| {
    let secret = Secret::new(b"a key that signs nothing here".to_vec());
    SCHEME.key_recipe().verifying(&secret).expect("a key")
});

#[derive(Clone)]
struct Fields([(&'static str, Vec<u8>); 4]);

impl Headers for Fields {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        for (_, value) in self.0.iter().filter(|(own, value)| own.eq_ignore_ascii_case(name) && !value.is_empty()) {
            visit(value.trim_ascii());
        }
    }

    fn names(&self, visit: &mut dyn FnMut(&str)) {
        self.0.iter().for_each(|(name, _)| visit(name));
    }
}

fn view(fields: &Fields) -> View<'_> {
    View {
        method: "POST",
        target: "/path?a=1&b=%20",
        scheme: "https",
        authority: "example.com",
        headers: fields,
        body: Body::Memory(b"{}"),
        known: &Unknown,
    }
}

fn base(fields: &Fields) -> Option<String> {
    let claimed = SCHEME.read(&view(fields), NOW).ok()?;
    assert!(SCHEME.verify(&claimed, &view(fields), &[&KEY]).is_err(), "nobody signed this");
    SCHEME.replay_key(&claimed, &view(fields), NOW).ok()?;
    String::from_utf8(SCHEME.message(&claimed, &view(fields)).ok()?).ok()
}

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(4, |byte| *byte == b'\n').map(<[u8]>::to_vec);
    let mut next = || lines.next().unwrap_or_default();
    let (input, signature, digest) = (next(), next(), next());
    let mut fields = Fields([
        ("Signature-Input", input),
        ("Signature", signature),
        ("Content-Digest", digest),
        ("X-Dictionary", next()),
    ]);
    let Some(first) = base(&fields) else { return };
    let (_, parameters) = first.rsplit_once("\"@signature-params\": ").expect("the last line");
    assert!(!parameters.contains('\n'), "one line");
    fields.0[0].1 = format!("l={parameters}").into_bytes();
    fields.0[1].1 = b"l=:AA==:".to_vec();
    assert_eq!(base(&fields).as_deref(), Some(first.as_str()), "canonical");
});
