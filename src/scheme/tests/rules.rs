//! What is refused, and what is warned of, when a scheme is compiled.

use super::*;

fn one(definition: &Definition) -> (&'static str, String) {
    let faults = faults(definition);
    assert_eq!(faults.len(), 1, "{faults:?}");
    (faults[0].field, faults[0].message.clone())
}

fn fields(definition: &Definition) -> Vec<&'static str> {
    faults(definition).iter().map(|fault| fault.field).collect()
}

fn replay(key: Option<&str>, remember: Option<u64>) -> Option<ReplayDefinition> {
    Some(ReplayDefinition { key: key.map(str::to_owned), remember: remember.map(Duration::from_secs) })
}

#[test]
fn a_message_must_depend_on_the_request() {
    assert_eq!(one(&definition("")).1, "the message is empty");
    assert_eq!(one(&definition("hello")).1, "the message is the same for every request");
}

#[test]
fn every_problem_is_reported_at_once() {
    let wrong = Definition {
        key_id: Some("{nothing}".to_owned()),
        values: texts(&[("method", "x"), ("Upper", "x"), ("twice", "x"), ("twice", "{")]),
        require: vec![RequirementDefinition::equal("{bdy}", "{header:}")],
        signature: signature("{header:A}{header:B}"),
        emit: strings(&[("X Y", "{signature|sha1}")]),
        ..definition("{x}")
    };
    assert_eq!(
        fields(&wrong),
        [
            "values",
            "values",
            "values",
            "key_id",
            "require.left",
            "require.right",
            "message",
            "signature.from",
            "emit",
            "emit"
        ]
    );
}

#[test]
fn a_signature_comes_from_one_source_that_can_carry_it() {
    let with = |from: &str| one(&Definition { signature: signature(from), ..definition("{path}") });
    for from in ["", "x", "x{header:A}", "{header:A else header:B}"] {
        assert_eq!(with(from), ("signature.from", "a signature comes from exactly one source".to_owned()), "{from}");
    }
    assert_eq!(with("{body}"), ("signature.from", "`body` cannot carry a signature".to_owned()));
    assert_eq!(with("{header:A|default:\"x\"}").1, "a signature has no default");
}

#[test]
fn a_signature_cannot_sign_itself() {
    for (from, message) in [
        ("{header:X-Sig}", "{path}{header:x-sig}"),
        ("{query:s}", "{target}"),
        ("{query:s}", "{url}"),
        ("{query:s}", "{query|sort}"),
        ("{json:/s}", "{path}{body|sha256}"),
        ("{form:s}", "{body}"),
    ] {
        let definition = Definition { signature: signature(from), ..definition(message) };
        assert_eq!(one(&definition), ("message", "this contains the signature itself".to_owned()), "{message}");
    }
}

#[test]
fn the_key_id_cannot_rest_on_itself() {
    let direct = Definition { key_id: Some("{key_id}".to_owned()), ..definition("{path}") };
    assert_eq!(one(&direct), ("key_id", "there is no key id here".to_owned()));
    let around =
        Definition { key_id: Some("{id}".to_owned()), values: texts(&[("id", "{key_id}")]), ..definition("{path}") };
    assert_eq!(one(&around), ("key_id", "this rests on `key_id`, which is not known yet".to_owned()));
}

#[test]
fn a_timestamp_must_be_signed_unless_the_config_says_otherwise() {
    let unsigned = Definition { timestamp: Some(timestamp("{header:Date}", 60)), ..definition("{path}") };
    assert_eq!(one(&unsigned).0, "timestamp.from");
    let said = TimestampDefinition { dangerously_unsigned: true, ..timestamp("{header:Date}", 60) };
    let said = Definition { timestamp: Some(said), ..definition("{path}") };
    assert!(scheme(&said).warnings().iter().any(|fault| fault.message.contains("not signed")));
    for message in ["{header:date}", "{time|suffix:\"x\"}", "{header:Date|sha256|hex}"] {
        let signed = Definition {
            values: texts(&[("time", "{header:Date}")]),
            timestamp: Some(timestamp("{time}", 60)),
            ..definition(message)
        };
        scheme(&signed);
    }
    let in_body = Definition { timestamp: Some(timestamp("{json:/t}", 60)), ..definition("{body}") };
    scheme(&in_body);
    let in_query = Definition { timestamp: Some(timestamp("{query:t}", 60)), ..definition("{target}") };
    scheme(&in_query);
    let constant = Definition { timestamp: Some(timestamp("1714485600", 60)), ..definition("{path}") };
    assert_eq!(one(&constant).1, "the timestamp names no source");
}

