//! Whether bodies that are too large for memory can be held at all: said at the start, and not only to the first client that
//! sends one.

use crate::{config::Config, message::Budgets, scheme::BodyNeed};

/// Warns where a scheme may want a body in a file and none can be made, as in a container whose file system is read-only.
pub(super) fn warn_of_none(config: &Config, budgets: &Budgets) {
    if !config.schemes.iter().any(|scheme| scheme.scheme.body_need() == BodyNeed::Bytes) {
        return;
    }
    if let Err(error) = budgets.temporary_file() {
        let directory = budgets.directory.clone().unwrap_or_else(std::env::temp_dir);
        tracing::warn!(
            directory = %directory.display(),
            %error,
            "no temporary file can be made: signed bodies that are larger than `limits.body_memory` will be refused with \
             503; `limits.spool` names another directory"
        );
    }
}
