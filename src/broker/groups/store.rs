//! How records of groups get into `__consumer_offsets`.

use bytestring::ByteString;

use crate::base::{ErrorCode, Millis, with_causes};
use crate::broker::coordinator_topic::{CoordinatorTopic, Durable, build};
use crate::broker::node::Node;
use crate::broker::txns::InTransaction;
use crate::group::Entry;
use crate::record::{Batch, BatchOptions, BatchProducer, Checked};
use crate::txn::TxnVersion;

/// Records that were appended.
pub struct Kept {
    /// The offset of the first.
    pub at: i64,
    /// From when on may be answered for them.
    pub durable: Durable,
}

impl Node {
    /// Appends records of a group to its partition. What is answered for them has to wait for [`Durable`].
    ///
    /// # Errors
    /// The code for a client: COORDINATOR_NOT_AVAILABLE where the disk failed.
    pub fn store_entries(&self, id: &str, entries: &[Entry]) -> Result<Durable, ErrorCode> {
        Ok(self.keep_entries(id, entries)?.durable)
    }

    /// The same, and where they stand.
    ///
    /// # Errors
    /// As [`Node::store_entries`].
    pub fn keep_entries(&self, id: &str, entries: &[Entry]) -> Result<Kept, ErrorCode> {
        let now = self.now();
        let Some(batch) = batch(id, entries, BatchOptions::default(), now)? else {
            return Ok(Kept { at: -1, durable: None });
        };
        let partition = self.home_partition(CoordinatorTopic::Offsets, id)?;
        let (at, durable) = self.keep(&partition, &batch, now).map_err(|error| {
            tracing::debug!(group = id, partition = %partition.id, %error, "records of a group were not written");
            ErrorCode::CoordinatorNotAvailable
        })?;
        Ok(Kept { at: at.get(), durable })
    }

    /// Appends offsets that count once their transaction is committed. They have no sequence number: the coordinator is
    /// nobody's producer.
    ///
    /// # Errors
    /// What the transaction's coordinator says; COORDINATOR_NOT_AVAILABLE where the disk failed.
    pub fn keep_in_transaction(
        &self,
        id: &ByteString,
        entries: &[Entry],
        transaction: &InTransaction,
    ) -> Result<Kept, ErrorCode> {
        let now = self.now();
        let producer = transaction.producer;
        let options = BatchOptions {
            producer: BatchProducer { id: producer.id, epoch: producer.epoch, base_sequence: -1 },
            transactional: true,
            ..BatchOptions::default()
        };
        let Some(batch) = batch(id, entries, options, now)? else {
            return Ok(Kept { at: -1, durable: None });
        };
        let partition = self.home_partition(CoordinatorTopic::Offsets, id)?;
        let home = partition.id.partition.get();
        let checked = Checked { max_timestamp: now, decompressed_bytes: batch.size_in_bytes() };
        let place = (CoordinatorTopic::Offsets.name().into(), home);
        let bumps = transaction.version >= TxnVersion::V2;
        let admit = || self.admit_to_transaction(transaction, &[place]);
        let appended =
            self.append_in_transaction(&partition, &batch, &checked, now, bumps, admit)?;
        let end = appended.placed.last_offset.plus(1);
        let durable = appended.due.then(|| (partition.clone(), end));
        Ok(Kept { at: appended.placed.base_offset.get(), durable })
    }
}

fn batch(
    id: &str,
    entries: &[Entry],
    options: BatchOptions,
    now: Millis,
) -> Result<Option<Batch>, ErrorCode> {
    let built = build(options, |builder| {
        for entry in entries {
            let (key, value) = entry.encode()?;
            builder.append(now.0, Some(&key), value.as_deref(), [])?;
        }
        Ok(!entries.is_empty())
    });
    built.map_err(|error| {
        tracing::error!(group = id, error = %with_causes(&error), "records of a group cannot be written");
        ErrorCode::UnknownServerError
    })
}
