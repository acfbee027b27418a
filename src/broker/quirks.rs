//! What widespread clients get wrong and Kafka overlooks. Each quirk is known by its exact shape; all else stays strict.

use bytes::Bytes;

use crate::wire::Request;
use crate::wire::metadata::MetadataRequest;

/// The body of a request as its client meant it.
pub fn meant(api_key: i16, version: i16, body: Bytes) -> Bytes {
    if api_key == MetadataRequest::API.key && has_wide_null_topics(version, &body) {
        return body.slice(3..);
    }
    body
}

/// librdkafka (seen in 2.12.1) asks Metadata v9 and later for all topics with a null array of four zero bytes, where a
/// compact array takes one. The flags and no tagged fields follow.
fn has_wide_null_topics(version: i16, body: &[u8]) -> bool {
    let flags = match version {
        ..=8 => return false,
        9..=10 => 3,
        _ => 2,
    };
    body.len() == 4 + flags + 1 && body.starts_with(&[0; 4]) && body.ends_with(&[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant_metadata(version: i16, body: &'static [u8]) -> Bytes {
        meant(MetadataRequest::API.key, version, Bytes::from_static(body))
    }

    #[test]
    fn librdkafkas_wide_null_is_read_as_all_topics() {
        let meant = meant_metadata(13, &[0, 0, 0, 0, 1, 0, 0]);
        let request = MetadataRequest::decode(13, meant).unwrap();
        assert_eq!((request.topics, request.allow_auto_topic_creation), (None, true));
        let meant = meant_metadata(9, &[0, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(MetadataRequest::decode(9, meant).unwrap().topics, None);
    }

    #[test]
    fn what_is_well_formed_or_another_request_is_left_alone() {
        for (version, body) in [
            (13, &[0, 1, 0, 0][..]),
            (13, &[0, 0, 0, 0][..]),
            (9, &[0, 0, 0, 0, 0][..]),
            (8, &[0, 0, 0, 0, 1, 0, 0][..]),
        ] {
            assert_eq!(meant_metadata(version, body), body);
        }
        let other = Bytes::from_static(&[0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(meant(0, 13, other.clone()), other);
    }
}
