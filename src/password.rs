//! Passwords as they are kept: argon2id (RFC 9106) or bcrypt, in the text forms that other programs write.
//!
//! Checking one takes tens of milliseconds on purpose; where and how many at once is the caller's business.

use std::fmt;

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, Version,
    password_hash::{self, PasswordVerifier, phc},
};

/// A password's hash, well-formed and of a cost that a gateway can bear.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Kept);

#[derive(Clone, PartialEq, Eq)]
enum Kept {
    Argon2id(Box<phc::PasswordHash>),
    Bcrypt(Box<str>),
}

/// How a new password is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// 19 MiB, two passes, one lane: the first recommendation of OWASP.
    Argon2id,
    /// Cost 12, of at most 72 bytes.
    Bcrypt,
}

/// Why a text is no hash that passwords are checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum HashFault {
    #[error("it is neither an argon2id nor a bcrypt hash")]
    Form,
    #[error("checking it would cost more than 256 MiB or 16 passes")]
    TooCostly,
    #[error("its cost is not from 4 to 15")]
    BcryptCost,
    #[error("its salt or hash is too short")]
    TooShort,
}

/// Why a password is not hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum PasswordFault {
    #[error("the password is empty")]
    Empty,
    #[error("the password has more than {0} bytes")]
    TooLong(usize),
    #[error("the password holds a NUL")]
    Nul,
    #[error("no random bytes to be had")]
    NoRandomness,
    #[error("the password could not be hashed")]
    Failed,
}

/// Longest password looked at, in bytes.
pub const LONGEST: usize = 1024;
/// What bcrypt looks at; it would take whatever follows for the same password.
const LONGEST_BCRYPT: usize = 72;
const MOST_MEMORY_KIB: u32 = 256 * 1024;
const MOST_PASSES: u32 = 16;

impl PasswordHash {
    /// Reads `$argon2id$…` or `$2b$…` (also `$2a$` and `$2y$`, which are the same).
    ///
    /// # Errors
    /// [`HashFault`]
    pub fn parse(text: &str) -> Result<PasswordHash, HashFault> {
        match text.starts_with("$2") {
            true => bcrypt_hash(text),
            false => argon2_hash(text),
        }
    }

    /// A new hash of `password`, with a salt of its own.
    ///
    /// # Errors
    /// [`PasswordFault`]
    pub fn make(password: &[u8], method: Method) -> Result<PasswordHash, PasswordFault> {
        let longest = if method == Method::Bcrypt { LONGEST_BCRYPT } else { LONGEST };
        match password {
            [] => return Err(PasswordFault::Empty),
            _ if password.len() > longest => return Err(PasswordFault::TooLong(longest)),
            _ if password.contains(&0) => return Err(PasswordFault::Nul),
            _ => (),
        }
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|_| PasswordFault::NoRandomness)?;
        match method {
            Method::Argon2id => {
                let hash = hasher().hash_password_with_salt(password, &salt).map_err(|_| PasswordFault::Failed)?;
                Ok(PasswordHash(Kept::Argon2id(Box::new(hash))))
            }
            Method::Bcrypt => {
                let parts = bcrypt::hash_with_salt(password, bcrypt::DEFAULT_COST, salt);
                let text = parts.map_err(|_| PasswordFault::Failed)?.to_string();
                Ok(PasswordHash(Kept::Bcrypt(text.into())))
            }
        }
    }

    /// Whether `password` is the one. Takes as long whether it is or not.
    pub fn matches(&self, password: &[u8]) -> bool {
        // Neither can have been hashed; and what bcrypt does with a NUL differs from one program to the next.
        if password.len() > LONGEST || password.contains(&0) {
            return false;
        }
        match &self.0 {
            Kept::Argon2id(hash) => {
                let hash: &phc::PasswordHash = hash;
                let verifier: &dyn PasswordVerifier<phc::PasswordHash> = &hasher();
                verifier.verify_password(password, hash).is_ok()
            }
            Kept::Bcrypt(text) => bcrypt::verify(password, text).unwrap_or(false) & (password.len() <= LONGEST_BCRYPT),
        }
    }

    /// As it is written in a file of users.
    pub fn to_text(&self) -> String {
        match &self.0 {
            Kept::Argon2id(hash) => hash.to_string(),
            Kept::Bcrypt(text) => text.to_string(),
        }
    }
}

/// What new hashes are made with; an old one is checked by its own parameters.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