#[test]
fn a_replay_key_rests_on_signed_values_in_the_form_they_are_signed() {
    let with = |message: &str, key: &str| {
        Scheme::compile(&Definition { replay: replay(Some(key), Some(60)), ..definition(message) }).is_ok()
    };
    assert!(with("{header:N}", "{header:n}"));
    assert!(with("{target}", "{query:n}"));
    assert!(with("{body}", "{json:/id}"));
    assert!(with("{header:N|lower}", "{header:N|lower|hex}"));
    assert!(!with("{header:N}", "{header:M}"));
    assert!(!with("{path}", "{target}"));
    // Every spelling of N would be let through once.
    assert!(!with("{header:N|lower}", "{header:N}"));
    assert!(!with("{query|sort}", "{query:n}"));
    assert!(!with("{header:N|default:\"\"}", "{header:N}"));
    assert!(!with("{header:N}", "constant"));
}

#[test]
fn a_replay_key_may_use_the_key_id_and_a_shared_key_asks_for_its_signature() {
    let with = |message: &str| {
        scheme(&Definition {
            key_id: Some("{header:Id}".to_owned()),
            replay: replay(Some("{key_id}"), Some(60)),
            ..definition(message)
        })
    };
    assert_eq!(with("{path}").fault_with_shared_keys().unwrap().field, "key_id");
    assert_eq!(with("{key_id|lower}").fault_with_shared_keys().unwrap().field, "key_id");
    assert_eq!(with("{path}\n{key_id}").fault_with_shared_keys(), None);
    assert_eq!(with("{path}\n{header:id}").fault_with_shared_keys(), None);
    // A path may hold a colon, and so may an id: `/a:b` + `c` and `/a` + `b:c`.
    assert_eq!(with("{path}:{key_id}").fault_with_shared_keys().unwrap().field, "key_id");
    assert_eq!(scheme(&definition("{path}")).fault_with_shared_keys(), None);
}

#[test]
fn something_must_say_how_long_a_request_is_remembered() {
    let with = |timestamp, replay| Definition { timestamp, replay, ..definition("{header:T}") };
    let open = |past, future| Some(TimestampDefinition { past, future, ..timestamp("{header:T}", 0) });
    let minute = Some(Duration::from_secs(60));
    assert_eq!(one(&with(None, replay(None, None))).0, "replay");
    assert_eq!(one(&with(open(minute, None), replay(None, None))).0, "replay");
    assert_eq!(one(&with(open(None, minute), replay(None, None))).0, "replay");
    let remembers = |definition: &Definition| scheme(definition).remembers().map(|time| time.as_secs());
    assert_eq!(remembers(&with(open(minute, minute), replay(None, None))), Some(120));
    assert_eq!(remembers(&with(open(minute, minute), replay(None, Some(3600)))), Some(3600));
    assert_eq!(remembers(&with(open(minute, minute), replay(None, Some(1)))), Some(120));
    assert_eq!(remembers(&with(None, replay(None, Some(5)))), Some(5));
    assert_eq!(remembers(&with(None, None)), None);
}

#[test]
fn touching_values_draw_a_warning() {
    let touching = |message: &str| {
        let scheme = scheme(&definition(message));
        scheme.warnings().iter().find(|fault| fault.field == "message").map(|fault| fault.offset)
    };
    assert_eq!(touching("{path}{method}"), Some(6));
    assert_eq!(touching("{method}{path}"), None);
    assert_eq!(touching("{header:T|match:\"[0-9]+\"}{method}"), Some(25));
    assert_eq!(touching("{header:T|match:\"[0-9]{10}\"}{method}"), None);
    assert_eq!(touching("{method} {path}"), None);
    assert_eq!(touching("{path}{body|sha256|hex}"), None);
}

