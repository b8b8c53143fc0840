//! Paths with their dot segments and empty segments resolved, as some signers have them. What is routed and forwarded is
//! never normalised.

use super::template::Scratch;

/// RFC 3986 section 5.2.4, and then no two slashes in a row. A path that ends in a slash or a dot segment keeps its slash.
pub(super) fn normalized(path: &[u8]) -> Scratch {
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in path.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    let mut out = Scratch::with_capacity(path.len());
    for segment in &kept {
        out.push(b'/');
        out.extend_from_slice(segment);
    }
    let ends_open = matches!(path.rsplit(|byte| *byte == b'/').next(), Some(b"" | b"." | b".."));
    if ends_open || kept.is_empty() {
        out.push(b'/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_segments_and_empty_segments_are_resolved() {
        for (path, expected) in [
            ("", "/"),
            ("/", "/"),
            ("//", "/"),
            ("/./", "/"),
            ("/a/..", "/"),
            ("/../..", "/"),
            ("/a//b/", "/a/b/"),
            ("/a/./b", "/a/b"),
            ("/a/b/../c/.", "/a/c/"),
            ("/example/..", "/"),
            ("//a", "/a"),
        ] {
            assert_eq!(String::from_utf8_lossy(&normalized(path.as_bytes())), expected, "{path}");
        }
    }
}
