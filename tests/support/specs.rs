//! What the client promises, as functions of a broker's address: they run against Apache Kafka and against klog.

use std::time::Duration;

use bytes::Bytes;
use klog::base::{ErrorCode, Millis, TopicName};
use klog::client::{
    Acks, Admin, Client, ClientConfig, Compression, ConfigChange, ConfigOp, ConfigResource,
    ConfigSource, ConsumeError, ConsumedRecord, Consumer, ConsumerConfig, Isolation, NewTopic,
    OffsetReset, OffsetSpec, ProduceError, Producer, ProducerConfig, ProducerRecord, StartAt,
};

use crate::reach::{client, read, topic, topic_with};

/// Long enough for a busy machine; a spec that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

fn text(topic: &TopicName, value: &str) -> ProducerRecord {
    ProducerRecord { partition: Some(0), ..ProducerRecord::new(topic.clone(), value.to_owned()) }
}

fn values(records: &[ConsumedRecord]) -> Vec<String> {
    let value = |r: &ConsumedRecord| {
        String::from_utf8_lossy(r.value.as_deref().unwrap_or(b"null")).into_owned()
    };
    records.iter().map(value).collect()
}

/// Each codec and each acks carry records unchanged, in order.
pub async fn every_codec_and_acks(address: &str) {
    let client = client(address).await;
    let codecs = [
        Compression::None,
        Compression::Gzip(Some(1)),
        Compression::Snappy,
        Compression::Lz4(None),
        Compression::Zstd(Some(9)),
    ];
    for (n, compression) in codecs.into_iter().enumerate() {
        for acks in [Acks::None, Acks::Leader, Acks::All] {
            let topic = topic(&client, &format!("codec-{n}-{acks:?}"), 1).await;
            let idempotent = acks == Acks::All;
            let config = ProducerConfig { compression, acks, idempotent, ..Default::default() };
            let producer = Producer::new(&client, config);
            let mut deliveries = Vec::new();
            for i in 0..500 {
                deliveries.push(producer.send(text(&topic, &format!("value {i}"))).await.unwrap());
            }
            for (i, delivery) in deliveries.into_iter().enumerate() {
                let offset = delivery.await.unwrap().offset;
                assert_eq!(offset, (acks != Acks::None).then_some(i as i64));
            }
            assert_eq!(producer.close().await.delivered, 500);
            let consumer = Consumer::new(&client, ConsumerConfig::default());
            consumer.assign(&[(topic.clone(), 0, StartAt::Earliest)]);
            let got = values(&read(&consumer, 500).await);
            assert!(got.iter().enumerate().all(|(i, v)| *v == format!("value {i}")));
            assert_eq!(consumer.position(&topic, 0), Some(500));
        }
    }
}

/// Keys, null and empty values, duplicate headers with null values, timestamps, and a record of 1 MB.
pub async fn records_keep_all_their_parts(address: &str) {
    let client = client(address).await;
    let topic = topic(&client, "parts", 1).await;
    let config = ProducerConfig { max_request_bytes: 4 << 20, ..ProducerConfig::default() };
    let producer = Producer::new(&client, config);
    let mut record = text(&topic, "");
    record.key = Some(Bytes::from_static(b"\xff\x00key"));
    record.timestamp = Some(1_234_567);
    record.headers = vec![("h".into(), None), ("h".into(), Some(Bytes::from_static(b"x")))];
    let nothing = ProducerRecord { value: None, ..text(&topic, "") };
    let large = ProducerRecord::new(topic.clone(), vec![7u8; 900_000]);
    for record in [&record, &nothing, &large] {
        let delivery = producer.send(record.clone()).await.unwrap();
        producer.flush().await;
        delivery.await.unwrap();
    }
    let consumer = Consumer::new(&client, ConsumerConfig::default());
    consumer.assign(&[(topic.clone(), 0, StartAt::Earliest)]);
    let got = read(&consumer, 3).await;
    assert_eq!((&got[0].key, &got[0].value), (&record.key, &record.value));
    assert_eq!(got[0].timestamp, Some(1_234_567));
    let headers: Vec<_> = got[0].headers.iter().map(|h| (&h.key[..], h.value.as_deref())).collect();
    assert_eq!(headers, [(&b"h"[..], None), (b"h", Some(&b"x"[..]))]);
    assert_eq!((&got[1].key, &got[1].value), (&None, &None));
    assert_eq!(got[2].value.as_ref().unwrap().len(), 900_000);
}

