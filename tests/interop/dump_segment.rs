//! `klog dump-segment` beside Kafka's own DumpLogSegments, field by field, on files that Kafka wrote and on klog's.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;

use crate::broker::Broker;
use crate::dump_agree::{ALWAYS, batches_agree, directory_agrees, klogs, records_agree};
use crate::peers::kafka_tool;
use crate::{dump_stored, takeover};

/// Of what [`takeover::fill`] wrote: one transaction of three was aborted, one is open.
fn read_committed_shows_what_a_consumer_of_it_sees(data: &Path) {
    let values = |folder: &str, args: &[&str]| -> Vec<String> {
        let records = klogs(&data.join(folder), &[&["--records"], args].concat());
        records.iter().map(|record| record["value"].as_str().expect("a text").to_owned()).collect()
    };
    let all = ["--isolation", "read_uncommitted"];
    assert_eq!(values("tx-0", &[]), ["first", "last"]);
    assert_eq!(values("tx-0", &all), ["first", "never", "last"]);
    assert_eq!(values("open-0", &[]), [""; 0]);
    assert_eq!(values("open-0", &all), ["open"]);
    let overview = klogs(data, &[]);
    let open: Vec<&Value> = overview.iter().filter(|line| line["kind"] == "transaction").collect();
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!((&open[0]["topic"], &open[0]["transactional_id"]), (&"open".into(), &"u".into()));
    let group = overview.iter().find(|line| line["group"] == "g").expect("the group");
    assert_eq!((&group["topic"], &group["committed"]), (&"codecs".into(), &77.into()));
}

/// Few partitions of Kafka's own topics, dense indexes, snapshots after every change, and a cleaner and coordinators that do not wait.
const SETTINGS: [(&str, &str); 6] = [
    ("offsets.topic.num.partitions", "1"),
    ("transaction.state.log.num.partitions", "1"),
    ("log.index.interval.bytes", "100"),
    ("log.cleaner.backoff.ms", "50"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("metadata.log.max.record.bytes.between.snapshots", "1000"),
];

/// The data directory of an Apache Kafka that had transactions, a log to compact, and groups of both protocols, and was stopped.
pub fn left_by_kafka() -> &'static Path {
    static LEFT: LazyLock<(Broker, PathBuf)> = LazyLock::new(|| {
        let mut kafka = Broker::kafka_with(&SETTINGS);
        takeover::fill(&kafka);
        dump_stored::group_of_the_new_protocol(&kafka);
        dump_stored::compact(&kafka);
        kafka.stop();
        let data = kafka.data_dir();
        (kafka, data)
    });
    &LEFT.1
}

#[test]
fn what_is_told_of_a_kafkas_files_is_what_its_own_dump_tool_tells() {
    read_committed_shows_what_a_consumer_of_it_sees(left_by_kafka());
    let kinds = [&ALWAYS[..], &["aborted entry", "snapshot record"]].concat();
    directory_agrees(left_by_kafka(), &kinds);
    if std::env::var_os("KLOG_LONG").is_some() {
        let mut kafka = Broker::kafka_with(&SETTINGS);
        takeover::fill(&kafka);
        takeover::fill_again(&kafka);
        kafka.kill();
        directory_agrees(&kafka.data_dir(), &ALWAYS);
    }
}

#[test]
fn what_is_told_of_klogs_files_is_what_kafkas_dump_tool_and_classes_tell() {
    let mut klog = Broker::klog(None, &SETTINGS[..3]);
    takeover::fill(&klog);
    klog.stop();
    directory_agrees(&klog.data_dir(), &[&ALWAYS[..], &["aborted entry"]].concat());
    dump_stored::small_files_agree(&klog.data_dir(), &[]);
    klog.restart();
    takeover::fill_again(&klog);
    klog.kill();
    directory_agrees(&klog.data_dir(), &ALWAYS);
}

#[test]
fn files_of_every_message_format_are_told_as_kafkas_dump_tool_tells_them() {
    let made = tempfile::tempdir().expect("a folder");
    kafka_tool("Batches", &[made.path().to_str().expect("a path of letters")], b"").ok();
    let mut formats = BTreeMap::new();
    for file in fs::read_dir(made.path()).expect("listable") {
        let file = file.expect("an entry").path();
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let Some(format) = name.strip_prefix("kafka-").filter(|name| name.ends_with(".bin")) else {
            continue;
        };
        let base = if format.starts_with("control") { 10 } else { 1000 };
        let segment = made.path().join(format!("{format}-0/{base:020}.log"));
        fs::create_dir(segment.parent().expect("a folder")).expect("a folder is made");
        fs::copy(&file, &segment).expect("copied");
        assert!(batches_agree(&segment) > 0 && records_agree(&segment) > 0);
        *formats.entry(format.split('-').next().unwrap_or_default().to_owned()).or_insert(0) += 1;
    }
    let formats: Vec<String> = formats.into_keys().collect();
    assert_eq!(formats, ["control.bin", "v0", "v1", "v2"]);
}
