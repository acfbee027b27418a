//! A topic's configuration, typed, with the units in the names.

/// What `compression.type` asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CompressionType {
    /// Batches are kept as the producer compressed them.
    Producer,
    /// No batch is compressed.
    Uncompressed,
    /// Every batch is compressed with gzip.
    Gzip,
    /// Every batch is compressed with snappy.
    Snappy,
    /// Every batch is compressed with lz4.
    Lz4,
    /// Every batch is compressed with zstd.
    Zstd,
}

/// A topic's configuration. The defaults are Kafka's, but for `flush.ms`, which is 1 s.
#[derive(Clone, PartialEq, Debug)]
pub struct TopicConfig {
    /// `segment.bytes`: a segment is rolled before it grows past this.
    pub segment_bytes: u32,
    /// `segment.ms`: a segment is rolled when a record is this much younger than its first.
    pub segment_ms: i64,
    /// `segment.jitter.ms`: at most this much is taken off `segment.ms`, by chance, so that segments do not all roll at once.
    pub segment_jitter_ms: i64,
    /// `segment.index.bytes`: a segment is rolled when its offset index would grow past this.
    pub segment_index_bytes: u32,
    /// `index.interval.bytes`: how many bytes of log there are between two index entries.
    pub index_interval_bytes: u32,
    /// `retention.ms`: segments whose youngest record is older are deleted; -1: never.
    pub retention_ms: i64,
    /// `retention.bytes`: the oldest segments are deleted while the rest is at least this large; -1: never.
    pub retention_bytes: i64,
    /// `max.message.bytes`: the largest batch that is taken.
    pub max_message_bytes: u32,
    /// `flush.messages`: how many records may be appended before they are made durable; 1: each append waits for it.
    pub flush_messages: i64,
    /// `flush.ms`: how long an append may wait for being made durable in the background.
    pub flush_ms: i64,
    /// `file.delete.delay.ms`: how long a deleted segment's files stay.
    pub file_delete_delay_ms: i64,
    /// `message.timestamp.type` is `LogAppendTime`, not `CreateTime`.
    pub log_append_time: bool,
    /// `message.timestamp.before.max.ms`: how much older than the broker's clock a record may be.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: how much younger than the broker's clock a record may be.
    pub timestamp_after_max_ms: i64,
    /// `compression.type`.
    pub compression: CompressionType,
    /// `compression.gzip.level`; -1 is gzip's own default.
    pub gzip_level: i32,
    /// `compression.lz4.level`.
    pub lz4_level: i32,
    /// `compression.zstd.level`.
    pub zstd_level: i32,
    /// `cleanup.policy` names `delete`.
    pub delete: bool,
    /// `cleanup.policy` names `compact`.
    pub compact: bool,
    /// `delete.retention.ms`: how long a tombstone stays once all that it deletes is gone.
    pub delete_retention_ms: i64,
    /// `min.cleanable.dirty.ratio`: a log is compacted once so much of it was not yet.
    pub min_cleanable_dirty_ratio: f64,
    /// `min.compaction.lag.ms`: records that are younger are not compacted.
    pub min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`: records that are older are compacted whatever the ratio.
    pub max_compaction_lag_ms: i64,
    /// `min.insync.replicas`.
    pub min_insync_replicas: i32,
}

impl Default for TopicConfig {
    fn default() -> TopicConfig {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        TopicConfig {
            segment_bytes: 1 << 30,
            segment_ms: 7 * DAY_MS,
            segment_jitter_ms: 0,
            segment_index_bytes: 10 << 20,
            index_interval_bytes: 4096,
            retention_ms: 7 * DAY_MS,
            retention_bytes: -1,
            max_message_bytes: 1_048_588,
            flush_messages: i64::MAX,
            flush_ms: 1000,
            file_delete_delay_ms: 60_000,
            log_append_time: false,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            compression: CompressionType::Producer,
            gzip_level: -1,
            lz4_level: 9,
            zstd_level: 3,
            delete: true,
            compact: false,
            delete_retention_ms: DAY_MS,
            min_cleanable_dirty_ratio: 0.5,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            min_insync_replicas: 1,
        }
    }
}
