//! What is no request.

use std::time::{Duration, Instant};

use klog::wire::api_versions::ApiVersionsRequest;
use klog::wire::metadata::MetadataRequest;
use klog::wire::{Opening, Request};

use super::{FIRST, MIB, assert_logged, assert_serves_on, assert_takes_at_most};
use crate::broker::Broker;
use crate::klogs_own::{Own, klog_with};
use crate::raw::Raw;

const UNSUPPORTED_VERSION: i16 = 35;

#[test]
fn what_is_no_frame_ends_its_connection_only_and_the_log_says_what_it_looked_like() {
    let broker = Broker::start();
    let tls_hello = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];
    let cases: [(&[u8], &[&str]); 6] = [
        (&(-1i32).to_be_bytes(), &["announced -1 bytes"]),
        (&i32::MIN.to_be_bytes(), &["announced -2147483648 bytes"]),
        (&i32::MAX.to_be_bytes(), &["announced 2147483647 bytes", "at most 104857600"]),
        (&((100 << 20) + 1i32).to_be_bytes(), &["announced 104857601 bytes"]),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", &["it looks like HTTP"]),
        (&tls_hello, &["it looks like TLS, but this listener is plaintext"]),
    ];
    assert_takes_at_most(FIRST, &broker, || {
        for (bytes, _) in cases {
            let mut raw = Raw::connect(broker.address());
            raw.send_bytes(bytes);
            assert!(raw.is_closed(), "{bytes:?}");
        }
    });
    for (_, said) in cases {
        assert_logged(&broker, said);
    }
}

#[test]
fn a_flood_of_what_is_no_frame_does_not_flood_the_log() {
    let broker = Broker::start();
    for _ in 0..2000 {
        let mut raw = Raw::connect(broker.address());
        raw.send_bytes(b"GET / HTTP/1.1\r\n\r\n");
        assert!(raw.is_closed());
    }
    if broker.is_klog() {
        let lines = broker.log_lines("it looks like HTTP").len();
        assert!(lines < 1000, "{lines} lines");
    }
    assert_serves_on(&broker);
}

#[test]
fn a_frame_that_comes_too_slowly_takes_no_memory_and_is_given_up() {
    let broker = klog_with(Own::Bounds, &[("klog.request.timeout.ms", "1500")]);
    assert_takes_at_most(FIRST, &broker, || {
        let mut raw = Raw::connect(broker.address());
        raw.send_bytes(&(100i32 << 20).to_be_bytes());
        let begin = Instant::now();
        while !raw.is_closed_within(Duration::from_millis(100)) {
            raw.send_bytes(&[0]);
            assert!(begin.elapsed() < Duration::from_secs(15), "it is waited for");
        }
        assert!(begin.elapsed() > Duration::from_millis(1400), "{:?}", begin.elapsed());
    });
    assert_logged(&broker, &["a frame of 104857600 bytes did not arrive in time"]);
    // What did come takes a few times its own size.
    assert_takes_at_most(FIRST + 32 * MIB, &broker, || {
        let mut raw = Raw::connect(broker.address());
        raw.send_bytes(&(100i32 << 20).to_be_bytes());
        raw.send_bytes(&vec![0; 4 * MIB]);
        assert!(raw.is_closed());
    });
}

#[test]
fn an_api_or_version_that_nobody_knows_ends_the_connection() {
    let broker = Broker::start();
    for (key, version) in [(9999i16, 0i16), (-1, 0), (3, 99), (3, -1), (1, 3), (0, 99)] {
        let mut raw = Raw::connect(broker.address());
        let mut frame = vec![0, 0, 0, 10];
        frame.extend(key.to_be_bytes());
        frame.extend(version.to_be_bytes());
        frame.extend([0, 0, 0, 1, 0xff, 0xff]);
        raw.send_bytes(&frame);
        assert!(raw.is_closed(), "API {key} version {version}");
    }
    assert_serves_on(&broker);
    assert_logged(&broker, &["API 9999 version 0 is not served"]);
}

