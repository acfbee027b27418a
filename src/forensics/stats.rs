//! Sums over the batches of a segment or a log, in memory that does not grow with them but for a set of producers.

use std::collections::HashSet;

use super::content::Inside;
use super::sweep::{Gap, Piece, Swept};
use crate::record::Codec;

/// What one codec has packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Packed {
    /// Batches.
    pub batches: u64,
    /// Their bytes on disk, headers included.
    pub bytes: u64,
    /// The bytes of their records, unpacked; only what was looked into counts.
    pub unpacked: u64,
    /// The bytes on disk of what was looked into, headers excluded.
    pub looked_into: u64,
}

/// Sums of some batches that stand one after another.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Batches, damaged ones excluded.
    pub batches: u64,
    /// Records, as the headers say; those of old formats only where they were looked into.
    pub records: u64,
    /// Bytes of batches.
    pub bytes: u64,
    /// The first offset, as far as it is known.
    pub first_offset: Option<i64>,
    /// The last offset.
    pub last_offset: Option<i64>,
    /// The first timestamp of a batch that is lowest.
    pub min_timestamp: Option<i64>,
    /// The youngest timestamp.
    pub max_timestamp: Option<i64>,
    /// By the number of the codec.
    pub codecs: [Packed; 5],
    /// Batches of transactions, markers excluded.
    pub transactional: u64,
    /// Control batches.
    pub control: u64,
    /// Batches of message formats 0 and 1.
    pub old_formats: u64,
    /// Idempotent producers.
    pub producers: HashSet<i64>,
    /// Batch sizes.
    pub sizes: Sizes,
    /// Places at which offsets are missing between two batches.
    pub gaps: u64,
    /// How many offsets are missing there.
    pub missing: u64,
    /// Places that are damaged.
    pub damaged: u64,
    /// Bytes there.
    pub damaged_bytes: u64,
    /// Leader epochs: the lowest and the highest.
    pub epochs: Option<(i32, i32)>,
}

impl Stats {
    /// Adds what a walk has come to, and what is inside of it where that was looked at.
    pub fn add(&mut self, piece: &Piece, inside: Option<&Inside>) {
        match piece {
            Piece::Gap(Gap { position, end, .. }) => self.damage(end - position),
            Piece::Batch(swept) if swept.crc.is_err() => self.damage(swept.found.size as u64),
            Piece::Batch(swept) => self.batch(swept, inside),
        }
    }

    /// Notes bytes that are no sound batch.
    pub fn damage(&mut self, bytes: u64) {
        self.damaged += 1;
        self.damaged_bytes += bytes;
    }

    fn batch(&mut self, swept: &Swept, inside: Option<&Inside>) {
        let header = swept.found.header;
        let size = swept.found.size as u64;
        self.batches += 1;
        self.bytes += size;
        self.sizes.add(size);
        let count = header.map_or(0, |header| u64::try_from(header.record_count).unwrap_or(0));
        self.records += inside.map_or(count, |inside| inside.count);
        let known = inside.and_then(|inside| inside.first_offset);
        let first = header.map(|header| header.base_offset).or(known);
        self.offsets(first, swept.found.last_offset);
        self.codec(swept, size, inside);
        let youngest = swept.max_timestamp();
        let oldest = header.map(|header| header.base_timestamp).filter(|at| *at >= 0).or(youngest);
        self.times(oldest, youngest);
        let Some(header) = header else {
            self.old_formats += 1;
            return;
        };
        self.control += u64::from(header.is_control());
        self.transactional += u64::from(header.is_transactional() && !header.is_control());
        if header.has_producer_id() {
            self.producers.insert(header.producer_id);
        }
        let epoch = header.partition_leader_epoch;
        if epoch >= 0 {
            self.epoch(epoch, epoch);
        }
    }

    fn codec(&mut self, swept: &Swept, size: u64, inside: Option<&Inside>) {
        let Ok(codec) = swept.codec() else { return };
        let packed = &mut self.codecs[usize::from(codec.id())];
        packed.batches += 1;
        packed.bytes += size;
        if let Some(inside) = inside {
            packed.unpacked += inside.unpacked_bytes;
            packed.looked_into += size.saturating_sub(crate::record::HEADER_LEN as u64);
        }
    }

