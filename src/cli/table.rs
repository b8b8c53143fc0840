//! Aligned columns of plain text.

use std::fmt;

/// Rows under a heading, each cell as wide as the widest of its column.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column heads.
    pub(super) fn new(heads: &[&str]) -> Table {
        Table { rows: vec![heads.iter().map(|head| (*head).to_owned()).collect()] }
    }

    /// Adds a row, a cell a column.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Takes out the columns that say the same `usual` thing in every row.
    pub(super) fn without_idle_columns(mut self, usual: &str) -> Table {
        for column in (0..self.rows.first().map_or(0, Vec::len)).rev() {
            let idle = self.rows.iter().skip(1).all(|row| row.get(column).is_some_and(|cell| cell == usual));
            if idle {
                self.rows.iter_mut().for_each(|row| drop(row.remove(column)));
            }
        }
        self
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.first().map_or(0, Vec::len);
        let widest = |column: usize| {
            self.rows.iter().filter_map(move |row| row.get(column)).map(|cell| cell.chars().count()).max()
        };
        (0..columns).map(|column| widest(column).unwrap_or(0)).collect()
    }
}

/// Indented by two, without white space at the end of a line.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (index, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            write!(f, "{}  {}", if index == 0 { "" } else { "\n" }, line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["NAME", "X"]);
        table.row(["a-long-name".to_owned(), "1".to_owned()]);
        table.row(["é".to_owned(), String::new()]);
        assert_eq!(table.to_string(), "  NAME         X\n  a-long-name  1\n  é");
    }

    #[test]
    fn a_column_that_says_nothing_is_left_out() {
        let mut table = Table::new(&["NAME", "HOST"]);
        table.row(["a".to_owned(), "any".to_owned()]);
        assert_eq!(table.without_idle_columns("any").to_string(), "  NAME\n  a");
    }
}
