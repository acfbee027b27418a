//! How requests are answered over one connection, and what Fetch and ListOffsets promise beneath any client library.

use std::time::{Duration, Instant};

use klog::base::TopicId;
use klog::record::{BatchBuilder, BatchOptions, Codec, split_batches};
use klog::wire::api_versions::ApiVersionsRequest;
use klog::wire::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData};
use klog::wire::metadata::MetadataRequest;

use crate::broker::Broker;
use crate::raw::{PRODUCE, Raw, batch, batch_at, produce_request};

const OFFSET_OUT_OF_RANGE: i16 = 1;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const FETCH_SESSION_ID_NOT_FOUND: i16 = 70;
const INVALID_FETCH_SESSION_EPOCH: i16 = 71;
const UNKNOWN_LEADER_EPOCH: i16 = 75;
const UNKNOWN_TOPIC_ID: i16 = 100;
/// The last Fetch version that names topics, but for one.
const FETCH: i16 = 11;

fn fetch(topic: &str, offset: i64, max_wait_ms: i32) -> FetchRequest {
    let partition =
        FetchPartition { fetch_offset: offset, partition_max_bytes: 1 << 20, ..Default::default() };
    let topic =
        FetchTopic { topic: topic.into(), partitions: vec![partition], ..Default::default() };
    FetchRequest { max_wait_ms, min_bytes: 1, topics: vec![topic], ..Default::default() }
}

fn first(response: &FetchResponse) -> &PartitionData {
    &response.responses[0].partitions[0]
}

/// The offsets of the first and of the last record that came.
fn offsets(partition: &PartitionData) -> Option<(i64, i64)> {
    let records = partition.records.clone()?.into_bytes();
    let batches: Vec<_> = split_batches(records).map(|batch| batch.expect("a batch")).collect();
    let (first, last) = (batches.first()?.header(), batches.last()?.header());
    Some((first.base_offset, last.last_offset()))
}

fn broker_with(topic: &str) -> (Broker, Raw, TopicId) {
    let broker = Broker::start();
    let mut raw = Raw::connect(broker.address());
    let id = raw.make_topic(topic);
    (broker, raw, id)
}

#[test]
fn answers_leave_in_the_order_of_the_requests() {
    let (_broker, mut raw, _) = broker_with("slow");
    let slow = raw.send(FETCH, &fetch("slow", 0, 1000));
    let quick: Vec<i32> = (0..50).map(|_| raw.send(1, &MetadataRequest::default())).collect();
    assert_eq!(raw.receive::<FetchRequest>(FETCH).0, slow);
    let answered: Vec<i32> = quick.iter().map(|_| raw.receive::<MetadataRequest>(1).0).collect();
    assert_eq!(answered, quick);
}

