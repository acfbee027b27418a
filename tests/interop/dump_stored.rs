//! `klog dump-segment` beside Kafka's own classes where its dump tool does not reach: the files beside the batches, the records of its own
//! topics as its console consumer shows them, and a log that Kafka has compacted.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::consumer::{CommitMode, Consumer as _};
use serde_json::Value;

use crate::broker::Broker;
use crate::dump_agree::{Seen, decoded_agree, first_json, folder_agrees, klogs, within};
use crate::dump_segment::left_by_kafka;
use crate::groups::{member_with, settle};
use crate::librdkafka::{self, Admin};
use crate::peers::kafka_tool;
use crate::records::Record;

const CONSUMER: &str = "org.apache.kafka.tools.consumer";

/// All files in a folder and in those below it.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("listable").flatten() {
        match entry.path() {
            path if path.is_dir() => files.extend(files_below(&path)),
            path => files.push(path),
        }
    }
    files.sort();
    files
}

/// The files that Kafka has a class for each.
fn is_small(path: &&PathBuf) -> bool {
    let name = path.file_name().expect("a name").to_string_lossy();
    let whole = ["partition.metadata", "meta.properties", ".kafka_cleanshutdown", "quorum-state"];
    let end = ["-offset-checkpoint", "leader-epoch-checkpoint", ".snapshot"];
    whole.contains(&&*name) || end.iter().any(|end| name.ends_with(end))
}

/// What every data directory has whose broker stopped.
const SMALL: [&str; 7] = [
    "leader-epoch-checkpoint",
    "partition.metadata",
    "meta.properties",
    "recovery-point-offset-checkpoint",
    ".kafka_cleanshutdown",
    "quorum-state",
    "snapshot",
];

/// The small files in a data directory, and that there were those of every one and `own` ones.
pub fn small_files_agree(data: &Path, own: &[&str]) {
    let files = files_below(data);
    let files: Vec<&str> =
        files.iter().filter(is_small).map(|path| path.to_str().expect("UTF-8")).collect();
    let theirs = kafka_tool("SmallFiles", &files, b"").ok();
    let (last, others) = files.split_last().expect("there are files");
    let ours = klogs(Path::new(last), others);
    let mut counts = BTreeMap::<String, usize>::new();
    let mut said = BTreeMap::<&str, usize>::new();
    for line in theirs.lines() {
        let theirs: Value = serde_json::from_str(line).expect("a line is JSON");
        let file = theirs["file"].as_str().expect("a file");
        let of_it = ours.iter().filter(|ours| ours["file"] == file);
        // A checkpoint is read into a map, which has no order.
        assert!(of_it.clone().any(|ours| within(&theirs, ours)), "{line} of {of_it:#?}");
        let name = Path::new(file).file_name().expect("a name").to_string_lossy();
        let kind = if name.ends_with(".snapshot") { "snapshot" } else { &*name };
        *counts.entry(kind.to_owned()).or_default() += 1;
        *said
            .entry(files.iter().find(|it| **it == file).expect("it was asked for"))
            .or_default() += 1;
    }
    for file in files {
        let ours = ours.iter().filter(|ours| ours["file"] == file).count();
        // klog shows all fields of these, Kafka's classes tell of some.
        let is_json = file.ends_with("quorum-state") || file.ends_with(".kafka_cleanshutdown");
        assert!(is_json || said.get(file).copied().unwrap_or(0) == ours, "{file} has {ours} lines");
    }
    for kind in SMALL.iter().chain(own) {
        assert!(counts.contains_key(*kind), "no {kind} of {counts:?}");
    }
}

#[test]
fn the_small_files_of_a_kafka_say_what_its_own_classes_read_in_them() {
    let own = ["replication-offset-checkpoint", "cleaner-offset-checkpoint"];
    small_files_agree(left_by_kafka(), &own);
}

/// A group of KIP-848 that reads topics by a pattern.
pub fn group_of_the_new_protocol(broker: &Broker) {
    let one = member_with(broker, "new", "^codec.*", &[("group.protocol", "consumer")]);
    settle(&[&one], &[2]);
    let mut offsets = one.assignment().expect("it has partitions");
    offsets.set_all_offsets(rdkafka::Offset::Offset(0)).expect("they are set");
    one.commit(&offsets, CommitMode::Sync).expect("committed");
}