/// A record over the local bound is refused at once; one over the topic's bound by the broker.
pub async fn records_too_large_are_refused(address: &str) {
    let client = client(address).await;
    let topic = topic_with(&client, "too-large", 1, &[("max.message.bytes", "1000")]).await;
    let producer = Producer::new(&client, ProducerConfig::default());
    let large = ProducerRecord::new(topic.clone(), vec![7u8; 2 << 20]);
    let refused = producer.send(large).await.unwrap_err();
    assert!(
        matches!(refused, ProduceError::TooLarge { limit: "max.request.size", .. }),
        "{refused}"
    );
    // Twenty records of 100 bytes fit no batch of 1000: it is split until they do. The one of 2000 bytes never does.
    let mut deliveries = Vec::new();
    for n in 0..20 {
        deliveries.push(producer.send(text(&topic, &format!("{n:0100}"))).await.unwrap());
    }
    for (n, delivery) in deliveries.into_iter().enumerate() {
        assert_eq!(delivery.await.unwrap().offset, Some(n as i64));
    }
    let hopeless = producer.send(text(&topic, &"x".repeat(2000))).await.unwrap();
    assert_eq!(hopeless.await.unwrap_err().code(), Some(ErrorCode::MessageTooLarge));
    let after = producer.send(text(&topic, "after")).await.unwrap();
    assert_eq!(after.await.unwrap().offset, Some(20));
}

/// Connections are cut again and again while records flow: each is written once, in order.
pub async fn cut_connections_lose_and_double_nothing(address: &str) {
    let proxy = super::proxy::Proxy::start(address.to_owned()).await;
    let direct = client(address).await;
    let topic = topic(&direct, "cuts", 1).await;
    let through = proxy.client().await;
    let config = ProducerConfig {
        linger: Duration::from_millis(1),
        batch_bytes: 2000,
        ..Default::default()
    };
    let producer = Producer::new(&through, config);
    let mut deliveries = Vec::new();
    for n in 0..20_000 {
        deliveries.push(producer.send(text(&topic, &n.to_string())).await.unwrap());
        if n % 1000 == 999 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            proxy.cut();
        }
    }
    for delivery in deliveries {
        delivery.await.unwrap();
    }
    let consumer = Consumer::new(&direct, ConsumerConfig::default());
    consumer.assign(&[(topic.clone(), 0, StartAt::Earliest)]);
    let got = values(&read(&consumer, 20_000).await);
    let wrong = got.iter().enumerate().find(|(n, v)| **v != n.to_string());
    assert_eq!(wrong, None);
    let end = Admin::new(&direct)
        .list_offsets(&[(topic, 0, OffsetSpec::Latest)], Isolation::ReadUncommitted)
        .await
        .unwrap();
    assert_eq!(end[0].1.as_ref().unwrap().offset, Some(20_000));
}