#[test]
fn a_fetch_that_waits_is_answered_when_a_record_comes_or_its_time_is_over() {
    let (broker, mut raw, _) = broker_with("waiting");
    let begin = Instant::now();
    let empty = raw.call(FETCH, &fetch("waiting", 0, 700));
    let waited = begin.elapsed();
    assert_eq!((first(&empty).error_code, offsets(first(&empty))), (0, None));
    assert!(waited >= Duration::from_millis(600), "{waited:?}");

    raw.send(FETCH, &fetch("waiting", 0, 15_000));
    std::thread::sleep(Duration::from_millis(300));
    let begin = Instant::now();
    let produced = Raw::connect(broker.address()).produce("waiting", &batch(&[b"a", b"b"]));
    assert_eq!((produced.error_code, produced.base_offset), (0, 0));
    let (_, answer) = raw.receive::<FetchRequest>(FETCH);
    assert_eq!(offsets(first(&answer)), Some((0, 1)));
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[test]
fn min_bytes_is_waited_for() {
    let (broker, mut raw, _) = broker_with("bulk");
    let one = batch(&[&[b'x'; 400]]);
    let request = FetchRequest { min_bytes: one.len() as i32 * 2, ..fetch("bulk", 0, 15_000) };
    raw.send(FETCH, &request);
    let mut producer = Raw::connect(broker.address());
    assert_eq!(producer.produce("bulk", &one).error_code, 0);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(producer.produce("bulk", &one).error_code, 0);
    let (_, answer) = raw.receive::<FetchRequest>(FETCH);
    assert_eq!(offsets(first(&answer)), Some((0, 1)));
}

#[test]
fn acks_0_is_not_answered_and_yet_appends() {
    let (_broker, mut raw, _) = broker_with("silent");
    raw.send(PRODUCE, &produce_request("silent", 0, &batch(&[b"unheard"])));
    let asked = raw.send(0, &ApiVersionsRequest::default());
    assert_eq!(raw.receive::<ApiVersionsRequest>(0).0, asked);
    let answer = raw.call(FETCH, &fetch("silent", 0, 5000));
    assert_eq!(offsets(first(&answer)), Some((0, 0)));
}

#[test]
fn a_fetch_respects_its_budgets_but_always_brings_the_first_batch() {
    let (_broker, mut raw, _) = broker_with("large");
    for _ in 0..3 {
        assert_eq!(raw.produce("large", &batch(&[&[b'x'; 5000]])).error_code, 0);
    }
    let mut request = fetch("large", 0, 500);
    request.topics[0].partitions[0].partition_max_bytes = 1;
    assert_eq!(offsets(first(&raw.call(FETCH, &request))), Some((0, 0)));
    let request = FetchRequest { max_bytes: 1, ..fetch("large", 1, 500) };
    assert_eq!(offsets(first(&raw.call(FETCH, &request))), Some((1, 1)));
    assert_eq!(offsets(first(&raw.call(FETCH, &fetch("large", 0, 500)))), Some((0, 2)));
}

#[test]
fn a_fetch_names_what_is_wrong_with_each_partition() {
    let (_broker, mut raw, _) = broker_with("there");
    let answer = raw.call(FETCH, &fetch("there", 999, 0));
    assert_eq!(first(&answer).error_code, OFFSET_OUT_OF_RANGE);
    let answer = raw.call(FETCH, &fetch("not-there", 0, 0));
    assert_eq!(first(&answer).error_code, UNKNOWN_TOPIC_OR_PARTITION);
    let mut ahead = fetch("there", 0, 0);
    ahead.topics[0].partitions[0].current_leader_epoch = 99;
    assert_eq!(first(&raw.call(FETCH, &ahead)).error_code, UNKNOWN_LEADER_EPOCH);
    let mut stranger = fetch("", 0, 0);
    stranger.topics[0].topic_id = TopicId([7; 16]);
    assert_eq!(first(&raw.call(13, &stranger)).error_code, UNKNOWN_TOPIC_ID);
}

#[test]
fn topics_are_fetched_by_the_id_that_metadata_names() {
    let (_broker, mut raw, id) = broker_with("by-id");
    assert!(!id.is_zero());
    assert_eq!(raw.produce("by-id", &batch(&[b"value"])).error_code, 0);
    let mut request = fetch("", 0, 5000);
    request.topics[0].topic_id = id;
    for version in [13, 16, 17] {
        let answer = raw.call(version, &request);
        assert_eq!(answer.responses[0].topic_id, id);
        assert_eq!(offsets(first(&answer)), Some((0, 0)), "version {version}");
    }
}

#[test]
fn a_session_brings_only_what_changed() {
    let (_broker, mut raw, _) = broker_with("session");
    let open = FetchRequest { session_epoch: 0, ..fetch("session", 0, 0) };
    let answer = raw.call(FETCH, &open);
    assert_eq!((answer.error_code, first(&answer).error_code), (0, 0));
    let id = answer.session_id;
    assert_ne!(id, 0);

    let next = |epoch: i32| FetchRequest {
        session_id: id,
        session_epoch: epoch,
        topics: Vec::new(),
        ..fetch("", 0, 0)
    };
    let nothing = raw.call(FETCH, &next(1));
    assert_eq!((nothing.error_code, nothing.session_id, nothing.responses.len()), (0, id, 0));
    assert_eq!(raw.produce("session", &batch(&[b"new"])).error_code, 0);
    assert_eq!(offsets(first(&raw.call(FETCH, &next(2)))), Some((0, 0)));

    assert_eq!(raw.call(FETCH, &next(2)).error_code, INVALID_FETCH_SESSION_EPOCH);
    let unknown = FetchRequest { session_id: id ^ 1, ..next(1) };
    assert_eq!(raw.call(FETCH, &unknown).error_code, FETCH_SESSION_ID_NOT_FOUND);
    // Epoch -1 ends the session, and is answered as a whole fetch of what it names.
    let end = FetchRequest { session_id: id, session_epoch: -1, ..fetch("session", 0, 0) };
    let ended = raw.call(FETCH, &end);
    assert_eq!((ended.session_id, offsets(first(&ended))), (0, Some((0, 0))));
    assert_eq!(raw.call(FETCH, &next(3)).error_code, FETCH_SESSION_ID_NOT_FOUND);
}

#[test]
fn the_youngest_record_is_listed_by_its_own_offset_inside_batches_of_every_codec() {
    let broker = Broker::start();
    let mut raw = Raw::connect(broker.address());
    let base = 1_700_000_000_000;
    for codec in Codec::ALL {
        let topic = format!("young-{}", codec.name());
        raw.make_topic(&topic);
        for first in [base - 100, base, base - 50] {
            let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
            for past in [0, 2, 9, 3, 9, 1] {
                builder.append(first + past, None, Some(b"value"), []).expect("a record");
            }
            let batch = builder.build().expect("a batch");
            assert_eq!(raw.produce(&topic, &batch).error_code, 0);
        }
        let found = raw.list(&topic, -3, -1);
        let found = (found.error_code, found.offset, found.timestamp);
        assert_eq!(found, (0, 8, base + 9), "{topic}: the first of the two that are as young");
    }
}

#[test]
fn offsets_are_listed_by_time_and_by_name() {
    let (_broker, mut raw, _) = broker_with("times");
    const EARLIEST_LOCAL: i64 = -4;
    const MAX_TIMESTAMP: i64 = -3;
    const EARLIEST: i64 = -2;
    const LATEST: i64 = -1;
    assert_eq!(raw.list("times", MAX_TIMESTAMP, -1).offset, -1);
    let base = 1_700_000_000_000;
    let later = batch_at(base + 1000, &[b"a", b"b", b"c"], BatchOptions::default());
    let earlier = batch_at(base, &[b"d", b"e"], BatchOptions::default());
    assert_eq!(raw.produce("times", &later).error_code, 0);
    assert_eq!(raw.produce("times", &earlier).error_code, 0);
    for (asked, offset, timestamp) in [
        (EARLIEST, 0, -1),
        (EARLIEST_LOCAL, 0, -1),
        (LATEST, 5, -1),
        (MAX_TIMESTAMP, 2, base + 1002),
        (base, 0, base + 1000),
        (base + 1001, 1, base + 1001),
        (base + 1003, -1, -1),
    ] {
        let found = raw.list("times", asked, -1);
        assert_eq!(
            (found.error_code, found.offset, found.timestamp),
            (0, offset, timestamp),
            "{asked}"
        );
    }
    assert_eq!(raw.list("times", LATEST, 99).error_code, UNKNOWN_LEADER_EPOCH);
    assert_eq!(raw.list("nowhere", LATEST, -1).error_code, UNKNOWN_TOPIC_OR_PARTITION);
}
