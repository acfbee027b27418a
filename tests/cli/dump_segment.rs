//! `klog dump-segment` on what a broker has left, sound and damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{Server, fresh, klog, klog_assert, stderr};

/// A copy of a data directory that a broker has left in peace: a topic with records of two codecs, a transaction and a group.
fn left_behind() -> TempDir {
    static MADE: LazyLock<TempDir> = LazyLock::new(make);
    let data = tempfile::tempdir().expect("a folder");
    copy(MADE.path(), data.path());
    data
}

pub fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("listable") {
        let from = entry.expect("an entry").path();
        let to = to.join(from.file_name().expect("a name"));
        if from.is_dir() {
            fs::create_dir(&to).expect("a folder");
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).expect("copied");
        }
    }
}

fn make() -> TempDir {
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path());
    server.output_of(["topics", "create", "orders", "-p", "2"]);
    let produce = |args: &[&str], lines: &str| {
        let args = [&["produce", "orders", "-p", "0"], args].concat();
        server.klog(args).write_stdin(lines.to_owned()).assert().success();
    };
    produce(&["-K", ":", "-H", "h=1"], "a:one\nb:two\n");
    produce(&["-z", "zstd", "-k", "a"], "three\n");
    produce(&["--transactional-id", "tx"], "four\n");
    server.output_of(["consume", "orders", "-g", "readers", "-e"]);
    assert!(server.stop().success());
    data
}

/// What the command prints, a JSON object a line, and its exit code.
fn dumped(args: &[&str]) -> (Vec<Value>, i32) {
    let mut command = klog();
    let output = command.arg("dump-segment").args(args).args(["--format", "json"]).output();
    let output = output.expect("klog runs");
    let text = String::from_utf8(output.stdout).expect("it prints UTF-8");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON"));
    (lines.collect(), output.status.code().expect("it ends by itself"))
}

fn sound(args: &[&str]) -> Vec<Value> {
    let (lines, code) = dumped(args);
    assert_eq!(code, 0, "{lines:?}");
    lines
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of letters")
}

const SEGMENT: &str = "00000000000000000000.log";

/// The values of one field, as they stand.
fn each(lines: &[Value], field: &str) -> Vec<String> {
    lines.iter().map(|line| line[field].to_string()).collect()
}

