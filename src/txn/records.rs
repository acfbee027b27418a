//! Kafka's own records of transactions, as they stand in `__transaction_state`. A null value: the id was forgotten.

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes};
use bytestring::ByteString;

use super::{Transaction, TxnState, TxnVersion};
use crate::base::{Cursor, CursorError};
use crate::wire::{DecodeError, EncodeError, Encoder, Fields, StoredRecord, message};

message! {
    /// The key: a transactional id.
    TransactionLogKey {
        transactional_id: ByteString, [0..=0];
    }

    /// How its transaction is.
    TransactionLogValue {
        producer_id: i64, [0..];
        producer_epoch: i16, [0..];
        transaction_timeout_ms: i32, [0..];
        transaction_status: i8, [0..];
        transaction_partitions: Option<Vec<PartitionsSchema>>, [0..], nullable [0..], default Some(Vec::new());
        transaction_last_update_timestamp_ms: i64, [0..];
        transaction_start_timestamp_ms: i64, [0..];
        previous_producer_id: i64, [1..], tag 0 [1..], default -1;
        next_producer_id: i64, [1..], tag 1 [1..], default -1;
        client_transaction_version: i16, [1..], tag 2 [1..];
        next_producer_epoch: i16, [1..], tag 3 [1..], default -1;
    }

    /// Part of [`TransactionLogValue`]: see its `transaction_partitions`.
    PartitionsSchema {
        topic: ByteString, [0..];
        partition_ids: Vec<i32>, [0..];
    }
}

/// The newest version of values, and the first with tagged fields.
const NEWEST: i16 = 1;

/// A record that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A version that this version of klog does not know.
    #[error("version {0} of a transaction's record is not known")]
    Version(i16),
    /// A state that is none.
    #[error("state {0} of a transaction is not known")]
    State(i8),
    /// A producer that is none.
    #[error("a transaction of producer {id} with epoch {epoch}")]
    Producer { id: i64, epoch: i16 },
    /// Too short.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// Its fields.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// Reads a record: the transactional id, and what is known of it, or `None` if it was forgotten. `Ok(None)` for a key of
/// another kind.
///
/// # Errors
/// See [`RecordError`].
pub fn decode(
    key: Bytes,
    value: Option<Bytes>,
) -> Result<Option<(ByteString, Option<Transaction>)>, RecordError> {
    let mut input = Cursor::new(key);
    if input.i16()? != 0 {
        return Ok(None);
    }
    let key = TransactionLogKey::decode_body(0, false, input.rest().clone())?;
    let transaction = value.map(decode_value).transpose()?;
    Ok(Some((key.transactional_id, transaction)))
}

fn decode_value(value: Bytes) -> Result<Transaction, RecordError> {
    let mut input = Cursor::new(value);
    let version = input.i16()?;
    if !(0..=NEWEST).contains(&version) {
        return Err(RecordError::Version(version));
    }
    let body = input.rest().clone();
    let value = TransactionLogValue::decode_body(version, version >= NEWEST, body)?;
    let (id, epoch) = (value.producer_id, value.producer_epoch);
    if id < 0 || epoch < 0 {
        return Err(RecordError::Producer { id, epoch });
    }
    let raw = value.transaction_status;
    let topics = value.transaction_partitions.unwrap_or_default().into_iter();
    let places = topics.flat_map(|topic| {
        let PartitionsSchema { topic, partition_ids, .. } = topic;
        partition_ids.into_iter().map(move |at| (topic.clone(), at))
    });
    Ok(Transaction {
        producer_id: id,
        previous_producer_id: value.previous_producer_id,
        next_producer_id: value.next_producer_id,
        epoch,
        last_epoch: -1,
        timeout_ms: value.transaction_timeout_ms,
        state: TxnState::from_wire(raw).ok_or(RecordError::State(raw))?,
        partitions: places.collect(),
        started_at: value.transaction_start_timestamp_ms,
        updated_at: value.transaction_last_update_timestamp_ms,
        client_version: TxnVersion::from_level(value.client_transaction_version),
    })
}

/// The record of what is known of a transactional id: key and value. Tagged fields are written once the cluster's
/// `transaction.version` is at least 1, as Kafka does it.
///
/// # Errors
/// A text longer than its length field can say.
pub fn encode(
    id: &ByteString,
    transaction: &Transaction,
    cluster: TxnVersion,
) -> Result<(Bytes, Bytes), EncodeError> {
    let version = cluster.level().min(NEWEST);
    let mut topics: BTreeMap<&ByteString, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in &transaction.partitions {
        topics.entry(topic).or_default().push(*partition);
    }
    let topics = topics.into_iter().map(|(topic, partition_ids)| PartitionsSchema {
        topic: topic.clone(),
        partition_ids,
        ..Default::default()
    });
    let tagged = version >= NEWEST;
    let value = TransactionLogValue {
        producer_id: transaction.producer_id,
        producer_epoch: transaction.epoch,
        transaction_timeout_ms: transaction.timeout_ms,
        transaction_status: transaction.state.to_wire(),
        // Kafka writes null where there can be none.
        transaction_partitions: (transaction.state != TxnState::Empty).then(|| topics.collect()),
        transaction_last_update_timestamp_ms: transaction.updated_at,
        transaction_start_timestamp_ms: transaction.started_at,
        previous_producer_id: if tagged { transaction.previous_producer_id } else { -1 },
        next_producer_id: if tagged { transaction.next_producer_id } else { -1 },
        client_transaction_version: if tagged { transaction.client_version.level() } else { 0 },
        ..Default::default()
    };
    let mut out = Encoder::default();
    out.fields().put_i16(version);
    value.encode_body(version, tagged, &mut out)?;
    Ok((encode_key(id)?, out.into_bytes().unwrap_or_default()))
}

/// The key of the record that forgets a transactional id; its value is null.
///
/// # Errors
/// As [`encode`].
pub fn tombstone(id: &ByteString) -> Result<Bytes, EncodeError> {
    encode_key(id)
}

fn encode_key(id: &ByteString) -> Result<Bytes, EncodeError> {
    let key = TransactionLogKey { transactional_id: id.clone(), ..Default::default() };
    let mut out = Encoder::default();
    out.fields().put_i16(0);
    key.encode_body(0, false, &mut out)?;
    Ok(out.into_bytes().unwrap_or_default())
}

/// The kind of record that `__transaction_state` has.
pub fn stored() -> StoredRecord {
    StoredRecord {
        kind: 0,
        key: TransactionLogKey::SCHEMA,
        value: TransactionLogValue::SCHEMA,
        newest: NEWEST,
        flexible_from: NEWEST,
    }
}
