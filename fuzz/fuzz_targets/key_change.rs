//! Changes to files of keys, whatever is in them: none may panic, and one that is made leaves a file that is read, with the id
//! as it should be. The first byte says which change, the rest is the file.
#![no_main]

use countersign::{
    keys::{Change, Format, KeyFileContent, NewSecret, Position, changed},
    secret::Secret,
};
use libfuzzer_sys::fuzz_target;

fn new() -> NewSecret {
    NewSecret { secret: Secret::new(b"a-new-secret".to_vec()), label: None }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, text)) = bytes.split_first() else { return };
    let change = match kind % 6 {
        0 => Change::Add(new()),
        1 => Change::Rotate(new(), Position::First),
        2 => Change::Rotate(new(), Position::Last),
        3 => Change::Retire(0),
        4 => Change::Retire(1),
        _ => Change::Disable,
    };
    for format in [Format::Csv, Format::JsonLines, Format::Yaml] {
        let Ok(left) = changed(text, format, "a", &change) else { continue };
        let content = KeyFileContent::parse(&left[..], format).expect("it was read before it was given out");
        let record = content.record(b"a").expect("the id is there");
        assert!(record.disabled || !matches!(change, Change::Disable));
    }
});
