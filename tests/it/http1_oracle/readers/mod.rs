//! Two readers of HTTP/1 bytes, our codec and hyper's, and what it means that they differ.
//!
//! Shared with the fuzz targets, so nothing here asserts: what is wrong is told as a value.
#![allow(unreachable_pub)] // The fuzz crate reaches it.

pub mod agreement;
pub mod hypers;
pub mod ours;
pub mod stricter;

/// What a reader made of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<Start> {
    pub start: Start,
    pub fields: Fields,
    pub body: Body,
}

/// What a request's line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    pub method: String,
    /// Of an absolute-form target.
    pub authority: Option<String>,
    /// Path and query.
    pub origin: String,
    pub is_http_1_1: bool,
}

/// What a response's line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusLine {
    pub status: u16,
    pub is_http_1_1: bool,
}

/// Names in lower case, sorted by name alone, so that the order among lines of one name still counts.
pub type Fields = Vec<(String, Vec<u8>)>;

/// A body, as far as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    pub bytes: Vec<u8>,
    /// Whether its end was seen.
    pub is_whole: bool,
}

fn fields<'a>(lines: impl Iterator<Item = (&'a str, &'a [u8])>) -> Fields {
    let mut fields: Fields = lines.map(|(name, value)| (name.to_ascii_lowercase(), value.to_vec())).collect();
    fields.sort_by(|one, other| one.0.cmp(&other.0));
    fields
}
