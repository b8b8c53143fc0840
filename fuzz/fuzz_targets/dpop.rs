//! DPoP proofs: arbitrary bytes as a whole proof, and as the header and the claims of one. None may panic, and without the
//! key that the token names none holds.
#![no_main]

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign::authenticate::jwt::{Proof, ProofWanted};
use libfuzzer_sys::fuzz_target;

const HEADER: &str = concat!(
    r#"{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","crv":"P-256","#,
    r#""x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}}"#
);

/// The thumbprint of the key in `HEADER`, as RFC 9449 section 6.1 prints it.
const KEY: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

fuzz_target!(|bytes: &[u8]| {
    let wanted = ProofWanted {
        method: "GET",
        scheme: "https",
        authority: "api.test",
        path: "/",
        token: b"token",
        key: URL_SAFE_NO_PAD.decode(KEY).expect("base64url").try_into().expect("32 bytes"),
        now_unix: 1_800_000_000,
        past: Duration::from_secs(60),
        future: Duration::from_secs(10),
    };
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signature = part(&[1; 64]);
    assert!(Proof::verify(bytes, &wanted).is_err());
    assert!(Proof::verify(format!("{}.{}.{signature}", part(bytes), part(b"{}")).as_bytes(), &wanted).is_err());
    assert!(
        Proof::verify(format!("{}.{}.{signature}", part(HEADER.as_bytes()), part(bytes)).as_bytes(), &wanted).is_err()
    );
});
