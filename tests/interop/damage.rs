//! What a disk does to files between two starts of a real `klog serve`: side files are rebuilt, a flipped bit is never served
//! and takes only its partition offline, with a line that says what to do; doing it brings the partition back.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use klog::record::{BatchOptions, BatchProducer};
use klog::wire::fetch::{FetchPartition, FetchRequest, FetchTopic, PartitionData};
use klog::wire::metadata::MetadataResponseTopic;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::broker::Broker;
use crate::klogs_own::{Own, klog_with};
use crate::librdkafka::Admin;
use crate::raw::{Raw, batch_of};

const KAFKA_STORAGE_ERROR: i16 = 56;
const OUT_OF_ORDER_SEQUENCE_NUMBER: i16 = 45;
/// The last Fetch version that names topics, but for one.
const FETCH: i16 = 11;
const BATCHES: i64 = 40;
const PRODUCER: i64 = 77;

/// Small segments, so that there are at least three, and an index entry for every second batch.
const SMALL: [(&str, &str); 3] =
    [("segment.bytes", "2600"), ("index.interval.bytes", "200"), ("retention.ms", "-1")];

/// Batch number `n`, of one record, as an idempotent producer sends it.
fn batch(n: i64) -> Vec<u8> {
    let base_sequence = i32::try_from(n).expect("small");
    let producer = BatchProducer { id: PRODUCER, epoch: 0, base_sequence };
    let value = format!("value {n:08} {}", "x".repeat(100));
    batch_of(&[value.as_bytes()], BatchOptions { producer, ..BatchOptions::default() })
}

fn fill(raw: &mut Raw, topic: &str) {
    for n in 0..BATCHES {
        let answer = raw.produce(topic, &batch(n));
        assert_eq!((answer.error_code, answer.base_offset), (0, n));
    }
}

fn fetch(raw: &mut Raw, topic: &str, offset: i64, max_bytes: i32) -> PartitionData {
    let partition = FetchPartition {
        fetch_offset: offset,
        partition_max_bytes: max_bytes,
        ..Default::default()
    };
    let topic =
        FetchTopic { topic: topic.into(), partitions: vec![partition], ..Default::default() };
    let request = FetchRequest { max_bytes, topics: vec![topic], ..Default::default() };
    raw.call(FETCH, &request).responses.remove(0).partitions.remove(0)
}

/// All batches from `offset` on, one by one.
fn read_all(raw: &mut Raw, topic: &str, row: &str) -> Vec<Vec<u8>> {
    (0..BATCHES)
        .map(|offset| {
            let found = fetch(raw, topic, offset, 1);
            assert_eq!(found.error_code, 0, "{row}: offset {offset}");
            found.records.expect("records").into_bytes().to_vec()
        })
        .collect()
}

/// How the broker ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stop {
    Term,
    Kill9,
}

fn end(broker: &mut Broker, stop: Stop) {
    match stop {
        Stop::Term => broker.stop(),
        Stop::Kill9 => broker.kill(),
    }
}

/// What is done to a file.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Missing,
    Emptied,
    Halved,
    Zeroed,
    Garbled,
}

const HARMS: [Harm; 5] = [Harm::Missing, Harm::Emptied, Harm::Halved, Harm::Zeroed, Harm::Garbled];

fn harm(path: &Path, how: Harm) {
    let bytes = fs::read(path).unwrap_or_default();
    let harmed = match how {
        Harm::Missing => return fs::remove_file(path).unwrap_or_default(),
        Harm::Emptied => Vec::new(),
        Harm::Halved => bytes[..bytes.len() / 2].to_vec(),
        Harm::Zeroed => vec![0; bytes.len()],
        Harm::Garbled => (0..bytes.len()).map(|at| (at * 151 + 17) as u8 ^ 0xa5).collect(),
    };
    fs::write(path, harmed).expect("can be written");
}

/// The side files of a partition, by how their names end.
const IN_THE_FOLDER: [&str; 5] =
    [".index", ".timeindex", ".snapshot", "leader-epoch-checkpoint", "partition.metadata"];
