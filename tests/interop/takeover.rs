//! One data directory, in turns: Apache Kafka's, klog's, and Apache Kafka's again.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use klog::base::TopicId;
use klog::wire::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use crate::broker::Broker;
use crate::dump::dump;
use crate::librdkafka::{self, Admin, config};
use crate::raw::Raw;
use crate::records::{Record, one_of_each};
use crate::transactions::{downgrade_transactions, until_stable};
use crate::transactor::Isolation;

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];
const WAIT: Duration = Duration::from_secs(30);
type Configs = &'static [(&'static str, &'static str)];
/// Topics that Kafka makes and klog takes over, with what is set of each.
const TOPICS: [(&str, i32, Configs); 4] = [
    ("codecs", 2, &[("retention.ms", "-1"), ("segment.bytes", "1048576")]),
    // Much too old for a klog that would delete by age.
    (
        "compact",
        1,
        &[
            ("cleanup.policy", "compact"),
            ("retention.ms", "1"),
            ("min.compaction.lag.ms", "9999999"),
        ],
    ),
    ("tx", 1, &[]),
    ("open", 1, &[]),
];

/// What clients are told of the topics: ids and what is set of each.
type Told = BTreeMap<String, (TopicId, BTreeMap<String, String>)>;

fn told(broker: &Broker, topics: &[&str]) -> Told {
    let mut raw = Raw::connect(broker.address());
    let mut of = |topic: &&str| {
        let id = raw.make_topic(topic);
        let resource = DescribeConfigsResource {
            resource_type: 2,
            resource_name: (*topic).into(),
            configuration_keys: None,
            ..Default::default()
        };
        let request = DescribeConfigsRequest { resources: vec![resource], ..Default::default() };
        let configs = raw.call(4, &request).results.remove(0).configs.into_iter();
        let own = configs.filter(|config| config.config_source == 1);
        let own = own
            .map(|config| (config.name.to_string(), config.value.unwrap_or_default().to_string()));
        (topic.to_string(), (id, own.collect()))
    };
    topics.iter().map(&mut of).collect()
}

/// The segments of all partitions, but those of Kafka's own topics, which it goes on writing.
fn segments(broker: &Broker) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for folder in fs::read_dir(broker.data_dir()).expect("listable") {
        let folder = folder.expect("an entry").path();
        let name = folder.file_name().expect("named").to_string_lossy().into_owned();
        if !folder.is_dir() || name.starts_with("__") || name.ends_with("-delete") {
            continue;
        }
        for file in fs::read_dir(&folder).expect("listable") {
            let file = file.expect("an entry").path();
            if file.extension().is_some_and(|kind| kind == "log") {
                let path = format!("{name}/{}", file.file_name().expect("named").to_string_lossy());
                found.insert(path, fs::read(&file).expect("readable"));
            }
        }
    }
    found
}

/// Every byte of `before` is there still, in its place.
fn assert_kept(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) {
    for (path, bytes) in before {
        let now = after.get(path).unwrap_or_else(|| panic!("{path} is gone"));
        assert!(now.starts_with(bytes), "{path} is not what it was");
    }
}

/// The values of all records of partition 0 that read_committed shows, until `count` came and no more follow.
fn values(broker: &Broker, topic: &str, count: usize) -> Vec<String> {
    let consumer = librdkafka::consumer(&config(broker.address()), topic, 1);
    let text =
        |record: Record| String::from_utf8_lossy(&record.value.unwrap_or_default()).into_owned();
    let mut found = Vec::new();
    while let Some(record) = librdkafka::next(
        &consumer,
        if found.len() < count { WAIT } else { Duration::from_millis(500) },
    ) {
        found.push(text(record));
    }
    found
}

fn transactional(broker: &Broker, id: &str) -> BaseProducer {
    let producer: BaseProducer =
        config(broker.address()).set("transactional.id", id).create().expect("a producer");
    producer.init_transactions(WAIT).expect("transactions begin");
    producer
}

fn begin(producer: &BaseProducer, topic: &str, value: &str) {
    producer.begin_transaction().expect("a transaction");
    let record = BaseRecord::<str, str>::to(topic).partition(0).payload(value);
    producer.send(record).map_err(|(error, _)| error).expect("taken");
    producer.flush(WAIT).expect("delivered");
}

