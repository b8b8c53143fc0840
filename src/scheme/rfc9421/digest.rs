//! `Content-Digest` (RFC 9530 section 2): how a signature over a head reaches the body.

use base64::{Engine, prelude::BASE64_STANDARD};
use sfv::BareItem;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

use super::structured::{self, Item, Member};
use crate::scheme::{Body, Failure, Headers, Why};

/// The header's name.
pub(super) const NAME: &str = "content-digest";

/// A digest that a header claims, by an algorithm that still resists.
struct Claimed {
    hash: Hash,
    digest: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Hash {
    Sha256,
    Sha512,
}

/// Checks the body against the header. Algorithms that are not known are passed over, as section 2 says; one at least
/// must be, and all that are known must agree.
///
/// # Errors
/// The header cannot be read, names no known algorithm, or is another body's.
pub(super) fn check(headers: &dyn Headers, body: &Body<'_>) -> Result<(), Failure> {
    let claimed = claimed(headers)?;
    if claimed.is_empty() {
        return Err(Failure::Digest);
    }
    let (mut sha256, mut sha512) = (Sha256::new(), Sha512::new());
    let wants = |hash: fn(&Hash) -> bool| claimed.iter().any(|claimed| hash(&claimed.hash));
    let (wants256, wants512) = (wants(|h| matches!(h, Hash::Sha256)), wants(|h| matches!(h, Hash::Sha512)));
    each(body, &mut |piece| {
        if wants256 {
            sha256.update(piece);
        }
        if wants512 {
            sha512.update(piece);
        }
    })?;
    let (sha256, sha512) = (sha256.finalize(), sha512.finalize());
    let agrees = |claimed: &Claimed| -> bool {
        match claimed.hash {
            Hash::Sha256 => claimed.digest.ct_eq(&sha256).into(),
            Hash::Sha512 => claimed.digest.ct_eq(&sha512).into(),
        }
    };
    if claimed.iter().all(agrees) { Ok(()) } else { Err(Failure::Digest) }
}

/// The header's value for a body.
///
/// # Errors
/// The body is not there to be read.
pub(super) fn write(body: &Body<'_>) -> Result<String, Failure> {
    let mut sha256 = Sha256::new();
    each(body, &mut |piece| sha256.update(piece))?;
    Ok(format!("sha-256=:{}:", BASE64_STANDARD.encode(sha256.finalize())))
}

/// Whether there is a body at all, as far as it is known: of one that is not read yet it is not.
pub(super) fn has_body(body: &Body<'_>) -> Option<bool> {
    match body {
        Body::Unread => None,
        Body::Memory(bytes) => Some(!bytes.is_empty()),
        // Only what is too large for memory is spooled.
        Body::Spooled(_) => Some(true),
    }
}

fn claimed(headers: &dyn Headers) -> Result<Vec<Claimed>, Failure> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    headers.each(NAME, &mut |line| lines.push(line.to_vec()));
    let malformed = || Failure::unreadable(NAME, Why::Malformed);
    let dictionary = structured::dictionary(&lines.join(&b", "[..])).ok_or_else(malformed)?;
    let mut claimed = Vec::new();
    for (key, member) in dictionary {
        let hash = match key.as_str() {
            "sha-256" => Hash::Sha256,
            "sha-512" => Hash::Sha512,
            _ => continue,
        };
        let Member::Item(Item { value: BareItem::ByteSequence(digest), .. }) = member else { return Err(malformed()) };
        claimed.push(Claimed { hash, digest });
    }
    Ok(claimed)
}

fn each(body: &Body<'_>, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
    match body {
        Body::Unread => return Err(Failure::unreadable("body", Why::BodyUnread)),
        Body::Memory(bytes) => visit(bytes),
        Body::Spooled(spooled) => spooled.read(visit).map_err(|_| Failure::Io)?,
    }
    Ok(())
}
