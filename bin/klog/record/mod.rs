//! The shape of records on stdin and stdout: JSON that loses nothing either way, templates, plain lines.

mod json_in;
#[cfg(test)]
mod json_in_tests;
pub mod json_out;
mod plain;
mod template;

pub use json_in::{Timestamp, parse_json};
pub use json_out::write_json;
pub use plain::Plain;
pub use template::Template;

/// A record as it is shown; all slices of what was fetched.
#[derive(Clone, Debug, Default)]
pub struct Shown<'a> {
    /// Where it is.
    pub topic: &'a str,
    /// Where it is.
    pub partition: i32,
    /// Where it is.
    pub offset: i64,
    /// Milliseconds since the Unix epoch; None if the record has none.
    pub timestamp: Option<i64>,
    /// Whether the timestamp is the broker's (LogAppendTime).
    pub append_time: bool,
    /// None is null.
    pub key: Option<&'a [u8]>,
    /// None is null.
    pub value: Option<&'a [u8]>,
    /// In order, names may repeat.
    pub headers: Vec<(&'a [u8], Option<&'a [u8]>)>,
}
