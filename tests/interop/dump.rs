//! Kafka's own dump tool on the files that the broker left behind.

use std::path::Path;

use crate::broker::Broker;
use crate::peers::kafka_tool;

/// What DumpLogSegments says of damage. It exits with 0 all the same.
const DAMAGE: [&str; 9] = [
    "isvalid: false",
    "invalid bytes",
    "Mismatches",
    "mismatch",
    "out of order",
    "Exception",
    "don't match",
    "Found",
    "not found in",
];

/// What DumpLogSegments prints of all files of a partition; panics if it found damage.
pub fn dump(broker: &Broker, partition: &str) -> String {
    dump_folder(&broker.data_dir().join(partition))
}

/// As [`dump`], of a partition's folder.
pub fn dump_folder(folder: &Path) -> String {
    dump_decoded(folder, &["--deep-iteration"])
}

/// As [`dump`], of the metadata log, its records decoded.
pub fn dump_metadata(broker: &Broker) -> String {
    let folder = broker.data_dir().join("__cluster_metadata-0");
    dump_decoded(&folder, &["--cluster-metadata-decoder"])
}

/// As [`dump`], of all partitions of `__consumer_offsets` that have something, their records decoded.
pub fn dump_offsets(broker: &Broker) -> String {
    let partitions = std::fs::read_dir(broker.data_dir()).expect("a data directory is listable");
    let mut all = String::new();
    for entry in partitions {
        let folder = entry.expect("a data directory is listable").path();
        let log = folder.join("00000000000000000000.log");
        let is_offsets = folder.to_string_lossy().contains("__consumer_offsets-");
        if is_offsets && log.metadata().is_ok_and(|log| log.len() > 0) {
            all.push_str(&dump_decoded(&folder, &["--offsets-decoder"]));
        }
    }
    all
}

/// Lets the tool look at a partition's indexes in its two other ways: as `--verify-index-only`, and as Kafka does at its start.
pub fn verify_indexes(folder: &Path) {
    let indexes = files_of(folder, &[".index", ".timeindex"]);
    dump_files(&indexes, &["--verify-index-only"]);
    let checked = dump_files(&indexes, &["--index-sanity-check"]);
    assert_eq!(checked.matches("passed sanity check").count(), indexes.len(), "{checked}");
}

fn dump_decoded(folder: &Path, how: &[&str]) -> String {
    dump_files(&files_of(folder, &KINDS), how)
}

/// The files in a partition's folder with these endings.
fn files_of(folder: &Path, kinds: &[&str]) -> Vec<String> {
    let listed = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<String> = listed
        .map(|entry| entry.expect("a partition's folder is listable").path().display().to_string())
        .filter(|path| kinds.iter().any(|kind| path.ends_with(kind)))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no segment in {}", folder.display());
    files
}

fn dump_files(files: &[String], how: &[&str]) -> String {
    let files = files.join(",");
    let arguments = [how, &["--files", &files]].concat();
    let dumped = kafka_tool("org.apache.kafka.tools.DumpLogSegments", &arguments, b"").ok();
    for damage in DAMAGE {
        assert!(!dumped.contains(damage), "{damage:?} in\n{dumped}");
    }
    dumped
}

/// What the tool can read.
const KINDS: [&str; 5] = [".log", ".index", ".timeindex", ".txnindex", ".snapshot"];
