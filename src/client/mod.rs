//! Rank 3. A Kafka client: connections and metadata ([`Client`]), records out ([`Producer`]), records in
//! ([`Consumer`]), and what administers topics ([`Admin`]). Works against Apache Kafka and klog alike.
//!
//! A [`Client`] is made first, from a [`ClientConfig`]; the others share its connections' settings and its picture
//! of the cluster. Configs come from code or from librdkafka's and Java's property names.
//! Everything runs on the tokio runtime it was started on. This room never prints, never reads a file, and never
//! drops a record without saying so.

mod config;
mod entropy;
mod error;
mod partitioner;
mod record;

pub use config::{
    Acks, AddressFamily, ClientConfig, Compression, ConsumerConfig, Isolation, OffsetReset,
    ProducerConfig, PropertyError, Role, parse_properties,
};
pub use error::{ClientError, ConnectionError, ConsumeError, ProduceError};
pub use partitioner::{
    Choice, Crc32Partitioner, DefaultPartitioner, Partitioner, RandomPartitioner,
    RoundRobinPartitioner, Routed, StickyPartitioner, by_name as partitioner_by_name, murmur2,
};
pub use record::{ConsumedRecord, Header, ProducerRecord, RecordMetadata, StartAt};
