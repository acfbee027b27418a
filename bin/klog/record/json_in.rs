//! A record from one line of JSON: the shape that `consume --format json` prints.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use bytestring::ByteString;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, Visitor};

/// What a line says about a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonRecord {
    /// None leaves the choice to the partitioner.
    pub partition: Option<i32>,
    /// Missing, absent, or a number.
    pub timestamp: Timestamp,
    /// None is null.
    pub key: Option<Bytes>,
    /// None is null.
    pub value: Option<Bytes>,
    /// In order, names may repeat.
    pub headers: Vec<(ByteString, Option<Bytes>)>,
}

/// What a line says about the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamp {
    /// Nothing: the time of producing it.
    Now,
    /// `null`: the record has none (−1 on the wire).
    Absent,
    /// Milliseconds since the Unix epoch.
    At(i64),
}

/// Reads one line. Texts without escapes are slices of it.
///
/// # Errors
/// What is wrong, in words for whoever wrote the line.
pub fn parse_json(line: &Bytes) -> Result<JsonRecord, String> {
    // serde would take a struct's fields also from an array.
    if line.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err("it is not a JSON object: {\"value\":\"…\"}".to_owned());
    }
    let parsed: Line<'_> =
        serde_json::from_slice(line).map_err(|error| match is_decoded(line) {
            true => DECODED.to_owned(),
            false => in_words(&error),
        })?;
    if parsed.decoded.is_some() {
        return Err(DECODED.to_owned());
    }
    if parsed.control.is_some() {
        return Err("it is a control record, which only brokers write".to_owned());
    }
    let value = one_of(line, "value", parsed.value, parsed.value_base64)?
        .ok_or("`value` is missing (null makes a tombstone)")?;
    let key = one_of(line, "key", parsed.key, parsed.key_base64)?.flatten();
    let headers = match parsed.headers {
        None | Some(None) => Vec::new(),
        Some(Some(headers)) => {
            headers.into_iter().map(|h| header(line, h)).collect::<Result<_, String>>()?
        }
    };
    let partition = match parsed.partition.flatten() {
        Some(number) if number < 0 => return Err(format!("there is no partition {number}")),
        partition => partition,
    };
    let timestamp = match parsed.timestamp {
        None => Timestamp::Now,
        Some(None) => Timestamp::Absent,
        Some(Some(at)) => Timestamp::At(at),
    };
    Ok(JsonRecord { partition, timestamp, key, value, headers })
}

const DECODED: &str = "it is a record of Kafka's own that was decoded, not its bytes; klog dump-segment --raw prints those";

/// Whether a line bears the mark of records whose key and value are shown field by field.
fn is_decoded(line: &Bytes) -> bool {
    #[derive(serde::Deserialize)]
    struct Marked {
        decoded: Option<IgnoredAny>,
    }
    serde_json::from_slice::<Marked>(line).is_ok_and(|marked| marked.decoded.is_some())
}

fn header(line: &Bytes, header: Header<'_>) -> Result<(ByteString, Option<Bytes>), String> {
    let key = one_of(line, "key", header.key, header.key_base64)
        .map_err(|e| format!("in a header: {e}"))?
        .flatten()
        .ok_or("a header has no `key`")?;
    let key = ByteString::try_from(key).map_err(|_| "a header's key is not UTF-8")?;
    let value = one_of(line, "value", header.value, header.value_base64)
        .map_err(|e| format!("in header {key:?}: {e}"))?;
    Ok((key, value.flatten()))
}

/// The bytes of a field that may be given as text or as base64: None if neither stands there, `Some(None)` for null.
fn one_of(
    line: &Bytes,
    name: &str,
    plain: Option<Option<Text<'_>>>,
    base64: Option<Option<Text<'_>>>,
) -> Result<Option<Option<Bytes>>, String> {
    match (plain, base64) {
        (Some(_), Some(_)) => Err(format!("`{name}` and `{name}_base64` exclude each other")),
        (Some(text), None) => Ok(Some(text.map(|t| t.into_bytes(line)))),
        (None, Some(None)) => Ok(Some(None)),
        (None, Some(Some(text))) => {
            let bytes = STANDARD.decode(text.0.as_bytes());
            bytes
                .map(|b| Some(Some(b.into())))
                .map_err(|_| format!("`{name}_base64` is not base64"))
        }
        (None, None) => Ok(None),
    }
}

/// The fields that count; others are ignored. The outer Option is whether it stands there, the inner one null.
#[derive(serde::Deserialize)]
struct Line<'a> {
    #[serde(default, deserialize_with = "stands")]
    partition: Option<Option<i32>>,
    #[serde(default, deserialize_with = "stands")]
    timestamp: Option<Option<i64>>,
    #[serde(borrow, default, deserialize_with = "stands")]
    key: Option<Option<Text<'a>>>,
    #[serde(borrow, default, deserialize_with = "stands")]
    key_base64: Option<Option<Text<'a>>>,
    #[serde(borrow, default, deserialize_with = "stands")]
    value: Option<Option<Text<'a>>>,
    #[serde(borrow, default, deserialize_with = "stands")]
    value_base64: Option<Option<Text<'a>>>,
    #[serde(borrow, default, deserialize_with = "stands")]
    headers: Option<Option<Vec<Header<'a>>>>,
    control: Option<IgnoredAny>,
    decoded: Option<IgnoredAny>,
}

#[derive(serde::Deserialize)]
struct Header<'a> {
    #[serde(borrow, default, deserialize_with = "stands")]
    key: Option<Option<Text<'a>>>,
    #[serde(borrow, default, deserialize_with = "stands")]
    key_base64: Option<Option<Text<'a>>>,
    #[serde(borrow, default, deserialize_with = "stands")]
    value: Option<Option<Text<'a>>>,
    #[serde(borrow, default, deserialize_with = "stands")]
    value_base64: Option<Option<Text<'a>>>,
}

fn stands<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

/// A text that borrows from the line where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    fn into_bytes(self, line: &Bytes) -> Bytes {
        match self.0 {
            Cow::Borrowed(text) => line.slice_ref(text.as_bytes()),
            Cow::Owned(text) => Bytes::from(text),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Text<'a>, D::Error> {
        from.deserialize_any(TextVisitor).map(Text)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or null")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(A::Error::custom("found an object where a string belongs; quote JSON that is a value"))
    }
}

/// serde's words, without a line number that is always 1.
fn in_words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let at = format!(" at line {} column {}", error.line(), error.column());
    let column = error.column();
    match text.strip_suffix(&at) {
        Some(what) => format!("{what} (column {column})"),
        None => text,
    }
}
