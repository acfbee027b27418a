//! A topic's keys: their names, what they mean, how their values are read and written.

use super::key::{Key, Kind};
use super::topic::{CompressionType, TopicConfig};
use super::value::{Bad, fraction, list, number, word};

const INT: i64 = i32::MAX as i64;
const LONG: i64 = i64::MAX;

const COMPRESSIONS: &[(&str, CompressionType)] = &[
    ("producer", CompressionType::Producer),
    ("uncompressed", CompressionType::Uncompressed),
    ("gzip", CompressionType::Gzip),
    ("snappy", CompressionType::Snappy),
    ("lz4", CompressionType::Lz4),
    ("zstd", CompressionType::Zstd),
];

const TIMESTAMP_TYPES: &[(&str, bool)] = &[("CreateTime", false), ("LogAppendTime", true)];

/// Declares the keys of a topic, each with the broker's key that sets its default.
macro_rules! topic_keys {
    ($($name:literal, $broker:literal, $kind:ident, $doc:literal,
        |$config:ident, $value:ident| $set:expr, |$read:ident| $get:expr;)*) => {
        /// Every key of a topic, by name.
        pub const TOPIC_KEYS: &[Key] =
            &[$(Key { name: $name, kind: Kind::$kind, doc: $doc, dynamic: true },)*];

        /// The broker's key that sets a topic key's default.
        pub fn broker_key(topic_key: &str) -> Option<&'static str> {
            match topic_key {
                $($name => Some($broker),)*
                _ => None,
            }
        }

        /// The topic key whose default a broker's key sets.
        pub fn topic_key(broker_key: &str) -> Option<&'static str> {
            match broker_key {
                $($broker => Some($name),)*
                _ => None,
            }
        }

        impl TopicConfig {
            /// Sets a key. `None` if there is no such key.
            ///
            /// # Errors
            /// What the value should be.
            pub fn set(&mut self, name: &str, value: &str) -> Option<Result<(), Bad>> {
                match name {
                    $($name => Some((|$config: &mut TopicConfig, $value: &str| -> Result<(), Bad> {
                        $set;
                        Ok(())
                    })(self, value)),)*
                    _ => None,
                }
            }

            /// A key's value as text. `None` if there is no such key.
            pub fn get(&self, name: &str) -> Option<String> {
                match name {
                    $($name => Some((|$read: &TopicConfig| $get.to_string())(self)),)*
                    _ => None,
                }
            }
        }
    };
}

