//! What was probably meant where a text is not YAML: the parser says where it stopped, and not which slip led there.
//!
//! A hint tells lines and columns and never a word of the text, for any of it may be a secret.

use super::tree::Broken;

/// What to do about what is broken in `text`; `None` where no usual slip explains it.
pub(super) fn hint(text: &str, broken: &Broken) -> Option<String> {
    let place = broken.place;
    if let Some(opened) = unclosed(text, broken) {
        return Some(opened);
    }
    let line = Line::at(text, place.line)?;
    let before: String = line.text.chars().take(place.column.saturating_sub(1)).collect();
    if before.trim().is_empty() && line.text.trim_start_matches(' ').starts_with('\t') {
        return Some("indent with spaces".to_owned());
    }
    // The parser stops at the end of the value before.
    if let Some(below) = Line::at(text, place.line + 1).filter(|_| broken.message.contains("found a tab"))
        && below.text.trim_start_matches(' ').starts_with('\t')
    {
        return Some(format!("line {} is indented with a tab: indent with spaces", below.number));
    }
    let next = line.text.chars().nth(place.column.saturating_sub(1));
    if let Some(sign @ ('*' | '&' | '!' | '%' | '@' | '`')) = next.filter(|_| before.trim_end() != before) {
        return Some(format!("text that begins with `{sign}` stands in quotes"));
    }
    if !broken.is_syntax {
        return None;
    }
    if before.ends_with([']', '}']) {
        return Some("text that begins with `[` or `{` stands in quotes, as in `\"[::1]:8000\"`".to_owned());
    }
    let above = Line::above(text, place.line);
    if before.trim().is_empty() {
        return above.filter(|above| above.indent() != line.indent()).map(|above| misplaced(&line, &above));
    }
    if next == Some(':') && before.contains(": ") && !before.contains(['"', '\'', '{', '[']) {
        return Some("text with a colon and a space in it stands in quotes".to_owned());
    }
    let glued = above.filter(|above| above.text.contains(':') && !above.text.contains(": ") && !above.ends_in_colon());
    glued.map(|above| format!("a space belongs behind the colon on line {}", above.number))
}

/// Where a quote or bracket was opened that is not closed on its line, if the parser says that one is missing.
fn unclosed(text: &str, broken: &Broken) -> Option<String> {
    let (what, opens): (_, fn(&str) -> bool) = match broken.message.as_str() {
        message if message.contains("quoted scalar") => ("quote", |line| Marks::of(line).in_quotes),
        message if message.contains("flow mapping") || message.contains("flow sequence") => {
            ("bracket", |line| Marks::of(line).open_brackets > 0)
        }
        _ => return None,
    };
    let mut lines: Vec<(usize, &str)> = (1..).zip(text.lines().take(broken.place.line)).collect();
    lines.reverse();
    let (number, _) = lines.into_iter().find(|(_, line)| opens(line))?;
    Some(format!("a {what} that opens on line {number} is not closed there"))
}

/// What a line alone leaves open, quotes of both kinds and a comment at its end considered.
#[derive(Default)]
struct Marks {
    in_quotes: bool,
    open_brackets: isize,
}

impl Marks {
    fn of(line: &str) -> Marks {
        let (mut marks, mut quote, mut before) = (Marks::default(), None, ' ');
        for character in line.chars() {
            match (quote, character) {
                (Some(open), close) if open == close && before != '\\' => quote = None,
                (Some(_), _) => (),
                (None, '#') if before.is_whitespace() => break,
                // An apostrophe within a word opens nothing.
                (None, '"' | '\'') if !before.is_alphanumeric() => quote = Some(character),
                (None, '{' | '[') => marks.open_brackets += 1,
                (None, '}' | ']') => marks.open_brackets -= 1,
                (None, _) => (),
            }
            before = character;
        }
        marks.in_quotes = quote.is_some();
        marks
    }
}

