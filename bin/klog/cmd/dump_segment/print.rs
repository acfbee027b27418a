//! Records on stdout: as JSON, as plain values, in a table.

use std::path::Path;

use klog::forensics::decode::{Internal, write_control};
use klog::record::{AnyBatch, Record};

use crate::output::{ListFormat, Stdout, aligned, local_time};
use crate::record::Shown;
use crate::record::json_out::{field, number, string, write_headers, write_place};

/// Whose records they are.
pub struct Origin<'a> {
    /// The topic.
    pub topic: &'a str,
    /// Its partition, where that is known.
    pub partition: Option<i32>,
    /// How keys and values are decoded, if they are.
    pub decodes: Option<Internal>,
}

/// Where a record's batch stands.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The file.
    pub file: &'a Path,
    /// The batch's first byte.
    pub position: u64,
}

/// Rows after which a table is printed.
const TABLE_ROWS: usize = 1000;
/// Characters of a key or value that a table shows.
const CELL_CHARS: usize = 500;

/// Where records go.
pub struct Printer {
    format: ListFormat,
    out: Stdout,
    rows: Vec<Vec<String>>,
    title: Option<String>,
    titled: bool,
    printed: u64,
    most: u64,
}

impl Printer {
    /// `most` records are printed and no more.
    pub fn new(format: ListFormat, most: Option<u64>) -> Printer {
        Printer {
            format,
            out: Stdout::new(),
            rows: Vec::new(),
            title: None,
            titled: false,
            printed: 0,
            most: most.unwrap_or(u64::MAX),
        }
    }