/// Those of the log directory.
const BESIDE_THEM: [&str; 3] =
    ["recovery-point-offset-checkpoint", "log-start-offset-checkpoint", ".kafka_cleanshutdown"];

/// All rows in a full campaign, else a few that chance picks. The seed is printed; `KLOG_SEED` sets it.
fn some<T>(mut rows: Vec<T>, few: usize) -> Vec<T> {
    let given = std::env::var("KLOG_SEED").ok().map(|text| text.parse().expect("a number"));
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one("seed"));
    println!("KLOG_SEED={seed}");
    if std::env::var_os("KLOG_LONG").is_none() {
        rows.shuffle(&mut StdRng::seed_from_u64(seed));
        rows.truncate(few);
    }
    rows
}

fn matching(folder: &Path, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("one").path());
    entries.filter(|path| path.to_string_lossy().ends_with(end)).collect()
}

fn assert_as_before(raw: &mut Raw, topic: &str, truth: &[Vec<u8>], row: &str) {
    assert_eq!(raw.latest(topic), BATCHES, "{row}");
    assert_eq!(read_all(raw, topic, row), truth, "{row}");
    let by_time = raw.list(topic, 1_700_000_000_000, -1);
    assert_eq!((by_time.error_code, by_time.offset), (0, 0), "{row}: by time");
    let repeated = raw.produce(topic, &batch(BATCHES - 1));
    assert_eq!((repeated.error_code, repeated.base_offset), (0, BATCHES - 1), "{row}: repeated");
    let gap = raw.produce(topic, &batch(BATCHES + 1));
    assert_eq!(gap.error_code, OUT_OF_ORDER_SEQUENCE_NUMBER, "{row}: gap");
    let next = raw.produce(topic, &batch(BATCHES));
    assert_eq!((next.error_code, next.base_offset), (0, BATCHES), "{row}: next");
}

#[test]
fn side_files_of_a_partition_that_were_harmed_between_two_starts_change_nothing() {
    for stop in [Stop::Term, Stop::Kill9] {
        let mut broker = klog_with(Own::Damage, &[]);
        let admin = Admin::new(broker.address());
        let mut rows = Vec::new();
        for (n, end) in IN_THE_FOLDER.iter().enumerate() {
            for (m, how) in HARMS.into_iter().enumerate() {
                rows.push((format!("t{n}{m}"), *end, how));
            }
        }
        let rows = some(rows, 8);
        let mut raw = Raw::connect(broker.address());
        let mut truth = Vec::new();
        for (topic, ..) in &rows {
            admin.create(topic, 1, &SMALL);
            fill(&mut raw, topic);
            truth.push(read_all(&mut raw, topic, topic));
        }
        end(&mut broker, stop);
        for (topic, end, how) in &rows {
            let folder = broker.data_dir().join(format!("{topic}-0"));
            matching(&folder, end).iter().for_each(|path| harm(path, *how));
        }
        broker.restart();
        let mut raw = Raw::connect(broker.address());
        for ((topic, end, how), truth) in rows.iter().zip(&truth) {
            assert_as_before(&mut raw, topic, truth, &format!("{stop:?}, {how:?}, *{end}"));
        }
    }
}

