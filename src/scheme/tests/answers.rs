//! Signed answers: what their signature is over, and what it refuses to be made of.

use super::*;

fn form(message: &str, emit: &[(&str, &str)]) -> Definition {
    let answer = AnswerDefinition { message: message.to_owned(), emit: strings(emit) };
    Definition { answer: Some(answer), ..definition("{path}") }
}

fn answer_of<'a>(request: &'a Request, headers: &'a Request, body: &'a [u8]) -> AnswerView<'a> {
    AnswerView { request: request.view(), status: 201, headers, body: Body::Memory(body) }
}

fn signed(
    definition: &Definition,
    request: &Request,
    headers: &Request,
    body: &[u8],
) -> Result<Vec<(String, String)>, Failure> {
    scheme(definition).sign_answer(&answer_of(request, headers, body), &key("k"), Some("id-1"), NOW, "n")
}

fn hex_mac(message: &str) -> String {
    let mut mac = mac::Mac::new(Algorithm::HmacSha256, b"k").unwrap();
    mac.update(message.as_bytes());
    mac.finish().encode(Encoding::Hex)
}

fn told(definition: &Definition) -> String {
    faults(definition).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_answer_is_signed_over_itself_and_the_head_of_its_request() {
    let message = "{status}|{header:ETag}|{request_header:ETag}|{method}|{target}|{key_id}|{now}|{body}";
    let definition = form(message, &[("X-Answer", "id={key_id}, at={now}, s={signature}")]);
    let request = Request::new("GET", "/a?b").header("ETag", "of the request");
    let headers = Request::new("GET", "/").header("ETag", "of the answer");
    let signature = hex_mac(&format!("201|of the answer|of the request|GET|/a?b|id-1|{}|body", NOW / 1000));
    let fields = signed(&definition, &request, &headers, b"body").unwrap();
    assert_eq!(fields, [("X-Answer".to_owned(), format!("id=id-1, at={}, s={signature}", NOW / 1000))]);
}

#[test]
fn the_time_has_the_form_that_the_scheme_s_requests_have() {
    let definition = Definition {
        timestamp: Some(TimestampDefinition {
            from: Some("{header:T}".to_owned()),
            formats: vec![TimestampFormat::UnixMillis],
            ..TimestampDefinition::default()
        }),
        ..form("{now}:{status}:{body}:{request_header:N}", &[("T", "{now}"), ("S", "{signature}")])
    };
    let definition = Definition { message: "{header:T}".to_owned(), ..definition };
    let request = Request::new("GET", "/").header("N", "n");
    let fields = signed(&definition, &request, &request, b"").unwrap();
    assert_eq!(fields[0].1, NOW.to_string());
    assert_eq!(fields[1].1, hex_mac(&format!("{NOW}:201::n")));
}

#[test]
fn whether_a_request_can_have_a_signed_answer_is_known_before_there_is_one() {
    let scheme = scheme(&form(
        "{request_header:N}:{header:ETag}:{status}:{body}:{query:a|default:\"\"}",
        &[("S", "{signature} {request_header:M}")],
    ));
    let with = |names: &[&str]| {
        let request = names.iter().fold(Request::new("GET", "/"), |request, name| request.header(name, "1"));
        scheme.is_answerable(&request.view())
    };
    assert_eq!(with(&["N", "M"]), Ok(()));
    assert!(matches!(with(&["N"]), Err(Failure::Unreadable { place, .. }) if place == "request_header:M"));
    assert!(matches!(with(&["M"]), Err(Failure::Unreadable { place, .. }) if place == "request_header:N"));
}

#[test]
fn only_a_form_that_reads_the_body_needs_it() {
    let need = |message: &str| scheme(&form(message, &[("S", "{signature}")])).answer_need();
    assert_eq!(need("{status}"), BodyNeed::Unneeded);
    assert_eq!(need("{status}{body|sha256|hex}"), BodyNeed::Bytes);
    assert_eq!(need("{status}:{body}"), BodyNeed::Bytes);
    assert_eq!(need("{body|lower}"), BodyNeed::Parsed);
    assert_eq!(scheme(&definition("{path}")).answer_need(), BodyNeed::Unneeded);
}

#[test]
fn what_cannot_be_signed_is_said_when_it_is_compiled() {
    for (message, emit, told_of) in [
        ("{statu}", [("S", "{signature}")].as_slice(), "answer.message: there is no source `statu`"),
        ("{json:/a}", &[("S", "{signature}")], "`json` cannot be used in this place"),
        ("{signature}", &[("S", "{signature}")], "`signature` cannot be used in this place"),
        ("the same", &[("S", "{signature}")], "answer.message: the message is the same for every answer"),
        ("{status}", &[("S", "{now}")], "answer.emit: no header holds the `{signature}`"),
        ("{status}", &[], "answer.emit: no header holds the `{signature}`"),
        ("{status}", &[("S", "{signature}"), ("a b", "x")], "answer.emit[1]: not a header name"),
        ("{status}", &[("S", "{signature|sha256}")], "answer.emit[0]: a digest's raw bytes cannot stand in text"),
    ] {
        let told = told(&form(message, emit));
        assert!(told.contains(told_of) && !told.contains('\n'), "{message}: {told}");
    }
    assert!(told(&definition("{status}")).contains("`status` cannot be used in this place"));
}

#[test]
fn what_an_answer_leaves_open_is_warned_of() {
    let warned = |message: &str| {
        let definition =
            Definition { message: "{path} {header:N}".to_owned(), ..form(message, &[("S", "{signature}")]) };
        let scheme = scheme(&definition);
        let of_answer = scheme.warnings().iter().filter(|fault| fault.field == "answer");
        of_answer.map(|fault| fault.message.clone()).collect::<Vec<_>>()
    };
    assert_eq!(warned("a:{request_header:n}:{status}:{body|sha256|hex}"), Vec::<String>::new());
    assert_eq!(warned("a:{method}").len(), 3);
    let unsigned = "the request does not sign `M`, so anyone on the way chooses what answers sign";
    assert_eq!(warned("a:{request_header:M}:{status}:{body}"), [unsigned]);
    assert_eq!(warned("{status}:{request_header:N}:{body}"), ["what an answer signs could be what a request signs"]);
}

#[test]
fn nothing_that_could_end_a_header_is_written_into_one() {
    let definition = form("{status}:{body}:{request_header:N}", &[("S", "{request_header:N} {signature}")]);
    let request = Request::new("GET", "/").header("N", "a\r\nX: b");
    assert!(matches!(
        signed(&definition, &request, &request, b""),
        Err(Failure::Unreadable { why: Why::Unwritable, .. })
    ));
}

#[test]
fn a_scheme_without_a_form_and_a_key_that_only_verifies_sign_no_answer() {
    let request = Request::new("GET", "/");
    assert_eq!(signed(&definition("{path}"), &request, &request, b""), Err(Failure::NotEmitted));
    let mut ed25519 = form("{status}", &[("S", "{signature}")]);
    ed25519.signature.algorithm = AlgorithmDefinition::Fixed(Algorithm::Ed25519);
    let scheme = scheme(&ed25519);
    let public = scheme.key_recipe().verifying(&Secret::new(vec![7; 32])).unwrap();
    let answer = answer_of(&request, &request, b"");
    assert_eq!(scheme.sign_answer(&answer, &public, None, NOW, "n"), Err(Failure::NotSigning));
    let private = scheme.key_recipe().signing(&Secret::new(vec![7; 32])).unwrap();
    assert!(scheme.sign_answer(&answer, &private, None, NOW, "n").is_ok());
}

#[test]
fn a_challenge_is_answered_with_the_key_s_hmac() {
    assert_eq!(key("k").challenge_response(b"token"), Some(hex_mac("token")));
    let recipe = key::KeyRecipe::new([Algorithm::HmacSha512], None);
    assert_eq!(recipe.verifying(&Secret::new(b"k".to_vec())).unwrap().challenge_response(b"token"), None);
}
