//! A batch without records over offsets that are lost: such as compaction leaves, so every reader steps over it. Without it the log
//! would have a hole, which after a crash counts as the end of what was on disk.

use crate::record::{Attributes, BatchHeader, HEADER_LEN};

/// The checksum covers what follows it.
const ATTRIBUTES_AT: usize = 21;

/// Of offsets `first` to `last`, which lie within one segment.
pub fn cover(first: i64, last: i64, epoch: i32) -> [u8; HEADER_LEN] {
    let mut header = BatchHeader {
        base_offset: first,
        batch_length: (HEADER_LEN - 12) as i32,
        partition_leader_epoch: epoch,
        magic: 2,
        crc: 0,
        attributes: Attributes::default(),
        last_offset_delta: i32::try_from(last - first).unwrap_or(i32::MAX),
        base_timestamp: -1,
        // No record bears it: so it is told from what compaction leaves.
        max_timestamp: -1,
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        record_count: 0,
    };
    header.crc = crc32c::crc32c(&header.to_bytes()[ATTRIBUTES_AT..]);
    header.to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Batch, records};

    #[test]
    fn it_is_a_sound_batch_without_records_that_ends_with_the_last_offset() {
        let batch = Batch::new(cover(70, 2_000_000_000, 5).to_vec().into()).unwrap();
        batch.check_crc().unwrap();
        assert_eq!((batch.header().base_offset, batch.header().last_offset()), (70, 2_000_000_000));
        assert_eq!(records(&batch, 0).unwrap().count(), 0);
    }
}
