//! What a client can be told: plain structs with units in their types, and the way from property names to them.

mod group;
mod known;
mod properties;
mod refused;
mod value;

pub use group::GroupConfig;
pub use properties::{PropertyError, Role, parse_properties};
pub(super) use value::Wanted;

use std::sync::Arc;
use std::time::Duration;

use super::partitioner::{DefaultPartitioner, Partitioner};
use super::record::StartAt;
use crate::base::Millis;

/// What every kind of client needs.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// `host:port` of brokers to start from; any one that answers tells of the others. `bootstrap.servers`
    pub bootstrap: Vec<String>,
    /// What the broker's logs and quotas call this client. `client.id`
    pub client_id: String,
    /// The rack it stands in, so that a near replica can serve its fetches (KIP-392). `client.rack`
    pub client_rack: String,
    /// How long one request may take before its connection is given up. `request.timeout.ms`
    pub request_timeout: Duration,
    /// How long an operation may take with all its retries. `default.api.timeout.ms`
    pub api_timeout: Duration,
    /// How long a connection may take until it is usable. `socket.connection.setup.timeout.ms`
    pub connect_timeout: Duration,
    /// Wait before a broker is tried again, doubled per failure, with jitter of a fifth. `reconnect.backoff.ms`
    pub reconnect_backoff: Duration,
    /// The most that this wait grows to. `reconnect.backoff.max.ms`
    pub reconnect_backoff_max: Duration,
    /// Wait before a failed request is sent again, doubled per failure, with jitter. `retry.backoff.ms`
    pub retry_backoff: Duration,
    /// The most that this wait grows to. `retry.backoff.max.ms`
    pub retry_backoff_max: Duration,
    /// The oldest that the picture of the cluster may get. `metadata.max.age.ms`
    pub metadata_max_age: Duration,
    /// A connection without a request for so long is closed. `connections.max.idle.ms`
    pub max_idle: Duration,
    /// Requests sent and unanswered on one connection; more wait. `max.in.flight.requests.per.connection`
    pub max_in_flight: usize,
    /// The largest answer taken, in bytes; a larger one closes the connection. `receive.message.max.bytes`
    pub max_response_bytes: usize,
    /// SO_SNDBUF in bytes; None leaves it to the system. `send.buffer.bytes`
    pub send_buffer_bytes: Option<usize>,
    /// SO_RCVBUF in bytes; None leaves it to the system. `receive.buffer.bytes`
    pub receive_buffer_bytes: Option<usize>,
    /// TCP_NODELAY. `socket.nagle.disable`
    pub nodelay: bool,
    /// SO_KEEPALIVE. `socket.keepalive.enable`
    pub keepalive: bool,
    /// Which addresses of a host name are tried. `broker.address.family`
    pub address_family: AddressFamily,
    /// Where every broker is connected to, whatever address it advertises: for a tunnel to a cluster of one. No
    /// property sets it.
    pub broker_address: Option<String>,
    /// Whether asking for a topic may create it. A consumer's default is false. `allow.auto.create.topics`
    pub allow_auto_create: bool,
}

/// Which kinds of address are connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressFamily {
    /// All, in the resolver's order.
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Default for ClientConfig {
    fn default() -> ClientConfig {
        ClientConfig {
            bootstrap: vec!["127.0.0.1:9092".into()],
            client_id: "klog".into(),
            client_rack: String::new(),
            request_timeout: Duration::from_secs(30),
            api_timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            reconnect_backoff: Duration::from_millis(50),
            reconnect_backoff_max: Duration::from_secs(1),
            retry_backoff: Duration::from_millis(100),
            retry_backoff_max: Duration::from_secs(1),
            metadata_max_age: Duration::from_secs(300),
            max_idle: Duration::from_secs(540),
            max_in_flight: 5,
            max_response_bytes: 100_000_000,
            send_buffer_bytes: None,
            receive_buffer_bytes: None,
            nodelay: true,
            keepalive: false,
            address_family: AddressFamily::Any,
            broker_address: None,
            allow_auto_create: false,
        }
    }
}

/// Who must have a record before it counts as delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// Nobody: it was sent. No offset comes back.
    None,
    /// The leader.
    Leader,
    /// Every in-sync replica.
    All,
}

/// How batches are compressed. A level of None is the codec's own default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, level 1 to 9.
    Gzip(Option<i32>),
    /// snappy, in the xerial frame that Java's client writes.
    Snappy,
    /// LZ4 frames; a level is taken and has no effect.
    Lz4(Option<i32>),
    /// zstd, level −131072 to 22.
    Zstd(Option<i32>),
}

