//! What `values` of a scheme say, as plain data: the compiled form is in the room's own `values`.

/// What a name in `values` stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueDefinition {
    /// A template.
    Text(String),
    /// `NAME=VALUE` pairs, named as `{value:NAME}`. Values may be quoted.
    Pairs {
        /// Template of the whole.
        from: String,
        /// What stands between pairs.
        separator: u8,
    },
    /// The groups of a regular expression that the whole must match, named as `{value:GROUP}`.
    Capture {
        /// Template of the whole.
        from: String,
        /// The expression, with named groups.
        expression: String,
    },
    /// A line for each header of a list.
    Headers(HeadersDefinition),
    /// A piece for each parameter.
    Parameters(ParametersDefinition),
    /// One of two templates.
    Choice {
        /// Template of what decides.
        condition: String,
        /// What it must be.
        test: TestDefinition,
        /// Template where it is.
        then: String,
        /// Template where it is not.
        otherwise: String,
    },
}

/// A line for each header of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadersDefinition {
    /// Template of the names.
    pub names: String,
    /// What stands between the names.
    pub split: String,
    /// Template of a line, of `{name}` and `{value}` alone.
    pub each: String,
    /// What stands between the lines.
    pub join: String,
    /// What stands between the values of a header that came more than once.
    pub repeated: String,
    /// What a header means that is listed and not there.
    pub missing: Missing,
    /// Names that are no header's, each with the template of its whole line.
    pub special: Vec<(String, String)>,
    /// Names that must be in the list: one, or `a else b` (the first that the request has), or `a or b` (either).
    pub covers: Vec<String>,
    /// Headers that must be in the list if the request has them.
    pub covers_if_present: Vec<String>,
}

/// What a header means that is listed and not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The request is refused.
    Reject,
    /// It has no line.
    Skip,
    /// Its value is empty.
    Empty,
}

/// A piece for each parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct ParametersDefinition {
    /// Where the parameters are, in this order.
    pub of: Vec<ParametersOf>,
    /// How names and values are written.
    pub writing: Writing,
    /// Whether `+` means a space also outside forms.
    pub plus_is_space: bool,
    /// By name and then by value, as they are written.
    pub sort: bool,
    /// Of equal ones only the first.
    pub unique: bool,
    /// Names left out: `NAME`, or `PLACE:NAME` for those of one place.
    pub except: Vec<String>,
    /// Template of a piece, of `{name}` and `{value}` alone.
    pub each: String,
    /// What stands between the pieces.
    pub join: String,
}

/// Where parameters are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParametersOf {
    /// In the query.
    Query,
    /// In the body, which is read as a form whatever it says of itself.
    Form,
    /// In the body if its Content-Type says that it is a form; otherwise there are none.
    DeclaredForm,
    /// The pairs of a named value.
    Pairs(String),
}

/// How names and values of parameters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// As they came.
    Raw,
    /// Percent-decoded.
    Decoded,
    /// Decoded, and all but unreserved characters encoded again.
    Encoded,
}

/// What a condition must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestDefinition {
    /// There.
    Present,
    /// This text; absent is not.
    Is(String),
    /// Matched whole by this expression; absent is not.
    Matches(String),
}

impl HeadersDefinition {
    /// `NAME: VALUE` lines for the names in a list, all of which must be there.
    pub fn new(names: &str, split: &str) -> HeadersDefinition {
        HeadersDefinition {
            names: names.to_owned(),
            split: split.to_owned(),
            each: "{name}: {value}".to_owned(),
            join: "\n".to_owned(),
            repeated: ", ".to_owned(),
            missing: Missing::Reject,
            special: Vec::new(),
            covers: Vec::new(),
            covers_if_present: Vec::new(),
        }
    }
}

impl ParametersDefinition {
    /// `NAME=VALUE&…` as they came.
    pub fn new(of: Vec<ParametersOf>) -> ParametersDefinition {
        ParametersDefinition {
            of,
            writing: Writing::Raw,
            plus_is_space: false,
            sort: false,
            unique: false,
            except: Vec::new(),
            each: "{name}={value}".to_owned(),
            join: "&".to_owned(),
        }
    }
}
