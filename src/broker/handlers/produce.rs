//! Produce (key 0), v3 to v13. One batch of format 2 per partition; acks=0 sends no reply, and closes the connection where an
//! append failed; clients may not send control batches. v7 zstd, v8 error text, v9 flexible, v13 topic ids.
//!
//! Batches are validated and appended before the handler returns, so in the order of the requests; only making them durable
//! (`flush.messages`) is waited for.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;

use super::target;
use crate::base::{ErrorCode, Millis, Offset};
use crate::broker::dispatch::Call;
use crate::broker::node::{Appended, Node};
use crate::broker::partition::Partition;
use crate::broker::partitions::TopicLogs;
use crate::broker::reply::Reply;
use crate::config::{CompressionType, TopicConfig};
use crate::log::AppendError;
use crate::record::{
    Batch, BatchError, BatchHeader, Codec, InvalidBatch, Limits, RecompressError, Scratch,
    TimestampType, recompress, validate_produced,
};
use crate::wire::Records;
use crate::wire::produce::{
    BatchIndexAndErrorMessage, PartitionProduceData, PartitionProduceResponse, ProduceRequest,
    ProduceResponse, TopicProduceResponse,
};

/// Requests with more compressed bytes than this are validated where other connections do not wait for it: these cost far
/// more than their size says.
const HEAVY_COMPRESSED: usize = 256 << 10;
/// The same for bytes that are not compressed. A thread is taken for it, which is too much to pay for every full batch.
const HEAVY_BYTES: usize = 4 << 20;
/// How far a batch may be decompressed to be validated.
const DECOMPRESSED_AT_MOST: usize = 100 << 20;

