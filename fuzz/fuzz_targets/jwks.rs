//! Sets of keys: arbitrary bytes as a set, as PEM and as a document. None may panic; what is taken is of an algorithm that was asked for,
//! and checks a signature without a panic.
#![no_main]

use countersign::jose::{Algorithm, JwkSet, Key, PublicKey, SetRules, ShortRsa, is_key_document};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let all = SetRules { algorithms: Algorithm::ALL.to_vec(), secrets: true, short_rsa: ShortRsa::Allow };
    if let Ok(set) = JwkSet::parse(bytes, &all) {
        assert!(!set.keys.is_empty());
        for key in &set.keys {
            let _ = key.accepts(bytes, &bytes[..bytes.len().min(64)]);
        }
    }
    let few = SetRules { algorithms: vec![Algorithm::Es256], secrets: false, short_rsa: ShortRsa::Refuse };
    if let Ok(set) = JwkSet::parse(bytes, &few) {
        assert!(set.keys.iter().all(|key| key.algorithm() == Algorithm::Es256));
    }
    let _ = is_key_document(bytes);
    if let Ok(public) = PublicKey::from_pem(bytes, ShortRsa::Refuse) {
        let fits = Algorithm::ALL.into_iter().filter(|algorithm| Key::public(None, *algorithm, &public).is_ok());
        assert!(fits.count() >= 1);
    }
});
