use std::sync::Arc;

use proptest::prelude::*;

use super::*;

fn expiring(id: u32) -> String {
    token(&format!(r#"{{"jti":"{id}","exp":{}}}"#, NOW + 10))
}

/// Whether the cache holds a token: then it hands out the same one again.
fn holds(cache: &mut TokenCache, verifier: &Verifier, token: &str) -> bool {
    let first = cache.verify(verifier, token.as_bytes(), NOW).expect("genuine");
    // The cache's own reference beside ours: it kept this one just now or before.
    Arc::strong_count(&first) > 1
}

#[test]
fn a_token_seen_again_is_not_verified_again() {
    let (verifier, mut cache) = (verifier(settings()), TokenCache::new(16, 1 << 20));
    let token = expiring(1);
    let first = cache.verify(&verifier, token.as_bytes(), NOW).expect("genuine");
    let second = cache.verify(&verifier, token.as_bytes(), NOW).expect("genuine");
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(second.jti(), Some("1"));
}

#[test]
fn a_cached_token_expires_all_the_same() {
    let (verifier, mut cache) = (verifier(settings()), TokenCache::new(16, 1 << 20));
    let token = token(&format!(r#"{{"nbf":{NOW},"exp":{}}}"#, NOW + 10));
    assert!(cache.verify(&verifier, token.as_bytes(), NOW + 9).is_ok());
    assert_eq!(cache.verify(&verifier, token.as_bytes(), NOW + 10).expect_err("old"), TokenError::Expired);
    assert_eq!(cache.verify(&verifier, token.as_bytes(), NOW - 1).expect_err("early"), TokenError::NotYetValid);
}

#[test]
fn what_one_verifier_accepted_another_must_see_for_itself() {
    let mut cache = TokenCache::new(16, 1 << 20);
    let token = expiring(1);
    let first = cache.verify(&verifier(settings()), token.as_bytes(), NOW).expect("genuine");
    // The same settings loaded again are another verifier.
    let again = cache.verify(&verifier(settings()), token.as_bytes(), NOW).expect("genuine");
    assert!(!Arc::ptr_eq(&first, &again));
    let other = verifier(Settings { issuer: Some("us".to_owned()), ..settings() });
    assert_eq!(cache.verify(&other, token.as_bytes(), NOW).expect_err("refused"), TokenError::WrongIssuer);
}

/// The table compares few bits of a hash before it asks whether an entry is the same, so this takes many tries.
#[test]
fn no_reload_ever_meets_a_token_of_the_rules_before_it() {
    let (mut cache, token) = (TokenCache::new(16, 1 << 20), expiring(1));
    let mut kept = Vec::new();
    for _ in 0..2000 {
        let verified = cache.verify(&verifier(settings()), token.as_bytes(), NOW).expect("genuine");
        assert!(!kept.iter().any(|earlier| Arc::ptr_eq(earlier, &verified)));
        kept.push(verified);
    }
}

#[test]
fn refused_tokens_are_not_kept() {
    let (verifier, mut cache) = (verifier(settings()), TokenCache::new(16, 1 << 20));
    let forged = sign(HEADER, "{}", Algorithm::Hs256, b"forged");
    for _ in 0..2 {
        assert_eq!(cache.verify(&verifier, forged.as_bytes(), NOW).expect_err("forged"), TokenError::WrongSignature);
    }
    assert_eq!(cache.len(), 0);
}

#[test]
fn the_least_used_tokens_make_room() {
    let (verifier, mut cache) = (verifier(settings()), TokenCache::new(8, 1 << 20));
    let favourite = cache.verify(&verifier, expiring(0).as_bytes(), NOW).expect("genuine");
    let stranger = cache.verify(&verifier, expiring(1).as_bytes(), NOW).expect("genuine");
    for id in 2..100 {
        assert!(holds(&mut cache, &verifier, &expiring(id)));
        let again = cache.verify(&verifier, expiring(0).as_bytes(), NOW).expect("genuine");
        assert!(Arc::ptr_eq(&favourite, &again), "used all the time, so kept");
        assert!(cache.len() <= 8);
    }
    let again = cache.verify(&verifier, expiring(1).as_bytes(), NOW).expect("genuine");
    assert!(!Arc::ptr_eq(&stranger, &again), "dropped long ago");
}

#[test]
fn the_bound_in_bytes_holds() {
    let (verifier, mut cache) = (verifier(settings()), TokenCache::new(1000, 20_000));
    for id in 0..200 {
        let token = token(&format!(r#"{{"jti":"{id}","pad":"{}"}}"#, "x".repeat(1000)));
        assert!(holds(&mut cache, &verifier, &token));
        assert!(cache.bytes_held() <= 20_000);
    }
    assert!(cache.len() > 2);
    let huge = token(&format!(r#"{{"pad":"{}"}}"#, "x".repeat(5_900)));
    assert!(!holds(&mut cache, &verifier, &huge), "one token may not push out all others");
}

#[test]
fn a_cache_of_no_entries_keeps_nothing() {
    let (verifier, mut cache) = (verifier(settings()), TokenCache::new(0, 1 << 20));
    assert!(!holds(&mut cache, &verifier, &expiring(1)));
    assert_eq!(cache.len(), 0);
}

proptest! {
    #[test]
    fn the_cache_never_changes_an_answer(requests in prop::collection::vec((0..12_u32, -5..25_i64, any::<bool>()), 0..60)) {
        let (verifier, mut cache) = (verifier(settings()), TokenCache::new(6, 1 << 20));
        for (id, after, forged) in requests {
            let token = if forged { expiring(id).replace("eyJhbGciOiJIUzI1NiIs", "eyJhbGciOiJIUzM4NCIs") } else { expiring(id) };
            let cached = cache.verify(&verifier, token.as_bytes(), NOW + after).map(|token| token.jti().map(str::to_owned));
            let fresh = verifier.verify(token.as_bytes(), NOW + after).map(|token| token.jti().map(str::to_owned));
            prop_assert_eq!(cached, fresh);
        }
        prop_assert!(cache.len() <= 6);
    }
}

#[test]
fn a_cached_token_grows_too_old_all_the_same() {
    let claims = ClaimRules { max_age: Some(Duration::from_secs(5)), ..ClaimRules::default() };
    let (verifier, mut cache) = (verifier(Settings { claims, ..settings() }), TokenCache::new(16, 1 << 20));
    let token = token(&format!(r#"{{"iat":{NOW}}}"#));
    assert!(cache.verify(&verifier, token.as_bytes(), NOW + 5).is_ok());
    assert_eq!(cache.verify(&verifier, token.as_bytes(), NOW + 6).expect_err("old"), TokenError::TooOld);
}

#[test]
fn what_a_withdrawn_key_vouched_for_is_not_remembered() {
    let shared = Arc::new(SharedKeys::default());
    let set = |key: Key| Some(Arc::new(KeySet::new(vec![key]).expect("a set")));
    let verifier = verifier(Settings { keys: Keys::Shared(shared.clone()), ..settings() });
    let (mut cache, token) = (TokenCache::new(16, 1 << 20), expiring(1));
    let mut outcome = || cache.verify(&verifier, token.as_bytes(), NOW).err();
    assert_eq!(outcome(), Some(TokenError::NoKeysYet));
    shared.replace(set(key(None, Algorithm::Hs256, KEY)));
    assert_eq!(outcome(), None);
    shared.replace(set(key(None, Algorithm::Hs256, b"another one")));
    assert_eq!(outcome(), Some(TokenError::WrongSignature));
    shared.replace(None);
    assert_eq!(outcome(), Some(TokenError::NoKeysYet));
}

#[test]
fn only_a_token_that_names_an_unknown_key_asks_for_others() {
    let shared = Arc::new(SharedKeys::default());
    let keys = vec![key(Some("a"), Algorithm::Hs256, KEY), key(Some("b"), Algorithm::Hs256, KEY)];
    shared.replace(Some(Arc::new(KeySet::new(keys).expect("a set"))));
    let rules = Settings { keys: Keys::Shared(shared.clone()), issuer: Some("me".to_owned()), ..settings() };
    let verifier = verifier(rules);
    let asked = |header: &str, payload: &str| {
        let _ = verifier.verify(sign(header, payload, Algorithm::Hs256, b"forged").as_bytes(), NOW);
        let wanted = shared.wanted();
        let mut waiting = std::pin::pin!(wanted.notified());
        waiting.as_mut().enable()
    };
    assert!(!asked(r#"{"alg":"HS256","kid":"a"}"#, r#"{"iss":"me"}"#));
    assert!(!asked(r#"{"alg":"HS256"}"#, r#"{"iss":"me"}"#));
    for another in [r#"{"iss":"someone else"}"#, "{}", r#"{"iss":null}"#, r#"{"iss":["me"]}"#] {
        assert!(!asked(r#"{"alg":"HS256","kid":"c"}"#, another), "{another}");
    }
    assert!(asked(r#"{"alg":"HS256","kid":"c"}"#, r#"{"iss":"me"}"#));
}
