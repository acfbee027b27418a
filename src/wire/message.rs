//! What every structure can do, and what makes one a request.

use bytes::Bytes;

use super::encoder::Encoder;
use super::error::{DecodeError, EncodeError, Fault, Located};
use super::input::Input;
use super::schema::{Api, Schema};
use super::value::{Nullable, Unfit, Unreadable, Value, Wire};
use bytes::BufMut;

/// A structure declared by [`message!`](super::macros).
pub trait Fields: Sized + Default + Clone + PartialEq + std::fmt::Debug {
    /// What it looks like.
    const SCHEMA: &'static Schema;

    /// Appends its fields.
    ///
    /// # Errors
    /// Where the version cannot carry a value.
    fn put_fields(&self, wire: Wire, out: &mut Encoder) -> Result<(), EncodeError>;

    /// Reads its fields.
    ///
    /// # Errors
    /// Names the structure and the field.
    fn get_fields(wire: Wire, input: &mut Input) -> Result<Self, Located>;

    /// Shows every field called `error_code`, in it and in the structures below; 0 is none.
    fn error_codes(&self, see: &mut impl FnMut(i16));

    /// Appends the body of a message in `version`.
    ///
    /// # Errors
    /// Where the version cannot carry a value.
    fn encode_body(
        &self,
        version: i16,
        flexible: bool,
        out: &mut Encoder,
    ) -> Result<(), EncodeError> {
        self.put_fields(Wire { version, flexible, nullable: false, tagged: false }, out)
    }

    /// Reads a message that fills `body`.
    ///
    /// # Errors
    /// Any [`Fault`]; bytes left over are one.
    fn decode_body(version: i16, flexible: bool, body: Bytes) -> Result<Self, DecodeError> {
        let total = body.len();
        let mut input = Input::new(body);
        let wire = Wire { version, flexible, nullable: false, tagged: false };
        let read = Self::get_fields(wire, &mut input).and_then(|message| match input.remaining() {
            0 => Ok(message),
            count => {
                let fault = Fault::Trailing { count };
                Err(Located { message: Self::SCHEMA.name, field: "end", left: count, fault })
            }
        });
        read.map_err(|Located { message, field, left, fault }| DecodeError {
            message,
            field,
            position: total.saturating_sub(left),
            fault,
        })
    }
}

/// A request that klog can read and write.
pub trait Request: Fields {
    /// What answers it.
    type Response: Fields;
    /// Its API.
    const API: Api;

    /// Reads a request that fills `body`.
    ///
    /// # Errors
    /// A version that is not declared; any [`Fault`].
    fn decode(version: i16, body: Bytes) -> Result<Self, DecodeError> {
        readable::<Self>(Self::API, version)?;
        Self::decode_body(version, Self::API.flexible(version), body)
    }

    /// Appends the request's body.
    ///
    /// # Errors
    /// A version that is not declared, or that cannot carry a value.
    fn encode(&self, version: i16, out: &mut Encoder) -> Result<(), EncodeError> {
        writable::<Self>(Self::API, version)?;
        self.encode_body(version, Self::API.flexible(version), out)
    }

    /// Reads a response that fills `body`.
    ///
    /// # Errors
    /// As [`Request::decode`].
    fn decode_response(version: i16, body: Bytes) -> Result<Self::Response, DecodeError> {
        readable::<Self::Response>(Self::API, version)?;
        Self::Response::decode_body(version, Self::API.flexible(version), body)
    }

    /// Appends a response's body.
    ///
    /// # Errors
    /// As [`Request::encode`].
    fn encode_response(
        response: &Self::Response,
        version: i16,
        out: &mut Encoder,
    ) -> Result<(), EncodeError> {
        writable::<Self::Response>(Self::API, version)?;
        response.encode_body(version, Self::API.flexible(version), out)
    }
}

fn readable<T: Fields>(api: Api, version: i16) -> Result<(), DecodeError> {
    if api.versions.contains(version) {
        return Ok(());
    }
    let fault = Fault::Version { version };
    Err(DecodeError { message: T::SCHEMA.name, field: "version", position: 0, fault })
}

fn writable<T: Fields>(api: Api, version: i16) -> Result<(), EncodeError> {
    let exists = api.versions.contains(version);
    exists.then_some(()).ok_or(EncodeError::Version { message: T::SCHEMA.name, version })
}

/// A structure that may be null has a byte before it: 1, or for null -1, where it is a tagged field 0.
impl<T: Fields + Value> Nullable for T {
    fn put_null(wire: Wire, out: &mut Encoder) {
        out.buffer.put_i8(if wire.tagged { 0 } else { -1 });
    }
    fn put_some(&self, wire: Wire, out: &mut Encoder) -> Result<(), Unfit> {
        out.buffer.put_i8(1);
        self.put(wire, out)
    }
    fn get_nullable(wire: Wire, input: &mut Input) -> Result<Option<T>, Unreadable> {
        match (input.i8()?, wire.tagged) {
            (-1, false) | (0, true) => Ok(None),
            (1, _) => T::get(wire, input).map(Some),
            (byte, _) => Err(Fault::Presence { byte }.into()),
        }
    }
}