#[test]
fn sha1_draws_a_warning() {
    let signature = SignatureDefinition::new("{header:S}", Encoding::Hex, Algorithm::HmacSha1);
    let scheme = scheme(&Definition { signature, ..definition("{path}") });
    assert!(scheme.warnings().iter().any(|fault| fault.field == "signature.algorithm"));
}

#[test]
fn coverage_follows_named_values_and_requirements() {
    let required = Definition {
        values: texts(&[("head", "{method} {path}")]),
        require: vec![RequirementDefinition::equal(
            "{header:Digest|strip_prefix:\"sha-256=\"}",
            "{body|sha256|base64}",
        )],
        ..definition("{head}\n{header:Digest}\n{query:page}")
    };
    let coverage = scheme(&required).coverage();
    assert_eq!(
        coverage.to_string(),
        "signs method, path, body, header Digest, query page; does not sign query, authority"
    );
    // A digest that is not signed vouches for nothing.
    let unsigned = Definition { message: "{head}".to_owned(), ..required };
    assert_eq!(scheme(&unsigned).coverage().unsigned(), ["query", "authority", "body"]);
}

/// Without a body and without a claim nothing is compared.
#[test]
fn a_requirement_of_a_body_binds_the_body_alone() {
    let with = |bound: &str| Definition {
        require: vec![RequirementDefinition {
            relation: Relation::EqualIfBody,
            ..RequirementDefinition::equal("{header:D}", bound)
        }],
        ..definition("{method}\n{header:D}")
    };
    let hashed = with("{body|sha256|hex}");
    assert!(scheme(&hashed).coverage().body);
    let remembers = |definition: Definition, key: &str| {
        Scheme::compile(&Definition { replay: replay(Some(key), Some(60)), ..definition }).is_ok()
    };
    assert!(remembers(hashed, "{json:/n}"));
    assert!(!remembers(with("{header:N}"), "{header:N}"));
    let both = with("{header:N|hex}\n{body|sha256|hex}");
    assert!(scheme(&both).coverage().body);
    assert!(!remembers(both, "{header:N}"));
    // A body of one `x` would be as none.
    assert!(!scheme(&with("{body|strip_prefix:\"x\"}")).coverage().body);
}

#[test]
fn requirements_rest_on_each_other_in_any_order() {
    let chain: Vec<RequirementDefinition> = (0..20)
        .map(|at| RequirementDefinition::equal(&format!("{{header:N{at}}}"), &format!("{{header:N{}}}", at + 1)))
        .rev()
        .collect();
    let with = |key: &str| {
        let replay = replay(Some(key), Some(60));
        Scheme::compile(&Definition { require: chain.clone(), replay, ..definition("{header:N0}") }).is_ok()
    };
    assert!(with("{header:N20}"));
    assert!(!with("{header:N21}"));
}

#[test]
fn only_streamed_bytes_may_be_spooled() {
    let need = |message: &str| scheme(&definition(message)).body_need();
    assert_eq!(need("{path}"), BodyNeed::Unneeded);
    assert_eq!(need("{path}\n{body}"), BodyNeed::Bytes);
    assert_eq!(need("{body|sha512|base64}"), BodyNeed::Bytes);
    assert_eq!(need("{body|hex}"), BodyNeed::Parsed);
    assert_eq!(need("{form:a}"), BodyNeed::Parsed);
    let compared = RequirementDefinition::equal("{body}", "{header:B}");
    assert_eq!(scheme(&Definition { require: vec![compared], ..definition("{path}") }).body_need(), BodyNeed::Parsed);
}

#[test]
fn what_is_written_holds_the_signature() {
    let emit = strings(&[("S", "{signature}")]);
    let query = Definition { signature: signature("{query:s}"), emit: emit.clone(), ..definition("{path}") };
    assert_eq!(one(&query).1, "`emit` does not write the signature's parameter `?s`");
    let body = Definition { signature: signature("{form:s}"), emit: emit.clone(), ..definition("{path}") };
    assert_eq!(one(&body).1, "a signature in a body cannot be written");
    let elsewhere = Definition { emit, ..definition("{path}") };
    assert_eq!(one(&elsewhere).1, "`emit` does not write the signature's header `X-Signature`");
    let now = Definition { emit: strings(&[("X-Signature", "{signature} {now}")]), ..definition("{path}") };
    assert_eq!(one(&now).1, "there is no timestamp whose format `now` could have");
}

