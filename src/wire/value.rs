//! How each type of field stands on the wire: plain or, in flexible versions, compact (KIP-482).

use bytes::{BufMut, Bytes};
use bytestring::ByteString;

use super::encoder::Encoder;
use super::error::Fault;
use super::input::Input;
use super::records::Records;
use super::schema::Type;
use crate::base::{TopicId, put_uvarint};

/// What a field needs to know of the message around it.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    /// The message's version.
    pub version: i16,
    /// Whether lengths are compact and structures end in tagged fields.
    pub flexible: bool,
    /// Whether the field may be null in this version.
    pub nullable: bool,
    /// Whether the field is a tagged one in this version.
    pub tagged: bool,
}

/// Why a value cannot be written; the message's name is added on the way out.
#[derive(Debug)]
pub enum Unfit {
    /// Null where it cannot be.
    Null,
    /// Too long for its length field.
    TooLong(usize),
    /// Found in a nested structure, already located.
    Nested(super::EncodeError),
}

/// What went wrong on reading; `Nested` comes from a nested structure and knows its place.
#[derive(Debug)]
pub enum Unreadable {
    /// In the value itself.
    Here(Fault),
    /// In a structure below.
    Nested(super::error::Located),
}

impl<F: Into<Fault>> From<F> for Unreadable {
    fn from(fault: F) -> Unreadable {
        Unreadable::Here(fault.into())
    }
}

/// A type that a field can have.
pub trait Value: Sized {
    /// Its type in the schema.
    const TYPE: &'static Type;
    /// Appends it.
    ///
    /// # Errors
    /// Null where the version has no null; too long for its length field.
    fn put(&self, wire: Wire, out: &mut Encoder) -> Result<(), Unfit>;
    /// Reads it; every length is held against what is left before anything is allocated.
    ///
    /// # Errors
    /// See [`Fault`].
    fn get(wire: Wire, input: &mut Input) -> Result<Self, Unreadable>;
    /// Shows the error codes in it, which is the field of this name: see [`Fields::error_codes`](super::Fields::error_codes).
    #[inline]
    fn error_codes(&self, _field: &str, _see: &mut impl FnMut(i16)) {}
}

/// A type that has a null.
pub trait Nullable: Value {
    /// Appends the null.
    fn put_null(wire: Wire, out: &mut Encoder);
    /// Appends a value where null would be possible too.
    ///
    /// # Errors
    /// As [`Value::put`].
    fn put_some(&self, wire: Wire, out: &mut Encoder) -> Result<(), Unfit> {
        self.put(wire, out)
    }
    /// Reads a value or null.
    ///
    /// # Errors
    /// See [`Fault`].
    fn get_nullable(wire: Wire, input: &mut Input) -> Result<Option<Self>, Unreadable>;
}

impl<T: Nullable> Value for Option<T> {
    const TYPE: &'static Type = T::TYPE;
    fn put(&self, wire: Wire, out: &mut Encoder) -> Result<(), Unfit> {
        match self {
            Some(value) if wire.nullable => value.put_some(wire, out),
            Some(value) => value.put(wire, out),
            None if wire.nullable => {
                T::put_null(wire, out);
                Ok(())
            }
            None => Err(Unfit::Null),
        }
    }
    fn get(wire: Wire, input: &mut Input) -> Result<Option<T>, Unreadable> {
        if wire.nullable { T::get_nullable(wire, input) } else { T::get(wire, input).map(Some) }
    }
    #[inline]
    fn error_codes(&self, field: &str, see: &mut impl FnMut(i16)) {
        self.iter().for_each(|value| value.error_codes(field, see));
    }
}

/// Declares the numbers.
macro_rules! numbers {
    ($($rust:ty, $ty:ident, $put:ident, $get:ident $(, $error_codes:item)?;)*) => {$(
        impl Value for $rust {
            const TYPE: &'static Type = &Type::$ty;
            fn put(&self, _: Wire, out: &mut Encoder) -> Result<(), Unfit> {
                out.buffer.$put(*self);
                Ok(())
            }
            fn get(_: Wire, input: &mut Input) -> Result<$rust, Unreadable> {
                Ok(input.$get()?)
            }
            $($error_codes)?
        }
    )*};
}

numbers! {
    i8, I8, put_i8, i8;
    i16, I16, put_i16, i16,
        #[inline]
        fn error_codes(&self, field: &str, see: &mut impl FnMut(i16)) {
            if field == "error_code" {
                see(*self);
            }
        };
    u16, U16, put_u16, u16;
    i32, I32, put_i32, i32;
    u32, U32, put_u32, u32;
    i64, I64, put_i64, i64;
    f64, F64, put_f64, f64;
}

impl Value for bool {
    const TYPE: &'static Type = &Type::Bool;
    fn put(&self, _: Wire, out: &mut Encoder) -> Result<(), Unfit> {
        out.buffer.put_u8(u8::from(*self));
        Ok(())
    }
    fn get(_: Wire, input: &mut Input) -> Result<bool, Unreadable> {
        Ok(input.u8()? != 0)
    }
}

impl Value for TopicId {
    const TYPE: &'static Type = &Type::Uuid;
    fn put(&self, _: Wire, out: &mut Encoder) -> Result<(), Unfit> {
        out.buffer.put_slice(&self.0);
        Ok(())
    }
    fn get(_: Wire, input: &mut Input) -> Result<TopicId, Unreadable> {
        Ok(TopicId(input.array()?))
    }
}

