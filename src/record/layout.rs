//! Where each field of a record batch stands (message format 2, KIP-98), in bytes from the batch's first.

/// Length of the v2 batch header; the records follow it.
pub const HEADER_LEN: usize = 61;
/// What every message format has in common: offset, length, a word of four bytes, magic.
pub const PREFIX_LEN: usize = 17;
/// Base offset and length, which the length itself does not count.
pub const LOG_OVERHEAD: usize = 12;

pub const BASE_OFFSET_AT: usize = 0;
pub const LENGTH_AT: usize = 8;
pub const LEADER_EPOCH_AT: usize = 12;
pub const MAGIC_AT: usize = 16;
pub const CRC_AT: usize = 17;
pub const ATTRIBUTES_AT: usize = 21;
pub const LAST_OFFSET_DELTA_AT: usize = 23;
pub const BASE_TIMESTAMP_AT: usize = 27;
pub const MAX_TIMESTAMP_AT: usize = 35;
pub const PRODUCER_ID_AT: usize = 43;
pub const PRODUCER_EPOCH_AT: usize = 51;
pub const BASE_SEQUENCE_AT: usize = 53;
pub const RECORD_COUNT_AT: usize = 57;

const _: () = {
    assert!(LENGTH_AT == BASE_OFFSET_AT + 8);
    assert!(LEADER_EPOCH_AT == LENGTH_AT + 4 && LEADER_EPOCH_AT == LOG_OVERHEAD);
    assert!(MAGIC_AT == LEADER_EPOCH_AT + 4);
    assert!(MAGIC_AT + 1 == PREFIX_LEN, "the prefix ends with the magic");
    assert!(CRC_AT == MAGIC_AT + 1);
    assert!(LEADER_EPOCH_AT + 4 <= CRC_AT, "stamping the leader epoch must not break the CRC");
    assert!(BASE_OFFSET_AT + 8 <= CRC_AT, "stamping the base offset must not break the CRC");
    assert!(ATTRIBUTES_AT == CRC_AT + 4, "the CRC covers all that follows it");
    assert!(LAST_OFFSET_DELTA_AT == ATTRIBUTES_AT + 2);
    assert!(BASE_TIMESTAMP_AT == LAST_OFFSET_DELTA_AT + 4);
    assert!(MAX_TIMESTAMP_AT == BASE_TIMESTAMP_AT + 8);
    assert!(PRODUCER_ID_AT == MAX_TIMESTAMP_AT + 8);
    assert!(PRODUCER_EPOCH_AT == PRODUCER_ID_AT + 8);
    assert!(BASE_SEQUENCE_AT == PRODUCER_EPOCH_AT + 2);
    assert!(RECORD_COUNT_AT == BASE_SEQUENCE_AT + 4);
    assert!(RECORD_COUNT_AT + 4 == HEADER_LEN);
};
