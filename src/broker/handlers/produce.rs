//! Produce (key 0), v3 to v13. One batch of format 2 per partition; acks=0 sends no reply, and closes the connection where an
//! append failed; clients may not send control batches. v7 zstd, v8 error text, v9 flexible, v13 topic ids.
//!
//! Batches are validated and appended before the handler returns, so in the order of the requests; only making them durable
//! (`flush.messages`) is waited for.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;

use super::produce_in_txn::{Admitted, asked_about, told, transaction_version};
use super::target;
use crate::base::{ErrorCode, Millis, Offset, with_causes};
use crate::broker::dispatch::Call;
use crate::broker::node::{Appended, Node};
use crate::broker::partition::Partition;
use crate::broker::partitions::TopicLogs;
use crate::broker::reply::Reply;
use crate::broker::txns::{InTransaction, Refusal};
use crate::config::{CompressionType, TopicConfig};
use crate::log::AppendError;
use crate::record::{
    Batch, BatchError, Checked, Codec, DecompressError, InvalidBatch, Limits, RecompressError,
    Scratch, TimestampType, recompress, validate_produced,
};
use crate::txn::{Place, Producer, TxnVersion};
use crate::wire::Records;
use crate::wire::produce::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, ProduceRequest, ProduceResponse,
    TopicProduceResponse,
};

/// How far a request's batches may be decompressed where other connections wait for it: a millisecond's work. What needs
/// more is done aside.
const LIGHT: usize = 128 << 10;
/// What a batch may become at so many times its size is checked where others wait for it, or at so many bytes.
const USUAL_RATIO: usize = 16;
const USUAL_LEAST: usize = 16 << 10;
/// Compressing takes so many times as long as decompressing, or longer.
const RECOMPRESSION: usize = 16;
/// How far a batch may be decompressed to be validated.
const DECOMPRESSED_AT_MOST: usize = 100 << 20;