/// Appends a length: a varint of one more where compact, else of the type's own width.
fn put_length(
    wire: Wire,
    short: bool,
    length: Option<usize>,
    out: &mut Encoder,
) -> Result<(), Unfit> {
    let most = if short { i16::MAX as usize } else { i32::MAX as usize - 1 };
    if let Some(length) = length.filter(|length| *length > most) {
        return Err(Unfit::TooLong(length));
    }
    if wire.flexible {
        put_uvarint(&mut out.buffer, length.map_or(0, |length| length as u32 + 1));
    } else if short {
        out.buffer.put_i16(length.map_or(-1, |length| length as i16));
    } else {
        out.buffer.put_i32(length.map_or(-1, |length| length as i32));
    }
    Ok(())
}

/// Reads a length, which is never more than the bytes that are left: each thing counted takes one at least.
fn get_length(wire: Wire, short: bool, input: &mut Input) -> Result<Option<usize>, Unreadable> {
    let raw = if wire.flexible {
        i64::from(input.uvarint()?) - 1
    } else if short {
        i64::from(input.i16()?)
    } else {
        i64::from(input.i32()?)
    };
    let left = input.remaining();
    match usize::try_from(raw) {
        Ok(length) if length <= left => Ok(Some(length)),
        Err(_) if raw == -1 => Ok(None),
        _ => Err(Fault::Length { length: raw, left }.into()),
    }
}

/// Declares `Value` by way of `Nullable`.
macro_rules! value_from_nullable {
    ($rust:ty, $ty:expr, $put:expr) => {
        impl Value for $rust {
            const TYPE: &'static Type = $ty;
            fn put(&self, wire: Wire, out: &mut Encoder) -> Result<(), Unfit> {
                let put: fn(&$rust, Wire, &mut Encoder) -> Result<(), Unfit> = $put;
                put(self, wire, out)
            }
            fn get(wire: Wire, input: &mut Input) -> Result<$rust, Unreadable> {
                <$rust>::get_nullable(wire, input)?.ok_or(Unreadable::Here(Fault::Null))
            }
        }
    };
}

value_from_nullable!(ByteString, &Type::String, |text, wire, out| {
    put_length(wire, true, Some(text.len()), out)?;
    out.buffer.put_slice(text.as_bytes());
    Ok(())
});

impl Nullable for ByteString {
    fn put_null(wire: Wire, out: &mut Encoder) {
        let _ = put_length(wire, true, None, out);
    }
    fn get_nullable(wire: Wire, input: &mut Input) -> Result<Option<ByteString>, Unreadable> {
        let Some(length) = get_length(wire, true, input)? else { return Ok(None) };
        let text = ByteString::try_from(input.take(length)?).map_err(|_| Fault::NotUtf8)?;
        Ok(Some(text))
    }
}

value_from_nullable!(Bytes, &Type::Bytes, |bytes, wire, out| {
    put_length(wire, false, Some(bytes.len()), out)?;
    out.buffer.put_slice(bytes);
    Ok(())
});

impl Nullable for Bytes {
    fn put_null(wire: Wire, out: &mut Encoder) {
        let _ = put_length(wire, false, None, out);
    }
    fn get_nullable(wire: Wire, input: &mut Input) -> Result<Option<Bytes>, Unreadable> {
        let Some(length) = get_length(wire, false, input)? else { return Ok(None) };
        Ok(Some(input.take(length)?))
    }
}

value_from_nullable!(Records, &Type::Records, |records, wire, out| {
    put_length(wire, false, Some(records.len()), out)?;
    out.put_records(records);
    Ok(())
});

impl Nullable for Records {
    fn put_null(wire: Wire, out: &mut Encoder) {
        let _ = put_length(wire, false, None, out);
    }
    fn get_nullable(wire: Wire, input: &mut Input) -> Result<Option<Records>, Unreadable> {
        Ok(Bytes::get_nullable(wire, input)?.map(Records::Bytes))
    }
}

impl<T: Value> Value for Vec<T> {
    const TYPE: &'static Type = &Type::Array(T::TYPE);
    fn put(&self, wire: Wire, out: &mut Encoder) -> Result<(), Unfit> {
        put_length(wire, false, Some(self.len()), out)?;
        let wire = Wire { nullable: false, ..wire };
        self.iter().try_for_each(|item| item.put(wire, out))
    }
    fn get(wire: Wire, input: &mut Input) -> Result<Vec<T>, Unreadable> {
        Vec::get_nullable(wire, input)?.ok_or(Unreadable::Here(Fault::Null))
    }
    #[inline]
    fn error_codes(&self, field: &str, see: &mut impl FnMut(i16)) {
        self.iter().for_each(|item| item.error_codes(field, see));
    }
}

impl<T: Value> Nullable for Vec<T> {
    fn put_null(wire: Wire, out: &mut Encoder) {
        let _ = put_length(wire, false, None, out);
    }
    fn get_nullable(wire: Wire, input: &mut Input) -> Result<Option<Vec<T>>, Unreadable> {
        let Some(count) = get_length(wire, false, input)? else { return Ok(None) };
        let wire = Wire { nullable: false, ..wire };
        input.spend(count.saturating_mul(size_of::<T>()))?;
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(T::get(wire, input)?);
        }
        Ok(Some(items))
    }
}