fn tuya_like(message: &str) -> Definition {
    Definition {
        key_id: Some("{header:client_id}".to_owned()),
        values: texts(&[
            ("time", "{header:t|match:\"[0-9]{13}\"}"),
            ("session", "{header:access_token|default:\"\"}{time}{header:nonce|default:\"\"}"),
        ]),
        timestamp: Some(TimestampDefinition { formats: vec![TimestampFormat::UnixMillis], ..timestamp("{time}", 300) }),
        replay: replay(None, None),
        ..definition(message)
    }
}

#[test]
fn an_id_that_touches_another_value_is_not_signed_for_a_shared_key() {
    let fault = |message: &str| scheme(&tuya_like(message)).fault_with_shared_keys().map(|fault| fault.message);
    let touching = fault("{header:client_id}{session}{method|upper}\n{path}").unwrap();
    assert!(touching.starts_with("the message does not tell the key id from what stands beside it"), "{touching}");
    assert!(fault("{key_id}{session}\n").is_some());
    assert!(fault("{session}{key_id}\n").is_some());
    // The literal may stand within a named value.
    assert_eq!(fault("{key_id}\n{session}"), None);
    assert_eq!(fault("{key_id}{time}"), None);
    assert_eq!(fault("{time}\n{path|sha256|hex}{key_id}"), None);
}

/// A captured request of `dev10` without a token, sent again as `dev1` with the token `0`.
#[test]
fn one_message_speaks_for_two_ids_where_nothing_separates_them() {
    let definition = tuya_like("{header:client_id}{session}{method|upper}\n{path}");
    let one = |id: &str, token: &str| {
        let request = Request::new("GET", "/").header("client_id", id).header("access_token", token);
        message(&definition, &request.header("t", &NOW.to_string())).unwrap()
    };
    assert_eq!(one("dev10", ""), one("dev1", "0"));
    assert!(scheme(&definition).fault_with_shared_keys().is_some());
}

#[test]
fn a_replay_key_that_touches_another_value_is_refused() {
    let refused = |message: &str, key: &str| {
        let definition = Definition { replay: replay(Some(key), Some(60)), ..definition(message) };
        Scheme::compile(&definition).err().map(|faults| (faults[0].field, faults[0].message.clone()))
    };
    let (field, message) = refused("{header:N}{body}", "{header:N}").unwrap();
    assert_eq!(field, "replay");
    assert!(message.starts_with("the message does not tell this from what stands beside it"), "{message}");
    assert!(refused("{path}{header:N}", "{header:N}").is_some());
    assert_eq!(refused("{header:N}\n{body}", "{header:N}"), None);
    assert_eq!(refused("{header:N|match:\"[0-9a-f]{16}\"}{body}", "{header:N}"), None);
    assert_eq!(refused("{header:N}{body|sha256|hex}", "{header:N}"), None);
}

#[test]
fn a_time_that_touches_another_value_is_read_in_a_certain_shape() {
    let with = |message: &str, from: &str| {
        let definition = Definition { timestamp: Some(timestamp(from, 60)), ..definition(message) };
        Scheme::compile(&definition).err().map(|faults| (faults[0].field, faults[0].message.clone()))
    };
    let touching = "the message does not tell the timestamp from what stands beside it";
    assert_eq!(with("{header:T}{body}", "{header:T}"), Some(("timestamp.from", touching.to_owned())));
    assert_eq!(with("{query}{body}", "{query:t}"), Some(("timestamp.from", touching.to_owned())));
    assert_eq!(with("{query}{body}", "{query:t|match:\"[0-9]{10}\"}"), None);
    assert_eq!(with("{header:T}\n{body}", "{header:T}"), None);
    let open = TimestampDefinition { future: None, ..timestamp("{header:T|match:\"[0-9]{10}\"}", 60) };
    let open = |message: &str| Definition { timestamp: Some(open.clone()), ..definition(message) };
    assert!(one(&open("{header:A}{header:T}{body}")).1.starts_with("without a window the timestamp must not move"));
    scheme(&open("{header:A}\n{header:T}{body}"));
    assert!(with("{header:A}{body}", "{header:T|match:\"[0-9]{10}\"}").unwrap().1.contains("not part of the message"));
}

