//! The properties that klog honours: each name of librdkafka and of Java, and where its value goes.

use super::value::{self, Wanted};
use super::{Acks, ClientConfig, Compression, ConsumerConfig, ProducerConfig};
use crate::client::partitioner;

/// Where a property's value goes.
pub(super) enum Goes {
    /// To what every client has.
    Client(fn(&mut ClientConfig, &str) -> Result<(), Wanted>),
    /// To the producer.
    Producer(fn(&mut ProducerConfig, &str) -> Result<(), Wanted>),
    /// To the consumer.
    Consumer(fn(&mut ConsumerConfig, &str) -> Result<(), Wanted>),
    /// To both, each in its own sense.
    ClientAndProducer(
        fn(&mut ClientConfig, &str) -> Result<(), Wanted>,
        fn(&mut ProducerConfig, &str) -> Result<(), Wanted>,
    ),
    /// Nowhere: klog does just this, and any other value is refused.
    Only(&'static [&'static str], Wanted),
}

use Goes::{Client, ClientAndProducer, Consumer, Only, Producer};

/// `set!(field = parser)`: a setter for one field.
macro_rules! set {
    ($field:ident = $parse:path) => {
        |config, text| {
            config.$field = $parse(text)?;
            Ok(())
        }
    };
}

/// The properties honoured, under every name that they have.
#[rustfmt::skip]
pub(super) const KNOWN: &[(&[&str], Goes)] = &[
    (&["bootstrap.servers", "metadata.broker.list"], Client(set!(bootstrap = value::addresses))),
    (&["client.id"], Client(|c, v| { c.client_id = v.into(); Ok(()) })),
    (&["client.rack"], Client(|c, v| { c.client_rack = v.into(); Ok(()) })),
    (&["request.timeout.ms"], ClientAndProducer(set!(request_timeout = value::millis), set!(request_timeout = value::millis))),
    (&["socket.timeout.ms"], Client(set!(request_timeout = value::millis))),
    (&["default.api.timeout.ms"], Client(set!(api_timeout = value::millis))),
    (&["socket.connection.setup.timeout.ms"], Client(set!(connect_timeout = value::millis))),
    (&["reconnect.backoff.ms"], Client(set!(reconnect_backoff = value::millis))),
    (&["reconnect.backoff.max.ms"], Client(set!(reconnect_backoff_max = value::millis))),
    (&["retry.backoff.ms"], Client(set!(retry_backoff = value::millis))),
    (&["retry.backoff.max.ms"], Client(set!(retry_backoff_max = value::millis))),
    (&["metadata.max.age.ms", "topic.metadata.refresh.interval.ms"], Client(set!(metadata_max_age = value::millis))),
    (&["connections.max.idle.ms"], Client(set!(max_idle = value::millis))),
    (&["max.in.flight.requests.per.connection", "max.in.flight"], ClientAndProducer(set!(max_in_flight = value::count), max_in_flight)),
    (&["receive.message.max.bytes"], Client(set!(max_response_bytes = value::bytes))),
    (&["send.buffer.bytes", "socket.send.buffer.bytes"], Client(set!(send_buffer_bytes = value::optional_bytes))),
    (&["receive.buffer.bytes", "socket.receive.buffer.bytes"], Client(set!(receive_buffer_bytes = value::optional_bytes))),
    (&["socket.nagle.disable"], Client(set!(nodelay = value::boolean))),
    (&["socket.keepalive.enable"], Client(set!(keepalive = value::boolean))),
    (&["broker.address.family"], Client(set!(address_family = value::family))),
    (&["allow.auto.create.topics"], Client(set!(allow_auto_create = value::boolean))),

    (&["acks", "request.required.acks"], Producer(set!(acks = value::acks))),
    (&["enable.idempotence"], Producer(set!(idempotent = value::boolean))),
    (&["batch.size"], Producer(set!(batch_bytes = value::count))),
    (&["linger.ms", "queue.buffering.max.ms"], Producer(set!(linger = value::millis))),
    (&["compression.type", "compression.codec"], Producer(compression_codec)),
    (&["compression.level"], Producer(compression_level)),
    (&["compression.gzip.level"], Producer(gzip_level)),
    (&["compression.lz4.level"], Producer(lz4_level)),
    (&["compression.zstd.level"], Producer(zstd_level)),
    (&["buffer.memory"], Producer(set!(buffer_bytes = value::bytes))),
    (&["queue.buffering.max.kbytes"], Producer(set!(buffer_bytes = value::kibibytes))),
    (&["max.block.ms"], Producer(set!(max_block = value::millis))),
    (&["delivery.timeout.ms", "message.timeout.ms"], Producer(set!(delivery_timeout = value::millis))),
    (&["max.request.size", "message.max.bytes"], Producer(set!(max_request_bytes = value::bytes))),
    (&["retries", "message.send.max.retries"], Producer(set!(retries = value::count_or_zero))),
    (&["transactional.id"], Producer(|c, v| { c.transactional_id = Some(value::named(v)?); Ok(()) })),
    (&["transaction.timeout.ms"], Producer(set!(transaction_timeout = value::timeout))),
    (&["partitioner"], Producer(set!(partitioner = partitioner::by_name))),
    (&["partitioner.class"], Producer(set!(partitioner = partitioner::by_java_class))),

    (&["fetch.min.bytes"], Consumer(set!(fetch_min_bytes = value::positive_i32))),
    (&["fetch.max.wait.ms", "fetch.wait.max.ms"], Consumer(set!(fetch_max_wait = value::millis))),
    (&["fetch.max.bytes"], Consumer(set!(fetch_max_bytes = value::positive_i32))),
    (&["max.partition.fetch.bytes", "fetch.message.max.bytes"], Consumer(set!(partition_max_bytes = value::positive_i32))),
    (&["queued.max.messages.kbytes"], Consumer(set!(prefetch_bytes = value::kibibytes))),
    (&["max.poll.records"], Consumer(set!(max_poll_records = value::count))),
    (&["auto.offset.reset"], Consumer(set!(offset_reset = value::offset_reset))),
    (&["isolation.level"], Consumer(set!(isolation = value::isolation))),
    (&["group.id"], Consumer(|c, v| { c.group.id = Some(v.into()); Ok(()) })),
    (&["group.instance.id"], Consumer(|c, v| { c.group.instance_id = Some(v.into()); Ok(()) })),
    (&["session.timeout.ms"], Consumer(|c, v| { c.group.session_timeout = value::millis(v)?; Ok(()) })),
    (&["heartbeat.interval.ms"], Consumer(|c, v| { c.group.heartbeat_interval = value::millis(v)?; Ok(()) })),
    (&["max.poll.interval.ms"], Consumer(|c, v| { c.group.max_poll_interval = value::millis(v)?; Ok(()) })),
    (&["partition.assignment.strategy"], Consumer(|c, v| c.group.set_assignors(v))),
    (&["enable.auto.commit", "auto.commit.enable"], Consumer(|c, v| c.group.set_auto_commit(v))),
    (&["auto.commit.interval.ms"], Consumer(|c, v| c.group.set_commit_interval(v))),
    (&["enable.auto.offset.store"], Consumer(|c, v| { c.group.auto_store = value::boolean(v)?; Ok(()) })),
    (&["check.crcs"], Consumer(set!(check_crcs = value::boolean))),

    (&["security.protocol"], Only(&["plaintext", "PLAINTEXT"], "PLAINTEXT (klog's client has no TLS and no SASL yet)")),
    (&["group.protocol"], Only(&["classic", "CLASSIC"], "classic: klog's client speaks the classic group protocol")),
    (&["group.protocol.type"], Only(&["consumer"], "consumer")),
    (&["offset.store.method"], Only(&["broker"], "broker: offsets are kept in the group")),
    (&["client.dns.lookup"], Only(&["use_all_dns_ips"], "use_all_dns_ips")),
    (&["api.version.request"], Only(&["true"], "true")),
    (&["metadata.recovery.strategy"], Only(&["rebootstrap"], "rebootstrap")),
    (&["queuing.strategy"], Only(&["fifo"], "fifo")),
    (&["partitioner.ignore.keys"], Only(&["false"], "false; `partitioner=sticky` ignores keys")),
    (&["enable.metrics.push"], Only(&["false"], "false: klog's client pushes no metrics")),
    (&["transaction.two.phase.commit.enable"], Only(&["false"], "false")),
    (&["key.serializer", "value.serializer"], Only(&["org.apache.kafka.common.serialization.ByteArraySerializer"], "ByteArraySerializer: keys and values are bytes")),
    (&["key.deserializer", "value.deserializer"], Only(&["org.apache.kafka.common.serialization.ByteArrayDeserializer"], "ByteArrayDeserializer: keys and values are bytes")),
];

