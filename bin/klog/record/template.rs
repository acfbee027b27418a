//! `--template`: text with `%` fields and escapes, as kcat's -f has it.

use std::io::Write as _;

use super::Shown;
use crate::values::unescape;

/// A template, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    Topic,
    Partition,
    Offset,
    Timestamp,
    Key,
    Value,
    Headers,
    KeySize,
    ValueSize,
}

impl Template {
    /// Reads `%t %p %o %T %k %v %h %K %V %%` and escapes.
    pub fn parse(text: &str) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut parts = text.split('%');
        push_text(&mut pieces, parts.next().unwrap_or_default())?;
        while let Some(part) = parts.next() {
            let mut chars = part.chars();
            let piece = match chars.next() {
                Some('t') => Piece::Topic,
                Some('p') => Piece::Partition,
                Some('o') => Piece::Offset,
                Some('T') => Piece::Timestamp,
                Some('k') => Piece::Key,
                Some('v') => Piece::Value,
                Some('h') => Piece::Headers,
                Some('K') => Piece::KeySize,
                Some('V') => Piece::ValueSize,
                // `%%`: an empty part, and what follows is text.
                None => {
                    let Some(rest) = parts.next() else {
                        return Err("a % at the end; %% prints one".to_owned());
                    };
                    pieces.push(Piece::Text(b"%".to_vec()));
                    push_text(&mut pieces, rest)?;
                    continue;
                }
                Some('s') => return Err("%s is %v here: %t %p %o %T %k %v %h %K %V".to_owned()),
                Some('S') => return Err("%S is %V here: %t %p %o %T %k %v %h %K %V".to_owned()),
                Some(other) => {
                    return Err(format!(
                        "there is no %{other}: %t %p %o %T %k %v %h %K %V, %% prints a %"
                    ));
                }
            };
            pieces.push(piece);
            push_text(&mut pieces, chars.as_str())?;
        }
        Ok(Template { pieces })
    }

    /// Appends one record. No line end is added; sizes of null are -1, as is an absent time.
    pub fn write(&self, out: &mut Vec<u8>, record: &Shown<'_>, null_marker: &[u8]) {
        let size = |bytes: Option<&[u8]>| bytes.map_or(-1, |b| b.len() as i64);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Topic => out.extend_from_slice(record.topic.as_bytes()),
                Piece::Partition => number(out, record.partition.into()),
                Piece::Offset => number(out, record.offset),
                Piece::Timestamp => number(out, record.timestamp.unwrap_or(-1)),
                Piece::Key => out.extend_from_slice(record.key.unwrap_or(null_marker)),
                Piece::Value => out.extend_from_slice(record.value.unwrap_or(null_marker)),
                Piece::Headers => headers(out, record, null_marker),
                Piece::KeySize => number(out, size(record.key)),
                Piece::ValueSize => number(out, size(record.value)),
            }
        }
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) -> Result<(), String> {
    if !text.is_empty() {
        pieces.push(Piece::Text(unescape(text)?));
    }
    Ok(())
}

fn number(out: &mut Vec<u8>, number: i64) {
    // Writing to memory cannot fail.
    let _ = write!(out, "{number}");
}

/// `name=value,name=value`.
fn headers(out: &mut Vec<u8>, record: &Shown<'_>, null_marker: &[u8]) {
    for (index, (key, value)) in record.headers.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(key);
        out.push(b'=');
        out.extend_from_slice(value.unwrap_or(null_marker));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_and_escape_is_filled_in() {
        let record = Shown {
            topic: "t",
            partition: 1,
            offset: 2,
            timestamp: Some(3),
            append_time: false,
            key: Some(b"k"),
            value: None,
            headers: vec![(b"a", Some(b"1")), (b"b", None)],
        };
        let template = Template::parse(r"%t %p %o %T %k %v %h %K %V %%s\n").expect("it is sound");
        let mut out = Vec::new();
        template.write(&mut out, &record, b"NULL");
        assert_eq!(String::from_utf8_lossy(&out), "t 1 2 3 k NULL a=1,b=NULL 1 -1 %s\n");
    }

    #[test]
    fn an_unknown_field_is_refused_and_kcats_is_translated() {
        assert!(Template::parse("%s").is_err_and(|e| e.contains("%v")));
        assert!(Template::parse("%z").is_err_and(|e| e.contains("%z")));
        assert!(Template::parse("50%").is_err());
        assert!(Template::parse(r"\q").is_err());
    }
}
