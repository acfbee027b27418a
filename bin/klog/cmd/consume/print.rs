//! Prints records as asked for, and counts them.

use klog::client::ConsumedRecord;
use klog::record::TimestampType;

use super::filter::Filter;
use crate::output::{Stdout, table};
use crate::record::{Plain, Shown, Template, write_json};

/// Rows after which a table is printed, so that reading without an end does not fill the memory.
const TABLE_ROWS: usize = 1000;

/// How a record looks.
#[derive(Debug)]
pub enum Style {
    /// The value, perhaps the key.
    Plain(Plain),
    /// All of it.
    Json,
    /// As the template says; the bytes stand for null.
    Template(Template, bytes::Bytes),
    /// Columns.
    Table(Vec<Vec<String>>),
}

/// Where records go.
pub struct Printer {
    style: Style,
    filter: Filter,
    left: u64,
    out: Stdout,
}

impl Printer {
    /// `most` records are printed and no more.
    pub fn new(style: Style, filter: Filter, most: Option<u64>) -> Printer {
        Printer { style, filter, left: most.unwrap_or(u64::MAX), out: Stdout::new() }
    }

    /// Whether as many are printed as were asked for.
    pub fn is_full(&self) -> bool {
        self.left == 0
    }

    /// Prints one record, if it is wanted.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn print(&mut self, record: &Shown<'_>) -> anyhow::Result<()> {
        if self.left == 0 || !self.filter.takes(record) {
            return Ok(());
        }
        self.left -= 1;
        match &mut self.style {
            Style::Plain(plain) => plain.write(self.out.buffer(), record),
            Style::Template(template, null) => template.write(self.out.buffer(), record, null),
            Style::Json => {
                write_json(self.out.buffer(), record);
                self.out.buffer().push(b'\n');
            }
            Style::Table(rows) => {
                rows.push(cells(record));
                if rows.len() >= TABLE_ROWS {
                    return self.finish();
                }
            }
        }
        self.out.spill()
    }

    /// Whether something was printed that a flush does not write yet.
    pub fn holds_back(&self) -> bool {
        matches!(&self.style, Style::Table(rows) if !rows.is_empty())
    }

    /// Writes what has gathered; a table goes on gathering.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        self.out.flush()
    }

    /// Writes all there is.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn finish(&mut self) -> anyhow::Result<()> {
        if let Style::Table(rows) = &mut self.style
            && !rows.is_empty()
        {
            let header = ["partition", "offset", "timestamp", "key", "value", "headers"];
            let text = table(&header, std::mem::take(rows).into_iter());
            self.out.buffer().extend_from_slice(text.as_bytes());
        }
        self.out.flush()
    }
}

fn cells(record: &Shown<'_>) -> Vec<String> {
    let text = |bytes: Option<&[u8]>| {
        bytes.map_or("-".to_owned(), |b| String::from_utf8_lossy(b).into_owned())
    };
    let time = record.timestamp.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let headers = record.headers.iter().map(|(k, v)| format!("{}={}", text(Some(k)), text(*v)));
    vec![
        format!("{}[{}]", record.topic, record.partition),
        record.offset.to_string(),
        time.map_or("-".to_owned(), |time| time.to_string()),
        text(record.key),
        text(record.value),
        headers.collect::<Vec<_>>().join(","),
    ]
}

/// A record of the client's as it is shown.
pub fn shown(record: &ConsumedRecord) -> Shown<'_> {
    let headers = record.headers.iter().map(|h| (h.key.as_ref(), h.value.as_deref()));
    Shown {
        topic: &record.topic,
        partition: record.partition,
        offset: record.offset,
        timestamp: record.timestamp,
        append_time: record.timestamp_type == TimestampType::LogAppendTime,
        key: record.key.as_deref(),
        value: record.value.as_deref(),
        headers: headers.collect(),
    }
}