/// Without idempotence a partition's batches wait for each other's answers, unless their order is of no concern.
pub async fn many_batches_fly_where_order_may_give(address: &str) {
    let proxy = super::proxy::Proxy::start(address.to_owned()).await;
    let direct = client(address).await;
    let topic = topic(&direct, "in-flight", 1).await;
    let through = proxy.client().await;
    let config = ProducerConfig {
        idempotent: false,
        may_reorder: true,
        linger: Duration::ZERO,
        batch_bytes: 1,
        ..Default::default()
    };
    let producer = Producer::new(&through, config);
    producer.send(text(&topic, "first")).await.unwrap().await.unwrap();
    proxy.held.send_replace(true);
    let mut deliveries = Vec::new();
    for n in 0..5 {
        deliveries.push(producer.send(text(&topic, &n.to_string())).await.unwrap());
    }
    let consumer = Consumer::new(&direct, ConsumerConfig::default());
    consumer.assign(&[(topic.clone(), 0, StartAt::Earliest)]);
    assert_eq!(values(&read(&consumer, 6).await), ["first", "0", "1", "2", "3", "4"]);
    assert!(deliveries.iter().all(|delivery| delivery.now().is_none()), "answers are held back");
    proxy.held.send_replace(false);
    for delivery in deliveries {
        delivery.await.unwrap();
    }
}

