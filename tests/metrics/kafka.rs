//! Requests whose sizes a test knows to the byte.

use bytestring::ByteString;
use klog::record::{BatchBuilder, BatchOptions};
use klog::wire::create_topics::{CreatableTopic, CreateTopicsRequest};
use klog::wire::fetch::{FetchPartition, FetchRequest, FetchTopic};
use klog::wire::find_coordinator::FindCoordinatorRequest;
use klog::wire::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use klog::wire::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use klog::wire::{Encoder, Records, Request, encode_request_header};

use crate::connection::Raw;

/// Versions that the tests speak: the last ones that name topics.
pub const PRODUCE: i16 = 12;
pub const FETCH: i16 = 12;
pub const COMMIT: i16 = 9;
pub const CREATE: i16 = 7;

/// A batch of so many records of 100 bytes, the first made at this time, each of the others a second later.
pub fn batch(records: usize, timestamp: i64) -> bytes::Bytes {
    let mut batch = BatchBuilder::new(BatchOptions::default());
    for at in 0..records as i64 {
        batch.append(timestamp + 1000 * at, None, Some(&[7; 100]), []).expect("it fits");
    }
    batch.build().expect("it has records")
}

pub fn produce(topic: &str, partition: i32, batch: bytes::Bytes) -> ProduceRequest {
    let partition = PartitionProduceData {
        index: partition,
        records: Some(Records::Bytes(batch)),
        ..Default::default()
    };
    let name = ByteString::from(topic);
    let topic = TopicProduceData { name, partition_data: vec![partition], ..Default::default() };
    ProduceRequest { acks: -1, timeout_ms: 30_000, topic_data: vec![topic], ..Default::default() }
}

/// Waits at `offset` for one byte.
pub fn fetch(topic: &str, offset: i64, max_wait_ms: i32) -> FetchRequest {
    let partition =
        FetchPartition { fetch_offset: offset, partition_max_bytes: 1 << 20, ..Default::default() };
    let topic = FetchTopic {
        topic: ByteString::from(topic),
        partitions: vec![partition],
        ..Default::default()
    };
    FetchRequest {
        max_wait_ms,
        min_bytes: 1,
        max_bytes: 1 << 20,
        session_epoch: -1,
        topics: vec![topic],
        ..Default::default()
    }
}

pub fn commit(group: &str, topic: &str, offset: i64) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition { committed_offset: offset, ..Default::default() };
    let topic = OffsetCommitRequestTopic {
        name: ByteString::from(topic),
        partitions: vec![partition],
        ..Default::default()
    };
    OffsetCommitRequest {
        group_id: ByteString::from(group),
        topics: vec![topic],
        ..Default::default()
    }
}

pub fn create<'a>(kafka: &mut Raw, topics: impl IntoIterator<Item = &'a str>) {
    let topic = |name: &str| CreatableTopic {
        name: ByteString::from(name),
        num_partitions: 1,
        replication_factor: 1,
        ..Default::default()
    };
    let topics = topics.into_iter().map(topic).collect();
    let request = CreateTopicsRequest { topics, timeout_ms: 60_000, ..Default::default() };
    let created = kafka.call(CREATE, &request);
    assert!(created.topics.iter().all(|topic| topic.error_code == 0), "{created:?}");
}

/// Has the topic of the offsets made, and waits until its groups may commit.
pub fn begin_groups(kafka: &mut Raw) {
    let request = FindCoordinatorRequest {
        coordinator_keys: vec![ByteString::from("any")],
        ..Default::default()
    };
    loop {
        let found = kafka.call(4, &request);
        if found.coordinators[0].error_code == 0 {
            return;
        }
    }
}

/// How many bytes a request takes on the wire, its length included.
pub fn size<R: Request>(version: i16, request: &R) -> usize {
    let mut out = Encoder::default();
    encode_request_header(R::API, version, 1, None, &mut out).expect("a header");
    request.encode(version, &mut out).expect("the version carries it");
    out.len() + size_of::<i32>()
}
