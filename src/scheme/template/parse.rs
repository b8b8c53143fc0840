//! Template text → literals and expressions, each with its place. Names are not resolved here.

use crate::scheme::Fault;

/// A part of a template, as written.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    Literal(String),
    Expression(Expression),
}

/// `{name:argument|filter:argument else name|filter}`
#[derive(Debug, PartialEq)]
pub(super) struct Expression {
    pub(super) offset: usize,
    pub(super) length: usize,
    /// What is tried first, and what stands in where it is absent; never empty.
    pub(super) alternatives: Vec<Alternative>,
}

/// `name:argument|filter:argument`
#[derive(Debug, PartialEq)]
pub(super) struct Alternative {
    pub(super) source: Call,
    pub(super) filters: Vec<Call>,
}

/// A name with its argument.
#[derive(Debug, PartialEq)]
pub(super) struct Call {
    pub(super) name: Word,
    pub(super) argument: Option<Word>,
}

/// A word and where it stands.
#[derive(Debug, PartialEq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) offset: usize,
    pub(super) length: usize,
}

impl Word {
    pub(super) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::at(self.offset, self.length, message)
    }
}

impl Call {
    pub(super) fn fault(&self, message: impl Into<String>) -> Fault {
        let end = self.argument.as_ref().map_or(self.name.offset + self.name.length, |word| word.offset + word.length);
        Fault::at(self.name.offset, end - self.name.offset, message)
    }
}

/// Between alternatives.
const ELSE: &str = " else ";

/// Splits a template. The first fault ends it: what follows an unclosed quote means nothing.
pub(super) fn parse(text: &str) -> Result<Vec<Piece>, Fault> {
    let mut reader = Reader { text, at: 0 };
    let mut pieces = Vec::new();
    let mut literal = String::new();
    while let Some(character) = reader.peek() {
        match (character, reader.byte(1)) {
            ('{', Some(b'{')) => {
                literal.push('{');
                reader.at += 2;
            }
            ('{', Some(b'a'..=b'z')) => {
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Expression(reader.expression()?));
            }
            _ => {
                literal.push(character);
                reader.at += character.len_utf8();
            }
        }
    }
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

struct Reader<'t> {
    text: &'t str,
    /// Always on a character's boundary.
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn expression(&mut self) -> Result<Expression, Fault> {
        let offset = self.at;
        self.at += 1;
        let mut alternatives = vec![self.alternative(offset)?];
        while self.at_else() {
            self.at += ELSE.len();
            alternatives.push(self.alternative(offset)?);
        }
        match self.peek() {
            Some('}') => self.at += 1,
            Some(other) => {
                let fault =
                    Fault::at(self.at, other.len_utf8(), format!("`{}` cannot stand here", other.escape_default()));
                return Err(fault.hint("a source reads `{name:argument|filter}`; a literal brace is `{{`"));
            }
            None => return Err(self.unclosed(offset)),
        }
        Ok(Expression { offset, length: self.at - offset, alternatives })
    }

    fn alternative(&mut self, opened: usize) -> Result<Alternative, Fault> {
        let source = self.call(opened, "a source's name is missing")?;
        let mut filters = Vec::new();
        while self.peek() == Some('|') {
            self.at += 1;
            filters.push(self.call(opened, "a filter's name is missing")?);
        }
        Ok(Alternative { source, filters })
    }

    fn at_else(&self) -> bool {
        self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(ELSE.as_bytes()))
    }

    fn call(&mut self, opened: usize, nameless: &str) -> Result<Call, Fault> {
        let name = self.name();
        if name.text.is_empty() {
            return match self.peek() {
                None => Err(self.unclosed(opened)),
                Some(other) => Err(Fault::at(self.at, other.len_utf8(), nameless)),
            };
        }
        let argument = match self.peek() {
            Some(':') => {
                self.at += 1;
                Some(if self.peek() == Some('"') { self.quoted()? } else { self.unquoted() })
            }
            _ => None,
        };
        Ok(Call { name, argument })
    }

    fn name(&mut self) -> Word {
        self.take_while(|character| character.is_ascii_alphanumeric() || character == '_')
    }

    fn unquoted(&mut self) -> Word {
        let offset = self.at;
        let mut text = String::new();
        while let Some(character) = self.peek().filter(|character| !matches!(character, '|' | '}')) {
            if self.at_else() {
                break;
            }
            text.push(character);
            self.at += character.len_utf8();
        }
        Word { text, offset, length: self.at - offset }
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> Word {
        let offset = self.at;
        let mut text = String::new();
        while let Some(character) = self.peek().filter(|character| belongs(*character)) {
            text.push(character);
            self.at += character.len_utf8();
        }
        Word { text, offset, length: self.at - offset }
    }

    fn quoted(&mut self) -> Result<Word, Fault> {
        let offset = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(character) = self.peek() {
            self.at += character.len_utf8();
            match character {
                '"' => return Ok(Word { text, offset, length: self.at - offset }),
                '\\' => text.push(self.escape()?),
                other => text.push(other),
            }
        }
        Err(Fault::at(offset, 1, "this quote is not closed"))
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let escaped = match self.peek() {
            Some(same @ ('"' | '\\')) => same,
            Some('n') => '\n',
            Some('t') => '\t',
            other => {
                let length = 1 + other.map_or(0, char::len_utf8);
                let fault = Fault::at(self.at - 1, length, "not an escape");
                return Err(fault.hint(r#"the escapes are \" \\ \n \t; a backslash is \\"#));
            }
        };
        self.at += 1;
        Ok(escaped)
    }

    fn unclosed(&self, offset: usize) -> Fault {
        Fault::at(offset, self.text.len() - offset, "this brace is not closed").hint("a literal brace is `{{`")
    }
}
