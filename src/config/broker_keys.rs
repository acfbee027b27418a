//! A broker's keys: their names, what they mean, how their values are read and written.

use super::broker::BrokerConfig;
use super::key::{Key, Kind};
use super::listener::Listener;
use super::value::{Bad, boolean, fraction, list, number, word};

const INT: i64 = i32::MAX as i64;
const LONG: i64 = i64::MAX;

const ASSIGNORS: &[(&str, &str)] = &[("uniform", "uniform"), ("range", "range")];
const POLICIES: &[(&str, &str)] = &[
    ("bidirectional", "bidirectional"),
    ("upgrade", "upgrade"),
    ("downgrade", "downgrade"),
    ("disabled", "disabled"),
];

/// Declares the keys of a broker that are not the defaults of a topic's.
macro_rules! broker_keys {
    ($($name:literal, $kind:ident, $doc:literal,
        |$config:ident, $value:ident| $set:expr, |$read:ident| $get:expr;)*) => {
        /// Every key of a broker but the defaults of topics, by name.
        pub const BROKER_KEYS: &[Key] =
            &[$(Key { name: $name, kind: Kind::$kind, doc: $doc, dynamic: false },)*];

        pub(super) fn set(config: &mut BrokerConfig, name: &str, value: &str) -> Option<Result<(), Bad>> {
            match name {
                $($name => Some((|$config: &mut BrokerConfig, $value: &str| -> Result<(), Bad> {
                    $set;
                    Ok(())
                })(config, value)),)*
                _ => None,
            }
        }

        pub(super) fn get(config: &BrokerConfig, name: &str) -> Option<String> {
            match name {
                $($name => Some((|$read: &BrokerConfig| $get.to_string())(config)),)*
                _ => None,
            }
        }
    };
}

