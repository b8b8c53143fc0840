//! Changes to files of keys, whatever is in them: none may panic, and one that is made leaves a file that is read, with the id
//! as it should be. The first byte says which change, the rest is the file.
#![no_main]

use countersign::{
    keys::{Change, Chosen, Format, KeyFileContent, NewSecret, Position, changed},
    secret::Secret,
};
use libfuzzer_sys::fuzz_target;

fn new() -> NewSecret {
    NewSecret { secret: Secret::new(b"a-new-secret".to_vec()), label: None }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, text)) = bytes.split_first() else { return };
    for format in [Format::Csv, Format::JsonLines, Format::Yaml] {
        let retire = |place| {
            let record = KeyFileContent::parse(text, format).ok()?.record(b"a")?;
            Chosen::of(&record, place).map(Change::Retire)
        };
        let change = match kind % 7 {
            0 => Some(Change::Add(new())),
            1 => Some(Change::Rotate(new(), Position::First)),
            2 => Some(Change::Rotate(new(), Position::Last)),
            3 => retire(0),
            4 => retire(1),
            5 => Some(Change::Disable),
            _ => Some(Change::Enable),
        };
        let Some(change) = change else { continue };
        let Ok(left) = changed(text, format, "a", &change) else { continue };
        let content = KeyFileContent::parse(&left[..], format).expect("it was read before it was given out");
        let record = content.record(b"a").expect("the id is there");
        assert!(record.disabled || !matches!(change, Change::Disable));
        assert!(!record.disabled || !matches!(change, Change::Enable));
    }
});
