//! Lists: a table for people, JSON lines or tab-separated values for programs.

use std::io::IsTerminal as _;

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width,
};
use serde::Serialize;

use super::{ListFormat, Stdout};

/// A line of a list. Its JSON is what serde makes of it.
pub trait Row: Serialize {
    /// The table's column names, as short as in the JSON.
    const HEADER: &'static [&'static str];

    /// The columns that are numbers: they stand to the right.
    const NUMBERS: &'static [&'static str] = &[];

    /// The columns that a narrow terminal has no room for.
    const WIDE_ONLY: &'static [&'static str] = &[];

    /// The cells beneath them; an absent value is `-`.
    fn cells(&self) -> Vec<String>;

    /// The values of a plain line, where that has others than a table.
    fn plain(&self) -> Vec<String> {
        self.cells()
    }

    /// Whether the row tells of something that is wrong: it stands out.
    fn is_bad(&self) -> bool {
        false
    }
}

/// Prints rows: JSON and plain at once, a table when it is complete.
pub struct Rows<R: Row> {
    format: ListFormat,
    kept: Vec<R>,
    /// So many rows make a table.
    most: usize,
    titled: bool,
    out: Stdout,
}

/// A list without an end is printed in tables of so many rows: their memory and the wait for them are bounded.
const STREAMED_ROWS: usize = 1000;

impl<R: Row> Rows<R> {
    /// An empty list.
    pub fn new(format: ListFormat) -> Rows<R> {
        Rows { format, kept: Vec::new(), most: usize::MAX, titled: false, out: Stdout::new() }
    }

    /// An empty list that may become a long one: its table comes in pieces.
    pub fn streamed(format: ListFormat) -> Rows<R> {
        Rows { most: STREAMED_ROWS, ..Rows::new(format) }
    }

    /// Adds one row.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn push(&mut self, row: R) -> anyhow::Result<()> {
        match self.format {
            ListFormat::Table => {
                self.kept.push(row);
                return if self.kept.len() < self.most { Ok(()) } else { self.flush() };
            }
            ListFormat::Json => serde_json::to_writer(self.out.buffer(), &row)?,
            ListFormat::Plain => {
                let line = row.plain().join("\t");
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
        self.flush()
    }

    /// Begins a table of its own under a title.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn title(&mut self, title: &str) -> anyhow::Result<()> {
        self.flush()?;
        if std::mem::replace(&mut self.titled, true) {
            self.out.buffer().push(b'\n');
        }
        self.out.buffer().extend_from_slice(title.as_bytes());
        self.out.buffer().push(b'\n');
        Ok(())
    }

    /// Prints what has gathered, as a table of its own.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        if !self.kept.is_empty() {
            let rows = self.kept.iter().map(|row| (row.cells(), row.is_bad()));
            let table = aligned(R::HEADER, R::NUMBERS, R::WIDE_ONLY, rows);
            self.kept.clear();
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
    aligned(header, &[], &[], rows.map(|cells| (cells, false)))
}

/// Columns of a terminal below which a table of numbers and times goes without borders, and times without what goes without saying.
const NARROW: u16 = 110;

/// Columns that are not broken between lines, as numbers are not: times, ids of topics, codecs.
const WHOLE: &[&str] = &[
    "timestamp",
    "min_timestamp",
    "max_timestamp",
    "last_timestamp",
    "committed_at",
    "topic_id",
    "codecs",
];
/// Names, which are broken before those are.
const NAMES: &[&str] = &["topic", "partition", "group"];
/// What is longer is broken all the same, and only what leaves each other column so much is not.
const WHOLE_AT_MOST: usize = 25;
const LEFT_AT_LEAST: usize = 8;

/// How wide stdout is; `None` if it is no terminal.
fn screen() -> Option<u16> {
    // Some terminals do not tell how wide they are.
    let width = || Table::new().width().filter(|width| *width >= 20).unwrap_or(80);
    std::io::stdout().is_terminal().then(width)
}

/// Whether stdout is a terminal that is narrow.
pub fn is_narrow() -> bool {
    screen().is_some_and(|width| width < NARROW)
}

/// What belongs together on a terminal: it is not broken at its spaces.
pub fn together(text: &str) -> String {
    if screen().is_some() { text.replace(' ', "\u{a0}") } else { text.to_owned() }
}

/// [`table`], with `numbers` to the right, bad rows in red, and on a narrow terminal without the columns that are `wide_only`.
pub fn aligned(
    header: &[&str],
    numbers: &[&str],
    wide_only: &[&str],
    rows: impl Iterator<Item = (Vec<String>, bool)>,
) -> String {
    fitted(screen(), header, numbers, wide_only, rows)
}

