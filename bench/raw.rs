//! Requests without a client library: what is measured is then the broker, and the same bytes go to both brokers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use bytes::Bytes;
use klog::record::{BatchBuilder, BatchOptions};
use klog::wire::api_versions::ApiVersionsRequest;
use klog::wire::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use klog::wire::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use klog::wire::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse,
    TopicProduceData, TopicProduceResponse,
};
use klog::wire::{
    Encoder, Records, Request, decode_response_header, encode_request_header,
    encode_response_header,
};

use crate::load::filling;

/// The last Produce version that names topics.
const PRODUCE: i16 = 12;
const PATIENCE: Duration = Duration::from_secs(120);

/// A connection with one request at a time.
pub struct Raw {
    stream: TcpStream,
}

impl Raw {
    pub fn connect(address: &str) -> anyhow::Result<Raw> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Raw { stream })
    }

    pub fn call<R: Request>(&mut self, version: i16, request: &R) -> anyhow::Result<R::Response> {
        self.stream.write_all(&frame(version, request)?)?;
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let mut body = vec![0; usize::try_from(i32::from_be_bytes(length))?];
        self.stream.read_exact(&mut body)?;
        let (_, body) = decode_response_header(R::API, version, body.into())?;
        Ok(R::decode_response(version, body)?)
    }

    pub fn api_versions(&mut self) -> anyhow::Result<()> {
        let request = ApiVersionsRequest {
            client_software_name: "klog-bench".into(),
            client_software_version: "1".into(),
            ..Default::default()
        };
        let response = self.call(3, &request)?;
        ensure!(response.error_code == 0, "ApiVersions: error {}", response.error_code);
        Ok(())
    }

    /// Asks for a topic. It may not be served yet when the broker has answered: see [`Raw::ensure_served`].
    pub fn create_topic(
        &mut self,
        name: &str,
        partitions: i32,
        configs: &[(&str, &str)],
    ) -> anyhow::Result<()> {
        let config = |(name, value): &(&str, &str)| CreatableTopicConfig {
            name: (*name).into(),
            value: Some((*value).into()),
            ..Default::default()
        };
        let topic = CreatableTopic {
            name: name.into(),
            num_partitions: partitions,
            replication_factor: 1,
            configs: configs.iter().map(config).collect(),
            ..Default::default()
        };
        let request =
            CreateTopicsRequest { topics: vec![topic], timeout_ms: 60_000, ..Default::default() };
        let response = self.call(7, &request)?;
        let topic = response.topics.first().context("CreateTopics names the topic")?;
        let exists = topic.error_code == klog::base::ErrorCode::TopicAlreadyExists.to_wire();
        ensure!(topic.error_code == 0 || exists, "CreateTopics: error {}", topic.error_code);
        Ok(())
    }

    /// Fails unless all partitions of a topic have a leader that answers.
    pub fn ensure_served(&mut self, name: &str, partitions: i32) -> anyhow::Result<()> {
        let asked = |partition_index| ListOffsetsPartition {
            partition_index,
            timestamp: -1,
            ..Default::default()
        };
        let topic = ListOffsetsTopic {
            name: name.into(),
            partitions: (0..partitions).map(asked).collect(),
            ..Default::default()
        };
        let request =
            ListOffsetsRequest { replica_id: -1, topics: vec![topic], ..Default::default() };
        let response = self.call(7, &request)?;
        let topic = response.topics.first().context("ListOffsets names the topic")?;
        for partition in &topic.partitions {
            ensure!(partition.error_code == 0, "ListOffsets: error {}", partition.error_code);
        }
        Ok(())
    }

    /// Produces one record, acks=1.
    pub fn produce(&mut self, topic: &str, partitions: std::ops::Range<i32>) -> anyhow::Result<()> {
        let response = self.call(PRODUCE, &produce_request(topic, partitions, &batch(1, 100)?))?;
        ensure_produced(&response)
    }
}

/// Creates a topic, and returns once all its partitions are served.
pub fn create_served(
    broker: &mut crate::broker::Broker,
    name: &str,
    partitions: i32,
    configs: &[(&str, &str)],
) -> anyhow::Result<()> {
    broker.wait_until(|address| Raw::connect(address)?.create_topic(name, partitions, configs))?;
    broker.wait_until(|address| Raw::connect(address)?.ensure_served(name, partitions))
}

/// A Produce request with acks=1, as it goes over the wire, that has the same batch for each of these partitions.
pub fn produce_frame(
    topic: &str,
    partitions: std::ops::Range<i32>,
    batch: &Bytes,
) -> anyhow::Result<Vec<u8>> {
    frame(PRODUCE, &produce_request(topic, partitions, batch))
}

fn produce_request(topic: &str, partitions: std::ops::Range<i32>, batch: &Bytes) -> ProduceRequest {
    let data = |index| PartitionProduceData {
        index,
        records: Some(Records::Bytes(batch.clone())),
        ..Default::default()
    };
    let topic = TopicProduceData {
        name: topic.into(),
        partition_data: partitions.map(data).collect(),
        ..Default::default()
    };
    ProduceRequest { acks: 1, timeout_ms: 30_000, topic_data: vec![topic], ..Default::default() }
}

/// A batch of `records` records, each with a value of `size` bytes.
pub fn batch(records: usize, size: usize) -> anyhow::Result<Bytes> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let value = filling(size);
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for _ in 0..records {
        builder.append(i64::try_from(now.as_millis())?, None, Some(&value), [])?;
    }
    Ok(builder.build()?)
}

/// Fails unless an answer to [`produce_frame`], without its length, says that all was appended.
pub fn check_produced(answer: Bytes) -> anyhow::Result<()> {
    let (_, body) = decode_response_header(ProduceRequest::API, PRODUCE, answer)?;
    ensure_produced(&ProduceRequest::decode_response(PRODUCE, body)?)
}

/// The frame with which a broker acknowledges one record.
pub fn produce_answer(topic: &str) -> anyhow::Result<Vec<u8>> {
    let topic = TopicProduceResponse {
        name: topic.into(),
        partition_responses: vec![PartitionProduceResponse::default()],
        ..Default::default()
    };
    let response = ProduceResponse { responses: vec![topic], ..Default::default() };
    let mut out = Encoder::with_capacity(256);
    encode_response_header(ProduceRequest::API, PRODUCE, 1, &mut out);
    ProduceRequest::encode_response(&response, PRODUCE, &mut out)?;
    with_length(out)
}

fn ensure_produced(response: &ProduceResponse) -> anyhow::Result<()> {
    for partition in response.responses.iter().flat_map(|topic| &topic.partition_responses) {
        let (index, code) = (partition.index, partition.error_code);
        ensure!(code == 0, "Produce to partition {index}: error {code}");
    }
    Ok(())
}

pub fn frame<R: Request>(version: i16, request: &R) -> anyhow::Result<Vec<u8>> {
    let mut out = Encoder::with_capacity(256);
    encode_request_header(R::API, version, 1, Some(&"klog-bench".into()), &mut out)?;
    request.encode(version, &mut out)?;
    with_length(out)
}

fn with_length(out: Encoder) -> anyhow::Result<Vec<u8>> {
    let body = out.into_bytes().context("nothing here has holes")?;
    let mut frame = Vec::with_capacity(body.len() + 4);
    frame.extend_from_slice(&i32::try_from(body.len())?.to_be_bytes());
    frame.extend_from_slice(&body);
    Ok(frame)
}