/// A batch that was not appended.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{}", .0.name())]
    Plain(ErrorCode),
    #[error("{0}")]
    Because(ErrorCode, String),
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error(transparent)]
    Invalid(#[from] InvalidBatch),
    #[error(transparent)]
    Recompress(#[from] RecompressError),
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl Failure {
    fn code(&self) -> ErrorCode {
        match self {
            Failure::Plain(code) | Failure::Because(code, _) => *code,
            Failure::Batch(error) => error.code(),
            Failure::Invalid(error) => error.code(),
            Failure::Recompress(_) => ErrorCode::InvalidRecord,
            Failure::Append(error) => error.code(),
        }
    }

    fn to_response(&self, index: i32) -> PartitionProduceResponse {
        let record = match self {
            Failure::Invalid(error) => error.record_index(),
            _ => None,
        };
        let message = self.to_string();
        PartitionProduceResponse {
            index,
            error_code: self.code().to_wire(),
            base_offset: -1,
            record_errors: record
                .map(|batch_index| BatchIndexAndErrorMessage {
                    batch_index,
                    batch_index_error_message: Some(message.as_str().into()),
                    ..Default::default()
                })
                .into_iter()
                .collect(),
            error_message: Some(message.into()),
            ..Default::default()
        }
    }
}

/// What was appended, and whether the answer has to wait for the disk.
struct Outcome {
    response: PartitionProduceResponse,
    wait: Option<(Arc<Partition>, Offset)>,
}

pub fn handle(call: Call<ProduceRequest>) -> Reply<ProduceResponse> {
    let Call { node, version, client_id, request, .. } = call;
    let acks = request.acks;
    let writer = if client_id.is_some_and(|id| id == INTERNAL_WRITER) {
        Writer::Admin
    } else {
        Writer::Client
    };
    let heavy = is_heavy(&request);
    let topics = aside_if(heavy, || append_all(&node, version, writer, request));
    let failed = || {
        topics.iter().flat_map(|(_, partitions)| partitions).any(|one| one.response.error_code != 0)
    };
    if acks == 0 {
        return if failed() { Reply::Close } else { Reply::Silent };
    }
    let waits = topics.iter().flat_map(|(_, partitions)| partitions).any(|one| one.wait.is_some());
    if waits { Reply::later(finish(topics)) } else { Reply::ready(response(topics)) }
}

/// Kafka's own tools say that they are this when they mean to write to its internal topics.
const INTERNAL_WRITER: &str = "__admin_client";

/// Who produces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Writer {
    /// Anybody.
    Client,
    /// A tool that knows what it does to internal topics.
    Admin,
}

impl Writer {
    /// The broker's own topics are written by the broker: what stands in them is believed at its next start.
    fn may_write(self, topic: Option<&Arc<TopicLogs>>) -> Result<(), Failure> {
        match topic.filter(|topic| topic.name.is_internal() && self == Writer::Client) {
            None => Ok(()),
            Some(topic) => Err(Failure::Because(
                ErrorCode::InvalidTopicException,
                format!("{} is written by the broker only", topic.name),
            )),
        }
    }
}

type Topics = Vec<(TopicProduceResponse, Vec<Outcome>)>;

fn append_all(node: &Arc<Node>, version: i16, writer: Writer, request: ProduceRequest) -> Topics {
    let now = node.now();
    let acks = request.acks;
    let transactional = request.transactional_id.is_some();
    let mut out = Vec::with_capacity(request.topic_data.len());
    for topic in request.topic_data {
        let (logs, unknown) = if version >= 13 {
            (node.partitions.topic_by_id(topic.topic_id), ErrorCode::UnknownTopicId)
        } else {
            (node.partitions.topic(&topic.name), ErrorCode::UnknownTopicOrPartition)
        };
        let one = |data: PartitionProduceData| {
            let index = data.index;
            let done = admit(acks, transactional, version)
                .and_then(|()| writer.may_write(logs.as_ref()))
                .and_then(|()| find(logs.as_ref(), index, unknown))
                .and_then(|partition| append(node, &partition, version, acks, data, now));
            done.unwrap_or_else(|failure| {
                tracing::debug!(topic = &*topic.name, index, %failure, "not appended");
                Outcome { response: failure.to_response(index), wait: None }
            })
        };
        let partitions = topic.partition_data.into_iter().map(one).collect();
        let head = TopicProduceResponse {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            ..Default::default()
        };
        out.push((head, partitions));
    }
    out
}

fn is_heavy(request: &ProduceRequest) -> bool {
    let partitions = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
    let records = partitions.filter_map(|data| data.records.as_ref());
    let all: usize = records.clone().map(Records::len).sum();
    if all <= HEAVY_COMPRESSED {
        return false;
    }
    let compressed: usize =
        records.filter(|records| is_compressed(records)).map(Records::len).sum();
    all > HEAVY_BYTES || compressed > HEAVY_COMPRESSED
}

fn is_compressed(records: &Records) -> bool {
    let Records::Bytes(bytes) = records else { return false };
    let codec = BatchHeader::parse(bytes).and_then(|header| header.codec());
    codec.is_ok_and(|codec| codec != Codec::None)
}

/// Does heavy work where other connections do not wait for it.
fn aside_if<T>(heavy: bool, work: impl FnOnce() -> T) -> T {
    if heavy { tokio::task::block_in_place(work) } else { work() }
}

fn admit(acks: i16, transactional: bool, version: i16) -> Result<(), Failure> {
    if !(-1..=1).contains(&acks) {
        return Err(Failure::Plain(ErrorCode::InvalidRequiredAcks));
    }
    if transactional {
        return Err(no_transaction(version));
    }
    Ok(())
}

fn no_transaction(version: i16) -> Failure {
    let code =
        if version >= 11 { ErrorCode::TransactionAbortable } else { ErrorCode::InvalidTxnState };
    Failure::Because(
        code,
        "this producer has no transaction here: klog has no transactions yet".into(),
    )
}

fn find(
    topic: Option<&Arc<TopicLogs>>,
    index: i32,
    unknown: ErrorCode,
) -> Result<Arc<Partition>, Failure> {
    target::partition(topic, index, unknown).map_err(Failure::Plain)
}

fn append(
    node: &Arc<Node>,
    partition: &Arc<Partition>,
    version: i16,
    acks: i16,
    data: PartitionProduceData,
    now: Millis,
) -> Result<Outcome, Failure> {
    let config = partition.log().config().clone();
    if acks == -1 && config.min_insync_replicas > 1 {
        return Err(Failure::Plain(ErrorCode::NotEnoughReplicas));
    }
    let bytes = data.records.map(Records::into_bytes).unwrap_or_default();
    let batch = one_batch(bytes)?;
    if batch.header().is_transactional() {
        return Err(no_transaction(version));
    }
    if batch.header().codec()? == Codec::Zstd && version < 7 {
        return Err(Failure::Plain(ErrorCode::UnsupportedCompressionType));
    }
    thread_local! { static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new()); }
    let limits = limits(&config, now);
    let mut checked =
        SCRATCH.with_borrow_mut(|scratch| validate_produced(&batch, &limits, scratch))?;
    let batch = match wanted_codec(&config, &batch)? {
        None => batch,
        Some((codec, level)) => {
            let heavy = batch.size_in_bytes() > HEAVY_COMPRESSED;
            let batch = aside_if(heavy, || recompress(&batch, codec, level, DECOMPRESSED_AT_MOST))?;
            let limits = Limits { max_message_bytes: usize::MAX, ..limits };
            checked =
                SCRATCH.with_borrow_mut(|scratch| validate_produced(&batch, &limits, scratch))?;
            batch
        }
    };
    let Appended { placed, log_start, due } = node.append(partition, &batch, &checked, now)?;
    let response = PartitionProduceResponse {
        index: data.index,
        base_offset: placed.base_offset.get(),
        log_append_time_ms: placed.log_append_time.map_or(-1, |time| time.0),
        log_start_offset: log_start.get(),
        ..Default::default()
    };
    let wait = (due && acks != 0).then(|| (partition.clone(), placed.last_offset.plus(1)));
    Ok(Outcome { response, wait })
}

