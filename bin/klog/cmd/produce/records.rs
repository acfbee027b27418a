//! From the text of a record to the record.

use bytes::Bytes;
use bytestring::ByteString;
use klog::base::TopicName;
use klog::client::ProducerRecord;
use memchr::memmem;

use super::args::{Args, Input};
use crate::record::{Timestamp, parse_json};
use crate::values;

/// What every record has in common, and how its text is read.
pub struct Shape {
    input: Input,
    topic: TopicName,
    key: Option<Bytes>,
    key_separator: Option<memmem::Finder<'static>>,
    headers: Vec<(ByteString, Option<Bytes>)>,
    partition: Option<i32>,
    timestamp: Option<i64>,
    null_marker: Option<Bytes>,
    ignore_partition: bool,
    ignore_timestamp: bool,
}

/// A text that is no record.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadRecord {
    /// With -K.
    #[error("it has no key separator {separator:?}")]
    NoSeparator {
        /// What was looked for.
        separator: String,
    },
    /// With --input json.
    #[error("{0}")]
    Json(String),
}

impl Shape {
    /// Takes the options that say what a record is.
    pub fn new(args: &Args) -> Shape {
        let header = |(name, value): &(String, String)| {
            (ByteString::from(name.as_str()), Some(Bytes::copy_from_slice(value.as_bytes())))
        };
        Shape {
            input: args.input,
            topic: args.topic.clone(),
            key: args.key.as_ref().map(|key| Bytes::copy_from_slice(key.as_bytes())),
            key_separator: args.key_separator.as_ref().map(|s| memmem::Finder::new(s).into_owned()),
            headers: args.headers.iter().map(header).collect(),
            partition: args.partition,
            timestamp: args.timestamp.map(|when| when.at(values::now()).0),
            null_marker: args.null_marker.clone(),
            ignore_partition: args.ignore_partition,
            ignore_timestamp: args.ignore_timestamp,
        }
    }

    /// Makes the record that `text` stands for.
    ///
    /// # Errors
    /// If it stands for none.
    pub fn record(&self, text: Bytes) -> Result<ProducerRecord, BadRecord> {
        match self.input {
            Input::Json => self.of_json(&text),
            Input::Lines | Input::Raw => self.of_text(text),
        }
    }

    fn of_text(&self, text: Bytes) -> Result<ProducerRecord, BadRecord> {
        let (key, value) = match &self.key_separator {
            None => (self.key.clone(), text),
            Some(separator) => {
                let at = separator.find(&text).ok_or_else(|| BadRecord::NoSeparator {
                    separator: String::from_utf8_lossy(separator.needle()).into_owned(),
                })?;
                (Some(text.slice(..at)), text.slice(at + separator.needle().len()..))
            }
        };
        Ok(self.with(key, self.or_null(Some(value)), self.partition, self.timestamp, Vec::new()))
    }

    fn of_json(&self, text: &Bytes) -> Result<ProducerRecord, BadRecord> {
        let read = parse_json(text).map_err(BadRecord::Json)?;
        let own_partition = if self.ignore_partition { None } else { read.partition };
        let own_timestamp = match read.timestamp {
            _ if self.ignore_timestamp => None,
            Timestamp::Now => None,
            // -1 is how the protocol writes "none".
            Timestamp::Absent => Some(-1),
            Timestamp::At(at) => Some(at),
        };
        Ok(self.with(
            self.key.clone().or(read.key),
            self.or_null(read.value),
            self.partition.or(own_partition),
            self.timestamp.or(own_timestamp),
            read.headers,
        ))
    }

    fn with(
        &self,
        key: Option<Bytes>,
        value: Option<Bytes>,
        partition: Option<i32>,
        timestamp: Option<i64>,
        mut headers: Vec<(ByteString, Option<Bytes>)>,
    ) -> ProducerRecord {
        headers.extend(self.headers.iter().cloned());
        ProducerRecord { topic: self.topic.clone(), partition, timestamp, key, value, headers }
    }

    fn or_null(&self, value: Option<Bytes>) -> Option<Bytes> {
        value.filter(|value| self.null_marker.as_ref() != Some(value))
    }
}
