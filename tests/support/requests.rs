//! Requests about one partition, as a client makes them.

use bytestring::ByteString;
use klog::wire::Records;
use klog::wire::create_topics::{CreatableTopic, CreateTopicsRequest};
use klog::wire::fetch::{FetchPartition, FetchRequest, FetchTopic};
use klog::wire::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};

use crate::connection::Raw;

/// Versions that the tests speak: the last ones that name topics.
pub const PRODUCE: i16 = 12;
pub const FETCH: i16 = 12;
const CREATE: i16 = 7;

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