/// The same for a terminal of so many columns, or for none.
fn fitted(
    screen: Option<u16>,
    header: &[&str],
    numbers: &[&str],
    wide_only: &[&str],
    rows: impl Iterator<Item = (Vec<String>, bool)>,
) -> String {
    let mut table = Table::new();
    let compact = !numbers.is_empty() && screen.is_some_and(|width| width < NARROW);
    let shown: Vec<usize> =
        (0..header.len()).filter(|at| !(compact && wide_only.contains(&header[*at]))).collect();
    let header: Vec<&str> = shown.iter().map(|at| header[*at]).collect();
    // A narrow terminal breaks names between their words.
    let name =
        |name: &&str| name.to_uppercase().replace('_', if screen.is_some() { " " } else { "_" });
    match screen {
        Some(width) => {
            let borders = comfy_table::presets::UTF8_BORDERS_ONLY;
            table.load_style(if compact { comfy_table::presets::NOTHING } else { borders });
            table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
        }
        None => {
            table.load_style(comfy_table::presets::NOTHING).force_no_tty();
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    table.set_header(header.iter().map(name));
    let coloured = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
    if coloured {
        table.enforce_styling();
    }
    let word = |name: &&str| name.split('_').map(str::len).max().unwrap_or(0);
    let mut longest: Vec<usize> = header.iter().map(word).collect();
    for (cells, is_bad) in rows {
        let red = is_bad && coloured;
        let cell = |text: String| {
            let cell = Cell::new(text);
            if red { cell.fg(Color::Red).add_attribute(Attribute::Bold) } else { cell }
        };
        let cells = cells.into_iter().enumerate().filter(|(at, _)| shown.contains(at));
        let cells: Vec<String> = cells.map(|(_, text)| text).collect();
        for (longest, cell) in longest.iter_mut().zip(&cells) {
            let lines = cell.lines().map(|line| line.chars().count());
            *longest = lines.max().unwrap_or(0).max(*longest);
        }
        table.add_row(cells.into_iter().map(cell));
    }
    for (at, name) in header.iter().enumerate() {
        if numbers.contains(name)
            && let Some(column) = table.column_mut(at)
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    if screen.is_none() || compact {
        // Columns stand two spaces apart, the first at the margin.
        table.column_iter_mut().for_each(|column| {
            column.set_padding((0, if compact { 1 } else { 2 }));
        });
    }
    if let Some(width) = screen {
        let rank = |at: usize| match header[at] {
            name if numbers.contains(&name) || WHOLE.contains(&name) => Some(0),
            name => NAMES.contains(&name).then_some(1),
        };
        keep_whole(&mut table, width, &longest, rank);
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Lets the terminal break other columns than those with a `rank`, the last ranks first, as far as there is room.
fn keep_whole(
    table: &mut Table,
    width: u16,
    longest: &[usize],
    rank: impl Fn(usize) -> Option<usize>,
) {
    let columns = table.column_iter().zip(longest);
    let padded: Vec<usize> =
        columns.map(|(column, longest)| longest + usize::from(column.padding_width())).collect();
    for most in [1, 0] {
        let is_whole =
            |at: usize| longest[at] <= WHOLE_AT_MOST && rank(at).is_some_and(|rank| rank <= most);
        let wanted = |at: usize| {
            if is_whole(at) { padded[at] } else { LEFT_AT_LEAST.min(padded[at]) }
        };
        if (0..padded.len()).map(wanted).sum::<usize>() > usize::from(width) {
            continue;
        }
        for at in (0..padded.len()).filter(|at| is_whole(*at)) {
            let width = Width::Fixed(u16::try_from(padded[at]).unwrap_or(u16::MAX));
            if let Some(column) = table.column_mut(at) {
                column.set_constraint(ColumnConstraint::LowerBoundary(width));
            }
        }
        return;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_narrow_terminal_breaks_names_and_remarks_but_no_number_time_or_id_of_a_topic() {
        let header = ["topic", "topic_id", "size", "max_timestamp", "remarks"];
        let id = "8ZykoV0gTH28p8W_c2BgWA";
        let row = |name: &str, size: &str| {
            let cells = [name, id, size, "11-28 15:08:40+00", "11 left-over files, DAMAGED"];
            (cells.map(str::to_owned).to_vec(), false)
        };
        let rows = [row("a-rather-long-name-of-a-topic", "976.6 KiB"), row("b", "0 B")];
        let fitted =
            |width| super::fitted(Some(width), &header, &["size"], &[], rows.clone().into_iter());
        let text = fitted(80);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        for whole in [id, "11-28 15:08:40+00", "976.6 KiB"] {
            assert!(text.contains(whole), "{whole} is broken:\n{text}");
        }
        // Where not even they have room, all are broken.
        let text = fitted(40);
        assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
    }

    #[test]
    fn a_table_in_a_pipe_has_no_borders() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["long".to_owned(), "22".to_owned()]];
        let text = super::table(&["name", "n"], rows.into_iter());
        assert_eq!(text, "NAME  N\na     1\nlong  22\n");
    }
}