/// The batch that a partition's entry holds, which is exactly one.
fn one_batch(bytes: Bytes) -> Result<Batch, Failure> {
    if bytes.is_empty() {
        return Err(Failure::Because(ErrorCode::InvalidRecord, "there is no record batch".into()));
    }
    Batch::new(bytes).map_err(|error| match error {
        BatchError::Trailing { extra } => Failure::Because(
            ErrorCode::InvalidRecord,
            format!("{extra} bytes stand behind the batch; one batch is taken per partition"),
        ),
        other => other.into(),
    })
}

fn limits(config: &TopicConfig, now: Millis) -> Limits {
    let timestamp_type = if config.log_append_time {
        TimestampType::LogAppendTime
    } else {
        TimestampType::CreateTime
    };
    Limits {
        now,
        timestamp_type,
        timestamp_before_max_ms: config.timestamp_before_max_ms,
        timestamp_after_max_ms: config.timestamp_after_max_ms,
        max_message_bytes: config.max_message_bytes as usize,
        max_decompressed_bytes: DECOMPRESSED_AT_MOST,
        require_keys: false,
    }
}

/// The codec and level that the topic asks for, if the batch has another codec.
fn wanted_codec(
    config: &TopicConfig,
    batch: &Batch,
) -> Result<Option<(Codec, Option<i32>)>, BatchError> {
    let (codec, level) = match config.compression {
        CompressionType::Producer => return Ok(None),
        CompressionType::Uncompressed => (Codec::None, None),
        CompressionType::Gzip => {
            (Codec::Gzip, (config.gzip_level > 0).then_some(config.gzip_level))
        }
        CompressionType::Snappy => (Codec::Snappy, None),
        CompressionType::Lz4 => (Codec::Lz4, None),
        CompressionType::Zstd => (Codec::Zstd, Some(config.zstd_level)),
    };
    Ok((batch.header().codec()? != codec).then_some((codec, level)))
}

async fn finish(mut topics: Topics) -> ProduceResponse {
    for one in topics.iter_mut().flat_map(|(_, partitions)| partitions) {
        let Some((partition, up_to)) = one.wait.take() else { continue };
        if let Err(error) = partition.durable(up_to).await {
            one.response = Failure::Append(error).to_response(one.response.index);
        }
    }
    response(topics)
}

fn response(topics: Topics) -> ProduceResponse {
    let responses = topics
        .into_iter()
        .map(|(head, partitions)| TopicProduceResponse {
            partition_responses: partitions.into_iter().map(|one| one.response).collect(),
            ..head
        })
        .collect();
    ProduceResponse { responses, ..Default::default() }
}
