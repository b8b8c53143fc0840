//! What filters make of a shape.

use super::{bytes::Bytes, pattern, shape::Shape, times};
use crate::scheme::template::{Filter, Hash};

/// The shape of what comes out of `filter` where `shape` goes in.
pub(super) fn filtered(shape: Shape, filter: &Filter) -> Shape {
    let (bytes, length) = (shape.bytes(), shape.length());
    match filter {
        Filter::Lower => shape.mapped(u8::to_ascii_lowercase),
        Filter::Upper => shape.mapped(u8::to_ascii_uppercase),
        Filter::Trim | Filter::Squeeze if !bytes.overlaps(Bytes::white_space()) => shape,
        Filter::Trim => Shape::any(bytes),
        Filter::Squeeze => Shape::any(bytes.without(Bytes::white_space()).or(Bytes::these(b" "))),
        Filter::Digest(hash) => Shape::exactly(length_of(*hash), Bytes::ALL),
        Filter::Hex => shape.map(&|_| Shape::exactly(2, Bytes::these(b"0123456789abcdef"))),
        Filter::HexUpper => shape.map(&|_| Shape::exactly(2, Bytes::these(b"0123456789ABCDEF"))),
        Filter::Unhex => length.map_or_else(|| Shape::any(Bytes::ALL), |length| Shape::exactly(length / 2, Bytes::ALL)),
        Filter::Base64 => base64(length),
        Filter::Base64Url => {
            let alphabet = Bytes::of(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            let digits = |length: usize| length.saturating_mul(4).div_ceil(3);
            length.map_or_else(|| Shape::any(alphabet), |length| Shape::exactly(digits(length), alphabet))
        }
        Filter::Unbase64 | Filter::Unbase64Url => Shape::any(Bytes::ALL),
        // It moves what stands between the signs, and leaves those where there are none.
        Filter::Sort if !bytes.has(b'&') => shape,
        Filter::Sort => Shape::any(bytes),
        Filter::PercentEncode if bytes.is_within(Bytes::unreserved()) => shape,
        Filter::PercentEncode => Shape::any(Bytes::percent_encoded()),
        Filter::PercentEncodePath => Shape::any(Bytes::percent_encoded().or(Bytes::these(b"/"))),
        Filter::PercentDecode if !bytes.has(b'%') => shape,
        Filter::PercentDecode => Shape::any(Bytes::ALL),
        Filter::NormalizePath => {
            let slash = Bytes::these(b"/");
            Shape::Row(vec![Shape::Byte(slash), Shape::any(bytes.or(slash))])
        }
        Filter::StripPrefix(_) | Filter::StripSuffix(_) | Filter::TrimPrefix(_) | Filter::AuthScheme(_) => {
            Shape::any(bytes)
        }
        Filter::First(count) if length.is_some_and(|length| length <= *count) => shape,
        Filter::First(_) => Shape::any(bytes),
        Filter::Prefix(text) => Shape::Row(vec![Shape::text(text.as_bytes()), shape]),
        Filter::Suffix(text) => Shape::Row(vec![shape, Shape::text(text.as_bytes())]),
        Filter::Default(_) => shape,
        Filter::Match(expression) => shape.narrowed(pattern::whole(expression.written())),
        Filter::Date(pattern) => times::by_pattern(pattern),
    }
    .bounded()
}

fn base64(length: Option<usize>) -> Shape {
    let alphabet = Bytes::of(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
    let padding = Bytes::these(b"=");
    let Some(length) = length else {
        return Shape::Row(vec![Shape::any(alphabet), Shape::at_most(2, padding)]);
    };
    let digits = length.saturating_mul(4).div_ceil(3);
    let padded = digits.next_multiple_of(4) - digits;
    Shape::Row(vec![Shape::exactly(digits, alphabet), Shape::exactly(padded, padding)])
}

fn length_of(hash: Hash) -> usize {
    match hash {
        Hash::Sha1 => 20,
        Hash::Sha256 => 32,
        Hash::Sha384 => 48,
        Hash::Sha512 => 64,
    }
}