/// Nobody answers: records fail after delivery.timeout.ms, and say whether they may have been written.
pub async fn deliveries_time_out(address: &str) {
    let proxy = super::proxy::Proxy::start(address.to_owned()).await;
    let direct = client(address).await;
    let topic = topic(&direct, "timeout", 1).await;
    let through = proxy.client().await;
    let config = ProducerConfig { delivery_timeout: Duration::from_secs(1), ..Default::default() };
    let producer = Producer::new(&through, config);
    producer.send(text(&topic, "first")).await.unwrap().await.unwrap();
    proxy.refuse(true);
    let started = tokio::time::Instant::now();
    let failed = producer.send(text(&topic, "second")).await.unwrap().await.unwrap_err();
    assert!(matches!(failed, ProduceError::TimedOut { sent: _, .. }), "{failed}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(producer.totals().failed, 1);
    proxy.refuse(false);
    producer.send(text(&topic, "third")).await.unwrap().await.unwrap();
}

/// The buffer's bound is never passed: `send` waits.
pub async fn the_buffer_is_bounded(address: &str) {
    let client = client(address).await;
    let topic = topic(&client, "bounded", 3).await;
    let bound = 100_000;
    let config = ProducerConfig { buffer_bytes: bound, ..ProducerConfig::default() };
    let producer = Producer::new(&client, config);
    for n in 0..20_000u32 {
        let record = ProducerRecord::new(topic.clone(), vec![n as u8; 100]);
        drop(producer.send(record).await.unwrap());
        assert!(producer.buffered_bytes() <= bound);
    }
    producer.flush().await;
    assert_eq!(producer.totals().delivered, 20_000);
    assert_eq!(producer.buffered_bytes(), 0);
}

/// Seeks by offset, time, count and ends land where they say.
pub async fn seeks_land_where_they_say(address: &str) {
    let client = client(address).await;
    let topic = topic(&client, "seek", 1).await;
    let producer = Producer::new(&client, ProducerConfig::default());
    for n in 0..100i64 {
        let record =
            ProducerRecord { timestamp: Some(1000 + n * 10), ..text(&topic, &n.to_string()) };
        drop(producer.send(record).await.unwrap());
        if n % 10 == 9 {
            producer.flush().await;
        }
    }
    producer.close().await;
    let consumer = Consumer::new(&client, ConsumerConfig::default());
    let starts = [
        (StartAt::Earliest, 0),
        (StartAt::Offset(42), 42),
        (StartAt::Last(3), 97),
        (StartAt::Last(1000), 0),
        (StartAt::Timestamp(Millis(1555)), 56),
        (StartAt::Timestamp(Millis(1550)), 55),
    ];
    for (start, first) in starts {
        consumer.assign(&[(topic.clone(), 0, start)]);
        let got = read(&consumer, 100 - first as usize).await;
        assert_eq!((got[0].offset, got.last().unwrap().offset), (first, 99), "{start:?}");
    }
    for start in [StartAt::Latest, StartAt::Timestamp(Millis(i64::MAX / 2))] {
        consumer.assign(&[(topic.clone(), 0, start)]);
        assert_eq!(consumer.poll(Duration::from_secs(1)).await.unwrap(), []);
        assert_eq!(consumer.position(&topic, 0), Some(100), "{start:?}");
    }
    consumer.pause(&[(topic.clone(), 0)]);
    consumer.seek(&topic, 0, StartAt::Offset(98)).unwrap();
    assert_eq!(consumer.poll(Duration::from_millis(300)).await.unwrap(), []);
    consumer.resume(&[(topic.clone(), 0)]);
    assert_eq!(read(&consumer, 2).await[0].offset, 98);
}

/// What needs no waiting is taken at once; what does is not sent, and neither is what no batch may hold.
pub async fn try_send_never_waits(address: &str) {
    let client = client(address).await;
    let topic = topic(&client, "try-send", 1).await;
    let config = ProducerConfig { buffer_bytes: 40_000, ..ProducerConfig::default() };
    let producer = Producer::new(&client, config);
    assert!(producer.try_send(&text(&topic, "unknown")).is_none(), "the topic is not known yet");
    producer.send(text(&topic, "0")).await.unwrap().await.unwrap();
    let large = "x".repeat(10_000);
    let mut sent = 0;
    // Four fill the buffer, long before an answer makes room.
    while let Some(taken) = producer.try_send(&text(&topic, &large)) {
        drop(taken.unwrap());
        sent += 1;
        assert!(sent < 1000, "the buffer is never full");
    }
    let refused = producer.try_send(&text(&topic, &"x".repeat(50_000))).unwrap().unwrap_err();
    assert!(matches!(refused, ProduceError::TooLarge { limit: "buffer.memory", .. }), "{refused}");
    assert_eq!(producer.close().await.delivered, 1 + sent);
}

/// Records are deleted under a consumer: it goes where its policy says, or tells.
pub async fn deleted_records_reset_the_position(address: &str) {
    let client = client(address).await;
    let topic = topic(&client, "deleted", 1).await;
    let producer = Producer::new(&client, ProducerConfig::default());
    for n in 0..50 {
        drop(producer.send(text(&topic, &n.to_string())).await.unwrap());
    }
    producer.flush().await;
    let deleted = Admin::new(&client).delete_records(&[(topic.clone(), 0, 20)]).await.unwrap();
    assert_eq!(deleted[0].1.as_ref().unwrap(), &20);
    let config = ConsumerConfig { offset_reset: OffsetReset::Earliest, ..Default::default() };
    let consumer = Consumer::new(&client, config);
    consumer.assign(&[(topic.clone(), 0, StartAt::Offset(5))]);
    assert_eq!(read(&consumer, 30).await[0].offset, 20);
    let config = ConsumerConfig { offset_reset: OffsetReset::Error, ..Default::default() };
    let strict = Consumer::new(&client, config);
    strict.assign(&[(topic.clone(), 0, StartAt::Offset(5))]);
    let told = strict.poll(PATIENCE).await.unwrap_err();
    assert!(matches!(told, ConsumeError::OffsetOutOfRange { offset: 5, .. }), "{told}");
    strict.seek(&topic, 0, StartAt::Earliest).unwrap();
    assert_eq!(read(&strict, 30).await[0].offset, 20);
}

/// A topic is deleted and made anew under a live consumer and producer: both go on with the new one.
pub async fn a_recreated_topic_is_followed(address: &str) {
    let config = ClientConfig {
        bootstrap: vec![address.to_owned()],
        metadata_max_age: Duration::from_secs(1),
        ..ClientConfig::default()
    };
    let client = Client::connect(config).await.unwrap();
    let topic = topic(&client, "recreated", 1).await;
    let producer = Producer::new(&client, ProducerConfig::default());
    for n in 0..10 {
        producer.send(text(&topic, &format!("old {n}"))).await.unwrap().await.unwrap();
    }
    let config = ConsumerConfig { offset_reset: OffsetReset::Earliest, ..Default::default() };
    let consumer = Consumer::new(&client, config);
    consumer.assign(&[(topic.clone(), 0, StartAt::Earliest)]);
    assert_eq!(read(&consumer, 10).await.len(), 10);
    let admin = Admin::new(&client);
    admin.delete_topics(std::slice::from_ref(&topic)).await.unwrap()[0].1.clone().unwrap();
    let give_up_at = tokio::time::Instant::now() + PATIENCE;
    loop {
        let new = NewTopic { partitions: Some(1), ..NewTopic::new(topic.clone()) };
        let created = admin.create_topics(&[new], false).await.unwrap();
        match &created[0].1 {
            Ok(_) => break,
            Err(cause) => assert!(tokio::time::Instant::now() < give_up_at, "{cause}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for n in 0..3 {
        producer.send(text(&topic, &format!("new {n}"))).await.unwrap().await.unwrap();
    }
    let mut got = Vec::new();
    while got.len() < 3 {
        assert!(tokio::time::Instant::now() < give_up_at);
        // While the topic is gone the consumer says so.
        got.extend(consumer.poll(Duration::from_secs(1)).await.unwrap_or_default());
    }
    assert_eq!(values(&got), ["new 0", "new 1", "new 2"]);
}

/// A producer's first record makes its topic, where the broker allows it; idempotent, each codec in turn.
pub async fn a_topic_made_on_demand_carries_records(address: &str) {
    let bootstrap = vec![address.to_owned()];
    let config = ClientConfig { bootstrap, allow_auto_create: true, ..ClientConfig::default() };
    let client = Client::connect(config).await.unwrap();
    for (n, codec) in ["none", "gzip", "snappy", "lz4", "zstd"].into_iter().enumerate() {
        let topic = TopicName::new(&format!("on-demand-{n}")).unwrap();
        let compression = codec.parse().unwrap();
        let config = ProducerConfig { compression, ..ProducerConfig::default() };
        let producer = Producer::new(&client, config);
        for i in 0..2000 {
            drop(producer.send(text(&topic, &format!("value {i}"))).await.unwrap());
        }
        let totals = producer.close().await;
        assert_eq!((totals.delivered, totals.failed), (2000, 0), "{:?}", totals.first_error);
        let consumer = Consumer::new(&client, ConsumerConfig::default());
        consumer.assign(&[(topic.clone(), 0, StartAt::Earliest)]);
        let got = values(&read(&consumer, 2000).await);
        assert!(got.iter().enumerate().all(|(i, v)| *v == format!("value {i}")), "{codec}");
        assert_eq!(consumer.position(&topic, 0), Some(2000));
    }
}

/// A topic that is not there is told within seconds, not after `max.block.ms`.
pub async fn an_unknown_topic_is_told_soon(address: &str) {
    let client = client(address).await;
    let producer = Producer::new(&client, ProducerConfig::default());
    let started = tokio::time::Instant::now();
    let nowhere = TopicName::new("nowhere").unwrap();
    let told = producer.send(text(&nowhere, "x")).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert!(std::error::Error::source(&told).is_some_and(|c| c.to_string().contains("nowhere")));
}

/// Many partitions, keyed: each key's records stay together and in order, and all arrive.
pub async fn keys_keep_their_partition(address: &str) {
    let client = client(address).await;
    let topic = topic(&client, "keyed", 7).await;
    let producer = Producer::new(&client, ProducerConfig::default());
    let mut deliveries = Vec::new();
    for n in 0..5000 {
        let key = Some(Bytes::from(format!("key {}", n % 50)));
        let record = ProducerRecord { key, ..ProducerRecord::new(topic.clone(), n.to_string()) };
        deliveries.push(producer.send(record).await.unwrap());
    }
    for (n, delivery) in deliveries.into_iter().enumerate() {
        let hash = klog::client::murmur2(format!("key {}", n % 50).as_bytes());
        assert_eq!(delivery.await.unwrap().partition as u32, (hash & 0x7fff_ffff) % 7);
    }
    let consumer = Consumer::new(&client, ConsumerConfig::default());
    let all: Vec<_> = (0..7).map(|p| (topic.clone(), p, StartAt::Earliest)).collect();
    consumer.assign(&all);
    let got = read(&consumer, 5000).await;
    for p in 0..7 {
        let numbers = got.iter().filter(|r| r.partition == p);
        let numbers: Vec<u32> = numbers
            .map(|r| std::str::from_utf8(r.value.as_deref().unwrap()).unwrap().parse().unwrap())
            .collect();
        assert!(numbers.is_sorted(), "partition {p}");
    }
}

/// What the admin client creates, lists, changes and deletes is so.
pub async fn the_admin_client_sees_what_it_did(address: &str) {
    let client = client(address).await;
    let admin = Admin::new(&client);
    let name = topic(&client, "admin", 2).await;
    let again = NewTopic::new(name.clone());
    let refused = admin.create_topics(&[again], false).await.unwrap()[0].1.clone().unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::TopicAlreadyExists));
    let listed = admin.list_topics().await.unwrap();
    let listed = listed.iter().find(|t| t.name == name).unwrap();
    assert_eq!((listed.partitions, listed.replication_factor, listed.internal), (2, 1, false));
    let grown = admin.create_partitions(&[(name.clone(), 4)], false).await.unwrap();
    grown[0].1.clone().unwrap();
    let resource = ConfigResource::Topic(name.to_string());
    let change = ConfigChange {
        name: "retention.ms".into(),
        op: ConfigOp::Set,
        value: Some("12345".into()),
    };
    let changed = admin.alter_configs(&[(resource.clone(), vec![change])], false).await.unwrap();
    changed[0].1.clone().unwrap();
    // Kafka has done what it answered for a little later.
    let end = tokio::time::Instant::now() + Duration::from_secs(30);
    let has_logs = async || {
        let dirs = admin.describe_log_dirs().await.unwrap();
        dirs.iter().flat_map(|d| &d.partitions).filter(|p| p.topic == *name).count()
    };
    while has_logs().await != 4 {
        assert!(tokio::time::Instant::now() < end, "not all partitions have logs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let described = admin.describe_topics(std::slice::from_ref(&name)).await.unwrap();
    let described = described[0].1.clone().unwrap();
    assert_eq!((described.partitions.len(), described.id), (4, listed.id));
    loop {
        let configs = admin.describe_configs(std::slice::from_ref(&resource), false).await.unwrap();
        let configs = configs[0].1.clone().unwrap();
        let retention = configs.iter().find(|c| c.name == "retention.ms").unwrap();
        assert_eq!(retention.source, ConfigSource::Topic);
        if retention.value.as_deref() == Some("12345") {
            break;
        }
        assert!(tokio::time::Instant::now() < end, "it has {:?}", retention.value);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let cluster = admin.describe_cluster().await.unwrap();
    assert_eq!(cluster.brokers.len(), 1);
    assert!(!admin.describe_features().await.unwrap().apis.is_empty());
    assert_eq!(admin.list_reassignments().await.unwrap(), []);
    let producer = Producer::new(&client, ProducerConfig::default());
    producer.send(text(&name, "x")).await.unwrap().await.unwrap();
    let producers = admin.describe_producers(&[(name.clone(), 0)]).await.unwrap();
    assert_eq!(producers[0].1.as_ref().unwrap().len(), 1);
    let wanted = [
        (name.clone(), 0, OffsetSpec::Earliest),
        (name.clone(), 0, OffsetSpec::Latest),
        (name.clone(), 9, OffsetSpec::Latest),
    ];
    let offsets = admin.list_offsets(&wanted, Isolation::ReadUncommitted).await.unwrap();
    let found: Vec<_> = offsets.iter().map(|o| o.1.as_ref().ok().and_then(|o| o.offset)).collect();
    assert_eq!(found, [Some(0), Some(1), None]);
    admin.delete_topics(std::slice::from_ref(&name)).await.unwrap()[0].1.clone().unwrap();
}
