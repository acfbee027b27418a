//! What a leader writes into a batch that it appends, in place: the records are never re-encoded for it.

use crate::base::{LeaderEpoch, Millis, Offset};

use super::header::{Attributes, TimestampType, put};
use super::layout::*;

/// What the leader knows and the producer could not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// Offset of the first record.
    pub base_offset: Offset,
    /// The leader's epoch.
    pub leader_epoch: LeaderEpoch,
    /// The broker's clock, where the topic's `message.timestamp.type` is LogAppendTime.
    pub log_append_time: Option<Millis>,
    /// The largest timestamp of the records as walked ([`Checked::max_timestamp`](super::Checked)): Kafka mends
    /// what the producer claimed. Not used under LogAppendTime.
    pub max_timestamp: Millis,
}

impl Stamp {
    /// Writes the stamp into a copy of the batch's header.
    ///
    /// Base offset and leader epoch stand before the checksummed part, so the CRC holds. It is computed anew, over
    /// `payload` too, only where timestamp type or max timestamp change.
    pub fn apply(&self, header: &mut [u8; HEADER_LEN], payload: &[u8]) {
        put(header, BASE_OFFSET_AT, self.base_offset.get().to_be_bytes());
        put(header, LEADER_EPOCH_AT, self.leader_epoch.get().to_be_bytes());
        let (kind, max) = match self.log_append_time {
            Some(now) => (TimestampType::LogAppendTime, now),
            None => (TimestampType::CreateTime, self.max_timestamp),
        };
        let raw = [header[ATTRIBUTES_AT], header[ATTRIBUTES_AT + 1]];
        let attributes = Attributes(i16::from_be_bytes(raw)).with_timestamp_type(kind);
        let before =
            header[ATTRIBUTES_AT..].first_chunk::<{ HEADER_LEN - ATTRIBUTES_AT }>().copied();
        put(header, ATTRIBUTES_AT, attributes.0.to_be_bytes());
        put(header, MAX_TIMESTAMP_AT, max.0.to_be_bytes());
        if before.is_some_and(|before| before != header[ATTRIBUTES_AT..]) {
            seal(header, payload);
        }
    }
}

/// Computes the CRC of header and payload, and writes it into the header.
pub(super) fn seal(header: &mut [u8; HEADER_LEN], payload: &[u8]) {
    let crc = crc32c::crc32c_append(crc32c::crc32c(&header[ATTRIBUTES_AT..]), payload);
    put(header, CRC_AT, crc.to_be_bytes());
}

#[cfg(test)]
#[path = "stamp_tests.rs"]
mod tests;
