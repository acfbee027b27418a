//! Compacted topics: the last value of every key survives compaction, kill -9 and a change of hands; `__consumer_offsets` stays
//! small; records without a key are refused.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use klog::record::{BatchBuilder, BatchOptions};
use klog::wire::find_coordinator::FindCoordinatorRequest;

use crate::broker::Broker;
use crate::dump::dump;
use crate::librdkafka::{self, Admin, config, consumer};
use crate::offsets::Commit;
use crate::raw::Raw;
use crate::records::Record;

const DEADLINE: Duration = Duration::from_secs(60);
/// Kafka takes no smaller segments.
const SEGMENT: &str = "1048576";
const KEYS: usize = 50;
const COMPACT: [(&str, &str); 3] = [
    ("cleanup.policy", "compact"),
    ("segment.bytes", SEGMENT),
    ("min.cleanable.dirty.ratio", "0.01"),
];
/// Cleaners that do not wait long.
const EAGER: [(&str, &str); 3] = [
    ("log.cleaner.backoff.ms", "50"),
    ("log.flush.interval.ms", "50"),
    ("offsets.topic.num.partitions", "1"),
];

/// Writes `count` records of about 1 KB under 50 keys; every seventh deletes its key. Gives the last value of each key.
fn write(
    broker: &Broker,
    codec: &str,
    first: usize,
    count: usize,
) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
    let mut last = BTreeMap::new();
    let records: Vec<Record> = (first..first + count)
        .map(|at| {
            let key = format!("key {}", at * 31 % KEYS).into_bytes();
            // Not to be compressed away.
            let noise = |byte: u64| ((at as u64 * 1000 + byte) * 2_654_435_761 % 1_000_003) as u32;
            let value = (at % 7 != 0)
                .then(|| (0..250).flat_map(|byte| noise(byte).to_be_bytes()).collect::<Vec<u8>>());
            last.insert(key.clone(), value.clone());
            Record {
                partition: 0,
                offset: 0,
                timestamp: 0,
                key: Some(key),
                value,
                headers: Vec::new(),
            }
        })
        .collect();
    librdkafka::produce(broker.address(), "t", codec, &records);
    last
}

/// The last value of each key, as a consumer finds it that reads all there is.
fn read(broker: &Broker) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
    let last = Raw::connect(broker.address()).latest("t") - 1;
    let consumer = consumer(config(broker.address()).set("check.crcs", "true"), "t", 1);
    let (mut found, mut before, end) = (BTreeMap::new(), -1, Instant::now() + DEADLINE);
    while before < last {
        assert!(Instant::now() < end, "only up to {before} of {last}");
        let Some(record) = librdkafka::next(&consumer, Duration::from_millis(100)) else {
            continue;
        };
        assert!(record.offset > before, "offsets ascend");
        before = record.offset;
        found.insert(record.key.expect("a key"), record.value);
    }
    found
}

fn log_bytes(broker: &Broker, partition: &str) -> u64 {
    let entries = fs::read_dir(broker.data_dir().join(partition)).expect("a folder");
    let logs =
        entries.flatten().filter(|entry| entry.path().extension().is_some_and(|end| end == "log"));
    logs.map(|entry| entry.metadata().map_or(0, |it| it.len())).sum()
}

