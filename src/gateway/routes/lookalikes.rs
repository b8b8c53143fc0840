//! Characters outside ASCII that some server, file system or code page turns into ASCII, or does not see at all.
//!
//! The table holds every character whose compatibility form (NFKC, Unicode 16) or case mapping has an ASCII character
//! in it, neighbours in the same block included where that keeps it short, and the slashes, currency signs and leaders
//! that "best fit" code pages turn into separators. Accented letters are not in it: they stay what they are.

/// What becomes of a character in a reading.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fold {
    /// It stands for itself, whatever its case.
    Keep(char),
    /// It is an ordinary letter whose other case is these.
    Ascii(&'static str),
    /// Some do not see it.
    Ignored,
    /// It may turn into ASCII, and nobody needs it in a path.
    Refuse,
}

/// Folds one decoded character.
pub(super) fn fold(character: char) -> Fold {
    match character {
        '\0'..='\x7f' => Fold::Keep(character),
        'ß' | 'ẞ' => Fold::Ascii("ss"),
        'ı' | 'İ' => Fold::Ascii("i"),
        _ if character.is_control() || character.is_whitespace() => Fold::Refuse,
        _ if holds(IGNORED, character) => Fold::Ignored,
        _ if holds(RESEMBLE_ASCII, character) => Fold::Refuse,
        _ => Fold::Keep(character),
    }
}

fn holds(ranges: &[(char, char)], character: char) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= character);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|(_, last)| character <= *last)
}

/// Default-ignorable characters: joiners, marks of direction, variation selectors, soft hyphens.
const IGNORED: &[(char, char)] = &[
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fff8}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// See the module's head.
const RESEMBLE_ASCII: &[(char, char)] = &[
    ('\u{a5}', '\u{a5}'),
    ('\u{a8}', '\u{a8}'),
    ('\u{aa}', '\u{aa}'),
    ('\u{af}', '\u{af}'),
    ('\u{b2}', '\u{b2}'),
    ('\u{b3}', '\u{b3}'),
    ('\u{b4}', '\u{b4}'),
    ('\u{b8}', '\u{b8}'),
    ('\u{b9}', '\u{b9}'),
    ('\u{ba}', '\u{ba}'),
    ('\u{bc}', '\u{bc}'),
    ('\u{bd}', '\u{bd}'),
    ('\u{be}', '\u{be}'),
    ('\u{132}', '\u{132}'),
    ('\u{133}', '\u{133}'),
    ('\u{13f}', '\u{13f}'),
    ('\u{140}', '\u{140}'),
    ('\u{149}', '\u{149}'),
    ('\u{17f}', '\u{17f}'),
    ('\u{1c4}', '\u{1c4}'),
    ('\u{1c5}', '\u{1c5}'),
    ('\u{1c6}', '\u{1c6}'),
    ('\u{1c7}', '\u{1c7}'),
    ('\u{1c8}', '\u{1c8}'),
    ('\u{1c9}', '\u{1c9}'),
    ('\u{1ca}', '\u{1ca}'),
    ('\u{1cb}', '\u{1cb}'),
    ('\u{1cc}', '\u{1cc}'),
    ('\u{1f0}', '\u{1f0}'),
    ('\u{1f1}', '\u{1f1}'),
    ('\u{1f2}', '\u{1f2}'),
    ('\u{1f3}', '\u{1f3}'),
    ('\u{2b0}', '\u{2b8}'),
    ('\u{2d8}', '\u{2e3}'),
    ('\u{37a}', '\u{37e}'),
    ('\u{384}', '\u{385}'),
    ('\u{1d2c}', '\u{1d5b}'),
    ('\u{1d62}', '\u{1d65}'),
    ('\u{1d9c}', '\u{1da0}'),
    ('\u{1dbb}', '\u{1dbb}'),
    ('\u{1e96}', '\u{1e9a}'),
    ('\u{1fbd}', '\u{1fc1}'),
    ('\u{1fcd}', '\u{1fcf}'),
    ('\u{1fdd}', '\u{1fdf}'),
    ('\u{1fed}', '\u{1fef}'),
    ('\u{1ffd}', '\u{1ffe}'),
    ('\u{2017}', '\u{2017}'),
    ('\u{2024}', '\u{2026}'),
    ('\u{203c}', '\u{203e}'),
    ('\u{2044}', '\u{2049}'),
    ('\u{2070}', '\u{209c}'),
    ('\u{20a8}', '\u{20a9}'),
    ('\u{20e5}', '\u{20e5}'),
    ('\u{2100}', '\u{213b}'),
    ('\u{2145}', '\u{2149}'),
    ('\u{2150}', '\u{217f}'),
    ('\u{2189}', '\u{2189}'),
    ('\u{2215}', '\u{2216}'),
    ('\u{2460}', '\u{24ea}'),
    ('\u{29f5}', '\u{29f9}'),
    ('\u{2a74}', '\u{2a76}'),
    ('\u{2c7c}', '\u{2c7d}'),
    ('\u{309b}', '\u{309c}'),
    ('\u{3200}', '\u{3243}'),
    ('\u{3250}', '\u{325f}'),
    ('\u{32b1}', '\u{32cf}'),
    ('\u{3358}', '\u{337a}'),
    ('\u{3380}', '\u{33ff}'),
    ('\u{a7f2}', '\u{a7f4}'),
    ('\u{fb00}', '\u{fb06}'),
    ('\u{fb29}', '\u{fb29}'),
    ('\u{fc5e}', '\u{fc63}'),
    ('\u{fdfa}', '\u{fdfb}'),
    ('\u{fe10}', '\u{fe19}'),
    ('\u{fe30}', '\u{fe38}'),
    ('\u{fe47}', '\u{fe7e}'),
    ('\u{ff01}', '\u{ff5e}'),
    ('\u{ffe3}', '\u{ffe3}'),
    ('\u{107a5}', '\u{107a5}'),
    ('\u{1ccd6}', '\u{1ccf9}'),
    ('\u{1d400}', '\u{1d6a5}'),
    ('\u{1d7ce}', '\u{1d7ff}'),
    ('\u{1f100}', '\u{1f10a}'),
    ('\u{1f110}', '\u{1f14f}'),
    ('\u{1f16a}', '\u{1f16c}'),
    ('\u{1f190}', '\u{1f190}'),
    ('\u{1fbf0}', '\u{1fbf9}'),
];
