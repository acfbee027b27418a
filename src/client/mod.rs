//! Rank 3. A Kafka client: connections and metadata ([`Client`]), records out ([`Producer`], and [`TransactionalProducer`] for
//! all or nothing), records in
//! ([`Consumer`], and [`GroupConsumer`] as a member of a group), and what administers topics and groups ([`Admin`]). Works against
//! Apache Kafka and klog alike.
//!
//! A [`Client`] is made first, from a [`ClientConfig`]; the others share its connections' settings and its picture
//! of the cluster. Configs come from code or from librdkafka's and Java's property names.
//! Everything runs on the tokio runtime it was started on, [`runtime`] or another. This room never prints, never reads a file, and never
//! drops a record without saying so.

mod admin;
mod cluster;
mod committed;
mod config;
mod connection;
mod consumer;
mod coordinator;
mod entropy;
mod error;
mod group;
mod handle;
mod link;
mod offsets;
mod partitioner;
mod producer;
mod record;
mod refresh;
mod runtime;
mod trouble;

pub use admin::{
    ActiveProducer, Admin, BrokerInfo, ClusterDescription, ConfigChange, ConfigEntry, ConfigOp,
    ConfigResource, ConfigSource, CreatedTopic, Features, FencedProducer, GroupDescription,
    GroupListing, GroupMember, GroupState, GroupType, ListedOffset, LogDir, LogDirPartition,
    NewTopic, OffsetSpec, OpenTransaction, PartitionDescription, Reassignment, Share,
    TopicDescription, TopicListing, TransactionDescription, TransactionFilter, TransactionListing,
    TransactionState,
};
pub use committed::{CommittedOffset, GroupOffsets};
pub use config::{
    Acks, AddressFamily, ClientConfig, Compression, ConsumerConfig, GroupConfig, Isolation,
    OffsetReset, ProducerConfig, PropertyError, Role, parse_properties,
};
pub use consumer::{Consumer, Ends};
pub use error::{ClientError, ConnectionError, ConsumeError, GroupError, ProduceError};
pub use group::assignor::{self, Assignor};
pub use group::{GroupConsumer, Polled, Subscription};
pub use handle::Client;
pub use partitioner::{
    Choice, Crc32Partitioner, DefaultPartitioner, Partitioner, RandomPartitioner,
    RoundRobinPartitioner, Routed, StickyPartitioner, by_name as partitioner_by_name, murmur2,
};
pub use producer::transaction::{
    AbortCause, ErrorClass, GroupMetadata, TransactionError, TransactionalProducer,
};
pub use producer::{Delivery, Producer, Totals};
pub use record::{ConsumedRecord, Header, ProducerRecord, RecordMetadata, StartAt};
pub use runtime::runtime;
