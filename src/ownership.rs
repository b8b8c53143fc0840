//! Whose a file is and who may read it: what the file that takes its place must have of it. Where files are, and what is in
//! them, is not known here.

use std::{
    fs::{File, Metadata, Permissions},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
};

/// Gives `new` the owner, the group and the mode that `old` tells of.
///
/// # Errors
/// What the system says: who is not root can give a file to nobody else.
pub fn hand_on(old: &Metadata, new: &File) -> io::Result<()> {
    let made = new.metadata()?;
    // Before the mode, which is meant for the old group and not for the one of whoever made the file.
    if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
        fchown(new, Some(old.uid()), Some(old.gid()))?;
    }
    new.set_permissions(Permissions::from_mode(old.mode() & 0o7777))
}
