//! Input that no client should send: what is no request ends its connection, what is a bad request gets its error, and in
//! either case everybody else is served on.

use klog::record::BatchOptions;
use klog::wire::api_versions::ApiVersionsRequest;
use klog::wire::fetch::{FetchPartition, FetchRequest, FetchTopic};
use klog::wire::metadata::MetadataRequest;
use klog::wire::{Opening, Request};

use crate::broker::Broker;
use crate::raw::{Raw, batch, batch_at, batch_of};

const CORRUPT_MESSAGE: i16 = 2;
const NOT_LEADER_OR_FOLLOWER: i16 = 6;
const MESSAGE_TOO_LARGE: i16 = 10;
const INVALID_TOPIC: i16 = 17;
const INVALID_TIMESTAMP: i16 = 32;
const UNSUPPORTED_VERSION: i16 = 35;
const INVALID_RECORD: i16 = 87;

/// Where a batch's fields stand.
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const LAST_OFFSET_DELTA_AT: usize = 23;
const RECORD_COUNT_AT: usize = 57;

fn assert_serves_on(broker: &Broker) {
    let answer = Raw::connect(broker.address()).call(0, &ApiVersionsRequest::default());
    assert_eq!(answer.error_code, 0);
}

/// Makes the CRC right again after a change.
fn seal(mut batch: Vec<u8>) -> Vec<u8> {
    let crc = crc32c::crc32c(&batch[ATTRIBUTES_AT..]);
    batch[CRC_AT..ATTRIBUTES_AT].copy_from_slice(&crc.to_be_bytes());
    batch
}

#[test]
fn what_is_no_frame_ends_its_connection_only() {
    let broker = Broker::start();
    let tls_hello = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];
    for bytes in [
        &(-1i32).to_be_bytes()[..],
        &i32::MIN.to_be_bytes()[..],
        &i32::MAX.to_be_bytes()[..],
        &((100 << 20) + 1i32).to_be_bytes()[..],
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        &tls_hello[..],
    ] {
        let mut raw = Raw::connect(broker.address());
        raw.send_bytes(bytes);
        assert!(raw.is_closed(), "{bytes:?}");
    }
    assert_serves_on(&broker);
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
    let cases: [(i16, &[u8]); 5] = [
        // 2^31 - 1 topics in eight bytes.
        (1, &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
        // One topic whose name is 32,767 bytes long.
        (1, &[0, 0, 0, 1, 0x7f, 0xff, b'a']),
        // A varint without an end, and one over 32 bits.
        (9, &[0xff; 12]),
        (9, &[0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0]),
        // A topic without a name, where version 9 needs one.
        (9, &[2, 0, 0, 1, 0, 0, 0]),
    ];
    for (version, body) in cases {
        let mut raw = Raw::connect(broker.address());
        raw.send_body::<MetadataRequest>(version, body);
        assert!(raw.is_closed(), "version {version}, body {body:?}");
    }
    let mut raw = Raw::connect(broker.address());
    raw.send_bytes(&(Opening::LEN as i32 - 1).to_be_bytes());
    raw.send_bytes(&[0; Opening::LEN - 1]);
    assert!(raw.is_closed(), "a frame shorter than any request");
    assert_serves_on(&broker);
}

#[test]
fn a_batch_that_is_not_sound_gets_its_error_and_appends_nothing() {
    let broker = Broker::start();
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("bad");
    let good = batch(&[b"one", b"two", b"three"]);
    let changed = |at: usize, to: u8| {
        let mut batch = good.clone();
        batch[at] = to;
        batch
    };
    let last = good.len() - 1;
    let control = BatchOptions { control: true, ..BatchOptions::default() };
    for (what, records, code) in [
        ("a bit flipped in a record", changed(last, good[last] ^ 1), CORRUPT_MESSAGE),
        ("a count that is too large", seal(changed(RECORD_COUNT_AT + 3, 4)), INVALID_RECORD),
        ("a count that is too small", seal(changed(RECORD_COUNT_AT + 3, 2)), INVALID_RECORD),
        (
            "a last offset delta that is too large",
            seal(changed(LAST_OFFSET_DELTA_AT + 3, 9)),
            INVALID_RECORD,
        ),
        ("two batches", [good.clone(), good.clone()].concat(), INVALID_RECORD),
        ("a control batch", batch_of(&[b"\0\0\0\x01"], control), INVALID_RECORD),
    ] {
        let answer = raw.produce("bad", &records);
        assert_eq!(answer.error_code, code, "{what}: {answer:?}");
        assert_eq!(raw.latest("bad"), 0, "{what} was appended");
    }
    assert_eq!((raw.produce("bad", &good).error_code, raw.latest("bad")), (0, 3));
}

#[test]
fn a_batch_over_the_topics_limit_is_too_large() {
    let broker = Broker::with(&[("message.max.bytes", "1000")]);
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("small");
    assert_eq!(raw.produce("small", &batch(&[&[b'x'; 1000]])).error_code, MESSAGE_TOO_LARGE);
    assert_eq!(raw.produce("small", &batch(&[&[b'x'; 500]])).error_code, 0);
    assert_eq!(raw.latest("small"), 1);
}

#[test]
fn a_record_from_the_far_future_is_refused() {
    let broker = Broker::start();
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("times");
    let future = batch_at(32_503_680_000_000, &[b"the year 3000"], BatchOptions::default());
    assert_eq!(raw.produce("times", &future).error_code, INVALID_TIMESTAMP);
    assert_eq!(raw.latest("times"), 0);
}

#[test]
fn names_that_no_topic_can_have_are_refused_and_make_nothing() {
    let broker = Broker::start();
    let mut raw = Raw::connect(broker.address());
    let long = "a".repeat(250);
    for name in [".", "..", "../x", "a/b", "a\0b", "a b", "ä", "", &long] {
        let topic = raw.describe(name);
        assert_eq!(topic.error_code, INVALID_TOPIC, "{name:?}");
    }
    let longest = "a".repeat(249);
    raw.make_topic(&longest);
    let all = raw.call(12, &MetadataRequest { topics: None, ..Default::default() });
    let names: Vec<&str> = all.topics.iter().filter_map(|topic| topic.name.as_deref()).collect();
    assert_eq!(names, [longest.as_str()]);
}

#[test]
fn a_client_that_says_it_is_a_replica_gets_no_records() {
    let broker = Broker::start();
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("secret");
    assert_eq!(raw.produce("secret", &batch(&[b"value"])).error_code, 0);
    let partitions = vec![FetchPartition { partition_max_bytes: 1 << 20, ..Default::default() }];
    let topic = FetchTopic { topic: "secret".into(), partitions, ..Default::default() };
    let request = FetchRequest { replica_id: 77, topics: vec![topic], ..Default::default() };
    let answer = raw.call(11, &request);
    let partition = &answer.responses[0].partitions[0];
    assert_eq!(partition.error_code, NOT_LEADER_OR_FOLLOWER, "{partition:?}");
    assert!(partition.records.as_ref().is_none_or(|records| records.is_empty()));
}
