//! An upstream that answers what it received, as JSON: the same fields a real one would get.

use serde_json::{Map, Value, json};

use super::{Dress, Failure, Forwarder, headers, signing::Outgoing};
use crate::{
    http1::encode,
    message::{Body, BodyError, Response},
    policy::Admitted,
};

/// Bytes of a body that are shown.
const SHOWN: usize = 64 * 1024;

/// The answer, after the whole body was read.
pub(super) async fn answer(
    dress: &Dress,
    forwarder: &Forwarder,
    mut permit: Admitted<'_>,
) -> Result<Box<Response>, Failure> {
    let mut lines = Vec::new();
    headers::write_passed_on(dress, &permit, &mut lines);
    headers::write_added(dress, &permit, &mut lines)?;
    if let Some(assertion) = &dress.assertion
        && let Some(token) = assertion.token(&permit, &forwarder.assertions).await?
    {
        assertion.write(&token, &mut lines);
    }
    let mut target = headers::target(dress, &permit).into_owned();
    if let Some(signing) = &dress.sign {
        signing.hold(&mut permit, &forwarder.deadlines).await?;
        let authority = permit.head().authority().to_owned();
        encode::line(&mut lines, b"Host", authority.as_bytes());
        let outgoing = Outgoing { method: permit.head().method().to_owned(), target, scheme: "http", authority, lines };
        let (outgoing, emitted) = signing.sign(outgoing, permit.body()).await?;
        (target, lines) = (emitted.target.unwrap_or(outgoing.target), outgoing.lines);
        emitted.headers.iter().for_each(|(name, value)| encode::field(&mut lines, name, value.as_bytes()));
    }
    let fields = shown(&lines);
    let mut answer = json!({
        "method": permit.head().method(),
        "target": target,
        "host": permit.head().authority(),
        "headers": fields,
    });
    let (body, length) = read(permit.into_body()).await?;
    if let Value::Object(answer) = &mut answer {
        answer.insert("body_bytes".to_owned(), json!(length));
        match String::from_utf8(body) {
            Ok(text) => answer.insert("body".to_owned(), Value::String(text)),
            Err(bytes) => answer.insert("body_hex".to_owned(), Value::String(hex::encode(bytes.as_bytes()))),
        };
    }
    let mut text = serde_json::to_vec_pretty(&answer).unwrap_or_default();
    text.push(b'\n');
    Ok(Box::new(Response::own(200, "application/json", text)))
}

/// Field lines as JSON. A field that comes twice is shown as a list.
fn shown(lines: &[u8]) -> Map<String, Value> {
    let mut fields = Map::new();
    for line in String::from_utf8_lossy(lines).split("\r\n") {
        let Some((name, value)) = line.split_once(": ") else { continue };
        match fields.entry(name.to_ascii_lowercase()) {
            serde_json::map::Entry::Vacant(entry) => {
                entry.insert(Value::String(value.to_owned()));
            }
            serde_json::map::Entry::Occupied(mut entry) => match entry.get_mut() {
                Value::Array(values) => values.push(Value::String(value.to_owned())),
                single => *single = json!([single.take(), value]),
            },
        }
    }
    fields
}

async fn read(mut body: Body) -> Result<(Vec<u8>, usize), BodyError> {
    let (mut shown, mut length) = (Vec::new(), 0_usize);
    while let Some(piece) = body.next().await.transpose()? {
        length = length.saturating_add(piece.len());
        let room = SHOWN.saturating_sub(shown.len());
        shown.extend_from_slice(piece.get(..room.min(piece.len())).unwrap_or_default());
    }
    Ok((shown, length))
}
