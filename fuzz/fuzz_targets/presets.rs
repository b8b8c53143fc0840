//! Any request against each preset: what nobody signed is refused without a panic, in memory and spooled alike, and what the
//! preset signs it reads back, whatever its carrier and its canonical form make of the request.
#![no_main]

use std::{io, sync::LazyLock};

use countersign::{
    config,
    scheme::{Body, Emitted, Headers, PreparedKey, Scheme, Spooled, Unknown, View, presets},
    secret::Secret,
};
use libfuzzer_sys::fuzz_target;

const NOW: i64 = 1_714_485_600_000;

/// 64 bytes that are text, hex and base64 alike, as some presets want their secrets.
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static PRESETS: LazyLock<Vec<(Scheme, PreparedKey)>> = LazyLock::new(|| {
    let ready = |name: &str| {
        let scheme = config::preset(name).expect("a preset");
        let key = scheme.key_recipe().signing(&Secret::new(SECRET.to_vec())).expect("a key");
        (scheme, key)
    };
    presets::names().map(ready).collect()
});

fuzz_target!(|input: (u8, String, Vec<Vec<u8>>, Vec<u8>)| {
    let (preset, target, values, body) = input;
    let (scheme, key) = &PRESETS[usize::from(preset) % PRESETS.len()];
    let request = Request { values, body, emitted: Emitted { headers: Vec::new(), target: None } };
    for body in [Body::Unread, Body::Memory(&request.body), Body::Spooled(&request)] {
        let view = View { body, ..request.view(&target) };
        scheme.is_present(&view);
        if let Ok(claimed) = scheme.read(&view, NOW) {
            assert!(scheme.verify(&claimed, &view, &[key]).is_err(), "{} took a forgery", scheme.name());
            let _ = scheme.replay_key(&claimed, &view, NOW);
        }
    }
    let Ok(emitted) = scheme.sign(&request.view(&target), key, Some("dev-1"), NOW, "5d41402abc4b2a76b9719d911017c592")
    else {
        return;
    };
    let target = emitted.target.clone().unwrap_or(target);
    let signed = Request { emitted, ..request };
    let view = signed.view(&target);
    let Ok(claimed) = scheme.read(&view, NOW) else { return };
    let verified = scheme.verify(&claimed, &view, &[key]);
    assert!(
        !matches!(verified, Err(countersign::scheme::Failure::Mismatch)),
        "{} signs one message and verifies another",
        scheme.name()
    );
});

/// A request whose headers, whatever their names, have the values given; those that a signer wrote come first.
struct Request {
    values: Vec<Vec<u8>>,
    body: Vec<u8>,
    emitted: Emitted,
}

impl Request {
    fn view<'v>(&'v self, target: &'v str) -> View<'v> {
        View {
            method: "POST",
            target,
            scheme: "https",
            authority: "api.example.com",
            headers: self,
            body: Body::Memory(&self.body),
            known: &Unknown,
        }
    }
}

impl Headers for Request {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        if let Some((_, value)) = self.emitted.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
            return visit(value.as_bytes());
        }
        let place = name.bytes().fold(0, |sum, byte| sum + usize::from(byte.to_ascii_lowercase()));
        let value = place.checked_rem(self.values.len() + 1).and_then(|place| self.values.get(place));
        // As the codec hands them over: without line breaks, and trimmed.
        if let Some(value) = value.filter(|value| !value.iter().any(u8::is_ascii_control)) {
            visit(value.trim_ascii());
        }
    }

    fn names(&self, visit: &mut dyn FnMut(&str)) {
        ["X-Ms-Date", "x-ms-a"].into_iter().for_each(&mut *visit);
        self.emitted.headers.iter().for_each(|(name, _)| visit(name));
    }
}

impl Spooled for Request {
    fn read(&self, visit: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        self.body.chunks(5).for_each(visit);
        Ok(())
    }
}
