//! Reading: whole batches by offset, records by timestamp.

use smallvec::SmallVec;

use super::Log;
use super::error::{ReadError, StorageError};
use super::scan::Found;
use super::segment::{Segment, Youngest};
use crate::base::{LeaderEpoch, Millis, Offset};
use crate::os::FileSlice;
use crate::record::{Batch, BatchError, TimestampType, records};

/// Whole batches, where they stand.
#[derive(Clone, Debug, Default)]
pub struct LogSlice {
    /// The stretches, in order of offset.
    pub slices: SmallVec<[FileSlice; 2]>,
    /// How many bytes they have together.
    pub bytes: usize,
    /// Where its last segment ends, if it reaches so far.
    pub(super) segment_end: Option<i64>,
}

/// A record found by its timestamp.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimedOffset {
    /// Its offset.
    pub offset: Offset,
    /// Its timestamp.
    pub timestamp: Millis,
    /// The epoch of the leader that appended it.
    pub leader_epoch: Option<LeaderEpoch>,
}

/// How far one batch may be decompressed while a record is looked for.
const DECOMPRESSED_AT_MOST: usize = 1 << 30;

impl Log {
    /// Finds whole batches from the one that holds `from` up to, not including, `bound`.
    ///
    /// `max_bytes` counts on-disk bytes; with `at_least_one` the first batch is returned even if larger (KIP-74). A
    /// slice may cross segments. Nothing is decoded but the headers next to its two ends.
    ///
    /// # Errors
    /// `OutOfRange` if `from` is outside of `[start, end]`; `Unchecked` if a [`Check`](super::Check) comes first; `Damaged`
    /// and `Storage` as they are met.
    pub fn slice(
        &self,
        from: Offset,
        bound: Offset,
        max_bytes: usize,
        at_least_one: bool,
    ) -> Result<LogSlice, ReadError> {
        if from < self.start || from > self.end {
            return Err(ReadError::OutOfRange { wanted: from, start: self.start, end: self.end });
        }
        let mut out = LogSlice::default();
        let first =
            self.segments.partition_point(|segment| segment.base <= from.get()).saturating_sub(1);
        for (at, segment) in self.segments.iter().enumerate().skip(first) {
            let whole = out.bytes == 0 && at_least_one;
            if segment.base >= bound.get() || (out.bytes >= max_bytes && !whole) {
                break;
            }
            // Kafka's compaction leaves segments that have no batch.
            if segment.size == 0 {
                continue;
            }
            let budget = max_bytes - out.bytes.min(max_bytes);
            if !segment.unchecked.is_empty() {
                self.require(at, from.get().max(segment.base), budget)?;
            }
            let astray = |error| self.astray(at, error);
            let begin = match (out.bytes, segment.base < from.get()) {
                (0, true) => segment.find(&self.files, self.disk(), from.get()).map_err(astray)?,
                _ => segment.scan(&self.files, 0)?.next()?,
            };
            let Some(begin) = begin else { continue };
            let limit = self.limit_in(segment, bound).map_err(astray)?;
            let end = self.end_within(segment, &begin, limit, budget, whole).map_err(astray)?;
            if end <= begin.position {
                break;
            }
            let slice = segment.slice(&self.files, begin.position, end)?;
            out.bytes += slice.len;
            out.slices.push(slice);
            if end < segment.size {
                out.segment_end = None;
                break;
            }
            let next = self.segments.get(at + 1).map_or(self.end.get(), |next| next.base);
            out.segment_end = Some(next);
        }
        Ok(out)
    }

    /// Where in `segment` the first batch at or above `bound` begins.
    fn limit_in(&self, segment: &Segment, bound: Offset) -> Result<u64, ReadError> {
        if bound >= self.end {
            return Ok(segment.size);
        }
        let found = segment.find(&self.files, self.disk(), bound.get())?;
        Ok(found.map_or(segment.size, |found| found.position))
    }

    fn end_within(
        &self,
        segment: &Segment,
        begin: &Found,
        limit: u64,
        budget: usize,
        whole: bool,
    ) -> Result<u64, ReadError> {
        if begin.end() > limit {
            return Ok(begin.position);
        }
        if begin.size > budget {
            return Ok(if whole { begin.end() } else { begin.position });
        }
        let wanted = begin.position.saturating_add(budget as u64).min(limit);
        segment.boundary(&self.files, self.disk(), begin.position, wanted)
    }