/// Records that Kafka takes for a compacted topic.
fn keyed() -> Vec<Record> {
    one_of_each(0).into_iter().filter(|record| record.key.is_some()).collect()
}

/// What a Kafka has that lived: all codecs, deleted topics, groups, transactions.
pub fn fill(kafka: &Broker) {
    let admin = Admin::new(kafka.address());
    admin.create("gone", 1, &[]);
    admin.delete("gone");
    for (topic, partitions, configs) in TOPICS {
        admin.create(topic, partitions, configs);
        Raw::connect(kafka.address()).make_topic(topic);
    }
    for codec in CODECS {
        librdkafka::produce(kafka.address(), "codecs", codec, &one_of_each(0));
        librdkafka::produce(kafka.address(), "codecs", codec, &one_of_each(1));
        librdkafka::produce(kafka.address(), "compact", codec, &keyed());
    }
    let producer = transactional(kafka, "t");
    for (value, commit) in [("first", true), ("never", false), ("last", true)] {
        begin(&producer, "tx", value);
        match commit {
            true => producer.commit_transaction(WAIT).expect("committed"),
            false => producer.abort_transaction(WAIT).expect("aborted"),
        }
    }
    // Its producer is gone before it is ended.
    let producer = transactional(kafka, "u");
    begin(&producer, "open", "open");
    std::mem::forget(producer);
    committed(kafka, Some(77));
}

/// Some more of the same, once the topics are there.
pub fn fill_again(broker: &Broker) {
    for codec in CODECS {
        librdkafka::produce(broker.address(), "codecs", codec, &one_of_each(0));
    }
    let producer = transactional(broker, "t");
    begin(&producer, "tx", "never");
    producer.abort_transaction(WAIT).expect("aborted");
    committed(broker, Some(78));
}

/// Commits an offset of a group, or tells which one it committed.
fn committed(kafka: &Broker, commit: Option<i64>) -> i64 {
    let group: BaseConsumer =
        config(kafka.address()).set("group.id", "g").create().expect("a consumer");
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition("codecs", 0);
    if let Some(offset) = commit {
        offsets.set_partition_offset("codecs", 0, rdkafka::Offset::Offset(offset)).expect("set");
        group.commit(&offsets, CommitMode::Sync).expect("committed");
    }
    let told = group.committed_offsets(offsets, WAIT).expect("told");
    told.elements()[0].offset().to_raw().expect("an offset")
}

/// klog's turn: serves what is there, then appends, makes, changes, deletes.
fn live(klog: &Broker, before: &Told, files: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(&told(klog, &["codecs", "compact", "tx"]), before);
    assert_kept(files, &segments(klog));
    let records = CODECS.len() * one_of_each(0).len();
    let read = librdkafka::consume(klog.address(), "codecs", 2, 2 * records);
    assert_eq!(read.len(), 2 * records);
    let records = CODECS.len() * keyed().len();
    assert_eq!(librdkafka::consume(klog.address(), "compact", 1, records).len(), records);
    assert_eq!(values(klog, "tx", 2), ["first", "last"], "what was aborted is not shown");
    goes_on_with_open_transactions(klog, "u", "v");

    assert_eq!(committed(klog, None), 77, "the group's offset, which Kafka wrote");
    assert_eq!(committed(klog, Some(78)), 78);

    let admin = Admin::new(klog.address());
    librdkafka::produce(klog.address(), "codecs", "zstd", &one_of_each(0));
    librdkafka::produce(klog.address(), "compact", "lz4", &keyed());
    begin_plain(klog, "tx", "klog's");
    admin.create("passing", 1, &[]);
    admin.delete("passing");
    // Its records are older than any age that retention would keep.
    admin.create("klogs", 3, &[("retention.ms", "-1")]);
    librdkafka::produce(klog.address(), "klogs", "gzip", &one_of_each(2));
    admin.delete("compact");
}