/// The replay key is read in the very shape that moves: an id `dev` with the nonce `00…0a` and one `dev0` with `0…0aX`.
#[test]
fn bytes_move_through_what_is_fixed_between_two_open_values() {
    let definition = |message: &str| Definition {
        key_id: Some("{header:Id}".to_owned()),
        replay: replay(Some("{header:N}"), Some(60)),
        ..definition(message)
    };
    let nonce = "{header:N|match:\"[0-9a-f]{4}\"}";
    let open = definition(&format!("{{key_id}}{nonce}{{body}}"));
    let one = |id: &str, nonce: &str, body: &str| {
        let request = Request::new("POST", "/").header("Id", id).header("N", nonce).body(body);
        message(&Definition { replay: None, ..open.clone() }, &request).unwrap()
    };
    assert_eq!(one("dev", "00aa", "bb"), one("dev0", "0aab", "b"));
    assert_eq!(fields(&open), ["replay"]);
    let loose = Definition { replay: None, ..open };
    assert!(scheme(&loose).fault_with_shared_keys().is_some());
    assert_eq!(scheme(&loose).coverage().unsigned(), ["method", "path", "query", "authority", "body"]);
    for told in [format!("{{key_id}}\n{nonce}{{body}}"), format!("{{body|sha256|hex}}{{key_id}}{nonce}")] {
        let scheme = scheme(&definition(&told));
        assert_eq!(scheme.fault_with_shared_keys(), None, "{told}");
        assert!(scheme.coverage().body, "{told}");
    }
}

#[test]
fn a_claim_is_as_it_was_judged_and_so_a_literal_can_separate_it() {
    let timed = |message: &str| Definition { timestamp: Some(timestamp("{header:T}", 60)), ..definition(message) };
    assert!(scheme(&timed("{header:T}.{body}")).coverage().body);
    assert!(scheme(&timed("v0:{header:T}:{body}")).coverage().body);
    // One of these is a time, and the other only looks like one.
    assert_eq!(one(&timed("{header:U}.{header:T}.{body}")).0, "timestamp.from");
    // An id has no spaces; other headers may.
    let named = |message: &str| Definition { key_id: Some("{header:Id}".to_owned()), ..definition(message) };
    assert!(scheme(&named("{header:Id} {body}")).coverage().body);
    assert!(!scheme(&named("{header:Other} {body}")).coverage().body);
}

#[test]
fn a_digest_is_a_text_of_its_own() {
    let with = |inner: &str, replayed: &str| {
        let values = texts(&[("inner", inner)]);
        let replay = replay(Some(replayed), Some(60));
        Scheme::compile(&Definition { values, replay, ..definition("{path}\n{inner|sha256|hex}") }).is_ok()
    };
    assert!(with("{header:N}\n{body}", "{header:N}"));
    assert!(!with("{header:N}{body}", "{header:N}"));
    assert!(!with("{header:N}:{body}", "{header:N}"));
    let lowered = |inner: &str, filter: &str| {
        let values = texts(&[("inner", inner)]);
        let replay = replay(Some("{header:N|lower}"), Some(60));
        Scheme::compile(&Definition { values, replay, ..definition(&format!("{{inner|{filter}}}")) }).is_ok()
    };
    assert!(lowered("{header:N}\n{body}", "lower"));
    // A letter that tells them apart is none once the case is gone.
    assert!(!lowered("{header:N|match:\"[a-z]*\"}X{body}", "lower"));
    assert!(!lowered("{header:N}\n{body}", "lower|squeeze"));
    let alike = |filters: &str| {
        let values = texts(&[("inner", "{header:N}\n{body}")]);
        let replay = replay(Some(&format!("{{header:N|{filters}}}")), Some(60));
        Scheme::compile(&Definition { values, replay, ..definition(&format!("{{inner|{filters}}}")) }).is_ok()
    };
    assert!(alike("percent_encode|prefix:\"x\"|lower"));
    assert!(alike("sha256|hex|upper"));
    // In base64 `a` and `A` are other bytes, and these may be the ones between two values.
    assert!(!alike("base64|lower"));
    assert!(!alike("sha256|base64url|prefix:\"x\"|upper"));
}

