//! The journal of replay claims: written before a request goes on, read again at the next start.
//!
//! It is a directory of files that are appended to and never changed. A claim is in the system's hands (`write(2)`) before its
//! request is forwarded, so whatever ends the process, nothing that was accepted is forgotten. It is not synced to the disk:
//! a power cut may lose the last of it.
//!
//! Appending is a lock and one write of 48 bytes. When the files hold much more than what is live, a thread writes what is
//! live into a new file and deletes those before it; meanwhile claims go on into another.

mod directory;
mod read;
mod record;
#[cfg(test)]
mod tests;
mod writer;

use std::path::PathBuf;

pub use self::{
    read::{Damage, read},
    record::Record,
    writer::Journal,
};

/// Why a journal cannot be used. The gateway does not start then.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it open.
    #[error("the replay journal {0} is in use by another process")]
    InUse(PathBuf),
    /// A file of it is not what was written.
    #[error(
        "the replay journal {file} cannot be trusted: {damage}. Without it, requests that it remembers could be accepted \
         again; when their time windows are over, or if that is no harm, delete it and start again"
    )]
    Damaged {
        /// Which.
        file: PathBuf,
        /// How.
        damage: Damage,
    },
    /// The system says no.
    #[error("the replay journal {file}: {source}")]
    Io {
        /// Which file or directory.
        file: PathBuf,
        /// What it says.
        source: std::io::Error,
    },
}
