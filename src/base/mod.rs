//! Rank 0. The words that every other room speaks: numbers with a meaning, Kafka's error codes, and the bounded
//! cursor over bytes that came from outside; counters that cost next to nothing; the same work on many things at once; texts for logs.
//! Pure: no I/O, no clock, no allocation by what a length field says.

mod count;
mod cursor;
mod error_code;
mod ids;
mod parallel;
mod topic_name;
mod varint;
mod words;

pub use count::{BUCKETS_US, Counter, Durations, Level, Sharded, Spread};
pub use cursor::{Cursor, CursorError};
pub use error_code::ErrorCode;
pub use ids::{
    BrokerId, LeaderEpoch, Millis, Offset, PartitionIndex, ProducerEpoch, ProducerId, TopicId,
    TopicPartition,
};
pub use parallel::{in_parallel, threads_each};
pub use topic_name::{InvalidTopicName, TopicName};
pub use varint::{put_uvarint, put_varint, put_varlong, uvarint_len, varint_len, varlong_len};
pub use words::{quoted, repair_command, with_causes};
