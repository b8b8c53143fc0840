//! Sets of bytes, and the ones that HTTP has names for.

/// Which bytes may stand in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bytes([u64; 4]);

impl Bytes {
    pub(super) const NONE: Bytes = Bytes([0; 4]);
    pub(super) const ALL: Bytes = Bytes([u64::MAX; 4]);

    pub(super) fn of(belongs: impl Fn(u8) -> bool) -> Bytes {
        (0..=u8::MAX).filter(|byte| belongs(*byte)).fold(Bytes::NONE, Bytes::and_one)
    }

    pub(super) fn these(bytes: &[u8]) -> Bytes {
        bytes.iter().copied().fold(Bytes::NONE, Bytes::and_one)
    }

    pub(super) fn digits() -> Bytes {
        Bytes::of(|byte| byte.is_ascii_digit())
    }

    /// What percent-encoding leaves in a text (RFC 3986 section 2.3, and the sign itself).
    pub(super) fn percent_encoded() -> Bytes {
        Bytes::unreserved().or(Bytes::these(b"%"))
    }

    /// RFC 3986 section 2.3.
    pub(super) fn unreserved() -> Bytes {
        Bytes::of(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    }

    /// RFC 9110 section 5.6.2.
    pub(super) fn token() -> Bytes {
        Bytes::of(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    }

    /// RFC 9110 section 5.5: no control byte but a tab.
    pub(super) fn field_value() -> Bytes {
        Bytes::of(|byte| byte == b'\t' || !byte.is_ascii_control())
    }

    pub(super) fn visible() -> Bytes {
        Bytes::of(|byte| byte.is_ascii_graphic())
    }

    pub(super) fn white_space() -> Bytes {
        Bytes::of(|byte| byte.is_ascii_whitespace())
    }

    pub(super) fn has(self, byte: u8) -> bool {
        let [word, bit] = [usize::from(byte >> 6), usize::from(byte & 63)];
        self.0.get(word).is_some_and(|word| word >> bit & 1 == 1)
    }

    pub(super) fn or(self, other: Bytes) -> Bytes {
        self.zip(other, |own, other| own | other)
    }

    pub(super) fn and(self, other: Bytes) -> Bytes {
        self.zip(other, |own, other| own & other)
    }

    pub(super) fn without(self, other: Bytes) -> Bytes {
        self.zip(other, |own, other| own & !other)
    }

    pub(super) fn overlaps(self, other: Bytes) -> bool {
        self.and(other) != Bytes::NONE
    }

    pub(super) fn is_within(self, other: Bytes) -> bool {
        self.without(other) == Bytes::NONE
    }

    pub(super) fn count(self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// What becomes of them.
    pub(super) fn mapped(self, map: fn(&u8) -> u8) -> Bytes {
        (0..=u8::MAX).filter(|byte| self.has(*byte)).fold(Bytes::NONE, |all, byte| all.and_one(map(&byte)))
    }

    fn and_one(self, byte: u8) -> Bytes {
        let mut all = self;
        if let Some(word) = all.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
        all
    }

    fn zip(self, other: Bytes, join: fn(u64, u64) -> u64) -> Bytes {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Bytes([join(a, e), join(b, f), join(c, g), join(d, h)])
    }
}
