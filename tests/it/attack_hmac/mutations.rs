//! The cases that are one request each, or several that must fare alike.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha512;

use super::draft::{Draft, KEY_ID, NONCE, Request, SIGNATURE, TIMESTAMP, fresh_nonce, now};

/// Makes a request at the moment it is to be sent.
type Make = fn() -> Request;

/// The requests of a case; none where it is not one of these.
pub(super) fn of(id: &str) -> Vec<Make> {
    TABLE.iter().filter(|(known, _)| *known == id).map(|(_, make)| *make).collect()
}

/// The cases that are tried here.
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(id, _)| *id)
}

fn get() -> Draft {
    Draft::get("/hmac/a")
}

fn to(draft: &Draft, target: &str) -> Request {
    Request { target: target.to_owned(), ..draft.sign() }
}

fn alternating_case(text: &str) -> String {
    let shift = |(index, c): (usize, char)| if index % 2 == 0 { c.to_ascii_uppercase() } else { c };
    text.chars().enumerate().map(shift).collect()
}

/// The next letter of base64, which differs in the bits that a last letter leaves unused.
fn with_trailing_bits(text: &str) -> String {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut letters: Vec<char> = text.chars().collect();
    let last = letters.len() - 2; // before the one `=`
    let index = LETTERS.find(letters[last]).expect("a letter of base64");
    letters[last] = LETTERS.chars().nth(index + 1).expect("the last letter has two zero bits");
    letters.into_iter().collect()
}

fn base64() -> Request {
    Draft::get("/base64/a").sign_base64()
}

fn mac_of<M: Mac + KeyInit>(draft: &Draft) -> String {
    let mut mac = <M as KeyInit>::new_from_slice(draft.key.as_bytes()).expect("any length");
    mac.update(draft.message().as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

const TABLE: &[(&str, Make)] = &[
    ("M001", || get().sign()),
    ("M002", || Draft::post("hello").sign()),
    ("M003", || Request { chunk: Some(1), ..Draft::post("hello").sign() }),
    ("M004", || Draft::post("").sign()),
    ("M005", || Draft::post(vec![b'x'; 1 << 20]).sign()),
    ("M006", || Draft::post((0..=255).collect::<Vec<u8>>()).sign()),
    ("M009", || Request { body: b"hello!".to_vec(), ..Draft::post("hello").sign() }),
    ("M011", || Request { body: b"hello".to_vec(), ..get().sign() }),
    ("M013", || {
        let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcbH\xcd\xc9\xc9\x07\x00\x86\xa6\x106\x05\x00\x00\x00";
        Request { body: gzip.to_vec(), ..Draft::post("hello").sign() }.and("Content-Encoding", "gzip")
    }),
    ("M015", || Request { method: "DELETE", ..get().sign() }),
    ("M017", || to(&get(), "/hmac/b")),
    ("M019", || to(&get(), "/hmac/%61")),
    ("M021", || to(&get(), "/hmac//a")),
    ("M023", || to(&get(), "/hmac/a?admin=1")),
    ("M025", || to(&Draft::get("/hmac/a?a=1&b=2"), "/hmac/a?b=2&a=1")),
    ("M027", || to(&Draft::get("/hmac/a?q=a+b"), "/hmac/a?q=a%20b")),
    ("M029", || Request { host: "other.test", ..get().sign() }),
    ("M031", || get().sign().and(TIMESTAMP, &now().to_string())),
    ("M031", || get().sign().and(NONCE, &fresh_nonce())),
    ("M031", || get().sign().and(KEY_ID, "client-a")),
    ("M033", || get().sign().with(TIMESTAMP, |text| format!("{text}0")).with(NONCE, |text| text.replacen('n', "", 1))),
    ("M033", || {
        to(&Draft { timestamp: format!("{}", now()), ..Draft::get("/hmac/ab") }, "/hmac/a")
            .with(TIMESTAMP, |text| format!("b{text}"))
    }),
    ("M033", || get().sign().with(KEY_ID, |text| format!("{text}G"))),
    ("M037", || get().sign().with(SIGNATURE, alternating_case)),
    ("M037", || get().sign().with(SIGNATURE, str::to_uppercase)),
    ("M039", || get().sign().with(SIGNATURE, |text| format!("{text}="))),
    ("M039", || base64().with(SIGNATURE, |text| text.replace('=', ""))),
    ("M039", || base64().with(SIGNATURE, |text| format!("{text}="))),
    ("M041", || base64().with(SIGNATURE, with_trailing_bits)),
    ("M043", || get().sign().with(SIGNATURE, |text| text.chars().take(32).collect())),
    ("M045", || get().signed_as(String::new())),
    ("M047", || get().signed_as("a".repeat(10_000))),
    ("M049", || get().sign().and(SIGNATURE, &"00".repeat(32))),
    ("M049", || get().sign().led_by(SIGNATURE, &"00".repeat(32))),
    ("M049", || {
        let signed = get().sign();
        let again = signed.field(SIGNATURE).to_owned();
        signed.and(SIGNATURE, &again)
    }),
    ("M051", || Draft { key_id: "nobody", key: "", ..get() }.sign()),
    ("M051", || Draft { key_id: "", key: "", ..get() }.sign()),
    ("M053", || Draft { key_id: "client-b", key: "key-of-client-b-32-bytes-long-00", ..get() }.sign()),
    ("M057", || {
        let draft = get();
        draft.signed_as(mac_of::<Hmac<Sha1>>(&draft)).and("X-HMAC-Algorithm", "hmac-sha1")
    }),
    ("M059", || {
        let draft = get();
        draft.signed_as(mac_of::<Hmac<Sha512>>(&draft)).and("X-HMAC-Algorithm", "hmac-sha512")
    }),
    ("M061", || Draft::timed("").sign()),
    ("M062", || Draft::at(-298).sign()),
    ("M063", || Draft::at(-302).sign()),
    ("M064", || Draft::at(298).sign()),
    ("M065", || Draft::at(302).sign()),
    ("M067", || Draft::timed("0").sign()),
    ("M069", || Draft::timed("-9223372036854775808").sign()),
    ("M071", || Draft::timed("18446744073709551615").sign()),
    ("M071", || Draft::timed("100000000000000000000").sign()),
    ("M073", || Draft::timed(&format!("{}.5", now())).sign()),
    ("M075", || Draft::timed(&format!("{:#x}", now())).sign()),
    ("M077", || Draft::timed(&format!("000{}", now())).sign()),
    ("M079", || Draft::timed(&format!(" {} ", now())).sign()),
    ("M081", || get().sign().without(TIMESTAMP).and("Date", "Sat, 21 Nov 2026 21:30:00 GMT")),
    ("M083", || get().sign().with(TIMESTAMP, |text| format!("{}", text.parse::<i64>().expect("a time") + 1))),
    ("M095", || get().sign().without(NONCE)),
    ("M095", || Draft { nonce: String::new(), ..get() }.sign()),
    ("M095", || Draft { nonce: "short".to_owned(), ..get() }.sign()),
    ("M097", || Draft { nonce: "n".repeat(64 << 10), ..get() }.sign()),
    ("M105", || {
        let draft = Draft { target: "/hmac/small".to_owned(), ..Draft::post(vec![b'x'; 4096]) };
        Request { chunk: Some(700), ..draft.sign() }
    }),
];
