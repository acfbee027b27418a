//! Batches that Kafka's own Java code writes are read here, and klog's are read by it: `tests/peers/java/Batches.java`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use bytes::Bytes;
use klog::base::{LeaderEpoch, Millis, Offset, TopicId};
use klog::record::control::{ControlRecord, LeaderChange, Voter};
use klog::record::{
    AnyBatch, Batch, BatchOptions, BatchProducer, Codec, Limits, Record, Scratch, Stamp,
    TimestampType, recompress, split_any, split_batches, validate_produced,
};

use crate::sample::{CAP, build, read, sample};

const PRODUCER: BatchProducer = BatchProducer { id: 4000, epoch: 3, base_sequence: 17 };

#[test]
fn kafka_and_klog_read_each_others_batches_alike() {
    let mut seen = 0;
    for (name, set) in FILES.iter().filter(|(name, _)| name.ends_with(".bin")) {
        let theirs = file(&name.replace(".bin", ".txt"));
        let theirs = str::from_utf8(&theirs).expect("it is text");
        let ours = read_set(set.clone());
        assert!(ours == theirs, "{name}:\n{ours}\nbut Kafka reads\n{theirs}");
        seen += 1;
    }
    assert_eq!(
        seen,
        (4 + 8 + 10 + 1) + (10 + 1),
        "every format, codec and timestamp type, theirs and ours"
    );
}

#[test]
fn a_fetch_across_formats_reads_on_and_drops_only_the_torn_end() {
    let sets = ["kafka-v0-lz4-CreateTime.bin", "kafka-v1-gzip-LogAppendTime.bin"].map(file);
    let last = file("kafka-v2-snappy-CreateTime.bin");
    let all = Bytes::from([&sets[0][..], &sets[1], &last].concat());
    let count = |bytes: Bytes| -> usize {
        split_any(bytes)
            .map(|batch| batch.expect("whole").records(CAP).expect("sound").count())
            .sum()
    };
    assert_eq!(count(all.clone()), 180);
    for cut in [1, last.len() - 1, last.len() - 17] {
        assert_eq!(count(all.slice(..all.len() - cut)), 120);
    }
}

#[test]
fn batches_of_kafkas_producer_code_pass_as_produced() {
    for codec in Codec::ALL {
        let batch = file(&format!("kafka-v2-{codec}-CreateTime.bin"));
        let batch = Batch::new(batch).expect("a batch");
        let limits = Limits { now: Millis(1_700_000_000_000), ..Limits::default() };
        let checked = validate_produced(&batch, &limits, &mut Scratch::new()).expect("sound");
        assert_eq!(checked.max_timestamp.0, batch.header().max_timestamp);
    }
}

/// All files after one run of Java: its own, klog's, and what it read in either.
static FILES: LazyLock<BTreeMap<String, Bytes>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    write_ours(folder.path());
    run_java(folder.path());
    let files = fs::read_dir(folder.path()).expect("a folder");
    files
        .map(|file| {
            let path = file.expect("a file").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, Bytes::from(fs::read(path).expect("a file")))
        })
        .collect()
});

fn file(name: &str) -> Bytes {
    FILES.get(name).unwrap_or_else(|| panic!("{name} was not written")).clone()
}

/// What klog writes: built, stamped, compressed anew, and control batches.
fn write_ours(folder: &Path) {
    for codec in Codec::ALL {
        let records = sample(300, 70);
        let options =
            BatchOptions { codec, producer: PRODUCER, base_offset: 70, ..BatchOptions::default() };
        let batch = build(options, &records);
        save(folder, &format!("klog-{codec}"), batch.bytes());

        let other = recompress(&batch, Codec::Zstd, Some(1), CAP).expect("sound");
        let mut header = other.header_bytes();
        Stamp {
            base_offset: Offset::new(5_000_000_000),
            leader_epoch: LeaderEpoch::new(9),
            log_append_time: Some(Millis(1_800_000_000_000)),
            max_timestamp: Millis(0),
        }
        .apply(&mut header, &other.payload());
        save(folder, &format!("klog-{codec}-stamped"), &[&header[..], &other.payload()].concat());
    }
    let batches: Vec<Bytes> = control_records()
        .into_iter()
        .enumerate()
        .map(|(at, record)| control_batch(&record, 10 + at as i64))
        .collect();
    save(folder, "klog-control", &batches.concat());
}

