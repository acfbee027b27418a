//! Every message in every version: a body is refused or read, in memory bounded by its length; and what was read is
//! written and read again as the same.

use std::sync::LazyLock;

use bytes::Bytes;
use klog::base::Cursor;
use klog::meta::MetadataRecord;
use klog::wire::{
    Api, Encoder, Fields, Opening, Request, decode_client_id, decode_response_header,
};

use crate::memory::peak_of;

struct Message {
    api: Api,
    check: fn(i16, bool, Bytes),
}

/// The memory that reading `length` bytes may take: 16 times as much for lists and 64 KiB, and while a list grows its old
/// room beside the new one.
fn allowed(length: usize) -> usize {
    24 * length + (96 << 10)
}

fn check<T: Fields + PartialEq + std::fmt::Debug>(version: i16, flexible: bool, body: Bytes) {
    let length = body.len();
    let (read, peak) = peak_of(|| T::decode_body(version, flexible, body));
    assert!(peak <= allowed(length), "{peak} bytes for a body of {length}");
    let Ok(message) = read else { return };
    let mut out = Encoder::default();
    message.encode_body(version, flexible, &mut out).expect("what was read can be written");
    let again = out.into_bytes().expect("what was read has no holes");
    let again = T::decode_body(version, flexible, again).expect("what was written can be read");
    assert_eq!(again, message);
}

static ALL: LazyLock<(Vec<Message>, Vec<Message>)> = LazyLock::new(|| {
    macro_rules! collect {
        ($($request:path,)*) => {
            (
                vec![$(Message { api: <$request as Request>::API, check: check::<$request> },)*],
                vec![$(Message {
                    api: <$request as Request>::API,
                    check: check::<<$request as Request>::Response>,
                },)*],
            )
        };
    }
    klog::for_every_request!(collect)
});

/// The first byte chooses the message, the second one the version.
fn any(messages: &[Message], data: &[u8]) {
    let [which, version, body @ ..] = data else { return };
    let message = &messages[usize::from(*which) % messages.len()];
    let versions = message.api.versions;
    let span = versions.max - versions.min + 1;
    let version = versions.min + i16::from(*version) % span;
    (message.check)(version, message.api.flexible(version), Bytes::copy_from_slice(body));
}

pub fn request(data: &[u8]) {
    any(&ALL.0, data);
}

pub fn response(data: &[u8]) {
    any(&ALL.1, data);
}

pub fn header(data: &[u8]) {
    let [which, rest @ ..] = data else { return };
    let rest = Bytes::copy_from_slice(rest);
    let mut input = Cursor::new(rest.clone());
    let (_, peak) = peak_of(|| {
        if Opening::decode(&mut input).is_ok() {
            let _ = decode_client_id(which & 1 == 1, &mut input);
        }
        let api = ALL.0[usize::from(*which) % ALL.0.len()].api;
        let _ = decode_response_header(api, api.versions.max, rest.clone());
    });
    assert!(peak <= allowed(rest.len()), "{peak} bytes for a header of {}", rest.len());
}

pub fn metadata_record(data: &[u8]) {
    let (read, peak) = peak_of(|| MetadataRecord::decode(Bytes::copy_from_slice(data)));
    assert!(peak <= allowed(data.len()), "{peak} bytes for a record of {}", data.len());
    let Ok(record) = read else { return };
    // Some fields are only in versions that klog reads, but does not write.
    let Ok(written) = record.encode() else { return };
    // What another version has as an unknown tagged field may be a known one in the version that is written.
    if data[..3] == written[..3] {
        let again = MetadataRecord::decode(written.clone()).expect("what was written can be read");
        assert_eq!(again.encode().expect("it was written before"), written);
    }
}