fn argon2_hash(text: &str) -> Result<PasswordHash, HashFault> {
    let hash = phc::PasswordHash::new(text).map_err(|_| HashFault::Form)?;
    if hash.algorithm.as_str() != "argon2id" {
        return Err(HashFault::Form);
    }
    let params: Result<Params, password_hash::Error> = Params::try_from(&hash);
    let params = params.map_err(|_| HashFault::Form)?;
    if params.m_cost() > MOST_MEMORY_KIB || params.t_cost() > MOST_PASSES {
        return Err(HashFault::TooCostly);
    }
    let long_enough = |length: Option<usize>, least| length.is_some_and(|length| length >= least);
    let salt = hash.salt.as_ref().map(|salt| salt.len());
    let output = hash.hash.as_ref().map(|output| output.len());
    match long_enough(salt, 8) && long_enough(output, 16) {
        true => Ok(PasswordHash(Kept::Argon2id(Box::new(hash)))),
        false => Err(HashFault::TooShort),
    }
}

fn bcrypt_hash(text: &str) -> Result<PasswordHash, HashFault> {
    let known = ["$2a$", "$2b$", "$2y$"].iter().any(|version| text.starts_with(version));
    let parts: bcrypt::HashParts = text.parse().map_err(|_| HashFault::Form)?;
    match parts.get_cost() {
        _ if !known || text.len() != 60 => Err(HashFault::Form),
        4..=15 => Ok(PasswordHash(Kept::Bcrypt(text.into()))),
        _ => Err(HashFault::BcryptCost),
    }
}

/// Shows which method it is and nothing of the hash.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kept::Argon2id(_) => "PasswordHash(argon2id)",
            Kept::Bcrypt(_) => "PasswordHash(bcrypt)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with Python's argon2-cffi and bcrypt.
    const ARGON2: &str =
        "$argon2id$v=19$m=1024,t=2,p=2$Fmw6+1m0oyHI/qcHviY1bA$oh1Zh9xPhAw0SZ2SuMcFq+S0n2mumKHQrlHiuuFvL6k";
    const BCRYPT: &str = "$2b$04$elenKc2cw8RjdgO1yuz.NOccPTEyrr8RoQ9PRKsGbHFjKv305PXKW";

    #[test]
    fn what_was_hashed_is_known_again_and_nothing_else() {
        for method in [Method::Argon2id, Method::Bcrypt] {
            let hash = PasswordHash::make(b"correct horse", method).unwrap();
            let again = PasswordHash::parse(&hash.to_text()).unwrap();
            assert!(again == hash && again.matches(b"correct horse"), "{method:?}");
            for wrong in [&b""[..], b"correct horsf", b"correct horse ", b"correct horse\0"] {
                assert!(!again.matches(wrong), "{method:?}");
            }
            assert_ne!(PasswordHash::make(b"correct horse", method).unwrap(), hash, "a salt is used once");
            assert!(!format!("{hash:?}").contains('$'));
        }
    }

    #[test]
    fn bcrypt_takes_no_two_long_passwords_for_the_same() {
        let hash = PasswordHash::make(&[b'x'; 72], Method::Bcrypt).unwrap();
        assert!(hash.matches(&[b'x'; 72]) && !hash.matches(&[b'x'; 73]) && !hash.matches(&[b'x'; 71]));
        assert_eq!(PasswordHash::make(&[b'x'; 73], Method::Bcrypt), Err(PasswordFault::TooLong(72)));
    }

    #[test]
    fn a_password_that_could_not_be_checked_is_not_hashed() {
        assert_eq!(PasswordHash::make(b"", Method::Argon2id), Err(PasswordFault::Empty));
        assert_eq!(PasswordHash::make(b"a\0", Method::Argon2id), Err(PasswordFault::Nul));
        assert_eq!(PasswordHash::make(&[b'x'; 1025], Method::Argon2id), Err(PasswordFault::TooLong(1024)));
    }

    #[test]
    fn what_other_programs_hashed_is_known() {
        for text in [ARGON2, BCRYPT, &BCRYPT.replace("$2b$", "$2a$"), &BCRYPT.replace("$2b$", "$2y$")] {
            let hash = PasswordHash::parse(text).unwrap();
            assert!(hash.matches(b"correct horse") && !hash.matches(b"correct horsf"), "{text}");
            assert_eq!(hash.to_text(), text);
        }
    }

    #[test]
    fn a_hash_is_well_formed_and_of_a_bearable_cost() {
        for (text, fault) in [
            ("hunter2", HashFault::Form),
            ("", HashFault::Form),
            (&ARGON2.replace("argon2id", "argon2i"), HashFault::Form),
            ("$2b$04$tooshort", HashFault::Form),
            (&BCRYPT.replace("$2b$", "$2x$"), HashFault::Form),
            (&BCRYPT.replace("$04$", "$31$"), HashFault::BcryptCost),
            ("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzYWx0", HashFault::TooShort),
            (&ARGON2.replace("m=1024", "m=1048576"), HashFault::TooCostly),
        ] {
            assert_eq!(PasswordHash::parse(text), Err(fault), "{text}");
        }
    }
}