/// Waits until a partition has become as small as it should.
fn until_smaller_than(broker: &Broker, partition: &str, bytes: u64) {
    let end = Instant::now() + DEADLINE;
    while log_bytes(broker, partition) >= bytes {
        assert!(
            Instant::now() < end,
            "{} bytes are left\n{}",
            log_bytes(broker, partition),
            broker.log()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Tombstones that were compacted away say the same as those that are there.
fn living(all: BTreeMap<Vec<u8>, Option<Vec<u8>>>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

#[test]
fn the_last_value_of_every_key_survives_compaction_and_kill_9() {
    let mut broker = Broker::with(&EAGER);
    Admin::new(broker.address()).create("t", 1, &COMPACT);
    let mut last = write(&broker, "none", 0, 4000);
    for (round, codec) in ["gzip", "snappy", "lz4", "zstd"].into_iter().enumerate() {
        broker.kill();
        broker.restart();
        last.extend(write(&broker, codec, 4000 + round * 3000, 3000));
    }
    until_smaller_than(&broker, "t-0", 2_400_000);
    assert_eq!(living(read(&broker)), living(last.clone()));
    broker.kill();
    broker.restart();
    assert_eq!(living(read(&broker)), living(last));
    broker.stop();
    // Kafka's time index names batches that compaction left without a record; its own tool reports them.
    if broker.is_klog() {
        let dumped = dump(&broker, "t-0");
        assert!(dumped.contains("baseOffset"), "{dumped}");
    }
}

#[test]
fn kafka_goes_on_with_what_klog_compacted() {
    let mut broker = Broker::kafka_with(&EAGER);
    Admin::new(broker.address()).create("t", 1, &COMPACT);
    let mut last = write(&broker, "lz4", 0, 2500);
    broker.stop();
    broker.hand_over();
    last.extend(write(&broker, "zstd", 2500, 4000));
    until_smaller_than(&broker, "t-0", 2_000_000);
    assert_eq!(living(read(&broker)), living(last.clone()));
    broker.stop();
    dump(&broker, "t-0");
    broker.hand_over();
    // Kafka listens before it knows its high watermark.
    let end = Instant::now() + Duration::from_secs(30);
    while read(&broker).is_empty() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(living(read(&broker)), living(last.clone()));
    last.extend(write(&broker, "none", 6500, 3000));
    assert_eq!(living(read(&broker)), living(last));
}

#[test]
fn consumer_offsets_stay_small_and_groups_are_right_after_a_kill() {
    let mut broker =
        Broker::with(&[&EAGER[..], &[("offsets.topic.segment.bytes", SEGMENT)]].concat());
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("t");
    let groups = 5;
    let metadata = &"m".repeat(2000);
    let mut commit = |offset: i64| {
        let group = &format!("g{}", offset % groups);
        raw.commit(&Commit { group, offset, metadata, ..Commit::default() })
    };
    // A group's coordinator is made when it is asked for, and may have to be loaded.
    let find = FindCoordinatorRequest { coordinator_keys: vec!["g0".into()], ..Default::default() };
    Raw::connect(broker.address()).call(4, &find);
    let end = Instant::now() + DEADLINE;
    while commit(0) != 0 {
        assert!(Instant::now() < end, "no coordinator");
        std::thread::sleep(Duration::from_millis(20));
    }
    for at in 1..4000 {
        assert_eq!(commit(at), 0);
    }
    // Two segments at most: what is active, and what was compacted.
    until_smaller_than(&broker, "__consumer_offsets-0", 2_200_000);
    broker.kill();
    broker.restart();
    let mut raw = Raw::connect(broker.address());
    for at in 4000 - groups..4000 {
        let group = format!("g{}", at % groups);
        let found = loop {
            assert!(Instant::now() < end + DEADLINE, "the groups are not loaded");
            if let Ok((found, _)) = raw.committed(&group, 0) {
                break found;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        assert_eq!(found, at);
    }
}

#[test]
fn a_compacted_topic_refuses_records_without_a_key_and_names_them() {
    let broker = Broker::start();
    Admin::new(broker.address()).create("t", 1, &COMPACT);
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("t");
    let batch = |keys: &[Option<&[u8]>]| {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        for key in keys {
            builder.append(1_700_000_000_000, *key, Some(b"v"), []).expect("it fits");
        }
        builder.build().expect("records")
    };
    let refused = raw.produce("t", &batch(&[Some(b"k"), None]));
    assert_eq!((refused.error_code, refused.base_offset), (87, -1), "INVALID_RECORD");
    let indexes: Vec<i32> = refused.record_errors.iter().map(|error| error.batch_index).collect();
    assert_eq!(indexes, [1]);
    assert_eq!(raw.produce("t", &batch(&[Some(b"k")])).error_code, 0);
    assert_eq!(raw.latest("t"), 1);
}