fn compression_codec(config: &mut ProducerConfig, text: &str) -> Result<(), Wanted> {
    let wanted: Compression = text.parse()?;
    config.compression = wanted;
    Ok(())
}

/// librdkafka's one level for whichever codec; −1 is the default, and codecs without levels ignore it.
fn compression_level(config: &mut ProducerConfig, text: &str) -> Result<(), Wanted> {
    let level: i32 = text.parse().map_err(|_| "a whole number")?;
    if level != -1 && !matches!(config.compression, Compression::None | Compression::Snappy) {
        config.compression = config.compression.with_level(level)?;
    }
    Ok(())
}

fn gzip_level(config: &mut ProducerConfig, text: &str) -> Result<(), Wanted> {
    level_for(config, text, Compression::Gzip(None))
}

fn lz4_level(config: &mut ProducerConfig, text: &str) -> Result<(), Wanted> {
    level_for(config, text, Compression::Lz4(None))
}

fn zstd_level(config: &mut ProducerConfig, text: &str) -> Result<(), Wanted> {
    level_for(config, text, Compression::Zstd(None))
}

/// Java's level per codec: checked always, used only if that codec is the one chosen.
fn level_for(config: &mut ProducerConfig, text: &str, codec: Compression) -> Result<(), Wanted> {
    let level: i32 = text.parse().map_err(|_| "a whole number")?;
    if level == -1 && matches!(codec, Compression::Gzip(_)) {
        return Ok(()); // Java's name for gzip's default
    }
    let chosen = codec.with_level(level)?;
    if std::mem::discriminant(&config.compression) == std::mem::discriminant(&chosen) {
        config.compression = chosen;
    }
    Ok(())
}

/// Who asks for more than one request in flight gets it, also where idempotence does not keep the order, as from Kafka's clients.
fn max_in_flight(config: &mut ProducerConfig, text: &str) -> Result<(), Wanted> {
    config.max_in_flight = value::count(text)?;
    config.may_reorder = config.max_in_flight > 1;
    Ok(())
}

/// What cannot be seen in one property alone.
pub(super) fn check_producer(config: &ProducerConfig) -> Result<(), (&'static str, Wanted)> {
    if config.idempotent && config.acks != Acks::All {
        return Err(("acks", "all, as enable.idempotence is true"));
    }
    if config.idempotent && config.max_in_flight > 5 {
        return Err((
            "max.in.flight.requests.per.connection",
            "at most 5, as enable.idempotence is true",
        ));
    }
    if config.idempotent && config.retries == 0 {
        return Err(("retries", "more than 0, as enable.idempotence is true"));
    }
    if config.transactional_id.is_some() && !config.idempotent {
        return Err(("transactional.id", "enable.idempotence and acks=all beside it"));
    }
    Ok(())
}
