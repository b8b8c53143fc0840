//! What a strict reader of RFC 9112 makes of the bytes an upstream received, and every oddity it sees in them.
//!
//! Shares no code with the gateway, so that neither hides the other's mistakes.

/// One request, whole or cut off. Text is the bytes as Latin-1, so that nothing is lost.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether it came to its end.
    pub(crate) complete: bool,
    /// What no gateway should ever send.
    pub(crate) oddities: Vec<String>,
}

impl Seen {
    /// The values of a field, in order.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// Every request in `bytes`; what is left over and is no request's head counts as an incomplete one.
pub(crate) fn requests(mut bytes: &[u8]) -> Vec<Seen> {
    let mut seen = Vec::new();
    while !bytes.is_empty() {
        let Some((head, rest)) = split(bytes, b"\r\n\r\n") else {
            if !bytes.trim_ascii().is_empty() {
                seen.push(Seen { oddities: vec!["unparsed".to_owned()], ..Seen::default() });
            }
            break;
        };
        let mut request = read_head(head);
        bytes = read_body(&mut request, rest);
        seen.push(request);
    }
    seen
}

fn read_head(head: &[u8]) -> Seen {
    let mut oddities = Vec::new();
    let mut lines = Vec::new();
    let mut rest = head;
    while let Some((line, after)) = split(rest, b"\r\n") {
        lines.push(line);
        rest = after;
    }
    lines.push(rest);
    let words: Vec<&[u8]> = lines[0].split(|byte| *byte == b' ').collect();
    if words.len() != 3 || !is_token(words[0]) || !matches!(words[2], b"HTTP/1.1" | b"HTTP/1.0") {
        oddities.push("request-line".to_owned());
    }
    if lines.iter().any(|line| line.contains(&b'\r') || line.contains(&b'\n')) {
        oddities.push("bare-cr-lf".to_owned());
    }
    if head.contains(&0) {
        oddities.push("nul".to_owned());
    }
    let mut fields = Vec::new();
    for line in &lines[1..] {
        let (name, value) = split(line, b":").unwrap_or_else(|| {
            oddities.push(format!("header:{}", latin1(line)));
            (line, b"")
        });
        if !is_token(name) {
            oddities.push(format!("header:{}", latin1(line)));
        }
        fields
            .push((latin1(name).to_lowercase().trim().to_owned(), latin1(value).trim_matches([' ', '\t']).to_owned()));
    }
    let text = |index: usize| words.get(index).map(|word| latin1(word)).unwrap_or_default();
    let mut seen = Seen { method: text(0), target: text(1), fields, complete: true, ..Seen::default() };
    framing_oddities(&seen, &mut oddities);
    seen.oddities = oddities;
    seen
}

fn framing_oddities(seen: &Seen, oddities: &mut Vec<String>) {
    let lengths = seen.values("content-length");
    let codings = seen.values("transfer-encoding");
    let mut note = |wrong: bool, what: &str| {
        if wrong {
            oddities.push(what.to_owned());
        }
    };
    note(lengths.len() > 1, "dup-cl");
    note(lengths.iter().any(|length| !is_digits(length)), "bad-cl");
    note(!codings.is_empty() && !lengths.is_empty(), "cl+te");
    note(codings.len() > 1 || codings.first().is_some_and(|coding| !coding.eq_ignore_ascii_case("chunked")), "bad-te");
    note(seen.values("host").len() > 1, "dup-host");
}

/// Reads the body off `rest` and gives what follows it; Transfer-Encoding wins over Content-Length.
fn read_body<'b>(seen: &mut Seen, rest: &'b [u8]) -> &'b [u8] {
    let chunked =
        seen.values("transfer-encoding").last().is_some_and(|coding| coding.to_lowercase().ends_with("chunked"));
    if chunked {
        let after = read_chunks(seen, rest);
        seen.complete = after.is_some();
        return after.unwrap_or_default();
    }
    let length = seen.values("content-length").last().filter(|length| is_digits(length)).copied();
    let length = length.map_or(0, |length| length.parse().unwrap_or(usize::MAX));
    seen.complete = rest.len() >= length;
    let (body, after) = rest.split_at(length.min(rest.len()));
    seen.body = body.to_vec();
    after
}

/// `None` where the body is cut off or broken.
fn read_chunks<'b>(seen: &mut Seen, mut rest: &'b [u8]) -> Option<&'b [u8]> {
    loop {
        let (line, after) = split(rest, b"\r\n")?;
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits == 0 {
            seen.oddities.push("bad-chunk-size".to_owned());
            return None;
        }
        if digits != line.len() {
            seen.oddities.push("chunk-ext-forwarded".to_owned());
        }
        let size = usize::from_str_radix(&latin1(&line[..digits]), 16).ok()?;
        if size == 0 {
            return after_trailers(after);
        }
        let data = after.get(..size);
        seen.body.extend_from_slice(data.unwrap_or(after));
        let end = after.get(size..size.checked_add(2)?)?;
        if end != b"\r\n" {
            seen.oddities.push("bad-chunk-crlf".to_owned());
            return None;
        }
        rest = &after[size + 2..];
    }
}

fn after_trailers(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (line, after) = split(rest, b"\r\n")?;
        if line.is_empty() {
            return Some(after);
        }
        rest = after;
    }
}

fn split<'b>(bytes: &'b [u8], at: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let index = bytes.windows(at.len()).position(|window| window == at)?;
    Some((&bytes[..index], &bytes[index + at.len()..]))
}

fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[test]
fn requests_are_told_apart_by_their_framing() {
    let seen = requests(b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nokGET /b HTTP/1.1\r\n\r\nPUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
    let targets: Vec<_> = seen.iter().map(|request| (request.target.as_str(), request.body.as_slice())).collect();
    assert_eq!(targets, [("/a", &b"ok"[..]), ("/b", b""), ("/c", b"x")]);
    assert!(seen.iter().all(|request| request.complete && request.oddities.is_empty()));
}

#[test]
fn what_no_gateway_should_send_is_noticed() {
    let seen = requests(
        b"GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\nTransfer-Encoding: ,chunked\r\nContent-Length: 1\r\n\r\nzz\r\n",
    );
    assert_eq!(seen[0].oddities, ["cl+te", "bad-te", "dup-host", "bad-chunk-size"]);
    assert!(!seen[0].complete);
}