/// What a producer can be told.
#[derive(Clone, Debug)]
pub struct ProducerConfig {
    /// `acks`
    pub acks: Acks,
    /// Sequence numbers, so that a retry is never written twice (KIP-98). Needs acks=all. `enable.idempotence`
    pub idempotent: bool,
    /// A batch is sent once it has this many bytes. `batch.size`
    pub batch_bytes: usize,
    /// A batch that is not full is sent after so long. `linger.ms`
    pub linger: Duration,
    /// `compression.type`
    pub compression: Compression,
    /// Bytes of records not yet acknowledged; at the bound `send` waits. `buffer.memory`
    pub buffer_bytes: usize,
    /// How long `send` waits for room or for the topic's partitions. `max.block.ms`
    pub max_block: Duration,
    /// From `send` to success or failure. `delivery.timeout.ms`
    pub delivery_timeout: Duration,
    /// How long the broker may wait for its replicas, and we for its answer. `request.timeout.ms`
    pub request_timeout: Duration,
    /// The largest produce request, and so the largest record. `max.request.size`
    pub max_request_bytes: usize,
    /// Produce requests sent and unanswered per broker; at most 5 with idempotence. `max.in.flight.requests.per.connection`
    pub max_in_flight: usize,
    /// Whether several batches of one partition may be on their way without idempotence: faster, and one that is sent again may come
    /// to stand behind those that followed it. On where `max.in.flight.requests.per.connection` is given as more than 1.
    pub may_reorder: bool,
    /// How often a batch may be sent again. `retries`
    pub retries: u32,
    /// Who chooses the partition of a record that names none. `partitioner`
    pub partitioner: Arc<dyn Partitioner>,
    /// The name under which transactions go on over restarts; a second producer of the same name fences the first (KIP-98).
    /// `transactional.id`
    pub transactional_id: Option<String>,
    /// How long a transaction may last before its coordinator aborts it; at most the broker's `transaction.max.timeout.ms`.
    /// `transaction.timeout.ms`
    pub transaction_timeout: Duration,
}

impl Default for ProducerConfig {
    fn default() -> ProducerConfig {
        ProducerConfig {
            acks: Acks::All,
            idempotent: true,
            batch_bytes: 16 * 1024,
            linger: Duration::from_millis(5),
            compression: Compression::None,
            buffer_bytes: 32 * 1024 * 1024,
            max_block: Duration::from_secs(60),
            delivery_timeout: Duration::from_secs(120),
            request_timeout: Duration::from_secs(30),
            max_request_bytes: 1024 * 1024,
            max_in_flight: 5,
            may_reorder: false,
            retries: i32::MAX as u32,
            partitioner: Arc::new(DefaultPartitioner),
            transactional_id: None,
            transaction_timeout: Duration::from_secs(60),
        }
    }
}

/// Where a consumer goes that has no valid position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetReset {
    /// To the first record.
    Earliest,
    /// To the end.
    Latest,
    /// Nowhere: `poll` returns the error.
    Error,
    /// To the first record at most this old (KIP-1106).
    ByDuration(Duration),
}

impl OffsetReset {
    /// Where that is now; `None` is nowhere.
    pub(super) fn start(self) -> Option<StartAt> {
        match self {
            OffsetReset::Earliest => Some(StartAt::Earliest),
            OffsetReset::Latest => Some(StartAt::Latest),
            OffsetReset::ByDuration(age) => {
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                let now = now.map_or(0, |d| d.as_millis() as i64);
                let since = now.saturating_sub(age.as_millis() as i64);
                Some(StartAt::Timestamp(Millis(since)))
            }
            OffsetReset::Error => None,
        }
    }
}

/// Which transactional records are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// All of them.
    ReadUncommitted,
    /// Those of committed transactions, up to the first one still open.
    ReadCommitted,
}

/// What a consumer can be told.
#[derive(Clone, Debug)]
pub struct ConsumerConfig {
    /// The broker answers once it has this much, or after [`Self::fetch_max_wait`]. `fetch.min.bytes`
    pub fetch_min_bytes: i32,
    /// `fetch.max.wait.ms`
    pub fetch_max_wait: Duration,
    /// The largest answer asked for; a larger first batch still comes (KIP-74). `fetch.max.bytes`
    pub fetch_max_bytes: i32,
    /// The most per partition and answer; a larger first batch still comes. `max.partition.fetch.bytes`
    pub partition_max_bytes: i32,
    /// Bytes fetched ahead of `poll`, over all partitions. `queued.max.messages.kbytes`
    pub prefetch_bytes: usize,
    /// The most records that one `poll` returns. `max.poll.records`
    pub max_poll_records: usize,
    /// The largest batch after decompression; a larger one is an error.
    pub max_decompressed_bytes: usize,
    /// `auto.offset.reset`
    pub offset_reset: OffsetReset,
    /// `isolation.level`
    pub isolation: Isolation,
    /// Whether each batch's checksum is verified. `check.crcs`
    pub check_crcs: bool,
    /// What a member of a group can be told; of no effect without one.
    pub group: GroupConfig,
}

impl Default for ConsumerConfig {
    fn default() -> ConsumerConfig {
        ConsumerConfig {
            fetch_min_bytes: 1,
            fetch_max_wait: Duration::from_millis(500),
            fetch_max_bytes: 50 * 1024 * 1024,
            partition_max_bytes: 1024 * 1024,
            prefetch_bytes: 64 * 1024 * 1024,
            max_poll_records: 500,
            max_decompressed_bytes: 256 * 1024 * 1024,
            offset_reset: OffsetReset::Latest,
            isolation: Isolation::ReadUncommitted,
            check_crcs: true,
            group: GroupConfig::default(),
        }
    }
}
