//! A broker's configuration, typed, with the units in the names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::listener::Listener;
use super::topic::TopicConfig;

/// Where a value came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// A line of the config file.
    File {
        /// Which line, from 1.
        line: usize,
    },
    /// The command line.
    CommandLine,
}

/// A broker's configuration. The default is what `klog serve` runs without a file.
#[derive(Clone, PartialEq, Debug)]
pub struct BrokerConfig {
    /// `node.id`.
    pub node_id: i32,
    /// `listeners`: where connections are accepted.
    pub listeners: Vec<Listener>,
    /// `advertised.listeners`: where clients are told to connect; empty: as `listeners`.
    pub advertised_listeners: Vec<Listener>,
    /// `controller.listener.names`: which of them are for Kafka's controllers; those are left out.
    pub controller_listeners: Vec<String>,
    /// `listener.security.protocol.map`: what listeners speak that are not named after their protocol.
    pub security_protocols: Vec<(String, String)>,
    /// `log.dirs`: where partitions are kept.
    pub log_dirs: Vec<PathBuf>,
    /// `metadata.log.dir`: where the metadata log is kept; `None`: in the first of `log.dirs`.
    pub metadata_log_dir: Option<PathBuf>,
    /// `metadata.log.max.record.bytes.between.snapshots`.
    pub metadata_snapshot_bytes: u64,
    /// `num.partitions`: of a topic that does not say.
    pub num_partitions: i32,
    /// `default.replication.factor`: of a topic that does not say.
    pub default_replication_factor: i16,
    /// `auto.create.topics.enable`.
    pub auto_create_topics: bool,
    /// `delete.topic.enable`.
    pub delete_topics: bool,
    /// `log.retention.check.interval.ms`.
    pub retention_check_interval_ms: i64,
    /// `log.flush.offset.checkpoint.interval.ms`.
    pub checkpoint_interval_ms: i64,
    /// `log.cleaner.enable`.
    pub cleaner_enable: bool,
    /// `log.cleaner.threads`: how many logs are compacted at once.
    pub cleaner_threads: usize,
    /// `log.cleaner.backoff.ms`.
    pub cleaner_backoff_ms: i64,
    /// `log.cleaner.dedupe.buffer.size`: shared by all cleaners.
    pub cleaner_dedupe_bytes: u64,
    /// `log.cleaner.io.buffer.load.factor`.
    pub cleaner_load_factor: f64,
    /// `log.cleaner.io.max.bytes.per.second`: shared by all cleaners.
    pub cleaner_bytes_per_second: f64,
    /// `socket.request.max.bytes`: the largest request frame.
    pub request_max_bytes: usize,
    /// `max.connections`.
    pub max_connections: usize,
    /// `max.connections.per.ip`.
    pub max_connections_per_ip: usize,
    /// `connections.max.idle.ms`; -1: never.
    pub idle_ms: i64,
    /// `socket.listen.backlog.size`.
    pub backlog: i32,
    /// `fetch.max.bytes`: the most that one fetch response holds.
    pub fetch_max_bytes: usize,
    /// `max.incremental.fetch.session.cache.slots`.
    pub fetch_sessions: usize,
    /// `producer.id.expiration.ms`.
    pub producer_id_expiration_ms: i64,
    /// `group.min.session.timeout.ms`.
    pub group_min_session_ms: i32,
    /// `group.max.session.timeout.ms`.
    pub group_max_session_ms: i32,
    /// `group.initial.rebalance.delay.ms`.
    pub group_initial_delay_ms: i32,
    /// `group.max.size`.
    pub group_max_size: usize,
    /// `group.consumer.session.timeout.ms`.
    pub consumer_session_ms: i32,
    /// `group.consumer.heartbeat.interval.ms`.
    pub consumer_heartbeat_ms: i32,
    /// `group.consumer.max.size`.
    pub consumer_max_size: usize,
    /// `group.consumer.assignors`.
    pub consumer_assignors: Vec<&'static str>,
    /// `group.consumer.migration.policy`.
    pub consumer_migration: &'static str,
    /// `offsets.topic.num.partitions`.
    pub offsets_partitions: i32,
    /// `offsets.topic.segment.bytes`.
    pub offsets_segment_bytes: u32,
    /// `offsets.retention.minutes`, in ms.
    pub offsets_retention_ms: i64,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_check_interval_ms: i64,
    /// `transaction.state.log.num.partitions`.
    pub transactions_partitions: i32,
    /// `transaction.state.log.segment.bytes`.
    pub transactions_segment_bytes: u32,
    /// `transaction.max.timeout.ms`.
    pub transaction_max_timeout_ms: i32,
    /// `transaction.abort.timed.out.transaction.cleanup.interval.ms`.
    pub transaction_abort_interval_ms: i64,
    /// `transaction.remove.expired.transaction.cleanup.interval.ms`.
    pub transaction_remove_interval_ms: i64,
    /// `transactional.id.expiration.ms`.
    pub transactional_id_expiration_ms: i64,
    /// `transaction.partition.verification.enable`.
    pub transaction_verification: bool,
    /// `klog.max.transactional.ids`: more are refused.
    pub max_transactional_ids: usize,
    /// `klog.producer.ids.per.second.per.ip`: for so many an address may ask, beyond ten thousand at once.
    pub producer_ids_per_second: u32,
    /// `offset.metadata.max.bytes`: how much a committer may remember beside an offset.
    pub offset_metadata_max_bytes: usize,
    /// `klog.max.inflight.requests.per.connection`: read ahead of their answers.
    pub max_in_flight: usize,
    /// `klog.max.inflight.bytes.per.connection`: held by its requests and answers.
    pub max_in_flight_bytes: usize,
    /// `queued.max.request.bytes`: held by all requests; -1: no bound.
    pub queued_request_bytes: i64,
    /// `klog.request.timeout.ms`: how long a frame may take to arrive, and a response to leave.
    pub io_timeout_ms: i64,
    /// `klog.sendfile`: whether fetched batches go out by sendfile rather than through a buffer.
    pub sendfile: bool,
    /// `klog.scrub.bytes.per.second`: how fast is checked what stood on disk before the start; 0: not.
    pub scrub_bytes_per_second: u64,
    /// `klog.open.files`: how many segment files are held open.
    pub open_files: usize,
    /// `klog.metrics.listener`: where metrics and health are served; `None`: nowhere.
    pub metrics_listener: Option<Listener>,
    /// `klog.metrics.max.topics`: so many topics have metrics of their own.
    pub metrics_max_topics: usize,
    /// `klog.metrics.max.groups`: so many pairs of a group and a topic have metrics of their own.
    pub metrics_max_groups: usize,
    /// `klog.allow.anonymous.listeners`: whether others may connect without authentication.
    pub allow_anonymous: bool,
    /// The defaults of all topics.
    pub topic: TopicConfig,
    /// Where each key that was set came from.
    pub sources: BTreeMap<String, Source>,
}

