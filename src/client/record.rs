//! Records as a program sees them: to be sent, sent, and read.

use bytes::Bytes;
use bytestring::ByteString;

use crate::base::{Millis, TopicName};
use crate::record::TimestampType;

/// A record to be sent.
#[derive(Clone, Debug)]
pub struct ProducerRecord {
    /// Where to.
    pub topic: TopicName,
    /// None leaves it to the partitioner.
    pub partition: Option<i32>,
    /// Milliseconds since the Unix epoch; None means now, −1 "no timestamp".
    pub timestamp: Option<i64>,
    /// Null or bytes.
    pub key: Option<Bytes>,
    /// Null or bytes.
    pub value: Option<Bytes>,
    /// In order; names may repeat.
    pub headers: Vec<(ByteString, Option<Bytes>)>,
}

impl ProducerRecord {
    /// A record with a value and nothing else.
    pub fn new(topic: TopicName, value: impl Into<Bytes>) -> ProducerRecord {
        let value = Some(value.into());
        ProducerRecord {
            topic,
            partition: None,
            timestamp: None,
            key: None,
            value,
            headers: Vec::new(),
        }
    }
}

/// Where a delivered record stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordMetadata {
    /// The topic.
    pub topic: TopicName,
    /// The partition.
    pub partition: i32,
    /// None with acks=0, and where the broker knew a retried batch but no longer its offset.
    pub offset: Option<i64>,
    /// What the record was given: the sender's, or the broker's where the topic says LogAppendTime; −1 is none.
    pub timestamp: i64,
}

/// One header of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name; UTF-8 by convention, not checked.
    pub key: Bytes,
    /// Null or bytes.
    pub value: Option<Bytes>,
}

/// A record that was read. Keys and values are slices of what came from the broker: one that is kept for long keeps
/// its whole batch in memory; copy it then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumedRecord {
    /// The topic.
    pub topic: TopicName,
    /// The partition.
    pub partition: i32,
    /// Its place in the partition.
    pub offset: i64,
    /// Milliseconds since the Unix epoch; None if it has none (−1 on the wire).
    pub timestamp: Option<i64>,
    /// Who gave the timestamp.
    pub timestamp_type: TimestampType,
    /// The epoch of the leader that wrote it.
    pub leader_epoch: Option<i32>,
    /// Null or bytes.
    pub key: Option<Bytes>,
    /// Null or bytes.
    pub value: Option<Bytes>,
    /// In order; names may repeat.
    pub headers: Vec<Header>,
}

/// Where reading a partition starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// The first record there is.
    Earliest,
    /// The end as it is when the position is resolved.
    Latest,
    /// This offset; outside of the log the reset policy decides.
    Offset(i64),
    /// So many before the end; at least the first there is.
    Last(i64),
    /// The first record with this timestamp or a later one; the end if there is none.
    Timestamp(Millis),
}
