//! Signed answers (section 2.4).

use super::{
    base::signature_base,
    value::{FieldTypes, Message},
    *,
};

fn answer() -> Text {
    Text::new("HTTP/1.1 200\nContent-Type: application/json\n\n{\"busy\": false}")
}

fn covering_in_answers(names: &[&str]) -> MessageSignaturesDefinition {
    MessageSignaturesDefinition { answer: names.iter().map(|name| (*name).to_owned()).collect(), ..hmac() }
}

fn signed_answer(scheme: &Scheme, answer: &Text, request: &Text) -> Result<Text, Failure> {
    let headers = scheme.sign_answer(&answer.answer(request), &hmac_key("k"), Some("gw"), NOW, "n")?;
    Ok(answer.clone().signed(Emitted { headers, target: None }))
}

/// Checks the only signature of `answer` as its receiver would, and gives its base.
fn base_verified_by_its_receiver(answer: &Text, request: &Text) -> String {
    let input = input::read(answer, &input::Choice::Only).unwrap();
    let view = answer.answer(request);
    let message = Message::Answer(&view);
    let base = signature_base(&input.components, &input.parameters, message, &FieldTypes::new()).unwrap();
    assert!(hmac_key("k").accepts(Algorithm::HmacSha256, base.as_bytes(), &input.signature.0));
    assert_eq!(digest::check(answer, &view.body), Ok(()));
    base
}

#[test]
fn an_answer_is_signed_with_its_status_its_body_and_the_request_it_answers() {
    let (scheme, request) = (scheme(&hmac()), request());
    let answer = signed_answer(&scheme, &answer(), &request).unwrap();
    let base = base_verified_by_its_receiver(&answer, &request);
    let lines: Vec<&str> = base.lines().collect();
    assert_eq!(lines[0], "\"@status\": 200");
    assert_eq!(lines[2..4], ["\"@method\";req: POST", "\"@target-uri\";req: https://example.com/lamp?on=1"]);
    assert!(lines[4].ends_with(";created=1714485600;keyid=\"gw\""), "{base}");
    assert_eq!(
        (scheme.answer_headers(), scheme.answer_need()),
        (vec!["Content-Digest", "Signature-Input", "Signature"], BodyNeed::Bytes)
    );
}

#[test]
fn an_answer_can_be_bound_to_the_requests_own_signature() {
    let names = [
        "@status",
        "content-digest",
        "content-type",
        "content-length",
        "\"signature\";req;key=\"sig1\"",
        "\"content-digest\";req",
    ];
    let scheme = scheme(&covering_in_answers(&names));
    let request = signed(&scheme, request());
    assert_eq!(scheme.is_answerable(&request.view()), Ok(()));
    let answer = signed_answer(&scheme, &answer(), &request).unwrap();
    let base = base_verified_by_its_receiver(&answer, &request);
    let signature = request.header("signature").replace("sig1=", "\"signature\";req;key=\"sig1\": ");
    assert!(base.contains(&signature), "{base}");
    // A length that the answer does not say cannot be covered.
    assert!(base.contains("\"content-type\"") && !base.contains("content-length"), "{base}");
    // Whether it can be is known before anything is done for the request.
    let unsigned = super::request();
    assert!(matches!(scheme.is_answerable(&unsigned.view()), Err(Failure::Unreadable { .. })));
    assert!(matches!(signed_answer(&scheme, &answer, &unsigned), Err(Failure::Unreadable { .. })));
}

#[test]
fn an_answer_whose_body_is_not_there_is_not_signed_as_if_it_had_none() {
    let (scheme, request, text) = (scheme(&hmac()), request(), answer());
    let unread = AnswerView { body: Body::Unread, ..text.answer(&request) };
    assert!(scheme.sign_answer(&unread, &hmac_key("k"), None, NOW, "n").is_err());
    let none = AnswerView { body: Body::Memory(b""), ..text.answer(&request) };
    let headers = scheme.sign_answer(&none, &hmac_key("k"), None, NOW, "n").unwrap();
    assert!(headers.iter().all(|(name, _)| name != "Content-Digest"));
}