    /// The first record at or above the log's start whose timestamp is not below `timestamp` (KIP-79).
    ///
    /// # Errors
    /// `Unchecked` if a [`Check`](super::Check) comes first; `Damaged` and `Storage` as they are met.
    pub fn offset_for_timestamp(
        &self,
        timestamp: Millis,
    ) -> Result<Option<TimedOffset>, ReadError> {
        for (at, segment) in self.segments.iter().enumerate() {
            if segment.youngest.timestamp < timestamp.0 {
                self.require_youngest(at)?;
                continue;
            }
            let start = segment
                .position_for_time(&self.files, self.disk(), timestamp.0)
                .map_err(|error| self.astray(at, error))?;
            let checked = segment.unchecked.from(start).map_or(segment.size, |(from, _)| from);
            let mut scan = segment.scan(&self.files, start)?;
            let mut position = start;
            while position < segment.size {
                if position >= checked {
                    return Err(ReadError::Unchecked(self.check_from(at, position, 0)?.into()));
                }
                let Some(found) = scan.next()? else { break };
                position = found.end();
                let Some(header) =
                    found.header.filter(|header| header.max_timestamp >= timestamp.0)
                else {
                    continue;
                };
                if header.last_offset() < self.start.get() {
                    continue;
                }
                let wanted =
                    |offset: i64, time: i64| time >= timestamp.0 && offset >= self.start.get();
                if let Some(hit) = self.first_record(segment, &found, wanted)? {
                    return Ok(Some(hit));
                }
            }
        }
        Ok(None)
    }

    /// When the batch that holds `from`, or the first after it, was appended, or its first record made, as the topic counts
    /// time; `None` if it does not say, or there is none. Only its header is looked at, and taken for what it says.
    ///
    /// # Errors
    /// `Astray`, `Damaged` and `Storage` as they are met.
    pub fn time_at(&self, from: Offset) -> Result<Option<Millis>, ReadError> {
        let first =
            self.segments.partition_point(|segment| segment.base <= from.get()).saturating_sub(1);
        for segment in &self.segments[first..] {
            if segment.size == 0 {
                continue;
            }
            let Some(found) = segment.find(&self.files, self.disk(), from.get())? else { continue };
            let time = found.header.map(|header| match header.timestamp_type() {
                TimestampType::LogAppendTime => header.max_timestamp,
                TimestampType::CreateTime => header.base_timestamp,
            });
            return Ok(time.filter(|time| *time >= 0).map(Millis));
        }
        Ok(None)
    }

    /// The record with the largest timestamp, the first of several (KIP-734).
    ///
    /// # Errors
    /// As [`Log::offset_for_timestamp`].
    pub fn offset_of_max_timestamp(&self) -> Result<Option<TimedOffset>, ReadError> {
        (0..self.segments.len()).try_for_each(|at| self.require_youngest(at))?;
        let best = self.segments.iter().map(|segment| segment.youngest).fold(
            Youngest { timestamp: -1, offset: -1 },
            |best, other| {
                if other.timestamp > best.timestamp { other } else { best }
            },
        );
        if best.timestamp < 0 {
            return Ok(None);
        }
        self.offset_for_timestamp(Millis(best.timestamp))
    }

    /// A segment is passed over only if its youngest record is known for sure.
    fn require_youngest(&self, at: usize) -> Result<(), ReadError> {
        match &self.segments[at] {
            segment if segment.size == 0 || segment.youngest_is_sure => Ok(()),
            _ => Err(ReadError::Unchecked(self.check_youngest(at)?.into())),
        }
    }

    fn first_record(
        &self,
        segment: &Segment,
        found: &Found,
        wanted: impl Fn(i64, i64) -> bool,
    ) -> Result<Option<TimedOffset>, ReadError> {
        let path = || segment.path().to_path_buf();
        let damaged = |source: BatchError| ReadError::Damaged {
            file: path(),
            position: found.position,
            source,
        };
        let slice = segment.slice(&self.files, found.position, found.end())?;
        let bytes = slice.read().map_err(StorageError::at("read", path()))?;
        let batch = Batch::new(bytes).map_err(damaged)?;
        batch.check_crc().map_err(damaged)?;
        let walk = records(&batch, DECOMPRESSED_AT_MOST)
            .map_err(|error| unreadable(&path(), found, error))?;
        for record in walk {
            let record = record.map_err(|error| unreadable(&path(), found, error))?;
            if wanted(record.offset, record.timestamp) {
                let offset = Offset::from_wire(record.offset).unwrap_or_default();
                let leader_epoch = LeaderEpoch::from_wire(batch.header().partition_leader_epoch);
                return Ok(Some(TimedOffset {
                    offset,
                    timestamp: Millis(record.timestamp),
                    leader_epoch,
                }));
            }
        }
        Ok(None)
    }
}

fn unreadable(
    path: &std::path::Path,
    found: &Found,
    error: crate::record::ReadRecordsError,
) -> ReadError {
    let source = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
    let action = if found.header.is_some() { "read records of" } else { "read" };
    ReadError::Storage(StorageError::at(action, path)(source))
}
