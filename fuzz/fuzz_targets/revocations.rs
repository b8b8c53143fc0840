//! A file of revocations: what is read is written back as the same, and all whole lines or none are read.
#![no_main]

use countersign::store::revocations::{Line, Revocation, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    let mut revocations = Vec::new();
    let read = read(content, 0, |line| {
        match line {
            Line::Revoked(revocation) => revocations.push(revocation),
            Line::Lifted(_) => {}
        }
        Ok::<_, ()>(())
    });
    let Ok((whole, is_torn)) = read else { return };
    let whole = usize::try_from(whole).unwrap();
    assert!(whole == 0 || content[whole - 1] == b'\n');
    assert!(!content[whole..].contains(&b'\n'));
    assert_eq!(is_torn, whole < content.len());
    for revocation in revocations {
        let again = Revocation::parse(revocation.to_json().to_string().as_bytes(), 1);
        assert_eq!(again, Ok(revocation));
    }
});
