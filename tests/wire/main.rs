//! The protocol's messages, held against Kafka's own definitions, against another implementation of the protocol, and
//! against frames that no client would send.

mod definitions;
mod hostile;
mod memory;
mod oracle;
mod random;
mod schema;

use std::ops::RangeInclusive;

use bytes::Bytes;
use klog::wire::{Api, DecodeError, Encoder, Fields, Request, Schema};

/// One of an API's two messages, whatever its type.
struct Half {
    api: Api,
    is_response: bool,
    schema: &'static Schema,
    decode: fn(i16, bool, Bytes) -> Result<(), DecodeError>,
    recode: fn(i16, bool, Bytes) -> Result<Bytes, DecodeError>,
    same: fn(i16, bool, [&Bytes; 2]) -> Result<bool, DecodeError>,
}

impl Half {
    fn of<T: Fields>(api: Api, is_response: bool) -> Half {
        Half {
            api,
            is_response,
            schema: T::SCHEMA,
            decode: |version, flexible, body| T::decode_body(version, flexible, body).map(drop),
            recode: |version, flexible, body| {
                let message = T::decode_body(version, flexible, body)?;
                let mut out = Encoder::default();
                message
                    .encode_body(version, flexible, &mut out)
                    .expect("what was read can be written");
                Ok(out.into_bytes().expect("what was read has no holes"))
            },
            same: |version, flexible, [a, b]| {
                let a = T::decode_body(version, flexible, a.clone())?;
                Ok(a == T::decode_body(version, flexible, b.clone())?)
            },
        }
    }

    fn versions(&self) -> RangeInclusive<i16> {
        self.api.versions.min..=self.api.versions.max
    }

    /// Decodes, and drops the message.
    fn decode(&self, version: i16, body: Bytes) -> Result<(), DecodeError> {
        (self.decode)(version, self.api.flexible(version), body)
    }

    /// Decodes and encodes again.
    fn recode(&self, version: i16, body: Bytes) -> Result<Bytes, DecodeError> {
        (self.recode)(version, self.api.flexible(version), body)
    }

    /// Whether two bodies are the same message.
    fn same(&self, version: i16, a: &Bytes, b: &Bytes) -> Result<bool, DecodeError> {
        (self.same)(version, self.api.flexible(version), [a, b])
    }
}

/// Every message that klog knows.
fn halves() -> Vec<Half> {
    macro_rules! collect {
        ($($request:path,)*) => {
            vec![$(
                Half::of::<$request>(<$request as Request>::API, false),
                Half::of::<<$request as Request>::Response>(<$request as Request>::API, true),
            )*]
        };
    }
    klog::for_every_request!(collect)
}