#[test]
fn one_choice_must_not_read_like_the_other() {
    let covered = |then: &str, otherwise: &str| {
        let choice = ValueDefinition::Choice {
            condition: "{header:A}".to_owned(),
            test: TestDefinition::Present,
            then: then.to_owned(),
            otherwise: otherwise.to_owned(),
        };
        let values = vec![("v".to_owned(), choice)];
        scheme(&Definition { values, ..definition("{v}") }).coverage().body
    };
    assert!(covered("1{body}", "2{body}"));
    assert!(!covered("{body}", "x{body}"));
    assert!(covered("{method}\n{body}", "{path}\n{body}"));
}

/// Whether a scheme compiles whose replay key is a header that must be listed, each line written as `each`.
fn remembers_a_listed_header(each: &str, message: &str) -> bool {
    let lines = HeadersDefinition {
        each: each.to_owned(),
        join: String::new(),
        covers: vec!["n".to_owned()],
        ..HeadersDefinition::new("{header:Listed}", ";")
    };
    let values = vec![("lines".to_owned(), ValueDefinition::Headers(lines))];
    let definition = Definition { values, replay: replay(Some("{header:n}"), Some(60)), ..definition(message) };
    Scheme::compile(&definition).is_ok()
}

#[test]
fn lines_that_run_together_fix_no_header() {
    assert!(remembers_a_listed_header("{name}:{value}\n", "{lines}"));
    assert!(!remembers_a_listed_header("{name}:{value}", "{lines}"));
}

#[test]
fn a_line_fixes_a_header_only_where_it_says_whose_it_is() {
    let remembers = |each: &str, join: &str, listed: &str| {
        let lines = HeadersDefinition {
            each: each.to_owned(),
            join: join.to_owned(),
            covers: vec!["n".to_owned()],
            ..HeadersDefinition::new(listed, ";")
        };
        let values = vec![("lines".to_owned(), ValueDefinition::Headers(lines))];
        let definition = Definition { values, replay: replay(Some("{header:n}"), Some(60)), ..definition("{lines}") };
        Scheme::compile(&definition).is_ok()
    };
    let listed = "{header:Listed}";
    assert!(remembers("{name}: {value}", "\n", listed));
    // A value may hold what stands between lines, or between name and value what a name may hold.
    assert!(!remembers("{name}: {value}", "; ", listed));
    assert!(!remembers("{name}-{value}", "\n", listed));
    // `x-date;n` and `n;x-date` would be one text.
    assert!(!remembers("{value}", "\n", listed));
    assert!(remembers("{value}", "\n", "m;n"));
    assert!(!remembers("{name|first:1}:{value}", "\n", listed));
}

#[test]
fn lines_that_each_end_in_a_literal_touch_nothing_behind_them() {
    assert!(remembers_a_listed_header("{name}:{value}\n", "{method}\n{lines}{path}"));
    assert!(!remembers_a_listed_header("{name}:{value}", "{method}\n{lines}{path}"));
    assert!(remembers_a_listed_header("\n{name}:{value}", "{method}{lines}\n{path}"));
}

#[test]
fn what_touches_another_value_is_not_covered() {
    let coverage = |message: &str| scheme(&definition(message)).coverage();
    assert_eq!(
        coverage("{url}{body}").to_string(),
        "signs authority; signs path, query, body but not where they begin and end; does not sign method"
    );
    assert_eq!(coverage("{url}{body}").unsigned(), ["method", "path", "query", "body"]);
    assert_eq!(coverage("{method}{target}{body}").touching, ["path", "query", "body"]);
    assert_eq!(coverage("{header:T}{url}").touching, ["path", "query", "authority"]);
    assert!(coverage("{url}\n{body}").touching.is_empty());
    assert!(coverage("{host}{path}").touching.is_empty());
    assert_eq!(coverage("{method}{path|percent_decode}").touching, ["method"]);
    assert!(coverage("{url}{body|sha256|hex}").body);
}