fn misplaced(line: &Line<'_>, above: &Line<'_>) -> String {
    format!(
        "what belongs together begins in the same column: this line begins in column {}, line {} above it in column {}",
        line.indent() + 1,
        above.number,
        above.indent() + 1
    )
}

/// One line, and which it is.
struct Line<'t> {
    /// From 1.
    number: usize,
    text: &'t str,
}

impl<'t> Line<'t> {
    fn at(text: &'t str, number: usize) -> Option<Line<'t>> {
        let text = text.lines().nth(number.checked_sub(1)?)?;
        Some(Line { number, text })
    }

    /// The last line above `number` that is neither empty nor a comment.
    fn above(text: &'t str, number: usize) -> Option<Line<'t>> {
        let lines = (1..).zip(text.lines()).take_while(|(above, _)| *above < number);
        let says = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        lines.filter(|(_, line)| says(line)).last().map(|(number, text)| Line { number, text })
    }

    fn indent(&self) -> usize {
        self.text.chars().take_while(|c| *c == ' ').count()
    }

    fn ends_in_colon(&self) -> bool {
        self.text.split(" #").next().unwrap_or_default().trim_end().ends_with(':')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree;

    fn told(text: &str) -> String {
        let broken = tree::parse(text).err().unwrap_or_else(|| panic!("{text:?} is YAML"));
        hint(text, &broken).unwrap_or_default()
    }

    #[test]
    fn a_line_that_begins_in_a_column_of_its_own_is_told_with_the_one_above_it() {
        let column = "what belongs together begins in the same column: this line begins in column";
        let list = "routes:\n  - name: a\n    to: b\n";
        assert_eq!(told(&format!("{list}   host: c\n")), format!("{column} 4, line 3 above it in column 5"));
        assert_eq!(
            told(&format!("{list}\n# why\n      host: c\n")),
            format!("{column} 7, line 3 above it in column 5")
        );
        assert_eq!(told("a:\n  b: 1\n c: 2\n"), format!("{column} 2, line 2 above it in column 3"));
        assert_eq!(told("a:\n\tb: 1\n"), "indent with spaces");
        assert_eq!(told("a:\n  b: 1\n\tc: 2\n"), "line 3 is indented with a tab: indent with spaces");
    }

    #[test]
    fn what_wanted_quotes_is_told_as_such() {
        assert_eq!(told("a:\n  host: *.example.com\n"), "text that begins with `*` stands in quotes");
        assert_eq!(told("a: @b\n"), "text that begins with `@` stands in quotes");
        let bracket = "text that begins with `[` or `{` stands in quotes, as in `\"[::1]:8000\"`";
        assert_eq!(told("listen: [::1]:8000\n"), bracket);
        assert_eq!(told("listen: { address: [::1]:8000 }\n"), bracket);
        assert_eq!(told("message: {method}:{target}\n"), bracket);
        assert_eq!(told("detail: wrong: try again\n"), "text with a colon and a space in it stands in quotes");
    }

    #[test]
    fn a_colon_without_its_space_is_found_on_the_line_before() {
        assert_eq!(told("listen:127.0.0.1:8000\nroutes: a\n"), "a space belongs behind the colon on line 1");
    }

    #[test]
    fn what_is_not_closed_is_told_with_the_line_that_opened_it() {
        let told_of = |what: &str, line: usize| format!("a {what} that opens on line {line} is not closed there");
        assert_eq!(told("x: 1\na: \"b\n"), told_of("quote", 2));
        assert_eq!(told("a: don't # \"\nb: \"c # d\ne: 1\n"), told_of("quote", 2));
        assert_eq!(told("a: { b: \"}\", c: [d, e] # }\nf: 1\n"), told_of("bracket", 1));
    }

    #[test]
    fn what_no_slip_explains_has_no_hint() {
        assert_eq!(told("a: ]\n"), "");
        assert_eq!(told("a: [b, c\n"), "", "the parser points at the bracket itself");
    }
}