/// A batch that was not appended.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{}", .0.name())]
    Plain(ErrorCode),
    #[error("{1}")]
    Because(ErrorCode, String),
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error(transparent)]
    Invalid(#[from] InvalidBatch),
    #[error(transparent)]
    Recompress(#[from] RecompressError),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error("{1}")]
    Transaction(ErrorCode, Refusal),
    /// Not an answer: it is tried again where it may take longer.
    #[error("too much work to be done here")]
    TooMuchHere,
}

impl Failure {
    fn code(&self) -> ErrorCode {
        match self {
            Failure::Plain(code) | Failure::Because(code, _) | Failure::Transaction(code, _) => {
                *code
            }
            Failure::Batch(error) => error.code(),
            Failure::Invalid(error) => error.code(),
            Failure::Recompress(_) => ErrorCode::InvalidRecord,
            Failure::Append(error) => error.code(),
            Failure::TooMuchHere => ErrorCode::UnknownServerError,
        }
    }

    fn to_response(&self, index: i32) -> PartitionProduceResponse {
        let record = match self {
            Failure::Invalid(error) => error.record_index(),
            _ => None,
        };
        let message = match self {
            Failure::Plain(_) => None,
            Failure::Append(error) => Some(with_causes(error)),
            other => Some(other.to_string()),
        };
        PartitionProduceResponse {
            index,
            error_code: self.code().to_wire(),
            base_offset: -1,
            record_errors: record
                .map(|batch_index| BatchIndexAndErrorMessage {
                    batch_index,
                    batch_index_error_message: message.as_deref().map(Into::into),
                    ..Default::default()
                })
                .into_iter()
                .collect(),
            error_message: message.map(Into::into),
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
    let (aside, mut work) = (call.origin.aside, Work::new(call));
    if work.run(if aside { usize::MAX } else { LIGHT }) {
        return work.reply();
    }
    Reply::Aside(Box::new(move || {
        work.run(usize::MAX);
        work.reply()
    }))
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

/// One partition's entry in a request.
struct Entry {
    topic: usize,
    index: i32,
    records: Bytes,
}

/// A request being served: what is to be appended yet, and what was.
struct Work {
    node: Arc<Node>,
    version: i16,
    acks: i16,
    transaction: Option<ByteString>,
    admitted: Admitted,
    writer: Writer,
    now: Millis,
    logs: Vec<Option<Arc<TopicLogs>>>,
    left: VecDeque<Entry>,
    done: Topics,
}

impl Work {
    fn new(call: Call<ProduceRequest>) -> Work {
        let Call { node, version, client_id, request, .. } = call;
        let topics = request.topic_data.len();
        let mut work = Work {
            version,
            acks: request.acks,
            transaction: request.transactional_id,
            admitted: Admitted::default(),
            writer: match client_id {
                Some(id) if id == INTERNAL_WRITER => Writer::Admin,
                _ => Writer::Client,
            },
            now: node.now(),
            logs: Vec::with_capacity(topics),
            left: VecDeque::with_capacity(topics),
            done: Vec::with_capacity(topics),
            node,
        };
        for (topic, data) in request.topic_data.into_iter().enumerate() {
            work.logs.push(if version >= 13 {
                work.node.partitions.topic_by_id(data.topic_id)
            } else {
                work.node.partitions.topic(&data.name)
            });
            work.done.push((
                TopicProduceResponse {
                    name: data.name,
                    topic_id: data.topic_id,
                    ..Default::default()
                },
                Vec::with_capacity(data.partition_data.len()),
            ));
            work.left.extend(data.partition_data.into_iter().map(|data| Entry {
                topic,
                index: data.index,
                records: data.records.map(Records::into_bytes).unwrap_or_default(),
            }));
        }
        work
    }

    /// Appends entry after entry. Stops, with false, before one that takes it beyond `effort`: bytes to decompress.
    fn run(&mut self, mut effort: usize) -> bool {
        while let Some(entry) = self.left.pop_front() {
            let appended = match self.append(&entry, &mut effort) {
                Err(Failure::TooMuchHere) => {
                    self.left.push_front(entry);
                    return false;
                }
                Ok(appended) => appended,
                Err(failure) => {
                    let topic = &*self.done[entry.topic].0.name;
                    tracing::debug!(topic, index = entry.index, %failure, "not appended");
                    Outcome { response: failure.to_response(entry.index), wait: None }
                }
            };
            self.done[entry.topic].1.push(appended);
        }
        true
    }

    fn reply(self) -> Reply<ProduceResponse> {
        let all = || self.done.iter().flat_map(|(_, partitions)| partitions);
        if self.acks == 0 {
            let failed = all().any(|one| one.response.error_code != 0);
            return if failed { Reply::Close } else { Reply::Silent };
        }
        let waits = all().any(|one| one.wait.is_some());
        if waits { Reply::later(finish(self.done)) } else { Reply::ready(response(self.done)) }
    }

    fn append(&self, entry: &Entry, effort: &mut usize) -> Result<Outcome, Failure> {
        if !(-1..=1).contains(&self.acks) {
            return Err(Failure::Plain(ErrorCode::InvalidRequiredAcks));
        }
        let unknown = match self.version >= 13 {
            true => ErrorCode::UnknownTopicId,
            false => ErrorCode::UnknownTopicOrPartition,
        };
        let logs = self.logs[entry.topic].as_ref();
        self.writer.may_write(logs)?;
        let partition =
            target::partition(logs, entry.index, unknown).map_err(|code| match code {
                ErrorCode::KafkaStorageError => Failure::Because(
                    code,
                    "the partition is offline; the broker's log says why".into(),
                ),
                code => Failure::Plain(code),
            })?;
        let config = partition.log().config().clone();
        if self.acks == -1 && config.min_insync_replicas > 1 {
            return Err(Failure::Plain(ErrorCode::NotEnoughReplicas));
        }
        let batch = one_batch(entry.records.clone())?;
        if batch.header().codec()? == Codec::Zstd && self.version < 7 {
            return Err(Failure::Plain(ErrorCode::UnsupportedCompressionType));
        }
        let (batch, checked) = validate(batch, &config, self.now, effort)?;
        self.place(&partition, entry.index, &batch, &checked)
    }

    fn place(
        &self,
        partition: &Arc<Partition>,
        index: i32,
        batch: &Batch,
        checked: &Checked,
    ) -> Result<Outcome, Failure> {
        let Appended { placed, log_start, due } = match batch.header().is_transactional() {
            false => self.node.append(partition, batch, checked, self.now)?,
            true => self.place_in_transaction(partition, batch, checked)?,
        };
        let response = PartitionProduceResponse {
            index,
            base_offset: placed.base_offset.get(),
            log_append_time_ms: placed.log_append_time.map_or(-1, |time| time.0),
            log_start_offset: log_start.get(),
            ..Default::default()
        };
        let wait = (due && self.acks != 0).then(|| (partition.clone(), placed.last_offset.plus(1)));
        Ok(Outcome { response, wait })
    }
}

impl Work {
    fn place_in_transaction(
        &self,
        partition: &Arc<Partition>,
        batch: &Batch,
        checked: &Checked,
    ) -> Result<Appended, Failure> {
        // Whose transaction it is nobody can tell: so nobody may write to it.
        let unknown = ErrorCode::TransactionalIdAuthorizationFailed;
        let id = self.transaction.clone().ok_or(Failure::Plain(unknown))?;
        let header = batch.header();
        let transaction = InTransaction {
            id,
            producer: Producer { id: header.producer_id, epoch: header.producer_epoch },
            version: transaction_version(self.version),
        };
        let bumps_epoch = transaction.version >= TxnVersion::V2;
        let admit = || {
            let place = (partition.id.topic.as_str().into(), partition.id.partition.get());
            let places = asked_about(&transaction, place, self.left_places());
            let ask = || self.node.admit_to_transaction(&transaction, &places);
            match bumps_epoch {
                true => self.admitted.or_add(transaction.producer, ask),
                false => ask(),
            }
        };
        let (node, now) = (&self.node, self.now);
        node.append_in_transaction(partition, batch, checked, now, bumps_epoch, admit)
            .map_err(|refusal| Failure::Transaction(told(&refusal, self.version), refusal))
    }

    /// The partitions that are to be appended to yet, as far as they are there.
    fn left_places(&self) -> impl Iterator<Item = Place> {
        self.left.iter().filter_map(|entry| {
            let logs = self.logs[entry.topic].as_ref()?;
            let there = usize::try_from(entry.index).is_ok_and(|at| at < logs.slots.len());
            there.then(|| (ByteString::from(logs.name.as_str()), entry.index))
        })
    }
}

/// Checks a batch, and gives it the codec that its topic wants; takes what that costs off `effort`.
fn validate(
    batch: Batch,
    config: &TopicConfig,
    now: Millis,
    effort: &mut usize,
) -> Result<(Batch, Checked), Failure> {
    thread_local! { static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new()); }
    let limits = limits(config, now);
    // Honest records seldom become more than this; what does is done aside, so that a flood of it finds one place only.
    let usual = batch.size_in_bytes().saturating_mul(USUAL_RATIO).max(USUAL_LEAST);
    let here = if *effort > LIGHT { DECOMPRESSED_AT_MOST } else { usual.min(*effort) };
    let allowed = Limits { max_decompressed_bytes: here, ..limits };
    let check = |batch: &Batch, limits: &Limits| {
        SCRATCH.with_borrow_mut(|scratch| validate_produced(batch, limits, scratch))
    };
    let checked = match check(&batch, &allowed) {
        Err(InvalidBatch::Decompress(DecompressError::TooLarge { .. }))
            if here < DECOMPRESSED_AT_MOST =>
        {
            return Err(Failure::TooMuchHere);
        }
        checked => checked?,
    };
    let wanted = wanted_codec(config, &batch)?;
    let factor = match (&wanted, batch.header().codec()?) {
        (Some(_), _) => RECOMPRESSION,
        // Its bytes are no more than came: a thread would cost more than checking them.
        (None, Codec::None) => 0,
        (None, _) => 1,
    };
    *effort = effort
        .checked_sub(checked.decompressed_bytes.saturating_mul(factor))
        .ok_or(Failure::TooMuchHere)?;
    let Some((codec, level)) = wanted else { return Ok((batch, checked)) };
    let batch = recompress(&batch, codec, level, DECOMPRESSED_AT_MOST)?;
    let checked = check(&batch, &Limits { max_message_bytes: usize::MAX, ..limits })?;
    Ok((batch, checked))
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
        require_keys: config.compact,
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
