//! Key sources that are files: how much is in them, and whether what was written last is in use.

use std::fmt;

use prometheus_client::{encoding::DescriptorEncoder, metrics::MetricType, registry::Unit};

use super::exposition::{clamped, count_of};

/// What is told of one file.
#[derive(Clone, Debug, Default)]
pub struct KeyFileCounts {
    /// The source's name.
    pub source: String,
    /// Ids in it.
    pub ids: u64,
    /// Changed contents that were refused.
    pub refused: u64,
    /// When what is in use was read, in milliseconds since 1970.
    pub loaded_unix_millis: i64,
}

pub(super) fn encode(files: &[KeyFileCounts], encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    if files.is_empty() {
        return Ok(());
    }
    let mut family =
        encoder.encode_descriptor("countersign_key_file_ids", "Ids in a file.", None, MetricType::Gauge)?;
    for file in files {
        family.encode_family(&[("source", file.source.as_str())])?.encode_gauge(&clamped(file.ids))?;
    }
    let help = "Changed files of keys that were refused; the keys before stayed in use.";
    let mut family = encoder.encode_descriptor("countersign_key_file_refused", help, None, MetricType::Counter)?;
    for file in files {
        count_of(&[("source", file.source.as_str())], file.refused, &mut family)?;
    }
    let (name, help) = ("countersign_key_file_loaded_timestamp", "When the keys in use were read from their file.");
    let mut family = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
    for file in files {
        let seconds = file.loaded_unix_millis as f64 / 1e3;
        family.encode_family(&[("source", file.source.as_str())])?.encode_gauge(&seconds)?;
    }
    Ok(())
}
