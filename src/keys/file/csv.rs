//! CSV (RFC 4180): a header that names the columns, then a row a secret.

use std::io::Read;

use super::{
    fault::{FileFault, Why},
    row::{ID, Row, SECRET},
    table::Filling,
};

/// A row that is put behind the last one: where it is not read as one of its own, a quote is open.
const END: &str = "\n\0\n";

/// Reads all rows, or the first thing that is wrong.
pub(super) fn read(from: impl Read, filling: &mut Filling) -> Result<(), FileFault> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(from.chain(END.as_bytes()));
    let columns = columns(&mut reader)?;
    let mut record = csv::StringRecord::new();
    let mut end = None;
    while reader.read_record(&mut record).map_err(fault)? {
        if let Some(line) = end {
            return Err(unequal(line, 1, columns.len()));
        }
        let line = record.position().map_or(0, csv::Position::line);
        if record.iter().eq([END.trim_matches('\n')]) {
            end = Some(line);
            continue;
        }
        if record.iter().next_back().is_some_and(|last| last.ends_with(END)) {
            return Err(FileFault { line, at: 0, column: None, why: Why::OpenQuote });
        }
        if record.len() != columns.len() {
            return Err(unequal(line, record.len(), columns.len()));
        }
        let mut row = Row::default();
        columns.iter().zip(&record).for_each(|(column, text)| row.set(column, text));
        filling.noted.at(line);
        row.put(filling).map_err(|(column, why)| FileFault { line, at: 0, column, why })?;
    }
    Ok(())
}

fn unequal(line: u64, found: usize, wanted: usize) -> FileFault {
    FileFault { line, at: 0, column: None, why: Why::Fields { found, wanted } }
}

fn columns<R: Read>(reader: &mut csv::Reader<R>) -> Result<Vec<String>, FileFault> {
    let header = reader.headers().map_err(fault)?;
    let columns: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    // First of all, and without a name: where the header is missing, what stands there may be a secret.
    if let Some(missing) = [ID, SECRET].into_iter().find(|wanted| !columns.iter().any(|column| column == wanted)) {
        return Err(FileFault { line: 1, at: 0, column: None, why: Why::NoColumn(missing) });
    }
    for (index, column) in columns.iter().enumerate() {
        if columns.iter().take(index).any(|before| before == column) {
            return Err(FileFault { line: 1, at: 0, column: Some(column.clone()), why: Why::Twice });
        }
    }
    Ok(columns)
}

fn fault(error: csv::Error) -> FileFault {
    let line = error.position().map_or(0, csv::Position::line);
    let why = match error.into_kind() {
        csv::ErrorKind::Io(error) => Why::Unreadable(error),
        csv::ErrorKind::Utf8 { .. } => Why::NotText,
        // The kinds are open to more; none of them shows what was read.
        _ => Why::NotCsv,
    };
    FileFault { line, at: 0, column: None, why }
}