    fn offsets(&mut self, first: Option<i64>, last: i64) {
        if let (Some(before), Some(first)) = (self.last_offset, first) {
            let missing = first.saturating_sub(before.saturating_add(1));
            if missing > 0 {
                self.gaps += 1;
                self.missing += missing.unsigned_abs();
            }
        }
        self.first_offset = self.first_offset.or(first);
        self.last_offset = Some(self.last_offset.map_or(last, |before| before.max(last)));
    }

    fn times(&mut self, oldest: Option<i64>, youngest: Option<i64>) {
        let low = |a: Option<i64>, b: Option<i64>| a.into_iter().chain(b).min();
        self.min_timestamp = low(self.min_timestamp, low(oldest, youngest));
        self.max_timestamp = self.max_timestamp.into_iter().chain(youngest).max();
    }

    fn epoch(&mut self, low: i32, high: i32) {
        let (from, to) = self.epochs.unwrap_or((low, high));
        self.epochs = Some((from.min(low), to.max(high)));
    }

    /// Adds the sums of what stands behind.
    pub fn append(&mut self, next: &Stats) {
        if let Some(last) = next.last_offset {
            self.offsets(next.first_offset, last);
        }
        self.times(next.min_timestamp, next.max_timestamp);
        if let Some((low, high)) = next.epochs {
            self.epoch(low, high);
        }
        self.batches += next.batches;
        self.records += next.records;
        self.bytes += next.bytes;
        for (own, other) in self.codecs.iter_mut().zip(next.codecs) {
            own.batches += other.batches;
            own.bytes += other.bytes;
            own.unpacked += other.unpacked;
            own.looked_into += other.looked_into;
        }
        self.transactional += next.transactional;
        self.control += next.control;
        self.old_formats += next.old_formats;
        self.producers.extend(&next.producers);
        self.sizes.append(&next.sizes);
        self.gaps += next.gaps;
        self.missing += next.missing;
        self.damaged += next.damaged;
        self.damaged_bytes += next.damaged_bytes;
    }

    /// The codecs that were used, and what each has packed.
    pub fn used(&self) -> impl Iterator<Item = (Codec, Packed)> {
        let all = Codec::ALL.into_iter().zip(self.codecs);
        all.filter(|(_, packed)| packed.batches > 0)
    }
}

impl Packed {
    /// How many bytes of records one byte on disk holds; `None` where nothing was looked into.
    pub fn ratio(&self) -> Option<f64> {
        (self.looked_into > 0).then(|| self.unpacked as f64 / self.looked_into as f64)
    }
}

/// The sizes of batches, in bytes, exact to a sixteenth.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// The smallest; `u64::MAX` without any.
    pub min: u64,
    /// The largest.
    pub max: u64,
    count: u64,
    sum: u64,
    /// Sixteen steps to each power of two.
    steps: Vec<u64>,
}

/// Below it each size has a step of its own.
const FINE: u64 = 16;

impl Default for Sizes {
    fn default() -> Sizes {
        Sizes { min: u64::MAX, max: 0, count: 0, sum: 0, steps: vec![0; 64 * FINE as usize] }
    }
}

impl Sizes {
    fn step(size: u64) -> usize {
        if size < FINE {
            return size as usize;
        }
        let power = size.ilog2();
        let within = (size >> (power - 4)) - FINE;
        ((u64::from(power) - 3) * FINE + within) as usize
    }

    /// The smallest size of a step.
    fn size_of(step: usize) -> u64 {
        let (power, within) = (step as u64 / FINE, step as u64 % FINE);
        if power == 0 { within } else { (FINE + within) << (power - 1) }
    }

    /// Notes one.
    pub fn add(&mut self, size: u64) {
        (self.min, self.max) = (self.min.min(size), self.max.max(size));
        self.count += 1;
        self.sum += size;
        self.steps[Sizes::step(size)] += 1;
    }

    fn append(&mut self, other: &Sizes) {
        (self.min, self.max) = (self.min.min(other.min), self.max.max(other.max));
        self.count += other.count;
        self.sum += other.sum;
        self.steps.iter_mut().zip(&other.steps).for_each(|(own, other)| *own += other);
    }

    /// The mean; `None` without any.
    pub fn mean(&self) -> Option<u64> {
        self.sum.checked_div(self.count)
    }

    /// The size that so many of a hundred do not exceed, by less than a sixteenth; `None` without any.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let wanted = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let step = self.steps.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(Sizes::size_of(step).clamp(self.min, self.max))
    }
}

#[cfg(test)]
#[path = "stats_tests.rs"]
mod tests;