/// Makes a topic whose older segments the broker's cleaner has compacted.
pub fn compact(broker: &Broker) {
    let settings = [
        ("cleanup.policy", "compact"),
        ("segment.ms", "500"),
        ("min.cleanable.dirty.ratio", "0.01"),
    ];
    Admin::new(broker.address()).create("compacted", 1, &settings);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64;
    let folder = broker.data_dir().join("compacted-0");
    // Of one producer only the last batch stays, should it have lost its records.
    let producer = librdkafka::producer(broker.address(), "none");
    for round in 0..4 {
        let record = |at: i64| Record {
            partition: 0,
            offset: 0,
            timestamp: now - 60_000 + round * 1000 + at,
            key: Some(format!("key {}", at % 7).into_bytes()),
            value: (at % 5 != 0).then(|| format!("round {round}, record {at}").into_bytes()),
            headers: Vec::new(),
        };
        (0..30).for_each(|at| librdkafka::send(&producer, "compacted", &record(at)));
        librdkafka::flush(&producer);
    }
    let end = Instant::now() + Duration::from_secs(30);
    let first = folder.join("00000000000000000000.log");
    while klogs(&first, &["--records"]).len() >= 30 {
        assert!(Instant::now() < end, "it is not compacted\n{}", broker.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_log_that_kafka_has_compacted_is_told_as_its_dump_tool_tells_it_and_is_sound() {
    let mut seen = Seen::new();
    folder_agrees(&left_by_kafka().join("compacted-0"), &mut seen);
    assert!(seen.get("record").is_some_and(|count| *count < 4 * 30), "{seen:?}");
    assert_eq!(klogs(left_by_kafka(), &["--verify", "--deep"]), [] as [Value; 0]);
}

/// The records that a formatter of the console consumer shows, against klog's; gives how many there are.
fn shown_agree(file: &Path, formatter: &str) -> usize {
    let path = file.to_str().expect("UTF-8");
    let theirs = kafka_tool("Stored", &["show", path, &format!("{CONSUMER}.{formatter}")], b"");
    let ours = klogs(file, &["--records", "--isolation", "read_uncommitted"]);
    let mut count = 0;
    for line in theirs.ok().lines() {
        let (offset, shown) = line.split_once(' ').expect("an offset");
        let shown = first_json(shown).expect("JSON");
        let ours = ours
            .iter()
            .find(|ours| ours["offset"] == offset.parse::<i64>().expect("a number"))
            .expect("it is there");
        for half in ["key", "value"] {
            assert!(within(&shown[half], &ours[half]), "{line}\n{ours}");
        }
        count += 1;
    }
    count
}

/// The topics' folders, the dump tool's option for each, and the formatters of the console consumer.
const STORED: [(&str, &str, &[&str]); 3] = [
    (
        "__consumer_offsets-0",
        "--offsets-decoder",
        &["OffsetsMessageFormatter", "GroupMetadataMessageFormatter"],
    ),
    ("__transaction_state-0", "--transaction-log-decoder", &["TransactionLogMessageFormatter"]),
    (
        "__share_group_state-0",
        "--share-group-state-decoder",
        &["group.share.ShareGroupStateMessageFormatter"],
    ),
];

#[test]
fn every_kind_of_record_of_kafkas_own_topics_is_shown_as_its_consumer_and_its_dump_tool_show_it() {
    let made = tempfile::tempdir().expect("a folder");
    let folder = made.path().to_str().expect("UTF-8");
    kafka_tool("Stored", &["write", folder], b"").ok();
    for (topic, decoder, formatters) in STORED {
        let file = made.path().join(topic).join("00000000000000000000.log");
        assert!(decoded_agree(&file, decoder) > 3, "{topic}");
        for formatter in formatters {
            assert!(shown_agree(&file, formatter) > 2, "{formatter}");
        }
        let records = klogs(&file, &["--records"]);
        let undecoded = records.iter().find(|record| record.to_string().contains("\"hex\""));
        assert_eq!(undecoded, None);
    }
}

#[test]
fn groups_of_both_protocols_are_shown_as_kafka_shows_them() {
    let file = left_by_kafka().join("__consumer_offsets-0/00000000000000000000.log");
    assert!(decoded_agree(&file, "--offsets-decoder") > 8);
    assert!(shown_agree(&file, "OffsetsMessageFormatter") > 1);
    let records = klogs(&file, &["--records"]);
    let names: Vec<&str> = records.iter().filter_map(|it| it["value"]["name"].as_str()).collect();
    for name in ["MemberMetadata", "CurrentMemberAssignment", "RegularExpression"] {
        let name = format!("ConsumerGroup{name}Value");
        assert!(names.contains(&&*name), "no {name} in {names:?}");
    }
}