broker_keys! {
    "advertised.listeners", List, "Where clients are told to connect, if not to `listeners` themselves.",
        |c, v| c.advertised_listeners = Listener::parse_all(v)?, |c| join(&c.advertised_listeners);
    "auto.create.topics.enable", Boolean, "Whether asking for a topic that is not there makes it.",
        |c, v| c.auto_create_topics = boolean(v)?, |c| c.auto_create_topics;
    "connections.max.idle.ms", Long, "A connection without requests for so long is closed; -1: never.",
        |c, v| c.idle_ms = number(v, -1, LONG)?, |c| c.idle_ms;
    "controller.listener.names", List, "Those of `listeners` that are for Kafka's controllers: a single klog node has no use for them and leaves them out.",
        |c, v| c.controller_listeners = list(v), |c| c.controller_listeners.join(",");
    "default.replication.factor", Int, "Replicas of a topic that does not say; one node holds one.",
        |c, v| c.default_replication_factor = number(v, 1, 32_767)? as i16, |c| c.default_replication_factor;
    "delete.topic.enable", Boolean, "Whether topics can be deleted.",
        |c, v| c.delete_topics = boolean(v)?, |c| c.delete_topics;
    "fetch.max.bytes", Int, "The most bytes of batches that one fetch response holds.",
        |c, v| c.fetch_max_bytes = number(v, 1024, INT)? as usize, |c| c.fetch_max_bytes;
    "group.consumer.assignors", List, "The assignors that members of consumer groups may choose from; who chooses none gets the first.",
        |c, v| c.consumer_assignors = list(v).iter().map(|name| word(name, ASSIGNORS)).collect::<Result<_, _>>()?, |c| c.consumer_assignors.join(",");
    "group.consumer.heartbeat.interval.ms", Int, "How often members of consumer groups are asked to be heard of.",
        |c, v| c.consumer_heartbeat_ms = number(v, 1, INT)? as i32, |c| c.consumer_heartbeat_ms;
    "group.consumer.max.size", Int, "The most members of a consumer group.",
        |c, v| c.consumer_max_size = number(v, 1, INT)? as usize, |c| c.consumer_max_size;
    "group.consumer.migration.policy", String, "Whether groups with members may change from the classic protocol to the consumer protocol (upgrade), back (downgrade), both or neither.",
        |c, v| c.consumer_migration = word(&v.to_ascii_lowercase(), POLICIES)?, |c| c.consumer_migration;
    "group.consumer.session.timeout.ms", Int, "How long a member of a consumer group may be silent.",
        |c, v| c.consumer_session_ms = number(v, 1, INT)? as i32, |c| c.consumer_session_ms;
    "group.initial.rebalance.delay.ms", Int, "How long an empty consumer group waits for more members than the first.",
        |c, v| c.group_initial_delay_ms = number(v, 0, INT)? as i32, |c| c.group_initial_delay_ms;
    "group.max.session.timeout.ms", Int, "The longest that a member of a consumer group may ask to be silent.",
        |c, v| c.group_max_session_ms = number(v, 1, INT)? as i32, |c| c.group_max_session_ms;
    "group.max.size", Int, "The most members of a consumer group.",
        |c, v| c.group_max_size = number(v, 1, INT)? as usize, |c| c.group_max_size;
    "group.min.session.timeout.ms", Int, "The shortest that a member of a consumer group may ask to be silent.",
        |c, v| c.group_min_session_ms = number(v, 1, INT)? as i32, |c| c.group_min_session_ms;
    "klog.allow.anonymous.listeners", Boolean, "Whether a listener without authentication may be open to other machines.",
        |c, v| c.allow_anonymous = boolean(v)?, |c| c.allow_anonymous;
    "klog.max.inflight.bytes.per.connection", Int, "How many bytes a connection's waiting requests and unsent answers may hold before it is read no further.",
        |c, v| c.max_in_flight_bytes = number(v, 1024, INT)? as usize, |c| c.max_in_flight_bytes;
    "klog.max.inflight.requests.per.connection", Int, "How many requests of a connection are read ahead of their answers.",
        |c, v| c.max_in_flight = number(v, 1, 100_000)? as usize, |c| c.max_in_flight;
    "klog.max.transactional.ids", Int, "How many transactional ids are kept, as each takes memory until it expires; more are refused.",
        |c, v| c.max_transactional_ids = number(v, 1, INT)? as usize, |c| c.max_transactional_ids;
    "klog.metrics.listener", String, "Where Prometheus metrics and the node's health are served over HTTP, as host:port; empty: nowhere.",
        |c, v| c.metrics_listener = metrics_listener(v)?, |c| c.metrics_listener.as_ref().map_or(String::new(), Listener::address);
    "klog.metrics.max.groups", Int, "How many pairs of a consumer group and a topic that it reads have metrics of their own; the others are summed up as (other).",
        |c, v| c.metrics_max_groups = number(v, 0, 1_000_000)? as usize, |c| c.metrics_max_groups;
    "klog.metrics.max.topics", Int, "How many topics have metrics of their own; the others are summed up as (other).",
        |c, v| c.metrics_max_topics = number(v, 0, 1_000_000)? as usize, |c| c.metrics_max_topics;
    "klog.open.files", Int, "How many segment files are held open; the least recently used are closed.",
        |c, v| c.open_files = number(v, 16, INT)? as usize, |c| c.open_files;
    "klog.producer.ids.per.second.per.ip", Int, "For how many producer ids an address may ask in a second, beyond ten thousand at once; it waits for more.",
        |c, v| c.producer_ids_per_second = number(v, 1, 1_000_000)? as u32, |c| c.producer_ids_per_second;
    "klog.request.timeout.ms", Long, "How long a request may take to arrive and a response to leave before the connection is closed.",
        |c, v| c.io_timeout_ms = number(v, 1, LONG)?, |c| c.io_timeout_ms;
    "klog.scrub.bytes.per.second", Long, "How fast is checked, in the background, what stood on disk before the start; 0: only what is fetched.",
        |c, v| c.scrub_bytes_per_second = number(v, 0, LONG)? as u64, |c| c.scrub_bytes_per_second;
    "klog.sendfile", Boolean, "Whether fetched batches go from the file to the socket by sendfile, not through a buffer.",
        |c, v| c.sendfile = boolean(v)?, |c| c.sendfile;
    "listener.security.protocol.map", List, "What listeners speak that are not named after their protocol: NAME:PLAINTEXT, between commas.",
        |c, v| c.security_protocols = protocols(v)?, |c| c.security_protocols.iter().map(|(name, protocol)| format!("{name}:{protocol}")).collect::<Vec<_>>().join(",");
    "listeners", List, "Where connections are accepted: PLAINTEXT://host:port, several between commas.",
        |c, v| c.listeners = Listener::parse_all(v)?, |c| join(&c.listeners);
    "log.cleaner.backoff.ms", Long, "How long a cleaner waits before it looks again for a log to compact, when there was none.",
        |c, v| c.cleaner_backoff_ms = number(v, 0, LONG)?, |c| c.cleaner_backoff_ms;
    "log.cleaner.dedupe.buffer.size", Long, "How many bytes all cleaners together take to remember keys, 24 a key.",
        |c, v| c.cleaner_dedupe_bytes = number(v, 1024, LONG)? as u64, |c| c.cleaner_dedupe_bytes;
    "log.cleaner.enable", Boolean, "Whether topics with `cleanup.policy=compact` are compacted.",
        |c, v| c.cleaner_enable = boolean(v)?, |c| c.cleaner_enable;
    "log.cleaner.io.buffer.load.factor", Double, "How full the table of keys may be.",
        |c, v| c.cleaner_load_factor = fraction(v)?, |c| format!("{:?}", c.cleaner_load_factor);
    "log.cleaner.io.max.bytes.per.second", Double, "How many bytes all cleaners together read and write in a second at most.",
        |c, v| c.cleaner_bytes_per_second = positive(v)?, |c| java_double(c.cleaner_bytes_per_second);
    "log.cleaner.threads", Int, "How many logs are compacted at once.",
        |c, v| c.cleaner_threads = number(v, 0, 1000)? as usize, |c| c.cleaner_threads;
    "log.dirs", List, "The directories that hold partitions, between commas.",
        |c, v| c.log_dirs = dirs(v)?, |c| c.log_dirs.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(",");
    "log.flush.offset.checkpoint.interval.ms", Int, "How often is written down what is on disk, which bounds what a restart after a crash has to check.",
        |c, v| c.checkpoint_interval_ms = number(v, 1, INT)?, |c| c.checkpoint_interval_ms;
    "log.retention.check.interval.ms", Long, "How often is looked for what retention deletes.",
        |c, v| c.retention_check_interval_ms = number(v, 1, LONG)?, |c| c.retention_check_interval_ms;
    "max.connections", Int, "How many connections are open at once at most.",
        |c, v| c.max_connections = number(v, 1, INT)? as usize, |c| c.max_connections;
    "max.connections.per.ip", Int, "How many connections from one address are open at once at most.",
        |c, v| c.max_connections_per_ip = number(v, 0, INT)? as usize, |c| c.max_connections_per_ip;
    "max.incremental.fetch.session.cache.slots", Int, "How many fetch sessions are remembered.",
        |c, v| c.fetch_sessions = number(v, 0, INT)? as usize, |c| c.fetch_sessions;
    "metadata.log.dir", String, "The directory that holds the metadata log, if not the first of `log.dirs`.",
        |c, v| c.metadata_log_dir = Some(v.trim().into()), |c| c.metadata_log_dir.as_ref().map_or(String::new(), |dir| dir.display().to_string());
    "metadata.log.max.record.bytes.between.snapshots", Long, "How much the metadata log grows before a snapshot takes the place of what lies below it.",
        |c, v| c.metadata_snapshot_bytes = number(v, 1, LONG)? as u64, |c| c.metadata_snapshot_bytes;
    "node.id", Int, "This node's number.",
        |c, v| c.node_id = number(v, 0, INT)? as i32, |c| c.node_id;
    "num.partitions", Int, "Partitions of a topic that does not say.",
        |c, v| c.num_partitions = number(v, 1, 10_000)? as i32, |c| c.num_partitions;
    "offset.metadata.max.bytes", Int, "How many bytes a consumer may store beside an offset that it commits.",
        |c, v| c.offset_metadata_max_bytes = number(v, 0, 32_767)? as usize, |c| c.offset_metadata_max_bytes;
    "offsets.retention.check.interval.ms", Long, "How often is looked for committed offsets that are too old.",
        |c, v| c.offsets_check_interval_ms = number(v, 1, LONG)?, |c| c.offsets_check_interval_ms;
    "offsets.retention.minutes", Int, "How long the offsets of a consumer group without members are kept.",
        |c, v| c.offsets_retention_ms = number(v, 1, INT)? * 60_000, |c| c.offsets_retention_ms / 60_000;
    "offsets.topic.num.partitions", Int, "Partitions of `__consumer_offsets`, when it is made.",
        |c, v| c.offsets_partitions = number(v, 1, 10_000)? as i32, |c| c.offsets_partitions;
    "offsets.topic.segment.bytes", Int, "How large the segments of `__consumer_offsets` grow, when it is made.",
        |c, v| c.offsets_segment_bytes = number(v, 1024, INT)? as u32, |c| c.offsets_segment_bytes;
    "producer.id.expiration.ms", Int, "A producer that was silent for so long is forgotten.",
        |c, v| c.producer_id_expiration_ms = number(v, 1, INT)?, |c| c.producer_id_expiration_ms;
    "queued.max.request.bytes", Long, "How many bytes the requests of all connections may hold, beyond 64 KiB each; none is read any further then; -1: no bound.",
        |c, v| c.queued_request_bytes = number(v, -1, LONG)?, |c| c.queued_request_bytes;
    "socket.listen.backlog.size", Int, "How many connections may wait to be accepted.",
        |c, v| c.backlog = number(v, 1, INT)? as i32, |c| c.backlog;
    "socket.request.max.bytes", Int, "The largest request that is taken.",
        |c, v| c.request_max_bytes = number(v, 1024, INT)? as usize, |c| c.request_max_bytes;
    "transaction.abort.timed.out.transaction.cleanup.interval.ms", Int, "How often is looked for transactions that are open for longer than their producers allowed.",
        |c, v| c.transaction_abort_interval_ms = number(v, 1, INT)?, |c| c.transaction_abort_interval_ms;
    "transaction.max.timeout.ms", Int, "The longest time that a producer may allow its transactions.",
        |c, v| c.transaction_max_timeout_ms = number(v, 1, INT)? as i32, |c| c.transaction_max_timeout_ms;
    "transaction.partition.verification.enable", Boolean, "Whether a transaction's first records in a partition are taken only if the transaction reaches it.",
        |c, v| c.transaction_verification = boolean(v)?, |c| c.transaction_verification;
    "transaction.remove.expired.transaction.cleanup.interval.ms", Int, "How often is looked for transactional ids that were not used for long.",
        |c, v| c.transaction_remove_interval_ms = number(v, 1, INT)?, |c| c.transaction_remove_interval_ms;
    "transaction.state.log.num.partitions", Int, "Partitions of `__transaction_state`, when it is made.",
        |c, v| c.transactions_partitions = number(v, 1, 10_000)? as i32, |c| c.transactions_partitions;
    "transaction.state.log.segment.bytes", Int, "How large the segments of `__transaction_state` grow, when it is made.",
        |c, v| c.transactions_segment_bytes = number(v, 1024, INT)? as u32, |c| c.transactions_segment_bytes;
    "transactional.id.expiration.ms", Int, "A transactional id that was not used for so long is forgotten.",
        |c, v| c.transactional_id_expiration_ms = number(v, 1, INT)?, |c| c.transactional_id_expiration_ms;
}

