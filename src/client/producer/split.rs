//! A batch that the topic finds too large becomes two of half its records each (KIP-126).

use super::super::config::ProducerConfig;
use super::queue::{Batch, codec};
use crate::record::{BatchBuilder, BatchOptions, records, split_batches};

/// The two halves; None for a single record, which no splitting makes smaller.
///
/// Both tell the same outcome, each of its own range. The second keeps the reservation, and is numbered like the
/// first: the batch is unfinished until both are done.
pub(super) fn halves(batch: &Batch, config: &ProducerConfig) -> Option<(Batch, Batch)> {
    let half = batch.count / 2;
    if half == 0 {
        return None;
    }
    let first = part(batch, 0, half, config)?;
    let second = part(batch, half, batch.count - half, config)?;
    Some((Batch { reserved: 0, ..first }, second))
}

fn part(whole: &Batch, skip: u32, count: u32, config: &ProducerConfig) -> Option<Batch> {
    let parsed = split_batches(whole.bytes.clone()).next()?.ok()?;
    let (codec, level) = codec(config.compression);
    let transactional = config.transactional_id.is_some();
    let options = BatchOptions { codec, level, transactional, ..BatchOptions::default() };
    let mut builder = BatchBuilder::new(options);
    // What we compressed ourselves is as large as it was.
    let ours = records(&parsed, i32::MAX as usize).ok()?;
    for record in ours.skip(skip as usize).take(count as usize) {
        let record = record.ok()?;
        let headers = record.headers.iter().map(|h| (h.key.as_ref(), h.value.as_deref()));
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        builder.append(record.timestamp, key, value, headers).ok()?;
    }
    Some(Batch {
        bytes: builder.build().ok()?,
        count,
        outcome: whole.outcome.clone(),
        first: whole.first + skip,
        opened_at: whole.opened_at,
        number: whole.number,
        reserved: whole.reserved,
        attempts: whole.attempts,
        unbuilt: None,
    })
}