topic_keys! {
    "cleanup.policy", "log.cleanup.policy", List,
        "What happens to old records: `delete` removes whole segments by age and size, `compact` keeps the last record of every key; both: `compact,delete`.",
        |c, v| (c.compact, c.delete) = policy(v)?, |c| match (c.compact, c.delete) { (true, true) => "compact,delete", (true, false) => "compact", _ => "delete" };
    "compression.gzip.level", "compression.gzip.level", Int,
        "The level for `compression.type=gzip`: 1 (fast) to 9 (small), or -1 for gzip's own default.",
        |c, v| c.gzip_level = level(v, 9, &[-1])?, |c| c.gzip_level;
    "compression.lz4.level", "compression.lz4.level", Int,
        "The level for `compression.type=lz4`: taken from 1 to 17 as Kafka does; klog's lz4 has one speed.",
        |c, v| c.lz4_level = number(v, 1, 17)? as i32, |c| c.lz4_level;
    "compression.type", "compression.type", String,
        "The codec in which batches are kept: `producer` keeps each as it came; another one compresses anew what came otherwise.",
        |c, v| c.compression = word(v, COMPRESSIONS)?, |c| name_of(COMPRESSIONS, c.compression);
    "compression.zstd.level", "compression.zstd.level", Int,
        "The level for `compression.type=zstd`: -131072 (fast) to 22 (small).",
        |c, v| c.zstd_level = number(v, -131_072, 22)? as i32, |c| c.zstd_level;
    "delete.retention.ms", "log.cleaner.delete.retention.ms", Long,
        "How long a record without a value (a tombstone) stays in a compacted topic once all that it deletes is gone, so that consumers can see it.",
        |c, v| c.delete_retention_ms = number(v, 0, LONG)?, |c| c.delete_retention_ms;
    "file.delete.delay.ms", "log.segment.delete.delay.ms", Long,
        "How long the files of a deleted segment stay, renamed, before they are removed.",
        |c, v| c.file_delete_delay_ms = number(v, 0, LONG)?, |c| c.file_delete_delay_ms;
    "flush.messages", "log.flush.interval.messages", Long,
        "How many records may be appended before the log is made durable; 1 lets every produce request wait for the disk (one fdatasync serves all who wait).",
        |c, v| c.flush_messages = number(v, 1, LONG)?, |c| c.flush_messages;
    "flush.ms", "log.flush.interval.ms", Long,
        "How long appended records may wait before the background makes them durable. Bounds what a power loss can take.",
        |c, v| c.flush_ms = number(v, 0, LONG)?, |c| c.flush_ms;
    "index.interval.bytes", "log.index.interval.bytes", Int,
        "How many bytes of batches lie between two entries of an index.",
        |c, v| c.index_interval_bytes = number(v, 0, INT)? as u32, |c| c.index_interval_bytes;
    "max.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms", Long,
        "How long a record may wait to be compacted, whatever `min.cleanable.dirty.ratio` says.",
        |c, v| c.max_compaction_lag_ms = number(v, 1, LONG)?, |c| c.max_compaction_lag_ms;
    "max.message.bytes", "message.max.bytes", Int,
        "The largest batch that is taken, as it stands on the wire.",
        |c, v| c.max_message_bytes = number(v, 0, INT)? as u32, |c| c.max_message_bytes;
    "message.timestamp.after.max.ms", "log.message.timestamp.after.max.ms", Long,
        "How far a record's timestamp may lie ahead of the broker's clock.",
        |c, v| c.timestamp_after_max_ms = number(v, 0, LONG)?, |c| c.timestamp_after_max_ms;
    "message.timestamp.before.max.ms", "log.message.timestamp.before.max.ms", Long,
        "How far a record's timestamp may lie behind the broker's clock.",
        |c, v| c.timestamp_before_max_ms = number(v, 0, LONG)?, |c| c.timestamp_before_max_ms;
    "message.timestamp.type", "log.message.timestamp.type", String,
        "Whose clock a record bears: the producer's (`CreateTime`) or the broker's (`LogAppendTime`).",
        |c, v| c.log_append_time = word(v, TIMESTAMP_TYPES)?, |c| name_of(TIMESTAMP_TYPES, c.log_append_time);
    "min.cleanable.dirty.ratio", "log.cleaner.min.cleanable.ratio", Double,
        "How much of a log, as a fraction of its bytes, has not been compacted yet when it is compacted.",
        |c, v| c.min_cleanable_dirty_ratio = fraction(v)?, |c| format!("{:?}", c.min_cleanable_dirty_ratio);
    "min.compaction.lag.ms", "log.cleaner.min.compaction.lag.ms", Long,
        "How long a record stays as it is before it may be compacted.",
        |c, v| c.min_compaction_lag_ms = number(v, 0, LONG)?, |c| c.min_compaction_lag_ms;
    "min.insync.replicas", "min.insync.replicas", Int,
        "How many replicas must have a record before a produce request with acks=all is answered.",
        |c, v| c.min_insync_replicas = number(v, 1, INT)? as i32, |c| c.min_insync_replicas;
    "retention.bytes", "log.retention.bytes", Long,
        "How much of a partition is kept at least, by size: older segments are deleted; -1 keeps all.",
        |c, v| c.retention_bytes = number(v, -1, LONG)?, |c| c.retention_bytes;
    "retention.ms", "log.retention.ms", Long,
        "How long a record is kept at least: segments with only older ones are deleted; -1 keeps all.",
        |c, v| c.retention_ms = number(v, -1, LONG)?, |c| c.retention_ms;
    "segment.bytes", "log.segment.bytes", Int,
        "How large a segment file grows before the next one is begun.",
        |c, v| c.segment_bytes = number(v, 1024, INT)? as u32, |c| c.segment_bytes;
    "segment.index.bytes", "log.index.size.max.bytes", Int,
        "How large a segment's index grows before the next segment is begun.",
        |c, v| c.segment_index_bytes = number(v, 4, INT)? as u32, |c| c.segment_index_bytes;
    "segment.jitter.ms", "log.roll.jitter.ms", Long,
        "At most so much is taken off `segment.ms`, by chance, so that segments do not all roll at once.",
        |c, v| c.segment_jitter_ms = number(v, 0, LONG)?, |c| c.segment_jitter_ms;
    "segment.ms", "log.roll.ms", Long,
        "How old a segment grows before the next one is begun, so that retention can take it.",
        |c, v| c.segment_ms = number(v, 1, LONG)?, |c| c.segment_ms;
}

impl TopicConfig {
    /// [`TopicConfig::set`], for what a cluster's metadata holds already: a policy that klog does not know deletes nothing.
    pub fn take(&mut self, key: &str, value: &str) -> Option<Result<(), Bad>> {
        if key == "cleanup.policy" {
            let has = |wanted: &str| list(value).iter().any(|word| word == wanted);
            (self.compact, self.delete) = (has("compact"), has("delete"));
            return Some(Ok(()));
        }
        self.set(key, value)
    }
}

/// Whether to compact, and whether to delete.
fn policy(value: &str) -> Result<(bool, bool), Bad> {
    let words = list(value);
    let has = |wanted: &str| words.iter().filter(|word| *word == wanted).count();
    let (compact, delete) = (has("compact"), has("delete"));
    if words.is_empty() || compact > 1 || delete > 1 || compact + delete != words.len() {
        return Err("must be delete, compact, or both".into());
    }
    Ok((compact == 1, delete == 1))
}

fn level(value: &str, most: i64, also: &[i64]) -> Result<i32, Bad> {
    let number = number(value, i64::from(i32::MIN), INT)?;
    let fits = (1..=most).contains(&number) || also.contains(&number);
    if fits {
        Ok(number as i32)
    } else {
        Err(format!("must be between 1 and {most}, or one of {also:?}"))
    }
}

fn name_of<T: PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, other)| *other == value).map_or("", |(word, _)| word)
}
