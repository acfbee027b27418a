//! Where records become batches: per partition one batch that is being filled, and those that are full.
//!
//! Appending takes one lock and, but for the record that opens a batch, allocates nothing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::super::config::{Compression, ProducerConfig};
use super::super::error::ProduceError;
use super::super::record::ProducerRecord;
use super::delivery::{Delivery, Outcome};
use crate::base::TopicName;
use crate::record::{BatchBuilder, BatchOptions, BuildError, Codec, HEADER_LEN};

/// What a new batch reserves of the buffer before it grows.
const FIRST_RESERVATION: usize = 1024;

/// One partition's accumulator; shared by those who append and the one who sends.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) topic: TopicName,
    pub(super) partition: i32,
    /// Its place among the sender's lanes.
    pub(super) lane: usize,
    /// Whether it is in the sender's inbox.
    pub(super) listed: AtomicBool,
    batches: Mutex<Batches>,
}

#[derive(Debug, Default)]
struct Batches {
    filling: Option<Filling>,
    full: VecDeque<Batch>,
}

#[derive(Debug)]
struct Filling {
    builder: BatchBuilder,
    outcome: Arc<Outcome>,
    opened_at: Instant,
    number: u64,
    reserved: usize,
}

/// A batch to be sent: built, but for who writes it.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) bytes: Bytes,
    pub(super) count: u32,
    pub(super) outcome: Arc<Outcome>,
    /// The index of its first record in `outcome`.
    pub(super) first: u32,
    pub(super) opened_at: Instant,
    /// Counts batches over all partitions, in the order of opening.
    pub(super) number: u64,
    /// Bytes to give back to the buffer when it is done.
    pub(super) reserved: usize,
    pub(super) attempts: u32,
    /// Why there are no bytes, where the codec failed.
    pub(super) unbuilt: Option<BuildError>,
}

/// How an append went.
pub(super) enum Appended {
    /// The record is in; `wake` the sender if there is news for it.
    In { delivery: Delivery, wake: bool },
    /// The buffer has no room for so many bytes; the record is not in.
    NoRoom { bytes: usize },
    /// The record would open a batch, and the caller wanted not to.
    WouldOpen,
}

/// What appending needs of the producer.
pub(super) struct Terms<'a> {
    pub(super) config: &'a ProducerConfig,
    pub(super) memory: &'a Semaphore,
    /// Gives the number of a new batch, and counts it as unfinished.
    pub(super) number: &'a dyn Fn() -> u64,
}

impl Queue {
    pub(super) fn new(topic: TopicName, partition: i32, lane: usize) -> Queue {
        let (listed, batches) = (AtomicBool::new(false), Mutex::default());
        Queue { topic, partition, lane, listed, batches }
    }

    /// Appends one record. `size` is [`record_size`] of it; `granted` bytes of the buffer were got beforehand.
    /// With `may_open` false it is only taken by the batch that is being filled.
    ///
    /// # Errors
    /// `TooLarge` for a record that no batch can hold.
    pub(super) fn append(
        &self,
        record: &ProducerRecord,
        timestamp: i64,
        size: usize,
        granted: &mut usize,
        may_open: bool,
        terms: &Terms<'_>,
    ) -> Result<Appended, ProduceError> {
        let mut batches = self.batches.lock();
        let limit = terms.config.batch_bytes;
        let fits = |f: &Filling| f.builder.estimated_size() + size <= limit;
        let mut wake = false;
        if !batches.filling.as_ref().is_some_and(fits) {
            if !may_open {
                return Ok(Appended::WouldOpen);
            }
            let wanted = (HEADER_LEN + size).max(FIRST_RESERVATION.min(limit));
            if !reserve(terms.memory, granted, wanted) {
                return Ok(Appended::NoRoom { bytes: wanted });
            }
            wake = true;
            if let Some(filling) = batches.filling.take() {
                batches.full.push_back(filling.seal());
            }
            batches.filling = Some(self.open(wanted, (terms.number)(), terms.config));
        }
        let Some(filling) = batches.filling.as_mut() else { return Ok(Appended::WouldOpen) };
        let needed = filling.builder.estimated_size() + size;
        if needed > filling.reserved {
            let more = needed.max(filling.reserved * 2).min(limit.max(needed)) - filling.reserved;
            if !reserve(terms.memory, granted, more) {
                return Ok(Appended::NoRoom { bytes: more });
            }
            filling.reserved += more;
        }
        let headers = record.headers.iter().map(|(k, v)| (k.as_bytes().as_ref(), v.as_deref()));
        let index = filling
            .builder
            .append(timestamp, record.key.as_deref(), record.value.as_deref(), headers)
            .map_err(|_| too_large(size, i32::MAX as usize))?;
        let delivery = Delivery::new(filling.outcome.clone(), index as u32, timestamp);
        wake = wake && !self.listed.swap(true, Ordering::AcqRel);
        Ok(Appended::In { delivery, wake })
    }

