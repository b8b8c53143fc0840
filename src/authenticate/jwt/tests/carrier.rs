use proptest::prelude::*;
use smallvec::SmallVec;

use super::*;

struct Headers(Vec<(&'static str, Vec<u8>)>);

impl HeaderValues for Headers {
    fn values<'h>(&'h self, name: &str) -> SmallVec<[&'h [u8]; 2]> {
        self.0.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice()).collect()
    }
}

fn found(carrier: &Carrier, lines: &[(&'static str, &str)], query: Option<&str>) -> Result<Option<String>, TokenError> {
    let headers = Headers(lines.iter().map(|(name, value)| (*name, value.as_bytes().to_vec())).collect());
    let token = carrier.find(&headers, query)?;
    Ok(token.map(|token| String::from_utf8(token.to_vec()).expect("ASCII")))
}

fn one(text: &str) -> Result<Option<String>, TokenError> {
    Ok(Some(text.to_owned()))
}

const REPEATED: Result<Option<String>, TokenError> = Err(TokenError::CarrierRepeated);
const MALFORMED: Result<Option<String>, TokenError> = Err(TokenError::CarrierMalformed);
const ABSENT: Result<Option<String>, TokenError> = Ok(None);

#[test]
fn a_bearer_token_follows_its_scheme_and_one_space() {
    let cases = [
        ("Bearer a.b.c", one("a.b.c")),
        ("bEARER a.b-c_~+/==", one("a.b-c_~+/==")),
        ("Basic dXNlcjpwYXNz", ABSENT),
        ("Bearers a.b.c", ABSENT),
        ("a.b.c", ABSENT),
        ("", ABSENT),
        ("Bearer", ABSENT),
        ("Bearer ", ABSENT),
        ("Bearer  a.b.c", MALFORMED),
        ("Bearer\ta.b.c", MALFORMED),
        ("Bearer,a.b.c", MALFORMED),
        ("Bearer a.b.c ", MALFORMED),
        ("Bearer a.b.c,", MALFORMED),
        ("Bearer a.b.c, Bearer x", MALFORMED),
        ("Bearer a=b", MALFORMED),
        ("Bearer ==", MALFORMED),
        ("Bearer a.b.ç", MALFORMED),
        ("Bearer \"a.b.c\"", MALFORMED),
    ];
    for (value, expected) in cases {
        assert_eq!(found(&Carrier::Bearer, &[("Authorization", value)], None), expected, "{value:?}");
    }
    assert_eq!(found(&Carrier::Bearer, &[], Some("access_token=a.b.c")), ABSENT);
    assert_eq!(found(&Carrier::Bearer, &[("Authorization", "Bearer a"), ("authorization", "Basic b")], None), REPEATED);
}

#[test]
fn a_bare_header_holds_the_token_alone() {
    for (carrier, name) in
        [(Carrier::Authorization, "authorization"), (Carrier::Header("X-Token".to_owned()), "x-token")]
    {
        assert_eq!(found(&carrier, &[(name, "a.b.c")], None), one("a.b.c"));
        assert_eq!(found(&carrier, &[(name, "")], None), ABSENT);
        assert_eq!(found(&carrier, &[], None), ABSENT);
        assert_eq!(found(&carrier, &[(name, "Bearer a.b.c")], None), MALFORMED);
        assert_eq!(found(&carrier, &[(name, "a.b.c"), (name, "a.b.c")], None), REPEATED);
        assert_eq!(found(&carrier, &[(name, "a.b.c, a.b.c")], None), MALFORMED);
    }
}

#[test]
fn a_cookie_is_found_among_others() {
    let carrier = Carrier::Cookie("token".to_owned());
    let cases: [(&[&str], _); 11] = [
        (&["token=a.b.c"], one("a.b.c")),
        (&["x=1; token=a.b.c; y=2"], one("a.b.c")),
        (&["x=1", "y=2;token=a.b.c"], one("a.b.c")),
        (&["token=a.b.c=="], one("a.b.c==")),
        (&["x=token=a.b.c"], ABSENT),
        (&["Token=a.b.c; tokens=x"], ABSENT),
        (&["token="], ABSENT),
        (&["token=\"a.b.c\""], MALFORMED),
        (&["token=a b"], MALFORMED),
        (&["token=a.b.c; token=a.b.c"], REPEATED),
        (&["token=a.b.c", " token =x"], REPEATED),
    ];
    for (values, expected) in cases {
        let lines: Vec<_> = values.iter().map(|value| ("cookie", *value)).collect();
        assert_eq!(found(&carrier, &lines, None), expected, "{values:?}");
    }
}

#[test]
fn a_query_parameter_is_taken_only_in_its_plain_spelling() {
    let carrier = Carrier::Query("access_token".to_owned());
    let cases = [
        (None, ABSENT),
        (Some(""), ABSENT),
        (Some("a=1&access_token=a.b.c&b"), one("a.b.c")),
        (Some("access_token"), ABSENT),
        (Some("access_token="), ABSENT),
        (Some("Access_Token=a.b.c"), ABSENT),
        (Some("access_token=a%2Eb.c"), MALFORMED),
        (Some("access_token=a.b.c;x"), MALFORMED),
        (Some("access%5Ftoken=a.b.c"), MALFORMED),
        (Some("access_token=a.b.c&access_token=a.b.c"), REPEATED),
        (Some("access_token=a.b.c&access%5ftoken=x"), REPEATED),
        (Some("access_token=a.b.c&access_token"), REPEATED),
        (Some("access_token=a.b.c&%&%5&%zz=1&%+1=x"), one("a.b.c")),
    ];
    for (query, expected) in cases {
        assert_eq!(found(&carrier, &[("authorization", "Bearer x")], query), expected, "{query:?}");
    }
}

proptest! {
    #[test]
    fn arbitrary_carriers_never_panic_and_give_only_token_characters(value in prop::collection::vec(any::<u8>(), 0..40), query in "(access_token|[%=&.a]|%5[fF]){0,9}") {
        let headers = Headers(vec![("authorization", value.clone()), ("cookie", value)]);
        for carrier in [Carrier::Bearer, Carrier::Authorization, Carrier::Cookie("a".to_owned()), Carrier::Query("access_token".to_owned())] {
            if let Ok(Some(token)) = carrier.find(&headers, Some(&query)) {
                prop_assert!(!token.is_empty() && token.iter().all(|byte| byte.is_ascii_graphic() && !b",;%\"".contains(byte)));
            }
        }
    }
}