#[test]
fn batches_have_all_fields_of_their_headers_and_null_for_what_is_absent() {
    let data = left_behind();
    let folder = data.path().join("orders-0");
    let batches = sound(&[text(&folder)]);
    assert_eq!(each(&batches, "base_offset"), ["0", "2", "3", "4"]);
    assert_eq!(each(&batches, "last_offset"), ["1", "2", "3", "4"]);
    assert_eq!(each(&batches, "codec"), [r#""none""#, r#""zstd""#, r#""none""#, r#""none""#]);
    assert_eq!(each(&batches, "transactional"), ["false", "false", "true", "true"]);
    assert_eq!(each(&batches, "control"), ["false", "false", "false", "true"]);
    assert_eq!(each(&batches, "delete_horizon_ms"), ["null"; 4]);
    assert_eq!(batches[3]["base_sequence"], Value::Null);
    let positions: Vec<u64> = batches.iter().map(|it| it["position"].as_u64().unwrap()).collect();
    let sizes: Vec<u64> = batches.iter().map(|it| it["size"].as_u64().unwrap()).collect();
    assert_eq!(positions[0], 0);
    assert!((1..4).all(|at| positions[at] == positions[at - 1] + sizes[at - 1]));
    let fields: Vec<&String> = batches[0].as_object().unwrap().keys().collect();
    assert_eq!(fields.len(), 21, "those of the contract and no others: {fields:?}");
    // The file by itself tells the same.
    assert_eq!(sound(&[text(&folder.join(SEGMENT))]), batches);
    assert_eq!(sound(&["--batches", "--deep", text(&folder)]), batches);
}

#[test]
fn batches_and_records_are_chosen_by_offset_time_producer_and_key() {
    let data = left_behind();
    let folder = data.path().join("orders-0");
    let offsets = |args: &[&str]| each(&sound(&[args, &[text(&folder)]].concat()), "base_offset");
    assert_eq!(offsets(&["--offsets", "1..3"]), ["0", "2"]);
    assert_eq!(offsets(&["--offsets", "3.."]), ["3", "4"]);
    assert_eq!(offsets(&["-n", "1"]), ["0"]);
    assert_eq!(offsets(&["--times", "-1h..", "-n", "2"]), ["0", "2"]);
    assert_eq!(offsets(&["--times", "..@1000"]), [""; 0]);
    let all = sound(&[text(&folder)]);
    let producer = all[2]["producer_id"].to_string();
    assert_eq!(offsets(&["--producer-id", &producer]), ["3", "4"]);
    let values =
        |args: &[&str]| each(&sound(&[&["--records"], args, &[text(&folder)]].concat()), "value");
    assert_eq!(values(&["--offsets", "1..3"]), [r#""two""#, r#""three""#]);
    assert_eq!(values(&["--key-regex", "^a$"]), [r#""one""#, r#""three""#]);
    assert_eq!(values(&["--key-regex", "^a$", "-n", "1"]), [r#""one""#]);
}

#[test]
fn records_of_a_dead_directory_restore_a_topic() {
    let data = left_behind();
    let folder = data.path().join("orders-0");
    let printed = klog_assert(["dump-segment", "--records", "--format", "json", text(&folder)]);
    let lines = { printed }.assert().success().get_output().stdout.clone();
    let other = tempfile::tempdir().expect("a folder");
    let server = Server::start(other.path());
    server.output_of(["topics", "create", "again", "-p", "2"]);
    let produce = ["produce", "again", "--input", "json"];
    server.klog(produce).write_stdin(lines.clone()).assert().success();
    let read = server.output_of(["consume", "again", "-e", "--format", "json"]);
    let field = |text: &str, field: &str| {
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        each(&lines.collect::<Vec<Value>>(), field)
    };
    let lines = String::from_utf8(lines).expect("it prints UTF-8");
    for name in ["key", "value", "headers", "timestamp", "partition"] {
        assert_eq!(field(&read, name), field(&lines, name), "{name}");
    }
    assert_eq!(lines.lines().count(), 4);
}

#[test]
fn control_and_decoded_records_are_shown_and_not_produced() {
    let data = left_behind();
    let folder = data.path().join("orders-0");
    let records = sound(&["--records", "--control", text(&folder)]);
    assert_eq!(records.len(), 5);
    assert_eq!(records[4]["control"]["type"], "commit");
    assert!(records[4].get("value").is_none());
    let groups: Vec<Value> = fs::read_dir(data.path())
        .expect("listable")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| text(path).contains("__consumer_offsets"))
        .flat_map(|path| sound(&["--records", text(&path)]))
        .collect();
    let commit = groups.iter().find(|it| it["key"]["type"] == 1).expect("an offset is committed");
    assert_eq!(commit["key"]["data"]["group"], "readers");
    assert_eq!(commit["value"]["data"]["offset"], 5);
    let metadata = sound(&["--records", text(&data.path().join("__cluster_metadata-0"))]);
    let topic = metadata.iter().find(|it| it["value"]["name"] == "TopicRecord").expect("a topic");
    assert_eq!(topic["value"]["data"]["name"], "orders");
    let (server, _data) = fresh();
    for refused in [&records[4], commit, topic] {
        let produce = server.klog(["produce", "t", "--input", "json"]);
        let failed = { produce }.write_stdin(refused.to_string()).assert().code(1);
        let said = stderr(&failed);
        assert!(said.contains("only brokers write") || said.contains("--raw"), "{said}");
    }
    let raw = sound(&["--records", "--raw", commit["file"].as_str().expect("a file")]);
    assert!(raw[0].get("key_base64").is_some() || raw[0]["key"].is_string(), "{}", raw[0]);
}

/// Flips a bit of a file.
fn bend(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("readable");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("writable");
}

#[test]
fn damage_is_shown_in_its_place_and_the_rest_all_the_same() {
    let data = left_behind();
    let folder = data.path().join("orders-0");
    let file = folder.join(SEGMENT);
    let batches = sound(&[text(&folder)]);
    let at = batches[1]["position"].as_u64().expect("a position") as usize;
    bend(&file, at + 65);
    let (lines, code) = dumped(&[text(&folder)]);
    assert_eq!(code, 1);
    assert_eq!(each(&lines, "crc_valid"), ["true", "false", "true", "true"]);
    assert!(lines[1]["damage"].as_str().is_some_and(|why| why.contains("CRC")), "{}", lines[1]);
    let (records, code) = dumped(&["--records", text(&folder)]);
    assert_eq!((each(&records, "offset"), code), (vec!["0".into(), "1".into(), "3".into()], 1));
    let sums = dumped(&["--stats", text(&folder)]);
    assert_eq!((sums.0[0]["damaged_places"].as_u64(), sums.1), (Some(1), 1));
    // A length that leads nowhere costs that batch alone, too.
    bend(&file, at + 65);
    bend(&file, at + 8);
    let (lines, code) = dumped(&[text(&folder)]);
    assert_eq!(
        (each(&lines, "base_offset"), code),
        (["0", "null", "3", "4"].map(String::from).to_vec(), 1)
    );
    assert_eq!(lines[1]["size"], batches[1]["size"]);
    let table = klog_assert(["dump-segment", text(&folder)]).assert().code(1);
    let said = stderr(&table);
    assert!(said.contains("is damaged at byte"), "{said}");
    assert!(said.contains("hint: klog dump-segment --verify"), "{said}");
    let overview = dumped(&[text(data.path())]);
    assert_eq!(overview.1, 1);
    assert!(overview.0.iter().any(|line| line["kind"] == "damage"));
    let said = stderr(&klog_assert(["dump-segment", text(data.path())]).assert().code(1));
    assert!(said.contains("00.log is damaged\n"), "no place but what the table says: {said}");
}

#[test]
fn every_kind_of_file_is_shown_by_its_name() {
    let data = left_behind();
    let folder = data.path().join("orders-0");
    let one = |path: PathBuf| sound(&[text(&path)]);
    let times = one(folder.join("00000000000000000000.timeindex"));
    assert!(times.iter().all(|entry| entry["valid"] == true), "{times:?}");
    let producers = one(folder.join("00000000000000000005.snapshot"));
    assert_eq!(producers.len(), 3);
    assert_eq!(producers[0]["last_offset"], 1);
    let epochs = one(folder.join("leader-epoch-checkpoint"));
    assert_eq!((&epochs[0]["epoch"], &epochs[0]["start_offset"]), (&0.into(), &0.into()));
    let points = one(data.path().join("recovery-point-offset-checkpoint"));
    let orders = points.iter().find(|it| it["topic"] == "orders" && it["partition"] == 0);
    assert_eq!(orders.expect("the topic")["offset"], 5);
    let keys = |path: PathBuf| each(&one(path), "key").join(" ");
    assert_eq!(keys(folder.join("partition.metadata")), r#""version" "topic_id""#);
    assert!(keys(data.path().join("meta.properties")).contains("cluster.id"));
    assert!(keys(data.path().join("__cluster_metadata-0/quorum-state")).contains("leaderEpoch"));
    one(data.path().join(".kafka_cleanshutdown"));
    // What a deletion has left is what it was.
    let left = folder.join("00000000000000000000.log.deleted");
    fs::copy(folder.join(SEGMENT), &left).expect("copied");
    assert_eq!(one(left).len(), 4);
    let stranger = data.path().join("stranger");
    fs::write(&stranger, "x").expect("written");
    klog_assert(["dump-segment", text(&stranger)]).assert().code(2);
    fs::write(folder.join("leader-epoch-checkpoint"), "0\n1\nx y\n").expect("written");
    let (_, code) = dumped(&[text(&folder.join("leader-epoch-checkpoint"))]);
    assert_eq!(code, 1);
}

#[test]
fn an_index_tells_whether_its_entries_lead_to_their_batches_as_verify_does() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path());
    // Each batch is later than the one before, and so has its entry in the index of times, too.
    let now = std::time::UNIX_EPOCH.elapsed().expect("a time of day").as_millis() as i64;
    let line = |at: i64| {
        let timestamp = now + at;
        json!({"value": "of some length that makes an index grow", "timestamp": timestamp})
    };
    let lines: String = (0..2000).map(|at| format!("{}\n", line(at))).collect();
    server.output_of(["topics", "create", "t", "-p", "1"]);
    let produce = ["produce", "t", "--batch-size", "2KiB", "--input", "json"];
    server.klog(produce).write_stdin(lines).assert().success();
    assert!(server.stop().success());
    let folder = data.path().join("t-0");
    let index = folder.join("00000000000000000000.index");
    let times = folder.join("00000000000000000000.timeindex");
    let entries = sound(&["--index", text(&folder)]);
    assert!(entries.len() > 10 && entries.iter().all(|entry| entry["valid"] == true));
    let sound_index = fs::read(&index).expect("readable");
    // The last and the first byte of its offset and of its position.
    for (at, byte) in [(0, 7), (0, 4), (2, 3), (2, 0), (3, 4)] {
        fs::write(&index, &sound_index).expect("writable");
        bend(&index, at * 8 + byte);
        let (entries, code) = dumped(&[text(&index)]);
        assert_eq!(code, 1);
        let wrong: Vec<usize> =
            (0..entries.len()).filter(|at| entries[*at]["valid"] == false).collect();
        assert_eq!(wrong, [at], "one entry is wrong, not two: byte {byte}");
    }
    // A timestamp, and two in a row that are much too high.
    for at in [12 + 7, 4 * 12 + 1, 5 * 12 + 1] {
        bend(&times, at);
    }
    let (entries, _) = dumped(&["--index", text(&folder)]);
    let damage = |line: &Value| line["damage"].as_str().map(str::to_owned);
    let wrong: Vec<String> = entries.iter().filter_map(damage).collect();
    let (verified, _) = dumped(&["--verify", text(&folder)]);
    let verified: Vec<&str> = verified.iter().filter_map(|it| it["detail"].as_str()).collect();
    assert_eq!(wrong, verified);
    assert_eq!(wrong.len(), 4, "{wrong:#?}");
}

#[test]
fn a_directory_shows_topics_partitions_groups_and_nothing_that_is_not_there() {
    let data = left_behind();
    let lines = sound(&[text(data.path())]);
    let of =
        |kind: &str| -> Vec<&Value> { lines.iter().filter(|line| line["kind"] == kind).collect() };
    assert_eq!(of("directory")[0]["stopped_cleanly"], true);
    let orders = *of("topic").iter().find(|it| it["topic"] == "orders").expect("the topic");
    assert!(orders["topic_id"].is_string() && orders["partitions"] == 2, "{orders}");
    let first = *of("partition")
        .iter()
        .find(|it| it["topic"] == "orders" && it["partition"] == 0)
        .expect("the partition");
    assert_eq!((&first["first_offset"], &first["end_offset"]), (&0.into(), &5.into()));
    let group = of("group").into_iter().find(|it| it["partition"] == 0).expect("the group");
    assert_eq!(
        (&group["group"], &group["committed"], &group["lag"]),
        (&"readers".into(), &5.into(), &0.into())
    );
    assert!(of("transaction").is_empty() && of("damage").is_empty());
    let table = klog_assert(["dump-segment", text(data.path())]).assert().success();
    let table = String::from_utf8_lossy(&table.get_output().stdout).into_owned();
    assert!(table.lines().count() < 40, "a screenful:\n{table}");
    assert!(!table.contains("open transactions"), "{table}");
    let only = sound(&["--topic", "orders", "-p", "1", text(data.path())]);
    assert_eq!(only.iter().filter(|line| line["kind"] == "partition").count(), 1);
}

#[test]
fn followed_records_come_as_they_are_written_and_those_of_transactions_once_they_are_decided() {
    let (server, data) = fresh();
    server.output_of(["topics", "create", "t", "-p", "1"]);
    server.produce("t", "one\n");
    let mut follow = klog();
    follow.args(["dump-segment", "--records", "--follow", "-n", "4"]).arg(data.path().join("t-0"));
    let follow = follow.stdout(Stdio::piped()).spawn().expect("klog runs");
    server.produce("t", "two\n");
    let commit = ["produce", "t", "--transactional-id", "tx"];
    server.klog(commit).write_stdin("three\n").assert().success();
    server.produce("t", "four\n");
    let output = follow.wait_with_output().expect("it ends once it has four");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "one\ntwo\nthree\nfour\n");
}

#[test]
fn what_does_not_go_together_is_refused() {
    let refused = |args: &[&str]| {
        klog_assert([&["dump-segment"], args].concat()).assert().code(2);
    };
    refused(&[]);
    refused(&["--batches", "--records", "x"]);
    refused(&["--control", "x"]);
    refused(&["--offsets", "5", "x"]);
    refused(&["--times", "yesterday..", "x"]);
    refused(&["--follow", "x", "y"]);
    klog_assert(["dump-segment", "/no/such/folder"]).assert().code(1);
}