/// What was left open by the producer `left` is seen by nobody who reads what is committed, and aborted when that producer comes
/// back. Another transaction is left open by the producer `leaves`.
fn goes_on_with_open_transactions(broker: &Broker, left: &str, leaves: &str) {
    let mut raw = Raw::connect(broker.address());
    let last = raw.end("open", 0, Isolation::Uncommitted);
    assert_eq!(raw.end("open", 0, Isolation::Committed), last - 1, "its one record is not stable");
    let producer = transactional(broker, left);
    until_stable(broker, "open", 1);
    begin(&producer, "open", left);
    producer.commit_transaction(WAIT).expect("committed");
    let producer = transactional(broker, leaves);
    begin(&producer, "open", leaves);
    std::mem::forget(producer);
}

fn begin_plain(broker: &Broker, topic: &str, value: &str) {
    let producer: BaseProducer = config(broker.address()).create().expect("a producer");
    let record = BaseRecord::<str, str>::to(topic).partition(0).payload(value);
    producer.send(record).map_err(|(error, _)| error).expect("taken");
    producer.flush(WAIT).expect("delivered");
}

/// One directory through three hands; `end` is how each of the first two lets go of it. The cluster's `transaction.version` is
/// Kafka's newest, or the one before.
fn in_turns(end: fn(&mut Broker), transactions_v1: bool) -> Broker {
    // A snapshot after every change: both read the other's.
    let settings = [
        ("offsets.topic.num.partitions", "1"),
        ("transaction.state.log.num.partitions", "1"),
        // What a klog that deleted by age would delete is gone by the time that it is read.
        ("log.retention.check.interval.ms", "100"),
        ("metadata.log.max.record.bytes.between.snapshots", "1000"),
    ];
    let mut broker = Broker::kafka_with(&settings);
    if transactions_v1 {
        downgrade_transactions(&broker);
    }
    fill(&broker);
    let before = told(&broker, &["codecs", "compact", "tx"]);
    end(&mut broker);
    let files = segments(&broker);

    broker.hand_over();
    live(&broker, &before, &files);
    let log = broker.log();
    // Kafka makes its checkpoints empty, and writes them later.
    assert!(!log.contains("the checkpoint cannot be read"), "{log}");
    let during = told(&broker, &["codecs", "tx", "klogs"]);
    end(&mut broker);
    let files = segments(&broker);
    let seen = broker.log().len();

    broker.hand_over();
    assert_eq!(told(&broker, &["codecs", "tx", "klogs"]), during);
    assert_eq!(during["codecs"], before["codecs"]);
    assert_eq!(values(&broker, "tx", 3), ["first", "last", "klog's"]);
    let records = one_of_each(0).len();
    assert_eq!(
        librdkafka::consume(broker.address(), "codecs", 2, 11 * records).len(),
        11 * records
    );
    assert_eq!(librdkafka::consume(broker.address(), "klogs", 3, records).len(), records);
    assert_eq!(committed(&broker, None), 78, "the group's offset, which klog wrote");
    goes_on_with_open_transactions(&broker, "v", "w");
    assert_eq!(values(&broker, "open", 2), ["u", "v"], "only what was committed");
    librdkafka::produce(broker.address(), "klogs", "zstd", &one_of_each(0));
    broker.stop();
    let after = segments(&broker);
    assert_kept(&files, &after);
    assert!(!after.keys().any(|path| path.starts_with("compact-") || path.starts_with("passing-")));
    let log = broker.log();
    for line in
        log[seen..].lines().filter(|line| line.contains(" ERROR ") || line.contains(" WARN "))
    {
        assert!(EXPECTED.iter().any(|known| line.contains(known)), "{line}");
    }
    broker
}

/// What Kafka says at every start, or of its own last stop.
const EXPECTED: [&str; 3] = [
    "Performing controller activation",
    "Attempting to close NetworkClient that has already been",
    // klog stops without giving up leadership: Kafka begins to load, elects itself anew, and loads again.
    "the partition is not online or is no longer the leader",
];

#[test]
fn klog_takes_over_from_a_kafka_that_stopped_and_hands_back() {
    let broker = in_turns(Broker::stop, false);
    let dumped = dump(&broker, "codecs-0");
    assert!(dumped.contains("compresscodec: zstd"));
}

#[test]
fn klog_takes_over_from_a_kafka_that_was_killed_and_is_killed_itself() {
    in_turns(Broker::kill, true);
}
