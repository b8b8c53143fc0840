//! What a time looks like that is in none of the formats: told in the log, never by its text.

use std::fmt;

/// Its looks, where they say what went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeForm {
    /// Nothing stands there.
    Empty,
    /// `1714485600`
    Number,
    /// `1714485600.25`, as Python's `time.time()` gives it; `1.7e9`.
    Fraction,
    /// `+1714485600`
    Signed,
    /// `2024-04-30T14:00:00`
    Date,
    /// `2024-04-30 14:00:00`
    SpacedDate,
    /// Anything else.
    Other,
}

impl TimeForm {
    pub(super) fn of(text: &[u8]) -> TimeForm {
        let is_number = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        let is_year = |text: &[u8]| text.get(..4).is_some_and(is_number) && text.get(4) == Some(&b'-');
        match text {
            [] => TimeForm::Empty,
            _ if is_number(text) => TimeForm::Number,
            [b'+' | b'-', rest @ ..] if is_number(rest) => TimeForm::Signed,
            _ if is_year(text) && text.contains(&b' ') => TimeForm::SpacedDate,
            _ if is_year(text) => TimeForm::Date,
            [first, rest @ ..]
                if first.is_ascii_digit() && rest.iter().all(|byte| b"0123456789.eE+-".contains(byte)) =>
            {
                TimeForm::Fraction
            }
            _ => TimeForm::Other,
        }
    }
}

/// As the end of a sentence.
impl fmt::Display for TimeForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimeForm::Empty => ": it is empty",
            TimeForm::Number => ": it is a whole number",
            TimeForm::Fraction => ": it is a number with a fraction or an exponent",
            TimeForm::Signed => ": it is a number with a sign",
            TimeForm::Date => ": it looks like a date",
            TimeForm::SpacedDate => ": it looks like a date with a space where a `T` belongs",
            TimeForm::Other => "",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_another_form_is_told_by_its_looks() {
        for (text, form) in [
            ("", TimeForm::Empty),
            ("1714485600", TimeForm::Number),
            ("1714485600.25", TimeForm::Fraction),
            ("1.7e9", TimeForm::Fraction),
            ("-1", TimeForm::Signed),
            ("2024-04-30T14:00:00", TimeForm::Date),
            ("2024-04-30 14:00:00", TimeForm::SpacedDate),
            ("Tue, 30 Apr 2024 14:00:00 GMT", TimeForm::Other),
            ("now", TimeForm::Other),
        ] {
            assert_eq!(TimeForm::of(text.as_bytes()), form, "{text}");
        }
    }
}
