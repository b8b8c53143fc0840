//! What makes two requests the same one, and how long that is remembered.

use super::*;
use crate::scheme::ReplayKey;

fn replay_key(definition: &MessageSignaturesDefinition, request: &Text) -> Option<ReplayKey> {
    let scheme = scheme(definition);
    let claimed = scheme.read(&request.view(), NOW).unwrap();
    scheme.replay_key(&claimed, &request.view(), NOW).unwrap()
}

fn with_input(stated: &str) -> Text {
    hand_signed(request(), &format!("(\"@method\" \"@path\");created={}{stated}", NOW / 1000))
}

#[test]
fn a_nonce_is_good_once_a_key_whatever_is_signed_with_it() {
    let definition = MessageSignaturesDefinition { nonce: true, ..covering(&["@method"]) };
    let key = |text: &Text| replay_key(&definition, text).unwrap().digest;
    let first = key(&with_input(";nonce=\"a\""));
    assert_eq!(first, key(&with_input(";nonce=\"a\"").line("POST", "/other")));
    assert_ne!(first, key(&with_input(";nonce=\"b\"")));
    assert_ne!(first, key(&with_input(";nonce=\"a\";keyid=\"k\"")));
    let other = MessageSignaturesDefinition { name: "other".to_owned(), ..definition.clone() };
    assert_ne!(first, replay_key(&other, &with_input(";nonce=\"a\"")).unwrap().digest);
}

#[test]
fn without_a_nonce_all_that_is_signed_makes_the_request() {
    let definition = MessageSignaturesDefinition { replay: true, ..covering(&["@method"]) };
    let key = |text: &Text| replay_key(&definition, text).unwrap().digest;
    let first = key(&with_input(""));
    // Another signature over the same is the same request.
    let resigned = with_input("").without("signature").with("Signature", "s=:AA==:");
    assert_eq!(first, key(&resigned));
    assert_ne!(first, key(&with_input("").line("POST", "/other")));
    assert_eq!(replay_key(&covering(&["@method"]), &with_input("")), None);
}

#[test]
fn it_is_remembered_as_long_as_the_request_would_be_taken() {
    let definition = MessageSignaturesDefinition { replay: true, ..covering(&["@method"]) };
    let until = |stated: &str| replay_key(&definition, &with_input(stated)).unwrap().until_millis;
    assert_eq!(until(""), NOW + 300_001);
    assert_eq!(until(&format!(";expires={}", NOW / 1000 + 10)), NOW + 10_001);
    assert_eq!(scheme(&definition).remembers(), Some(Duration::from_secs(330)));
    let longer = MessageSignaturesDefinition { remember: Some(Duration::from_secs(3600)), ..definition.clone() };
    assert_eq!(replay_key(&longer, &with_input("")).unwrap().until_millis, NOW + 3_600_000);
    assert_eq!(scheme(&longer).remembers(), Some(Duration::from_secs(3600)));
    assert_eq!(scheme(&hmac()).remembers(), None);
}