impl BrokerConfig {
    /// Where the metadata log is kept.
    pub fn metadata_dir(&self) -> &Path {
        self.metadata_log_dir.as_ref().unwrap_or(&self.log_dirs[0])
    }
}

impl Default for BrokerConfig {
    fn default() -> BrokerConfig {
        BrokerConfig {
            node_id: 1,
            listeners: vec![Listener::plaintext("127.0.0.1", 9092)],
            advertised_listeners: Vec::new(),
            controller_listeners: Vec::new(),
            security_protocols: Vec::new(),
            log_dirs: vec!["./klog-data".into()],
            metadata_log_dir: None,
            metadata_snapshot_bytes: 20 << 20,
            num_partitions: 1,
            default_replication_factor: 1,
            auto_create_topics: true,
            delete_topics: true,
            retention_check_interval_ms: 300_000,
            checkpoint_interval_ms: 1_000,
            cleaner_enable: true,
            cleaner_threads: 1,
            cleaner_backoff_ms: 15_000,
            cleaner_dedupe_bytes: 128 << 20,
            cleaner_load_factor: 0.9,
            cleaner_bytes_per_second: f64::MAX,
            request_max_bytes: 100 << 20,
            max_connections: 10_000,
            max_connections_per_ip: 10_000,
            idle_ms: 600_000,
            backlog: 1024,
            fetch_max_bytes: 55 << 20,
            fetch_sessions: 1000,
            producer_id_expiration_ms: 86_400_000,
            group_min_session_ms: 6_000,
            group_max_session_ms: 1_800_000,
            group_initial_delay_ms: 3_000,
            group_max_size: i32::MAX as usize,
            consumer_session_ms: 45_000,
            consumer_heartbeat_ms: 5_000,
            consumer_max_size: i32::MAX as usize,
            consumer_assignors: vec!["uniform", "range"],
            consumer_migration: "bidirectional",
            offsets_partitions: 50,
            offsets_segment_bytes: 100 << 20,
            offsets_retention_ms: 10_080 * 60_000,
            offsets_check_interval_ms: 600_000,
            transactions_partitions: 50,
            transactions_segment_bytes: 100 << 20,
            transaction_max_timeout_ms: 900_000,
            transaction_abort_interval_ms: 10_000,
            transaction_remove_interval_ms: 3_600_000,
            transactional_id_expiration_ms: 604_800_000,
            transaction_verification: true,
            max_transactional_ids: 1_000_000,
            producer_ids_per_second: 100,
            offset_metadata_max_bytes: 4096,
            max_in_flight: 100,
            max_in_flight_bytes: 16 << 20,
            queued_request_bytes: 512 << 20,
            io_timeout_ms: 30_000,
            sendfile: true,
            scrub_bytes_per_second: 10 << 20,
            open_files: 4096,
            metrics_listener: None,
            metrics_max_topics: 500,
            metrics_max_groups: 1000,
            allow_anonymous: false,
            topic: TopicConfig::default(),
            sources: BTreeMap::new(),
        }
    }
}
