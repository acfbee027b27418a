//! Everything that goes to the user: rows and records to stdout, progress to stderr.

mod human;
mod outcome;
mod partitions;
mod progress;
mod rows;
mod stdout;

pub use human::{count, local_time, size};
pub use outcome::{Failures, Outcome};
pub use partitions::{Partitions, by_topic, in_short};
pub use progress::Progress;
pub use rows::{Row, Rows, aligned, is_narrow, or_dash, table, together};
pub use stdout::Stdout;

/// How records are printed.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordFormat {
    /// The value, a line each
    Plain,
    /// One JSON object a line; loses nothing
    Json,
    /// Columns, printed once reading has ended
    Table,
}

/// How lists are printed.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListFormat {
    /// Columns that fit the terminal
    Table,
    /// One JSON object a line
    Json,
    /// Values between tabs, without a header
    Plain,
}

/// How lines about single records are printed.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFormat {
    /// Text
    Plain,
    /// One JSON object a line
    Json,
}
