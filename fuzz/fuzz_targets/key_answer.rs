//! A key service's answer, whatever it is: reading it must not panic, and a record that comes of it is about the id that was
//! asked for, has secrets that are not empty, or is disabled.
#![no_main]

use std::{sync::LazyLock, time::Duration};

use countersign::{
    keys::{
        Encoding,
        http::{Pointers, Settings, UrlTemplate},
    },
    outcall,
};
use libfuzzer_sys::fuzz_target;

static SETTINGS: LazyLock<[Settings; 2]> = LazyLock::new(|| [settings(None), settings(Some("/keys".to_owned()))]);

fn settings(secrets: Option<String>) -> Settings {
    let names = ["secret", "encoding", "label", "not_before", "not_after"];
    let of_id = ["id", "disabled", "tenant"].map(|name| (name.to_owned(), format!("/{name}"))).to_vec();
    let answer = Pointers { secrets, of_secret: names.map(|name| (name, format!("/{name}"))).to_vec(), of_id };
    let calls = outcall::Settings {
        tls: false,
        roots: None,
        connect_timeout: Duration::ZERO,
        timeout: Duration::ZERO,
        largest_answer: 0,
        most_calls: 1,
    };
    let url = UrlTemplate::parse("http://localhost/{id}").expect("a URL");
    Settings { url, headers: Vec::new(), answer, encoding: Encoding::Text, calls }
}

fuzz_target!(|bytes: &[u8]| {
    for settings in SETTINGS.iter() {
        let Ok(Some(record)) = settings.read(b"dev-1", bytes, 1_700_000_000_000) else { continue };
        assert!(bytes.windows(5).any(|window| window == b"dev-1") || bytes.contains(&b'\\'));
        assert!(record.secrets.len() <= 4 && record.secrets.iter().all(|known| !known.secret.is_empty()));
        assert!(record.secrets.iter().all(|known| known.lifetime.until_millis > 1_700_000_000_000));
    }
});