fn join(listeners: &[Listener]) -> String {
    listeners.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn metrics_listener(value: &str) -> Result<Option<Listener>, Bad> {
    match value.trim() {
        "" => Ok(None),
        address => {
            let listener = Listener::parse(address).ok().filter(|_| !address.contains("://"));
            listener.map(Some).ok_or_else(|| format!("{address:?} must look like host:port"))
        }
    }
}

fn protocols(value: &str) -> Result<Vec<(String, String)>, Bad> {
    let pair = |item: String| match item.split_once(':') {
        Some((name, protocol)) => Ok((name.trim().to_owned(), protocol.trim().to_owned())),
        None => Err(format!("{item:?} must look like NAME:PLAINTEXT")),
    };
    list(value).into_iter().map(pair).collect()
}

fn positive(value: &str) -> Result<f64, Bad> {
    let parsed = value.trim().parse::<f64>().ok().filter(|number| *number > 0.0);
    parsed.ok_or_else(|| "must be a number above 0".into())
}

/// As Java writes its largest number.
fn java_double(value: f64) -> String {
    if value == f64::MAX { "1.7976931348623157E308".into() } else { format!("{value:?}") }
}

fn dirs(value: &str) -> Result<Vec<std::path::PathBuf>, Bad> {
    let dirs: Vec<_> = list(value).into_iter().map(Into::into).collect();
    if dirs.is_empty() { Err("must name a directory".into()) } else { Ok(dirs) }
}

/// Kafka's other names for keys, the keys, and by what a value is multiplied.
pub(super) const SYNONYMS: [(&str, &str, i64); 6] = [
    ("broker.id", "node.id", 1),
    ("log.dir", "log.dirs", 1),
    ("log.retention.hours", "log.retention.ms", 3_600_000),
    ("log.retention.minutes", "log.retention.ms", 60_000),
    ("log.roll.hours", "log.roll.ms", 3_600_000),
    ("log.roll.jitter.hours", "log.roll.jitter.ms", 3_600_000),
];

/// The key that a name means, and by what its value is multiplied.
pub(super) fn synonym(name: &str) -> (&str, i64) {
    let found = SYNONYMS.iter().find(|(synonym, ..)| *synonym == name);
    found.map_or((name, 1), |(_, key, factor)| (key, *factor))
}

/// Why one of Kafka's keys is refused: what it asks for is not there, and to go on without it would be another thing.
pub(super) fn is_refused(name: &str) -> Option<&'static str> {
    const TLS: &str = "klog has no TLS yet";
    const SASL: &str = "klog has no SASL yet";
    const ACLS: &str = "klog has no ACLs yet";
    const ZOOKEEPER: &str = "klog keeps its metadata itself and takes no ZooKeeper yet";
    const FAMILIES: &[(&str, &str)] = &[
        ("authorizer.", ACLS),
        ("delegation.token.", SASL),
        ("sasl.", SASL),
        ("ssl.", TLS),
        ("super.users", ACLS),
        ("zookeeper.", ZOOKEEPER),
    ];
    FAMILIES.iter().find(|(family, _)| name.starts_with(family)).map(|(_, why)| *why)
}

/// Whether the key is one of Kafka's that a single klog node has no use for: taken with a warning.
pub(super) fn is_without_effect(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "background.threads",
        "broker.heartbeat.interval.ms",
        "broker.rack",
        "broker.session.timeout.ms",
        "compression.level",
        "inter.broker.listener.name",
        "log.cleaner.io.buffer.size",
        "log.flush.scheduler.interval.ms",
        "log.flush.start.offset.checkpoint.interval.ms",
        "log.preallocate",
        "num.io.threads",
        "num.network.threads",
        "num.recovery.threads.per.data.dir",
        "process.roles",
        "queued.max.requests",
        "socket.receive.buffer.bytes",
        "socket.send.buffer.bytes",
        "unclean.leader.election.enable",
    ];
    const FAMILIES: &[&str] = &[
        "controller.",
        "group.",
        "leader.imbalance.",
        "metadata.log.",
        "metadata.max.",
        "num.replica.",
        "offsets.",
        "quota.",
        "remote.log.",
        "replica.",
        "share.",
        "transaction.",
    ];
    NAMES.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family))
}
