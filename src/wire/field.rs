//! The rules that every field follows, whatever its type: is it in this version, may it be null, is it tagged.

use bytes::Bytes;

use super::encoder::Encoder;
use super::error::{EncodeError, Fault, Located};
use super::input::Input;
use super::schema::{Field, Schema};
use super::tags::TagWriter;
use super::value::{Unfit, Unreadable, Value, Wire};

/// Appends one field, or keeps it for the tagged ones at the end.
#[inline]
pub(crate) fn put<T: Value>(
    field: &Field,
    schema: &Schema,
    value: &T,
    is_default: impl Fn() -> bool,
    wire: Wire,
    tags: &mut TagWriter<'_>,
    out: &mut Encoder,
) -> Result<(), EncodeError> {
    let version = wire.version;
    let wire = Wire { nullable: field.nullable.contains(version), tagged: false, ..wire };
    let located = |unfit| unfit_at(unfit, field, schema, version);
    match field.tag {
        Some((tag, versions)) if versions.contains(version) => {
            if is_default() {
                Ok(())
            } else {
                tags.put(tag, value, Wire { tagged: true, ..wire }).map_err(located)
            }
        }
        _ if field.versions.contains(version) => value.put(wire, out).map_err(located),
        _ if field.ignorable || is_default() => Ok(()),
        _ => Err(EncodeError::NotInVersion { message: schema.name, field: field.name, version }),
    }
}

/// Reads one field; `None` if this version lacks it or has it among the tagged ones.
#[inline]
pub(crate) fn get<T: Value>(
    field: &Field,
    schema: &Schema,
    wire: Wire,
    input: &mut Input,
) -> Result<Option<T>, Located> {
    let tagged = field.tag.is_some_and(|(_, versions)| versions.contains(wire.version));
    if tagged || !field.versions.contains(wire.version) {
        return Ok(None);
    }
    let nullable = field.nullable.contains(wire.version);
    let wire = Wire { nullable, tagged: false, ..wire };
    T::get(wire, input)
        .map(Some)
        .map_err(|wrong| located(wrong, field.name, schema, input.remaining()))
}

/// Reads a tagged field, which must fill its bytes.
pub(crate) fn get_tagged<T: Value>(
    field: &Field,
    schema: &Schema,
    wire: Wire,
    bytes: Bytes,
    outer: &mut Input,
) -> Result<T, Located> {
    let wire = Wire { nullable: field.nullable.contains(wire.version), tagged: true, ..wire };
    let mut input = outer.inner(bytes);
    let read = T::get(wire, &mut input);
    outer.settle(&input);
    let behind = outer.remaining();
    let value = read.map_err(|wrong| {
        let found = located(wrong, field.name, schema, input.remaining());
        Located { left: found.left + behind, ..found }
    })?;
    match input.remaining() {
        0 => Ok(value),
        count => Err(Located {
            message: schema.name,
            field: field.name,
            left: count + behind,
            fault: Fault::Trailing { count },
        }),
    }
}

fn located(wrong: Unreadable, field: &'static str, schema: &Schema, left: usize) -> Located {
    match wrong {
        Unreadable::Nested(located) => located,
        Unreadable::Here(fault) => Located { message: schema.name, field, left, fault },
    }
}

fn unfit_at(unfit: Unfit, field: &Field, schema: &Schema, version: i16) -> EncodeError {
    let (message, field) = (schema.name, field.name);
    match unfit {
        Unfit::Null => EncodeError::Null { message, field, version },
        Unfit::TooLong(length) => EncodeError::TooLong { message, field, length },
        Unfit::Nested(error) => error,
    }
}
