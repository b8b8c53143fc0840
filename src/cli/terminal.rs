//! Colours on a terminal, plain text anywhere else.

use std::{
    fmt::{self, Display},
    io::IsTerminal,
};

/// How text on standard output may look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    coloured: bool,
}

/// What a piece of text is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ink {
    Good,
    Bad,
    Title,
    Aside,
}

impl Paint {
    /// Coloured where standard output is a terminal, unless `NO_COLOR` is set (no-color.org).
    pub(super) fn of_stdout() -> Paint {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Paint { coloured: std::io::stdout().is_terminal() && !unwanted }
    }

    /// Never coloured.
    #[cfg(test)]
    pub(super) fn plain() -> Paint {
        Paint { coloured: false }
    }

    /// `text` in its colour.
    pub(super) fn ink<T: Display>(self, ink: Ink, text: T) -> impl Display {
        Painted { ink: self.coloured.then_some(ink), text }
    }
}

struct Painted<T> {
    ink: Option<Ink>,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = match self.ink {
            None => return self.text.fmt(f),
            Some(Ink::Good) => "32",
            Some(Ink::Bad) => "1;31",
            Some(Ink::Title) => "1",
            Some(Ink::Aside) => "2",
        };
        write!(f, "\x1b[{code}m{}\x1b[0m", self.text)
    }
}
