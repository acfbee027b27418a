//! The records that every client writes and reads: one of each kind that has ever been mistaken for another.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A record as the peers print and read it: a line of JSON, bytes in base64.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub partition: i32,
    #[serde(default)]
    pub offset: i64,
    pub timestamp: i64,
    #[serde(with = "base64_or_null")]
    pub key: Option<Vec<u8>>,
    #[serde(with = "base64_or_null")]
    pub value: Option<Vec<u8>>,
    pub headers: Vec<Header>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    pub key: String,
    #[serde(with = "base64_or_null")]
    pub value: Option<Vec<u8>>,
}

impl Record {
    fn new(key: Option<&[u8]>, value: Option<&[u8]>) -> Record {
        let owned = |bytes: &[u8]| bytes.to_vec();
        let (key, value) = (key.map(owned), value.map(owned));
        Record { partition: 0, offset: 0, timestamp: 0, key, value, headers: Vec::new() }
    }

    fn with(mut self, key: &str, value: Option<&[u8]>) -> Record {
        self.headers.push(Header { key: key.to_owned(), value: value.map(<[u8]>::to_vec) });
        self
    }

    /// A record as short as it can be said in a failed assertion.
    pub fn brief(&self) -> String {
        let short = |bytes: &Option<Vec<u8>>| match bytes {
            None => "null".to_owned(),
            Some(bytes) if bytes.len() > 32 => format!("{} bytes", bytes.len()),
            Some(bytes) => format!("{:?}", bytes.escape_ascii().to_string()),
        };
        let headers: Vec<String> =
            self.headers.iter().map(|h| format!("{}={}", h.key, short(&h.value))).collect();
        let (key, value) = (short(&self.key), short(&self.value));
        format!("{}@{} {} {key}:{value} {headers:?}", self.partition, self.offset, self.timestamp)
    }
}

/// One record of each kind, then a run of small ones, all for `partition`, with rising timestamps.
pub fn one_of_each(partition: i32) -> Vec<Record> {
    let mut all = vec![
        Record::new(Some(b"key"), Some(b"value")),
        Record::new(None, Some(b"no key")),
        Record::new(Some(b"no value"), None),
        Record::new(None, None),
        Record::new(Some(b""), Some(b"")),
        Record::new(Some(b"\xff\xfe\x00"), Some(b"\x00\x80not UTF-8\xc3")),
        Record::new(Some(b"headers"), Some(b"all kinds"))
            .with("twice", Some(b"1"))
            .with("twice", Some(b"2"))
            .with("null", None)
            .with("empty", Some(b""))
            .with("bytes", Some(b"\xff\x00")),
        Record::new(Some(b"repetitive"), Some(&vec![b'x'; 1_000_000])),
        Record::new(Some(b"random"), Some(&random_bytes(1_000_000))),
    ];
    all.extend((0..500).map(|i| {
        Record::new(Some(format!("{}", i % 7).as_bytes()), Some(format!("small {i}").as_bytes()))
    }));
    for (i, record) in (0..).zip(&mut all) {
        record.partition = partition;
        record.offset = i;
        record.timestamp = 1_700_000_000_000 + i;
    }
    all
}

/// Incompressible, and the same each time (xorshift).
fn random_bytes(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..len).map(|_| step()).collect()
}

/// Records as lines of JSON.
pub fn to_lines(records: &[Record]) -> Vec<u8> {
    let mut lines = Vec::new();
    for record in records {
        serde_json::to_writer(&mut lines, record).expect("a record is JSON");
        lines.push(b'\n');
    }
    lines
}

/// Records from lines of JSON, in order of partition and offset.
pub fn from_lines(lines: &[u8]) -> Vec<Record> {
    let mut records: Vec<Record> = lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("a line is a record"))
        .collect();
    records.sort_by_key(|record| (record.partition, record.offset));
    records
}

/// Panics with the first record that differs.
pub fn assert_same(found: &[Record], wanted: &[Record], what: &str) {
    for (found, wanted) in found.iter().zip(wanted) {
        if found != wanted {
            panic!("{what}\n   found {}\n  wanted {}", found.brief(), wanted.brief());
        }
    }
    assert_eq!(found.len(), wanted.len(), "{what}: number of records");
}

mod base64_or_null {
    use super::*;

    pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(|bytes| STANDARD.encode(bytes)).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
        let text: Option<String> = Option::deserialize(from)?;
        text.map(|text| STANDARD.decode(text).map_err(serde::de::Error::custom)).transpose()
    }
}
