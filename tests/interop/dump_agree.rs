//! What `klog dump-segment` prints against what Kafka's own DumpLogSegments does, field by field.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::peers::kafka_tool;

const DUMPER: &str = "org.apache.kafka.tools.DumpLogSegments";

/// What klog prints of a file, a JSON object a line.
pub fn klogs(file: &Path, args: &[&str]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_klog"));
    command.arg("dump-segment").args(args).args(["--format", "json"]).arg(file);
    let output = command.output().expect("klog runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {said}", file.display());
    let text = String::from_utf8(output.stdout).expect("it prints UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

/// What Kafka prints of a file, a line each.
pub fn kafkas(file: &Path, args: &[&str]) -> Vec<String> {
    let path = file.display().to_string();
    let printed = kafka_tool(DUMPER, &[args, &["--files", &path]].concat(), b"").ok();
    printed.lines().map(str::to_owned).collect()
}

/// `name: value name: value …`; a value in brackets may have spaces.
fn fields(line: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = line.trim_start_matches("| ").trim();
    while let Some((name, after)) = rest.split_once(": ") {
        let value = match after.strip_prefix('[') {
            Some(list) => &after[..list.find(']').map_or(after.len(), |end| end + 2)],
            None => after.split(' ').next().unwrap_or_default(),
        };
        found.insert(name.trim().to_owned(), value.to_owned());
        rest = &after[value.len()..];
    }
    found
}

/// A number as Kafka prints it, which has -1 for none.
pub fn number(value: &Value) -> String {
    match value {
        Value::Null => "-1".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[track_caller]
fn same(file: &Path, line: &str, theirs: &BTreeMap<String, String>, name: &str, ours: String) {
    assert_eq!(theirs.get(name), Some(&ours), "{name} in {}\n{line}", file.display());
}

/// The batches of a file; gives how many there are.
pub fn batches_agree(file: &Path) -> usize {
    let lines = kafkas(file, &[]);
    let theirs: Vec<&String> = lines.iter().filter(|line| line.contains(" isvalid: ")).collect();
    let ours = klogs(file, &["--batches", "--deep"]);
    assert_eq!(ours.len(), theirs.len(), "{}\n{lines:#?}", file.display());
    for (ours, line) in ours.iter().zip(theirs) {
        let theirs = fields(line);
        let check = |name: &str, ours: String| same(file, line, &theirs, name, ours);
        let of = |name: &str| number(&ours[name]);
        check("position", of("position"));
        check("size", of("size"));
        check("magic", of("magic"));
        check("compresscodec", of("codec"));
        check("crc", of("crc"));
        check("isvalid", of("crc_valid"));
        let kind = match ours["timestamp_type"].as_str() {
            Some("append") => "LogAppendTime",
            Some(_) => "CreateTime",
            None => "NoTimestampType",
        };
        check(kind, of("max_timestamp"));
        if ours["magic"] != 2 {
            check("offset", of("last_offset"));
            continue;
        }
        check("baseOffset", of("base_offset"));
        check("lastOffset", of("last_offset"));
        check("count", of("count"));
        check("baseSequence", of("base_sequence"));
        check("lastSequence", of("last_sequence"));
        check("producerId", of("producer_id"));
        check("producerEpoch", of("producer_epoch"));
        check("partitionLeaderEpoch", of("leader_epoch"));
        check("isTransactional", of("transactional"));
        check("isControl", of("control"));
        let horizon = match &ours["delete_horizon_ms"] {
            Value::Null => "OptionalLong.empty".to_owned(),
            at => format!("OptionalLong[{at}]"),
        };
        check("deleteHorizonMs", horizon);
    }
    ours.len()
}

/// How many bytes a key or a value has; -1 for null.
fn length(record: &Value, name: &str) -> String {
    use base64::Engine as _;
    let packed = &record[format!("{name}_base64")];
    match (&record[name], packed) {
        (Value::String(text), _) => text.len().to_string(),
        (_, Value::String(packed)) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(packed);
            bytes.expect("base64").len().to_string()
        }
        _ => "-1".to_owned(),
    }
}

/// The records of a file, control records too; gives how many there are.
pub fn records_agree(file: &Path) -> usize {
    let lines = kafkas(file, &["--deep-iteration"]);
    let theirs: Vec<&String> = lines.iter().filter(|line| line.starts_with("| ")).collect();
    let args = ["--records", "--raw", "--control", "--isolation", "read_uncommitted"];
    let ours = klogs(file, &args);
    assert_eq!(ours.len(), theirs.len(), "{}\n{lines:#?}", file.display());
    for (ours, line) in ours.iter().zip(theirs) {
        let theirs = fields(line);
        let check = |name: &str, ours: String| same(file, line, &theirs, name, ours);
        check("offset", number(&ours["offset"]));
        let time = ["CreateTime", "LogAppendTime", "NoTimestampType"].into_iter();
        let time = time.filter_map(|kind| theirs.get(kind)).next().expect("a timestamp");
        assert_eq!(time, &number(&ours["timestamp"]), "{line}");
        match &ours["control"] {
            Value::Null => {
                check("keySize", length(ours, "key"));
                check("valueSize", length(ours, "value"));
                if let Some(keys) = theirs.get("headerKeys") {
                    let headers = ours["headers"].as_array().expect("headers").iter();
                    let names: Vec<&str> = headers.filter_map(|it| it["key"].as_str()).collect();
                    assert_eq!(keys, &format!("[{}]", names.join(",")), "{line}");
                }
            }
            control => {
                let kind = control["type"].as_str().expect("a type");
                match kind {
                    "commit" | "abort" => {
                        check("endTxnMarker", kind.to_uppercase());
                        check("coordinatorEpoch", number(&control["coordinator_epoch"]));
                    }
                    // Kafka's words are `LeaderChange: {…}` and its like.
                    other => {
                        let words: String = other.split('_').collect();
                        assert!(line.to_lowercase().replace(' ', "").contains(&words), "{line}");
                    }
                }
            }
        }
    }
    ours.len()
}

/// Kafka's names in ours: `topicId` as `topic_id`.
pub fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

/// Whether all that Kafka says is said by klog too.
pub fn within(theirs: &Value, ours: &Value) -> bool {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => theirs.iter().all(|(name, theirs)| {
            let name = snake(name);
            let packed = ours.get(&format!("{name}_base64"));
            packed.or(ours.get(&name)).is_some_and(|ours| within(theirs, ours))
        }),
        (Value::Array(theirs), Value::Array(ours)) => {
            theirs.len() == ours.len() && theirs.iter().zip(ours).all(|(a, b)| within(a, b))
        }
        _ => theirs == ours,
    }
}

/// The first JSON value of a text.
pub fn first_json(text: &str) -> Option<Value> {
    serde_json::Deserializer::from_str(text).into_iter().next()?.ok()
}

/// The decoded records of one of Kafka's own topics; gives how many there are.
pub fn decoded_agree(file: &Path, decoder: &str) -> usize {
    let lines = kafkas(file, &[decoder]);
    let said = |line: &&String| line.starts_with("| ") && line.contains("payload: ");
    let theirs: Vec<&String> = lines.iter().filter(said).collect();
    let ours = klogs(file, &["--records", "--isolation", "read_uncommitted"]);
    assert_eq!(ours.len(), theirs.len(), "{}\n{lines:#?}", file.display());
    for (ours, line) in ours.iter().zip(theirs) {
        let payload = line.split_once("payload: ").and_then(|(_, rest)| first_json(rest));
        let Some(payload) = payload else {
            assert!(line.ends_with("<DELETE>") || line.ends_with("null"), "{line}");
            assert_eq!(ours["value"], Value::Null, "{line}");
            continue;
        };
        assert!(within(&payload["data"], &ours["value"]["data"]), "{line}\n{ours}");
        let version = number(&payload["version"]);
        assert_eq!(version, number(&ours["value"]["version"]), "{line}");
        if let Some((_, rest)) = line.split_once(" key: ")
            && let Some(key) = first_json(rest)
        {
            assert!(within(&key["data"], &ours["key"]["data"]), "{line}\n{ours}");
            assert_eq!(number(&key["type"]), number(&ours["key"]["type"]), "{line}");
        }
    }
    ours.len()
}

/// Every entry of an index or a snapshot; gives how many there are.
fn entries_agree(file: &Path, names: &[(&str, &str)]) -> usize {
    let lines = kafkas(file, &[]);
    let first = format!("{}: ", names[0].0);
    let theirs: Vec<&String> = lines.iter().filter(|line| line.starts_with(&first)).collect();
    let ours = klogs(file, &[]);
    // A killed Kafka's index is zeros where it has no entry yet. The first of them Kafka's tool takes for one.
    let is_zero = fs::read(file).expect("readable").iter().all(|byte| *byte == 0);
    if is_zero && ours.is_empty() && theirs.len() <= 1 {
        return 0;
    }
    assert_eq!(ours.len(), theirs.len(), "{}\n{lines:#?}", file.display());
    for (ours, line) in ours.iter().zip(theirs) {
        let theirs = fields(line);
        for (name, own) in names {
            let value = theirs.get(*name).map(|value| match value.as_str() {
                "None" | "OptionalLong.empty" | "Optional.empty" => "-1".to_owned(),
                some => some.trim_start_matches("OptionalLong[").trim_end_matches(']').to_owned(),
            });
            assert_eq!(value, Some(number(&ours[own])), "{name} in {}\n{line}", file.display());
        }
    }
    ours.len()
}

const OFFSETS: [(&str, &str); 2] = [("offset", "offset"), ("position", "position")];
const TIMES: [(&str, &str); 2] = [("timestamp", "timestamp"), ("offset", "offset")];
const ABORTED: [(&str, &str); 5] = [
    ("version", "version"),
    ("producerId", "producer_id"),
    ("firstOffset", "first_offset"),
    ("lastOffset", "last_offset"),
    ("lastStableOffset", "last_stable_offset"),
];
const PRODUCERS: [(&str, &str); 8] = [
    ("producerId", "producer_id"),
    ("producerEpoch", "producer_epoch"),
    ("coordinatorEpoch", "coordinator_epoch"),
    ("currentTxnFirstOffset", "transaction_start"),
    ("lastTimestamp", "timestamp"),
    ("lastSequence", "last_sequence"),
    ("lastOffset", "last_offset"),
    ("offsetDelta", "offset_delta"),
];

/// How much of each kind of file was compared.
pub type Seen = BTreeMap<&'static str, usize>;

/// All files in a folder.
pub fn folder_agrees(folder: &Path, seen: &mut Seen) {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("listable")
        .map(|file| file.expect("an entry").path())
        .collect();
    files.sort();
    let topic = folder.file_name().expect("a name").to_string_lossy().into_owned();
    for file in files {
        let is_empty = file.metadata().is_ok_and(|it| it.len() == 0);
        let kind = file.extension().and_then(|kind| kind.to_str()).unwrap_or_default().to_owned();
        let (kind, count) = match kind.as_str() {
            _ if is_empty => continue,
            "log" => {
                *seen.entry("record").or_default() += records_agree(&file);
                ("batch", batches_agree(&file))
            }
            "checkpoint" => ("snapshot record", decoded_agree(&file, "--cluster-metadata-decoder")),
            "index" => ("offset entry", entries_agree(&file, &OFFSETS)),
            "timeindex" => ("time entry", entries_agree(&file, &TIMES)),
            "txnindex" => ("aborted entry", entries_agree(&file, &ABORTED)),
            "snapshot" => ("producer", entries_agree(&file, &PRODUCERS)),
            _ => continue,
        };
        *seen.entry(kind).or_default() += count;
        let decoder = match topic.rsplit_once('-') {
            Some(("__consumer_offsets", _)) => ("group record", "--offsets-decoder"),
            Some(("__transaction_state", _)) => ("transaction record", "--transaction-log-decoder"),
            Some(("__cluster_metadata", _)) => ("metadata record", "--cluster-metadata-decoder"),
            _ => continue,
        };
        if kind == "batch" {
            *seen.entry(decoder.0).or_default() += decoded_agree(&file, decoder.1);
        }
    }
}

/// Kinds of what every data directory has, and what one has beside them whose broker stopped.
pub const ALWAYS: [&str; 8] = [
    "batch",
    "record",
    "offset entry",
    "time entry",
    "producer",
    "group record",
    "transaction record",
    "metadata record",
];

/// All partitions of a data directory, and that there was something of these kinds.
pub fn directory_agrees(data: &Path, kinds: &[&str]) {
    let mut seen = Seen::new();
    for folder in fs::read_dir(data).expect("listable") {
        let folder = folder.expect("an entry").path();
        // Kafka's tool cannot read the empty indexes of a topic that was deleted.
        let is_gone = folder.to_string_lossy().ends_with("-delete");
        if folder.is_dir() && !is_gone {
            folder_agrees(&folder, &mut seen);
        }
    }
    for kind in kinds {
        assert!(seen.get(*kind).is_some_and(|count| *count > 0), "no {kind} of {seen:?}");
    }
}
