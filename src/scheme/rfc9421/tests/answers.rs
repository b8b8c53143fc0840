//! Signed answers (section 2.4).

use super::{
    base::signature_base,
    value::{FieldTypes, Message},
    *,
};

fn answer() -> Text {
    Text::new("HTTP/1.1 200\nContent-Type: application/json\n\n{\"busy\": false}")
}

fn signed_answer(
    scheme: &Scheme,
    answer: Answer<'_>,
    request: &Text,
    key_id: Option<&str>,
) -> Result<Emitted, Failure> {
    let Answer { status, headers, body } = answer;
    let view = AnswerView { request: request.view(), status, headers, body };
    let headers = scheme.sign_answer(&view, &hmac_key("k"), key_id, NOW, "n")?;
    Ok(Emitted { headers, target: None })
}

/// Checks the only signature of `answer` as its receiver would, and gives its base.
fn base_verified_by_its_receiver(answer: &Text, request: &Text) -> String {
    let input = input::read(answer, &input::Choice::Only).unwrap();
    let message = Message::Answer { answer: &answer.answer(), request: &request.view() };
    let base = signature_base(&input.components, &input.parameters, message, &FieldTypes::new()).unwrap();
    assert!(hmac_key("k").accepts(Algorithm::HmacSha256, base.as_bytes(), &input.signature.0));
    assert_eq!(digest::check(answer, &answer.answer().body), Ok(()));
    base
}

#[test]
fn an_answer_is_signed_with_its_status_its_body_and_the_request_it_answers() {
    let scheme = scheme(&hmac());
    let request = request();
    let emitted = signed_answer(&scheme, answer().answer(), &request, Some("gw")).unwrap();
    let answer = answer().signed(emitted);
    let base = base_verified_by_its_receiver(&answer, &request);
    let lines: Vec<&str> = base.lines().collect();
    assert_eq!(lines[0], "\"@status\": 200");
    assert_eq!(lines[2..4], ["\"@method\";req: POST", "\"@target-uri\";req: https://example.com/lamp?on=1"]);
}

#[test]
fn an_answer_can_be_bound_to_the_requests_own_signature() {
    let names =
        ["@status", "content-type", "content-length", "\"signature\";req;key=\"sig1\"", "\"content-digest\";req"];
    let definition = MessageSignaturesDefinition { answer: names.map(str::to_owned).to_vec(), ..hmac() };
    let scheme = scheme(&definition);
    let request = signed(&scheme, request());
    let answer = answer();
    let emitted = signed_answer(&scheme, answer.answer(), &request, None).unwrap();
    let answer =
        answer.with("Content-Digest", digest::write(&Body::Memory(b"{\"busy\": false}")).unwrap()).signed(emitted);
    let base = base_verified_by_its_receiver(&answer, &request);
    let signature = request.header("signature").replace("sig1=", "\"signature\";req;key=\"sig1\": ");
    assert!(base.contains(&signature), "{base}");
    // A length that the answer does not say cannot be covered.
    assert!(base.contains("\"content-type\"") && !base.contains("content-length"), "{base}");
    let unsigned = super::request();
    let unbound = signed_answer(&scheme, answer.answer(), &unsigned, None);
    assert!(matches!(unbound, Err(Failure::Unreadable { .. })), "{unbound:?}");
}

#[test]
fn an_answer_whose_body_is_not_there_is_not_signed_as_if_it_had_none() {
    let scheme = scheme(&hmac());
    let text = answer();
    let unread = Answer { body: Body::Unread, ..text.answer() };
    assert!(signed_answer(&scheme, unread, &request(), None).is_err());
}