    /// Records of another log come: its name stands above its table.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn begin(&mut self, title: &str) -> anyhow::Result<()> {
        self.flush()?;
        self.title = Some(title.to_owned());
        Ok(())
    }

    /// Whether as many are printed as were asked for.
    pub fn is_full(&self) -> bool {
        self.printed >= self.most
    }

    /// How many were printed.
    pub fn printed(&self) -> u64 {
        self.printed
    }

    /// Prints a record.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn record(
        &mut self,
        shown: &Shown<'_>,
        record: &Record,
        origin: &Origin<'_>,
        place: Place<'_>,
    ) -> anyhow::Result<()> {
        let Some(internal) = origin.decodes else { return self.plain_record(shown, origin, place) };
        let key = |out: &mut Vec<u8>| internal.write_key(out, record.key.as_ref());
        let value = |out: &mut Vec<u8>| {
            internal.write_value(out, record.key.as_ref(), record.value.as_ref());
        };
        let out = self.out.buffer();
        match self.format {
            ListFormat::Json => {
                write_place(out, shown, origin.partition);
                out.extend_from_slice(br#","key":"#);
                key(out);
                out.extend_from_slice(br#","value":"#);
                value(out);
                out.push(b',');
                write_headers(out, shown);
                out.extend_from_slice(br#","decoded":true"#);
                end(out, place);
            }
            ListFormat::Plain => {
                // Metadata has no keys.
                if record.key.is_some() || internal != Internal::Metadata {
                    key(out);
                    out.push(b'\t');
                }
                value(out);
                out.push(b'\n');
            }
            ListFormat::Table => {
                let text = |write: &dyn Fn(&mut Vec<u8>)| {
                    let mut text = Vec::new();
                    write(&mut text);
                    text
                };
                self.row(shown, Some(&text(&key)), Some(&text(&value)), "");
            }
        }
        self.one_more()
    }

    fn plain_record(
        &mut self,
        shown: &Shown<'_>,
        origin: &Origin<'_>,
        place: Place<'_>,
    ) -> anyhow::Result<()> {
        let out = self.out.buffer();
        match self.format {
            ListFormat::Json => {
                write_place(out, shown, origin.partition);
                out.push(b',');
                field(out, "key", shown.key);
                out.push(b',');
                field(out, "value", shown.value);
                out.push(b',');
                write_headers(out, shown);
                end(out, place);
            }
            ListFormat::Plain => {
                out.extend_from_slice(shown.value.unwrap_or_default());
                out.push(b'\n');
            }
            ListFormat::Table => {
                let text = |bytes: Option<&[u8]>| {
                    bytes.map_or("-".into(), |bytes| String::from_utf8_lossy(bytes).into_owned())
                };
                let headers = shown.headers.iter();
                let headers =
                    headers.map(|(key, value)| format!("{}={}", text(Some(key)), text(*value)));
                let headers = headers.collect::<Vec<_>>().join(",");
                self.row(shown, shown.key, shown.value, &headers);
            }
        }
        self.one_more()
    }

    /// Prints a control record.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn control(
        &mut self,
        shown: &Shown<'_>,
        record: &Record,
        batch: &AnyBatch,
        origin: &Origin<'_>,
        place: Place<'_>,
    ) -> anyhow::Result<()> {
        let producer = match batch {
            AnyBatch::Batch(batch) => Some(batch.header().producer_id).filter(|id| *id >= 0),
            AnyBatch::Entry(_) => None,
        };
        let out = self.out.buffer();
        match self.format {
            ListFormat::Json => {
                write_place(out, shown, origin.partition);
                out.extend_from_slice(br#","producer_id":"#);
                match producer {
                    Some(id) => number(out, id),
                    None => out.extend_from_slice(b"null"),
                }
                out.extend_from_slice(br#","control":"#);
                write_control(out, record.key.as_ref(), record.value.as_ref());
                end(out, place);
            }
            ListFormat::Plain => {
                write_control(out, record.key.as_ref(), record.value.as_ref());
                out.push(b'\n');
            }
            ListFormat::Table => {
                let mut text = Vec::new();
                write_control(&mut text, record.key.as_ref(), record.value.as_ref());
                let key =
                    producer.map_or("control".to_owned(), |id| format!("control, producer {id}"));
                self.row(shown, Some(key.as_bytes()), Some(&text), "");
            }
        }
        self.one_more()
    }

    fn row(&mut self, shown: &Shown<'_>, key: Option<&[u8]>, value: Option<&[u8]>, headers: &str) {
        self.rows.push(vec![
            shown.offset.to_string(),
            local_time(shown.timestamp),
            cell(key),
            cell(value),
            headers.to_owned(),
        ]);
    }

    fn one_more(&mut self) -> anyhow::Result<()> {
        self.printed += 1;
        if self.rows.len() >= TABLE_ROWS { self.flush() } else { self.out.spill() }
    }

    /// Writes all that has gathered.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        if !self.rows.is_empty() {
            if let Some(title) = self.title.take() {
                let before = if std::mem::replace(&mut self.titled, true) { "\n" } else { "" };
                self.out.buffer().extend_from_slice(format!("{before}{title}\n").as_bytes());
            }
            let header = ["offset", "timestamp", "key", "value", "headers"];
            let rows = std::mem::take(&mut self.rows).into_iter().map(|cells| (cells, false));
            self.out
                .buffer()
                .extend_from_slice(aligned(&header, &["offset"], &[], rows).as_bytes());
        }
        self.out.flush()
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn finish(&mut self) -> anyhow::Result<()> {
        self.flush()
    }
}

/// `,"file":"…","position":7}` and a line end.
fn end(out: &mut Vec<u8>, place: Place<'_>) {
    out.extend_from_slice(br#","file":"#);
    string(out, &place.file.to_string_lossy());
    out.extend_from_slice(br#","position":"#);
    number(out, i64::try_from(place.position).unwrap_or(i64::MAX));
    out.extend_from_slice(b"}\n");
}

/// Text, not too long; `-` for null.
fn cell(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else { return "-".to_owned() };
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * CELL_CHARS)]);
    match text.char_indices().nth(CELL_CHARS) {
        Some((at, _)) => format!("{}… ({} bytes)", &text[..at], bytes.len()),
        None => text.into_owned(),
    }
}
