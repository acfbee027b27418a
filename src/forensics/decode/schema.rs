//! A structure of Kafka's as JSON, by its schema: whatever is declared can be shown, in the order in which it is declared.
//!
//! Fields that the version lacks are left out, and so are tagged fields that are not there. Tagged fields that the schema does not have
//! stand in `unknown_tags`, as hex.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::json;
use crate::base::{Cursor, CursorError, TopicId};
use crate::wire::{Field, Schema, Type};

/// Why bytes are not what their schema says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unlike {
    /// They end early.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// A length or count that what is left cannot hold.
    #[error("a length of {length} with {left} bytes left")]
    Length {
        /// As it stands.
        length: i64,
        /// Bytes left.
        left: usize,
    },
    /// A text that is no UTF-8.
    #[error("a text that is not UTF-8")]
    Text,
    /// Bytes behind the last field.
    #[error("{0} bytes too many")]
    Trailing(usize),
    /// Structures in structures, deeper than any that are declared.
    #[error("structures too deep in one another")]
    Depth,
}

/// How a structure is written.
#[derive(Clone, Copy, Debug)]
struct Form {
    version: i16,
    flexible: bool,
    depth: u8,
}

/// No declared structure is nested deeper.
const DEPTH_AT_MOST: u8 = 16;

/// Appends the structure that fills `body` as one JSON object. What was appended before an error is no JSON.
///
/// # Errors
/// See [`Unlike`].
pub fn write(
    out: &mut Vec<u8>,
    schema: &Schema,
    version: i16,
    flexible: bool,
    body: Bytes,
) -> Result<(), Unlike> {
    let mut input = Cursor::new(body);
    fields(out, schema, Form { version, flexible, depth: 0 }, &mut input)?;
    match input.remaining() {
        0 => Ok(()),
        extra => Err(Unlike::Trailing(extra)),
    }
}

fn fields(
    out: &mut Vec<u8>,
    schema: &Schema,
    form: Form,
    input: &mut Cursor,
) -> Result<(), Unlike> {
    if form.depth > DEPTH_AT_MOST {
        return Err(Unlike::Depth);
    }
    out.push(b'{');
    let mut first = true;
    let there = |field: &&Field| field.versions.contains(form.version);
    for field in schema.fields.iter().filter(there) {
        let tagged = field.tag.is_some_and(|(_, versions)| versions.contains(form.version));
        if !(tagged && form.flexible) {
            json::comma(out, &mut first);
            value(out, field, false, form, input)?;
        }
    }
    if form.flexible {
        tags(out, schema, form, input, &mut first)?;
    }
    out.push(b'}');
    Ok(())
}

fn tags(
    out: &mut Vec<u8>,
    schema: &Schema,
    form: Form,
    input: &mut Cursor,
    first: &mut bool,
) -> Result<(), Unlike> {
    let mut unknown = BTreeMap::new();
    for _ in 0..input.uvarint()? {
        let (tag, size) = (input.uvarint()?, input.uvarint()?);
        let bytes = input.take(size as usize)?;
        let Some(field) = schema.fields.iter().find(|field| field.tagged_as(tag, form.version))
        else {
            unknown.insert(tag, bytes);
            continue;
        };
        json::comma(out, first);
        let mut inner = Cursor::new(bytes);
        value(out, field, true, form, &mut inner)?;
        if inner.remaining() > 0 {
            return Err(Unlike::Trailing(inner.remaining()));
        }
    }
    if !unknown.is_empty() {
        json::comma(out, first);
        out.extend_from_slice(b"\"unknown_tags\":{");
        let mut first = true;
        for (tag, bytes) in unknown {
            json::comma(out, &mut first);
            json::name(out, &tag.to_string());
            json::hex(out, &bytes);
        }
        out.push(b'}');
    }
    Ok(())
}

/// One field with its name.
fn value(
    out: &mut Vec<u8>,
    field: &Field,
    tagged: bool,
    form: Form,
    input: &mut Cursor,
) -> Result<(), Unlike> {
    let nullable = field.nullable.contains(form.version);
    if let Type::Bytes | Type::Records = field.ty {
        let length = length(form, false, input)?;
        let bytes = length.map(|length| input.take(length)).transpose()?;
        json::base64(out, field.name, bytes.as_deref());
        return Ok(());
    }
    json::name(out, field.name);
    if let (Type::Struct(schema), true) = (field.ty, nullable) {
        return match (input.i8()?, tagged) {
            (-1, false) | (0, true) => null(out),
            _ => fields(out, schema, form.inner(), input),
        };
    }
    bare(out, field.ty, form, input)
}

/// A value without a name.
fn bare(out: &mut Vec<u8>, ty: &Type, form: Form, input: &mut Cursor) -> Result<(), Unlike> {
    match ty {
        Type::Bool => out.extend_from_slice(if input.u8()? == 0 { b"false" } else { b"true" }),
        Type::I8 => json::number(out, input.i8()?),
        Type::I16 => json::number(out, input.i16()?),
        Type::U16 => json::number(out, input.u16()?),
        Type::I32 => json::number(out, input.i32()?),
        Type::U32 => json::number(out, input.u32()?),
        Type::I64 => json::number(out, input.i64()?),
        Type::F64 => {
            // What is no number is null.
            let _ = serde_json::to_writer(&mut *out, &input.f64()?);
        }
        Type::Uuid => json::string(out, &TopicId(input.array()?).to_string()),
        Type::String => {
            let Some(length) = length(form, true, input)? else { return null(out) };
            let bytes = input.take(length)?;
            json::string(out, str::from_utf8(&bytes).map_err(|_| Unlike::Text)?);
        }
        Type::Bytes | Type::Records => {
            let Some(length) = length(form, false, input)? else { return null(out) };
            json::hex(out, &input.take(length)?);
        }
        Type::Struct(schema) => fields(out, schema, form.inner(), input)?,
        Type::Array(of) => {
            let Some(count) = length(form, false, input)? else { return null(out) };
            out.push(b'[');
            let mut first = true;
            for _ in 0..count {
                json::comma(out, &mut first);
                bare(out, of, form, input)?;
            }
            out.push(b']');
        }
    }
    Ok(())
}

fn null(out: &mut Vec<u8>) -> Result<(), Unlike> {
    out.extend_from_slice(b"null");
    Ok(())
}

impl Form {
    fn inner(self) -> Form {
        Form { depth: self.depth + 1, ..self }
    }
}

/// A length, never more than the bytes that are left; `None` for null.
fn length(form: Form, short: bool, input: &mut Cursor) -> Result<Option<usize>, Unlike> {
    let length = match (form.flexible, short) {
        (true, _) => i64::from(input.uvarint()?) - 1,
        (false, true) => i64::from(input.i16()?),
        (false, false) => i64::from(input.i32()?),
    };
    let left = input.remaining();
    match usize::try_from(length) {
        Ok(length) if length <= left => Ok(Some(length)),
        Err(_) if length == -1 => Ok(None),
        _ => Err(Unlike::Length { length, left }),
    }
}
