//! What stands before a request and a response.

use bytes::{BufMut, Bytes};
use bytestring::ByteString;

use super::encoder::Encoder;
use super::error::{DecodeError, Fault};
use super::input::Input;
use super::schema::Api;
use super::tags::TagReader;
use super::value::{Nullable, Wire};
use super::{Schema, Value};
use crate::base::{Cursor, put_uvarint};

/// The first bytes of every request, the same in all versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Which API.
    pub api_key: i16,
    /// In which version.
    pub api_version: i16,
    /// What the response has to repeat.
    pub correlation_id: i32,
}

impl Opening {
    /// How many bytes it takes.
    pub const LEN: usize = 8;

    /// Reads it.
    ///
    /// # Errors
    /// A frame shorter than this.
    pub fn decode(input: &mut Cursor) -> Result<Opening, DecodeError> {
        let short = |fault: crate::base::CursorError| header_error("opening", 0, fault.into());
        if input.remaining() < Opening::LEN {
            let fault =
                crate::base::CursorError::Short { wanted: Opening::LEN, left: input.remaining() };
            return Err(short(fault));
        }
        let api_key = input.i16().map_err(short)?;
        let api_version = input.i16().map_err(short)?;
        let correlation_id = input.i32().map_err(short)?;
        Ok(Opening { api_key, api_version, correlation_id })
    }
}

const REQUEST_HEADER: Schema = Schema { name: "RequestHeader", fields: &[] };
const RESPONSE_HEADER: Schema = Schema { name: "ResponseHeader", fields: &[] };
/// The client id's length is never compact.
const PLAIN: Wire = Wire { version: 1, flexible: false, nullable: true, tagged: false };

/// Reads what follows the opening: the client id and, in flexible versions, tagged fields, which are skipped.
///
/// # Errors
/// Any [`Fault`] in them.
pub fn decode_client_id(
    flexible: bool,
    input: &mut Cursor,
) -> Result<Option<ByteString>, DecodeError> {
    let total = input.remaining() + Opening::LEN;
    let mut id = Input::new(input.rest().clone());
    let read = ByteString::get_nullable(PLAIN, &mut id);
    *input = id.into_cursor();
    let id = read.map_err(|wrong| match wrong {
        super::Unreadable::Here(fault) => {
            header_error("client_id", total - input.remaining(), fault)
        }
        super::Unreadable::Nested(inner) => {
            header_error(inner.field, total - inner.left, inner.fault)
        }
    })?;
    if flexible {
        skip_tags(&REQUEST_HEADER, input)
            .map_err(|fault| header_error("tagged fields", 0, fault))?;
    }
    Ok(id)
}

/// Appends a request's header.
///
/// # Errors
/// A client id over 32,767 bytes.
pub fn encode_request_header(
    api: Api,
    version: i16,
    correlation_id: i32,
    client_id: Option<&ByteString>,
    out: &mut Encoder,
) -> Result<(), super::EncodeError> {
    out.buffer.put_i16(api.key);
    out.buffer.put_i16(version);
    out.buffer.put_i32(correlation_id);
    client_id.cloned().put(PLAIN, out).map_err(|_| super::EncodeError::TooLong {
        message: REQUEST_HEADER.name,
        field: "client_id",
        length: client_id.map_or(0, |id| id.len()),
    })?;
    if api.flexible(version) {
        put_uvarint(&mut out.buffer, 0);
    }
    Ok(())
}

/// ApiVersions answers with the oldest header, for clients that do not know yet what the broker speaks (KIP-511).
const API_VERSIONS_KEY: i16 = 18;

/// Appends a response's header.
pub fn encode_response_header(api: Api, version: i16, correlation_id: i32, out: &mut Encoder) {
    out.buffer.put_i32(correlation_id);
    if api.flexible(version) && api.key != API_VERSIONS_KEY {
        put_uvarint(&mut out.buffer, 0);
    }
}

/// Reads a response's header; returns its correlation id and leaves the body.
///
/// # Errors
/// Any [`Fault`] in it.
pub fn decode_response_header(
    api: Api,
    version: i16,
    frame: Bytes,
) -> Result<(i32, Bytes), DecodeError> {
    let mut input = Cursor::new(frame);
    let read = |input: &mut Cursor| -> Result<i32, Fault> {
        let id = input.i32()?;
        if api.flexible(version) && api.key != API_VERSIONS_KEY {
            skip_tags(&RESPONSE_HEADER, input)?;
        }
        Ok(id)
    };
    let id = read(&mut input).map_err(|fault| DecodeError {
        message: RESPONSE_HEADER.name,
        field: "correlation_id",
        position: 0,
        fault,
    })?;
    Ok((id, input.rest().clone()))
}

fn skip_tags(schema: &Schema, input: &mut Cursor) -> Result<(), Fault> {
    let mut tags = TagReader::new(schema, input).map_err(|located| located.fault)?;
    while tags.next(schema, input).map_err(|located| located.fault)?.is_some() {}
    Ok(())
}

fn header_error(field: &'static str, position: usize, fault: Fault) -> DecodeError {
    DecodeError { message: REQUEST_HEADER.name, field, position, fault }
}