#[test]
fn api_versions_in_a_version_from_the_future_is_answered_in_version_0() {
    let broker = Broker::start();
    let mut raw = Raw::connect(broker.address());
    // A header without client id and tags, and a body that nobody knows how to read.
    let header = [0, 18, 0, 99, 0, 0, 0, 7, 0xff, 0xff, 0];
    raw.send_bytes(&[&[0, 0, 0, 15][..], &header, &[0xde, 0xad, 0xbe, 0xef]].concat());
    let (id, answer) = raw.receive::<ApiVersionsRequest>(0);
    assert_eq!((id, answer.error_code), (7, UNSUPPORTED_VERSION));
    let own = ApiVersionsRequest::API.key;
    let keys: Vec<(i16, i16)> =
        answer.api_keys.iter().map(|key| (key.api_key, key.min_version)).collect();
    assert!(keys.contains(&(own, 0)), "{keys:?}");
    // The same connection goes on.
    assert_eq!(raw.call(0, &ApiVersionsRequest::default()).error_code, 0);
}

#[test]
fn lengths_beyond_the_frame_end_the_connection() {
    let broker = Broker::start();
    let cases: [(i16, &[u8]); 7] = [
        // 2^31 - 1 topics in eight bytes.
        (1, &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
        // One topic whose name is 32,767 bytes long.
        (1, &[0, 0, 0, 1, 0x7f, 0xff, b'a']),
        // A varint without an end, and one over 32 bits.
        (9, &[0xff; 12]),
        (9, &[0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0]),
        // Tagged fields: 2^28 of them, and one that is longer than the frame.
        (9, &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f]),
        (9, &[0, 0, 0, 0, 1, 7, 0xff, 0xff, 0xff, 0x7f, 1]),
        // A topic without a name, where version 9 needs one.
        (9, &[2, 0, 0, 1, 0, 0, 0]),
    ];
    assert_takes_at_most(FIRST, &broker, || {
        for (version, body) in cases {
            let mut raw = Raw::connect(broker.address());
            raw.send_body::<MetadataRequest>(version, body);
            assert!(raw.is_closed(), "version {version}, body {body:?}");
        }
    });
    assert_logged(&broker, &["MetadataRequest"]);
    let mut raw = Raw::connect(broker.address());
    raw.send_bytes(&(Opening::LEN as i32 - 1).to_be_bytes());
    raw.send_bytes(&[0; Opening::LEN - 1]);
    assert!(raw.is_closed(), "a frame shorter than any request");
    assert_serves_on(&broker);
}

/// Metadata in version 9 with `count` unknown tagged fields of no bytes.
fn tagged(count: u32) -> Vec<u8> {
    let mut body = vec![0, 0, 0, 0];
    let varint = |mut number: u32, out: &mut Vec<u8>| {
        while number >= 0x80 {
            out.push(number as u8 | 0x80);
            number >>= 7;
        }
        out.push(number as u8);
    };
    varint(count, &mut body);
    for tag in 0..count {
        varint(tag, &mut body);
        body.push(0);
    }
    body
}

#[test]
fn many_small_things_in_a_frame_take_a_small_multiple_of_it() {
    let broker = Broker::start();
    let mut empty_names = (500_000i32).to_be_bytes().to_vec();
    empty_names.resize(1_000_004, 0);
    for (version, body) in [(9, tagged(250_000)), (1, empty_names)] {
        // 16 times for its lists and their growth, and what the answer takes.
        assert_takes_at_most(FIRST + 48 * body.len(), &broker, || {
            let mut raw = Raw::connect(broker.address());
            raw.send_body::<MetadataRequest>(version, &body);
            raw.is_closed();
        });
    }
}

#[test]
fn a_request_without_records_is_not_taken_at_the_size_of_one_with_records() {
    let broker = klog_with(Own::Bounds, &[]);
    let mut raw = Raw::connect(broker.address());
    raw.send_body::<MetadataRequest>(1, &vec![0; 9 * MIB]);
    assert!(raw.is_closed());
    assert_logged(&broker, &["a request of API 3 with", "at most 8388608 are taken"]);
    assert_serves_on(&broker);
}