/// The same that `Batches.java` writes.
fn control_records() -> Vec<ControlRecord> {
    let mut directory = [0; 16];
    (directory[7], directory[15]) = (1, 2);
    vec![
        ControlRecord::Abort { coordinator_epoch: 8 },
        ControlRecord::Commit { coordinator_epoch: 9 },
        ControlRecord::LeaderChange(LeaderChange {
            version: 0,
            leader_id: 1,
            voters: vec![(1, TopicId::ZERO), (2, TopicId::ZERO)],
            granting_voters: vec![(2, TopicId::ZERO)],
        }),
        ControlRecord::SnapshotHeader { last_contained_log_timestamp: Millis(1_699_999_999_999) },
        ControlRecord::KraftVersion { version: 1 },
        ControlRecord::Voters(vec![Voter {
            id: 1,
            directory_id: TopicId(directory),
            endpoints: vec![("CONTROLLER".to_owned(), "localhost".to_owned(), 65_535)],
            kraft_versions: (0, 1),
        }]),
        ControlRecord::SnapshotFooter,
    ]
}

fn control_batch(record: &ControlRecord, offset: i64) -> Bytes {
    let producer = match record {
        ControlRecord::Abort { .. } | ControlRecord::Commit { .. } => {
            BatchProducer { id: 4000, epoch: 2, base_sequence: -1 }
        }
        _ => BatchProducer::NONE,
    };
    record.batch(offset, 3, Millis(1_700_000_000_000), producer).expect("it builds")
}

#[test]
fn control_batches_are_byte_for_byte_kafkas() {
    let theirs = split_batches(file("kafka-control.bin"));
    let batches: Vec<Batch> = theirs.collect::<Result<_, _>>().expect("batches");
    assert_eq!(batches.len(), control_records().len());
    for (batch, record) in batches.iter().zip(control_records()) {
        assert_eq!(
            *batch.bytes(),
            control_batch(&record, batch.header().base_offset),
            "{record:?}"
        );
        let inside = &read(batch)[0];
        let parsed = ControlRecord::parse(inside.key.as_ref(), inside.value.as_ref());
        assert_eq!(parsed, Ok(record));
    }
}

/// klog's reading of a set, in the words of `Batches.java`.
fn read_set(set: Bytes) -> String {
    let mut out = String::new();
    for batch in split_any(set) {
        let batch = batch.expect("whole batches");
        batch.check_crc().expect("the CRC is right");
        if let AnyBatch::Batch(batch) = &batch {
            put_batch(&mut out, batch);
        }
        let records = batch.records(CAP).expect("sound");
        records.for_each(|record| put_record(&mut out, &record.expect("sound")));
    }
    out
}

fn put_batch(out: &mut String, batch: &Batch) {
    let header = batch.header();
    let kind = match header.timestamp_type() {
        TimestampType::CreateTime => "CreateTime",
        TimestampType::LogAppendTime => "LogAppendTime",
    };
    writeln!(
        out,
        "batch|{}|{}|{}|{}|{}|{}|{}|{}|{}|{kind}|{}|{}",
        header.base_offset,
        header.last_offset(),
        header.record_count,
        header.codec().expect("a codec"),
        header.producer_id,
        header.producer_epoch,
        header.base_sequence,
        header.is_transactional(),
        header.is_control(),
        header.max_timestamp,
        header.partition_leader_epoch,
    )
    .expect("memory");
}

fn put_record(out: &mut String, record: &Record) {
    let headers: Vec<String> = record
        .headers
        .iter()
        .map(|header| format!("{}={}", hex(Some(&header.key)), hex(header.value.as_ref())))
        .collect();
    let (key, value) = (hex(record.key.as_ref()), hex(record.value.as_ref()));
    let headers = headers.join(",");
    writeln!(out, "{}|{}|{key}|{value}|{headers}", record.offset, record.timestamp)
        .expect("memory");
}

fn hex(bytes: Option<&Bytes>) -> String {
    match bytes {
        None => "-".to_owned(),
        Some(bytes) => bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")),
    }
}

fn save(folder: &Path, name: &str, bytes: &[u8]) {
    fs::write(folder.join(name).with_extension("bin"), bytes).expect("the folder is writable");
}

fn run_java(folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let libs = std::env::var_os("KLOG_KAFKA_LIBS")
        .map_or_else(|| root.join("target/peers/kafka-4.3.1/libs"), PathBuf::from);
    assert!(libs.is_dir(), "{} is missing; tests/run fetches it", libs.display());
    let output = Command::new("java")
        .arg("-cp")
        .arg(libs.join("*"))
        .arg(root.join("tests/peers/java/Batches.java"))
        .arg(folder)
        .output()
        .expect("java runs; tests/run installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
