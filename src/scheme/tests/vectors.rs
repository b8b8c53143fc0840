//! Published HMAC vectors: RFC 4231 always, Wycheproof where `COUNTERSIGN_VECTORS` says where it is.

use std::{env, fs, path::Path};

use serde_json::Value;

use super::*;
use crate::scheme::{mac::Mac, tag::Tag};

fn tag(algorithm: Algorithm, secret: &[u8], message: &[u8]) -> Tag {
    let mut mac = Mac::new(algorithm, secret).unwrap();
    message.chunks(7).for_each(|piece| mac.update(piece));
    mac.finish()
}

#[test]
fn the_cases_of_rfc_4231_hold() {
    let short = hex::encode(tag(Algorithm::HmacSha256, b"Jefe", b"what do ya want for nothing?").as_bytes());
    assert_eq!(short, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    let text = b"Test Using Larger Than Block-Size Key - Hash Key First";
    let long = hex::encode(tag(Algorithm::HmacSha256, &[0xaa; 131], text).as_bytes());
    assert_eq!(long, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    let long = hex::encode(tag(Algorithm::HmacSha512, &[0xaa; 131], text).as_bytes());
    assert_eq!(
        long,
        "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352\
         6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"
    );
}

#[test]
fn wycheproof_agrees() {
    let Ok(vectors) = env::var("COUNTERSIGN_VECTORS") else { return };
    let files = [
        ("hmac_sha1_test.json", Algorithm::HmacSha1),
        ("hmac_sha256_test.json", Algorithm::HmacSha256),
        ("hmac_sha384_test.json", Algorithm::HmacSha384),
        ("hmac_sha512_test.json", Algorithm::HmacSha512),
    ];
    for (file, algorithm) in files {
        let text = fs::read(Path::new(&vectors).join("wycheproof").join(file)).unwrap();
        let file: Value = serde_json::from_slice(&text).unwrap();
        let checked: usize = file["testGroups"].as_array().unwrap().iter().map(|group| check(group, algorithm)).sum();
        assert_eq!(Some(checked), file["numberOfTests"].as_u64().map(|count| count as usize));
    }
}

fn check(group: &Value, algorithm: Algorithm) -> usize {
    let bytes = |test: &Value, name: &str| hex::decode(test[name].as_str().unwrap()).unwrap();
    let length = group["tagSize"].as_u64().unwrap() as usize / 8;
    let tests = group["tests"].as_array().unwrap();
    for test in tests {
        let computed = tag(algorithm, &bytes(test, "key"), &bytes(test, "msg"));
        let (claimed, valid) = (bytes(test, "tag"), test["result"] == "valid");
        assert_eq!(computed.as_bytes()[..length] == claimed[..], valid, "{}", test["tcId"]);
        // A scheme reads whole tags only.
        let read = Tag::decode(hex::encode(&claimed).as_bytes(), Encoding::Hex, algorithm);
        assert_eq!(read.map(|read| read.equals(&computed)), (Some(length) == algorithm.length()).then_some(valid));
    }
    tests.len()
}
