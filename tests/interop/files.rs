//! klog's log room and Apache Kafka on one and the same files, without klog's broker between them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use klog::base::{LeaderEpoch, Millis, Offset, PartitionIndex, TopicId, TopicName, TopicPartition};
use klog::config::TopicConfig;
use klog::log::{FileCache, Log, LogDir, Recovered};
use klog::os::Os;
use klog::record::{
    Batch, BatchBuilder, BatchOptions, BatchProducer, Codec, Limits, Scratch, records,
    split_batches, validate_produced,
};
use tempfile::TempDir;

use crate::broker::Broker;
use crate::dump::{dump_folder, verify_indexes};
use crate::librdkafka::{self, Admin};
use crate::records::one_of_each;

const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

const EPOCH: LeaderEpoch = LeaderEpoch::ZERO;

fn open(data: &Path, segment_bytes: u32) -> (LogDir, Log, Recovered) {
    let os = Os::real();
    let files = Arc::new(FileCache::new(os.disk.clone(), 64));
    let dir = LogDir::open(&os, data, files).expect("the log directory opens");
    let config = Arc::new(TopicConfig { segment_bytes, ..TopicConfig::default() });
    let topic = TopicName::new("t").expect("a topic's name");
    let partition = TopicPartition { topic, partition: PartitionIndex::new(0) };
    let id = dir.partitions().expect("partitions are listed").into_iter();
    let id = id.filter(|found| found.partition == partition).find_map(|found| found.topic_id);
    let id = id.unwrap_or(TopicId([7; 16]));
    let (mut log, recovered) = dir.open_log(&partition, id, config).expect("the log opens");
    log.check_all().expect("what stood on disk is sound");
    (dir, log, recovered)
}

/// Appends batches of ten records with each codec in turn, as an idempotent producer would.
fn append(log: &mut Log, batches: i32, producer: i64) {
    let now = Os::real().clock.now();
    let mut scratch = Scratch::new();
    for n in 0..batches {
        let codec = CODECS[usize::try_from(n).expect("small") % CODECS.len()];
        let producer = BatchProducer { id: producer, epoch: 0, base_sequence: n * 10 };
        let mut builder =
            BatchBuilder::new(BatchOptions { codec, producer, ..BatchOptions::default() });
        for i in 0..10 {
            let value = format!("klog {n} {i} {}", "x".repeat(200));
            let header: [(&[u8], Option<&[u8]>); 1] = [(b"h", None)];
            // The youngest is neither the first record of its batch nor the last, and another one is as young.
            let past = [0, 3, 1, 4, 1, 4, 2, 0, 3, 1][i];
            let timestamp = now.0 + i64::from(n) * 5 + past;
            builder.append(timestamp, None, Some(value.as_bytes()), header).expect("fits");
        }
        let batch = Batch::new(builder.build().expect("a batch")).expect("a batch");
        let limits = Limits { now: Millis(now.0 + i64::from(n) * 5), ..Limits::default() };
        let checked = validate_produced(&batch, &limits, &mut scratch).expect("a sound batch");
        log.append(&batch, &checked, EPOCH, now).expect("appended");
    }
}

/// Leaves all as a clean stop does.
fn close(dir: LogDir, mut log: Log) {
    log.close().expect("the log closes");
    let of = |offset: Offset| BTreeMap::from([(log.partition().clone(), offset)]);
    let (points, starts) = (of(log.recovery_point()), of(log.start()));
    dir.write_checkpoints(&points.into_iter().collect(), &starts.into_iter().collect())
        .expect("checkpoints are written");
    dir.mark_clean(-1).expect("marked");
}

/// The offsets of all records.
fn offsets(log: &Log) -> Vec<i64> {
    let (mut at, mut found) = (log.start(), Vec::new());
    while at < log.end() {
        let slice = log.slice(at, log.end(), 1 << 20, true).expect("a slice");
        for part in &slice.slices {
            for batch in split_batches(part.read().expect("readable")) {
                let batch = batch.expect("whole");
                batch.check_crc().expect("intact");
                let records = records(&batch, 8 << 20).expect("readable");
                found.extend(records.map(|record| record.expect("sound").offset));
            }
        }
        at = Offset::new(found.last().expect("progress") + 1);
    }
    found
}

#[test]
fn kafkas_dump_tool_finds_no_fault_in_the_files_that_klog_writes() {
    let home = TempDir::new().expect("a temporary folder can be made");
    let (dir, mut log, _) = open(home.path(), 50_000);
    append(&mut log, 200, 5);
    close(dir, log);
    verify_indexes(&home.path().join("t-0"));
    let dumped = dump_folder(&home.path().join("t-0"));
    let by_time = dumped.lines().filter(|line| line.starts_with("timestamp: ")).count();
    assert!(by_time > 10, "{by_time} entries by time");
    assert!(dumped.matches("Log starting offset").count() >= 3, "several segments");
    assert!(dumped.contains("lastOffset: 1999"), "the last batch");
    for codec in CODECS {
        assert!(dumped.contains(&format!("compresscodec: {}", codec.name())), "{codec:?}");
    }
    assert!(dumped.contains("producerId: 5 producerEpoch: 0"), "the snapshot");
}

#[test]
fn klog_opens_what_a_killed_kafka_left() {
    let mut kafka = Broker::kafka();
    let settings = [("retention.ms", "-1"), ("segment.bytes", "1048576")];
    Admin::new(kafka.address()).create("t", 1, &settings);
    for codec in CODECS {
        librdkafka::produce(kafka.address(), "t", codec.name(), &one_of_each(0));
    }
    kafka.kill();
    let (_dir, log, recovered) = open(&kafka.data_dir(), 1 << 20);
    assert_eq!(recovered.cut_bytes, 0, "a killed process tears nothing");
    assert_eq!(offsets(&log), (0..5 * 509).collect::<Vec<i64>>());
    assert_eq!(log.producers().count(), 5);
}

#[test]
fn klog_and_kafka_write_to_one_partition_in_turns() {
    let mut kafka = Broker::kafka();
    Admin::new(kafka.address()).create("t", 1, &[("retention.ms", "-1")]);
    librdkafka::produce(kafka.address(), "t", "lz4", &one_of_each(0));
    kafka.stop();

    let (dir, mut log, recovered) = open(&kafka.data_dir(), 100_000);
    assert!(dir.was_clean());
    assert_eq!(recovered, Recovered::default(), "after a clean stop there is nothing to check");
    append(&mut log, 100, 900);
    close(dir, log);

    kafka.restart();
    librdkafka::produce(kafka.address(), "t", "zstd", &one_of_each(0));
    let read = librdkafka::consume(kafka.address(), "t", 1, 509 + 1000 + 509);
    let found: Vec<i64> = read.iter().map(|record| record.offset).collect();
    assert_eq!(found, (0..2018).collect::<Vec<i64>>());
    kafka.stop();
    dump_folder(&kafka.data_dir().join("t-0"));

    let (_dir, log, _) = open(&kafka.data_dir(), 100_000);
    assert_eq!(offsets(&log), (0..2018).collect::<Vec<i64>>());
}