#[test]
fn side_files_of_a_log_directory_that_were_harmed_between_two_starts_change_nothing() {
    let mut rows = Vec::new();
    for stop in [Stop::Term, Stop::Kill9] {
        for name in BESIDE_THEM {
            rows.extend(HARMS.map(|how| (stop, name, how)));
        }
    }
    for (stop, name, how) in some(rows, 6) {
        let mut broker =
            klog_with(Own::Damage, &[("log.flush.offset.checkpoint.interval.ms", "50")]);
        Admin::new(broker.address()).create("t", 1, &SMALL);
        let mut raw = Raw::connect(broker.address());
        fill(&mut raw, "t");
        let truth = read_all(&mut raw, "t", name);
        end(&mut broker, stop);
        harm(&broker.data_dir().join(name), how);
        broker.restart();
        let mut raw = Raw::connect(broker.address());
        assert_as_before(&mut raw, "t", &truth, &format!("{stop:?}, {how:?}, {name}"));
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Which {
    Second,
    Last,
}

/// Flips a bit in the last batch of a segment of a partition; gives the file and the first offset in it.
fn flip_a_bit(broker: &Broker, partition: &str, which: Which) -> (PathBuf, i64) {
    let mut segments = matching(&broker.data_dir().join(partition), ".log");
    segments.sort();
    assert!(segments.len() >= 3, "{segments:?}");
    let file = segments.swap_remove(if which == Which::Second { 1 } else { segments.len() - 1 });
    let mut bytes = fs::read(&file).expect("a segment");
    let at = bytes.len() - 10;
    bytes[at] ^= 4;
    fs::write(&file, bytes).expect("can be written");
    let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
    (file, name.parse().expect("an offset"))
}

fn offline_replicas(topic: &MetadataResponseTopic) -> Vec<i32> {
    topic.partitions[0].offline_replicas.clone()
}

#[test]
fn a_flipped_bit_takes_its_partition_offline_when_it_is_fetched_and_the_rest_serves_on() {
    use {Stop::*, Which::*};
    for (stop, which) in [(Term, Second), (Term, Last), (Kill9, Second), (Kill9, Last)] {
        let settings = [
            ("klog.scrub.bytes.per.second", "0"),
            ("log.flush.offset.checkpoint.interval.ms", "50"),
            ("log.flush.interval.messages", "1"),
        ];
        let mut broker = klog_with(Own::Damage, &settings);
        let admin = Admin::new(broker.address());
        let mut raw = Raw::connect(broker.address());
        for topic in ["sound", "rotten"] {
            admin.create(topic, 1, &SMALL);
            fill(&mut raw, topic);
        }
        let truth = read_all(&mut raw, "rotten", "before");
        wait_for_checkpoint(&broker, "rotten 0 40");
        end(&mut broker, stop);
        let (file, base) = flip_a_bit(&broker, "rotten-0", which);
        broker.restart();

        let mut raw = Raw::connect(broker.address());
        assert_eq!(fetch(&mut raw, "rotten", 0, 1).error_code, 0, "the segment before is sound");
        assert!(offline_replicas(&raw.describe("rotten")).is_empty(), "nobody has looked yet");
        let refused = fetch(&mut raw, "rotten", base, 1 << 20);
        assert_eq!(refused.error_code, KAFKA_STORAGE_ERROR);
        assert_eq!(refused.records.map_or(0, |records| records.len()), 0);
        assert_eq!(offline_replicas(&raw.describe("rotten")), [1]);
        assert_eq!(fetch(&mut raw, "rotten", 0, 1).error_code, KAFKA_STORAGE_ERROR);
        assert_eq!(raw.list("rotten", -1, -1).error_code, KAFKA_STORAGE_ERROR);
        assert_eq!(raw.produce("rotten", &batch(BATCHES)).error_code, KAFKA_STORAGE_ERROR);
        read_all(&mut raw, "sound", "the other topic");
        assert_eq!(raw.produce("sound", &batch(BATCHES)).error_code, 0);

        let log = broker.log();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("is offline")).collect();
        let [line] = lines[..] else { panic!("one line is wanted, there are\n{log}") };
        for part in ["ERROR", "rotten-0", &*file.to_string_lossy(), "damaged at byte", "CRC"] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
        // What the line says is done, and the partition is back, but for what was given up.
        let command = line.split("of the partition: klog ").nth(1).expect("a command");
        let command = command.split(['"', '\n']).next().expect("a command");
        let command = command.split(" partition=").next().expect("a command").trim();
        assert!(command.starts_with("dump-segment --repair --in-place "), "{line}");
        broker.stop();
        let mut klog = std::process::Command::new(env!("CARGO_BIN_EXE_klog"));
        let done = klog.args(command.split(' ')).status();
        assert!(done.expect("klog runs").success(), "{command}");
        broker.restart();
        let mut raw = Raw::connect(broker.address());
        assert!(offline_replicas(&raw.describe("rotten")).is_empty());
        // Only the last batch of the segment is lost; its offset is given to nothing else.
        assert_eq!(raw.latest("rotten"), BATCHES);
        let whole = |bytes: &Vec<u8>| truth.contains(bytes);
        let served = (0..BATCHES).filter(|offset| {
            let found = fetch(&mut raw, "rotten", *offset, 1);
            assert_eq!(found.error_code, 0, "offset {offset}");
            let bytes = found.records.expect("records").into_bytes().to_vec();
            whole(&bytes) && bytes == truth[*offset as usize]
        });
        assert_eq!(served.count() as i64, BATCHES - 1);
        let next = if which == Last { BATCHES - 1 } else { BATCHES };
        assert_eq!(raw.produce("rotten", &batch(next)).base_offset, BATCHES);
    }
}

/// Waits until the log directory's checkpoint has this line: what is below is not checked after a crash.
fn wait_for_checkpoint(broker: &Broker, line: &str) {
    let path = broker.data_dir().join("recovery-point-offset-checkpoint");
    let end = Instant::now() + Duration::from_secs(20);
    while !fs::read_to_string(&path).unwrap_or_default().lines().any(|there| there == line) {
        assert!(Instant::now() < end, "no checkpoint says {line}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_scrub_finds_a_flipped_bit_that_nobody_asks_for() {
    let mut broker = klog_with(Own::Damage, &[("klog.scrub.bytes.per.second", "10000000")]);
    Admin::new(broker.address()).create("rotten", 1, &SMALL);
    fill(&mut Raw::connect(broker.address()), "rotten");
    broker.stop();
    flip_a_bit(&broker, "rotten-0", Which::Second);
    broker.restart();
    let mut raw = Raw::connect(broker.address());
    let end = Instant::now() + Duration::from_secs(20);
    while offline_replicas(&raw.describe("rotten")).is_empty() {
        assert!(Instant::now() < end, "the scrub found nothing");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_damaged_topic_can_be_deleted_and_made_anew() {
    let mut broker = klog_with(Own::Damage, &[("klog.scrub.bytes.per.second", "0")]);
    let admin = Admin::new(broker.address());
    admin.create("rotten", 1, &SMALL);
    fill(&mut Raw::connect(broker.address()), "rotten");
    broker.kill();
    // Without a checkpoint all is checked when it is opened.
    flip_a_bit(&broker, "rotten-0", Which::Second);
    fs::remove_file(broker.data_dir().join("recovery-point-offset-checkpoint")).ok();
    broker.restart();
    let mut raw = Raw::connect(broker.address());
    assert_eq!(offline_replicas(&raw.describe("rotten")), [1], "it could not be opened");
    let admin = Admin::new(broker.address());
    admin.delete("rotten");
    admin.create("rotten", 1, &SMALL);
    assert_eq!(raw.latest("rotten"), 0, "the new topic has nothing of the old one");
    fill(&mut raw, "rotten");
}

#[test]
fn a_flipped_bit_in_a_topic_id_costs_no_record_and_is_put_right_as_the_line_says() {
    let mut broker = klog_with(Own::Damage, &[]);
    Admin::new(broker.address()).create("t", 1, &SMALL);
    let mut raw = Raw::connect(broker.address());
    fill(&mut raw, "t");
    let truth = read_all(&mut raw, "t", "before");
    broker.stop();
    let file = broker.data_dir().join("t-0/partition.metadata");
    let text = fs::read_to_string(&file).expect("a text");
    let id = text.split("topic_id: ").nth(1).expect("an id");
    let other = if id.starts_with('A') { 'B' } else { 'A' };
    fs::write(&file, text.replace(id, &format!("{other}{}", &id[1..]))).expect("written");
    broker.restart();
    let mut raw = Raw::connect(broker.address());
    assert_eq!(raw.produce("t", &batch(BATCHES)).error_code, KAFKA_STORAGE_ERROR);
    assert_eq!(offline_replicas(&raw.describe("t")), [1]);
    assert!(broker.log().contains(&format!("rm {}", file.display())));
    broker.stop();
    fs::remove_file(&file).expect("removed");
    broker.restart();
    assert_as_before(&mut Raw::connect(broker.address()), "t", &truth, "put right");
}