    fn open(&self, reserved: usize, number: u64, config: &ProducerConfig) -> Filling {
        let (codec, level) = codec(config.compression);
        let transactional = config.transactional_id.is_some();
        let options = BatchOptions { codec, level, transactional, ..BatchOptions::default() };
        Filling {
            builder: BatchBuilder::with_capacity(
                options,
                reserved.max(config.batch_bytes.min(1 << 16)),
            ),
            outcome: Arc::new(Outcome::new(self.topic.clone(), self.partition)),
            opened_at: Instant::now(),
            number,
            reserved,
        }
    }

    /// The next batch that is to be sent: a full one, else the one being filled once it is due or everything is
    /// (`all_up_to` a batch number, for a flush).
    pub(super) fn take(
        &self,
        now: Instant,
        config: &ProducerConfig,
        all_up_to: u64,
    ) -> Option<Batch> {
        let mut batches = self.batches.lock();
        if let Some(batch) = batches.full.pop_front() {
            return Some(batch);
        }
        let due = |f: &mut Filling| f.number <= all_up_to || now >= f.opened_at + config.linger;
        let filling = batches.filling.take_if(due)?;
        Some(filling.seal())
    }

    /// From when on [`Self::take`] has a batch; None if there is none.
    pub(super) fn due_at(&self, config: &ProducerConfig) -> Option<Instant> {
        let batches = self.batches.lock();
        let full = batches.full.front().map(|b| b.opened_at);
        full.or_else(|| batches.filling.as_ref().map(|f| f.opened_at + config.linger))
    }

    /// When the oldest batch was opened.
    pub(super) fn oldest(&self) -> Option<Instant> {
        let batches = self.batches.lock();
        let full = batches.full.front().map(|b| b.opened_at);
        full.or_else(|| batches.filling.as_ref().map(|f| f.opened_at))
    }

    /// Whether nothing is accumulated.
    pub(super) fn is_empty(&self) -> bool {
        let batches = self.batches.lock();
        batches.filling.is_none() && batches.full.is_empty()
    }
}

impl Filling {
    /// Compresses and checksums.
    fn seal(self) -> Batch {
        let count = self.builder.record_count() as u32;
        let bytes = self.builder.build();
        Batch {
            bytes: bytes.clone().unwrap_or_default(),
            count,
            outcome: self.outcome,
            first: 0,
            opened_at: self.opened_at,
            number: self.number,
            reserved: self.reserved,
            attempts: 0,
            unbuilt: bytes.err(),
        }
    }
}

/// Takes bytes out of those granted, else out of the buffer.
fn reserve(memory: &Semaphore, granted: &mut usize, bytes: usize) -> bool {
    if *granted >= bytes {
        *granted -= bytes;
        return true;
    }
    match memory.try_acquire_many((bytes - *granted) as u32) {
        Ok(permit) => {
            permit.forget();
            *granted = 0;
            true
        }
        Err(_) => false,
    }
}

/// The most that a record adds to a batch, in bytes.
pub(super) fn record_size(record: &ProducerRecord) -> usize {
    let headers = record.headers.iter().map(|(k, v)| (k.as_bytes().as_ref(), v.as_deref()));
    BatchBuilder::record_size_bound(record.key.as_deref(), record.value.as_deref(), headers)
}

pub(super) fn too_large(bytes: usize, max: usize) -> ProduceError {
    ProduceError::TooLarge { bytes, max, limit: "max.request.size" }
}

pub(super) fn codec(compression: Compression) -> (Codec, Option<i32>) {
    match compression {
        Compression::None => (Codec::None, None),
        Compression::Gzip(level) => (Codec::Gzip, level),
        Compression::Snappy => (Codec::Snappy, None),
        Compression::Lz4(level) => (Codec::Lz4, level),
        Compression::Zstd(level) => (Codec::Zstd, level),
    }
}
