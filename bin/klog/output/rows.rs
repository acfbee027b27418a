//! Lists: a table for people, JSON lines or tab-separated values for programs.

use std::io::IsTerminal as _;

use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use super::{ListFormat, Stdout};

/// A line of a list. Its JSON is what serde makes of it.
pub trait Row: Serialize {
    /// The table's column names, as short as in the JSON.
    const HEADER: &'static [&'static str];

    /// The cells beneath them; an absent value is `-`.
    fn cells(&self) -> Vec<String>;
}

/// Prints rows: JSON and plain at once, a table when it is complete.
pub struct Rows<R: Row> {
    format: ListFormat,
    kept: Vec<R>,
    out: Stdout,
}

impl<R: Row> Rows<R> {
    /// An empty list.
    pub fn new(format: ListFormat) -> Rows<R> {
        Rows { format, kept: Vec::new(), out: Stdout::new() }
    }

    /// Adds one row.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn push(&mut self, row: R) -> anyhow::Result<()> {
        match self.format {
            ListFormat::Table => {
                self.kept.push(row);
                return Ok(());
            }
            ListFormat::Json => serde_json::to_writer(self.out.buffer(), &row)?,
            ListFormat::Plain => {
                let line = row.cells().join("\t");
                self.out.buffer().extend_from_slice(line.as_bytes());
            }
        }
        self.out.buffer().push(b'\n');
        self.out.spill()
    }

    /// Prints what is left.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn finish(mut self) -> anyhow::Result<()> {
        if !self.kept.is_empty() {
            let table = table(R::HEADER, self.kept.iter().map(Row::cells));
            self.out.buffer().extend_from_slice(table.as_bytes());
        }
        self.out.flush()
    }
}

/// An absent value is a dash.
pub fn or_dash<T: ToString>(value: &Option<T>) -> String {
    value.as_ref().map_or("-".to_owned(), T::to_string)
}

/// Columns that fit the terminal; without borders, and as wide as they need, where stdout is no terminal.
pub fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    let terminal = std::io::stdout().is_terminal();
    // A narrow terminal breaks names between their words.
    let name = |name: &&str| name.to_uppercase().replace('_', if terminal { " " } else { "_" });
    if terminal {
        // Some terminals do not tell how wide they are.
        if table.width().is_some_and(|width| width < 20) {
            table.set_width(80);
        }
        table.load_style(comfy_table::presets::UTF8_BORDERS_ONLY);
        table.set_content_arrangement(ContentArrangement::Dynamic);
    } else {
        table.load_style(comfy_table::presets::NOTHING).force_no_tty();
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table.set_header(header.iter().map(name));
    table.add_rows(rows);
    if !terminal {
        // Columns stand two spaces apart, the first at the margin.
        table.column_iter_mut().for_each(|column| {
            column.set_padding((0, 2));
        });
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_table_in_a_pipe_has_no_borders() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["long".to_owned(), "22".to_owned()]];
        let text = super::table(&["name", "n"], rows.into_iter());
        assert_eq!(text, "NAME  N\na     1\nlong  22\n");
    }
}
