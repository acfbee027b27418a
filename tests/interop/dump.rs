//! Kafka's own dump tool on the files that the broker left behind.

use crate::broker::Broker;
use crate::peers::kafka_tool;

/// What DumpLogSegments says of damage. It exits with 0 all the same.
const DAMAGE: [&str; 8] = [
    "isvalid: false",
    "invalid bytes",
    "Mismatches",
    "mismatch",
    "out of order",
    "Exception",
    "don't match",
    "Found",
];

/// What DumpLogSegments prints of all segments and indexes of a partition; panics if it found damage.
pub fn dump(broker: &Broker, partition: &str) -> String {
    let folder = broker.data_dir().join(partition);
    let listed = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<String> = listed
        .map(|entry| entry.expect("a partition's folder is listable").path().display().to_string())
        .filter(|path| [".log", ".index", ".timeindex"].iter().any(|kind| path.ends_with(kind)))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no segment in {}", folder.display());
    let arguments = ["--deep-iteration", "--files", &files.join(",")];
    let dumped = kafka_tool("org.apache.kafka.tools.DumpLogSegments", &arguments, b"").ok();
    for damage in DAMAGE {
        assert!(!dumped.contains(damage), "{damage:?} in\n{dumped}");
    }
    dumped
}
