//! `klog dump-segment --verify` and `--repair` on directories that Apache Kafka wrote: nothing is wrong with one that was stopped or killed;
//! what is damaged is found, and repaired so that klog and Kafka serve it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use klog::base::Offset;
use klog::config::TopicConfig;
use klog::forensics::repair::{self, Repaired, repair_in_place, repair_to};
use klog::forensics::verify::{self, verify};
use klog::forensics::{Finding, Kind};
use klog::log::{FileCache, LogDir};
use klog::os::Os;
use klog::os::sim::Rng;
use klog::record::split_batches;
use klog::wire::find_coordinator::FindCoordinatorRequest;
use rand::RngExt as _;
use tempfile::TempDir;

use crate::broker::Broker;
use crate::dump::dump_folder;
use crate::dump_segment::left_by_kafka;
use crate::excuses::excuse;
use crate::harm::{Harm, harm, offsets};
use crate::librdkafka::{self, Admin};
use crate::librdkafka_transactor::InProcess;
use crate::offsets::Commit;
use crate::raw::Raw;
use crate::records::{Record, one_of_each};
use crate::seed::{chance, rounds};

/// A killed Kafka leaves 20 MiB of indexes, preallocated, per partition.
const FEW: [(&str, &str); 2] =
    [("offsets.topic.num.partitions", "1"), ("transaction.state.log.num.partitions", "1")];

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

fn wrong(path: &Path) -> Vec<Finding> {
    let options = verify::Options { deep: true, threads: 2, progress: &|_| {} };
    verify(&Os::real(), path, options).expect("it can be read")
}

fn mend(path: &Path) -> Vec<Repaired> {
    let options = repair::Options { dry_run: false, threads: 2, progress: &|_| {} };
    repair_in_place(&Os::real(), path, options).expect("it can be repaired")
}

/// Topics with every codec, several segments, transactions, and a group's offsets.
fn fill(broker: &Broker) {
    let admin = Admin::new(broker.address());
    let settings =
        [("retention.ms", "-1"), ("segment.bytes", "1048576"), ("index.interval.bytes", "500")];
    admin.create("t", 1, &settings);
    let noise = |at: usize| Record {
        partition: 0,
        offset: 0,
        timestamp: 0,
        key: None,
        value: Some((0..700).map(|byte| (at * 7919 + byte * byte * 31) as u8).collect()),
        headers: Vec::new(),
    };
    for (round, codec) in CODECS.into_iter().enumerate() {
        librdkafka::produce(broker.address(), "t", codec, &one_of_each(0));
        let records: Vec<Record> = (round * 1000..round * 1000 + 700).map(noise).collect();
        librdkafka::produce(broker.address(), "t", codec, &records);
    }
    let mut client = InProcess::new(broker.address());
    let mut step = |step: &str| drop(client.carry_out(step).expect(step));
    step("init a id-a 60000");
    for end in ["commit a", "abort a", "abort a"] {
        step("begin a");
        step("send a t 0 in a transaction");
        step(end);
    }
    let mut raw = Raw::connect(broker.address());
    // A group's coordinator is made when it is asked for.
    let find = FindCoordinatorRequest { coordinator_keys: vec!["g".into()], ..Default::default() };
    raw.call(4, &find);
    let commit = Commit { group: "g", offset: 5, metadata: "", ..Commit::default() };
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while raw.commit(&commit) != 0 {
        assert!(std::time::Instant::now() < until, "no coordinator");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn nothing_is_wrong_with_what_kafka_left_and_harm_to_it_is_found_and_repaired() {
    let mut kafka = Broker::kafka_with(&FEW);
    fill(&kafka);
    assert_eq!(wrong(&kafka.data_dir()), [], "while it runs");
    kafka.kill();
    assert_eq!(wrong(&kafka.data_dir()), [], "killed");
    let killed = TempDir::new().expect("a folder");
    copy(&kafka.data_dir(), killed.path());
    kafka.restart();
    kafka.stop();
    assert_eq!(wrong(&kafka.data_dir()), [], "stopped");
    let mut seeds = chance();
    for round in 0..rounds(300, 4) {
        let home = TempDir::new().expect("a folder");
        let from = if round % 2 == 0 { killed.path().to_owned() } else { kafka.data_dir() };
        copy(&from, home.path());
        let seed: u64 = seeds.random();
        let partition = if round % 3 == 2 { "__cluster_metadata-0" } else { "t-0" };
        harm_and_mend(home.path(), partition, seed, round < 2);
    }
}

fn harm_and_mend(data: &Path, partition: &str, seed: u64, dumps: bool) {
    let os = Os::real();
    let harm = harm(&*os.disk, data, partition, &mut Rng::new(seed));
    println!("{partition}, seed {seed}: {}", harm.what);
    let found = wrong(data);
    if found.is_empty() {
        assert!(excuse(&harm, partition).is_some(), "not found");
        return;
    }
    println!("found {found:#?}");
    mend(data);
    let left = wrong(data);
    assert!(left.iter().all(Finding::needs_a_copy), "left: {left:#?}");
    check_served(data, partition, &harm);
    if dumps {
        dump_folder(&data.join(partition));
    }
}

/// klog opens the partition and serves every batch that is whole.
fn check_served(data: &Path, partition: &str, harm: &Harm) {
    let os = Os::real();
    let files = Arc::new(FileCache::new(os.disk.clone(), 64));
    let dir = LogDir::open(&os, data, files).expect("the log directory opens");
    let found = dir.partitions().expect("partitions are listed");
    let found = found.into_iter().find(|found| found.partition.to_string() == partition);
    let found = found.expect("it is there");
    let config = Arc::new(TopicConfig::default());
    let opened = dir.open_log(&found.partition, found.topic_id.expect("an id"), config);
    let (mut log, _) = opened.expect("the log opens");
    log.check_all().expect("what stood on disk is sound");
    let mut served = BTreeSet::new();
    let mut at = log.start();
    while at < log.end() {
        let slice = log.slice(at, log.end(), 8 << 20, true).expect("a slice");
        for part in &slice.slices {
            for batch in split_batches(part.read().expect("readable")) {
                let batch = batch.expect("whole");
                at = Offset::new(batch.header().last_offset() + 1);
                served.insert(batch.bytes().to_vec());
            }
        }
    }
    for batch in harm.whole() {
        let (first, last) = offsets(&batch);
        assert!(
            served.contains(&batch),
            "the batch with offsets {first} to {last}, which is whole"
        );
    }
}

#[test]
fn kafka_starts_on_what_was_repaired_in_place_and_serves_all_but_what_was_lost() {
    let snapshots = ("metadata.log.max.record.bytes.between.snapshots", "1000");
    let mut kafka = Broker::kafka_with(&[&FEW[..], &[snapshots]].concat());
    fill(&kafka);
    let all = librdkafka::read_to_end(kafka.address(), "t", 1);
    kafka.stop();
    let folder = kafka.data_dir().join("t-0");
    let segment = first_segment(&folder);
    let mut bytes = fs::read(&segment).expect("a segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 8;
    fs::write(&segment, bytes).expect("written");
    fs::write(segment.with_extension("index"), "garbage").expect("written");
    fs::write(folder.join("leader-epoch-checkpoint"), "garbage").expect("written");
    fs::remove_file(folder.join("partition.metadata")).expect("removed");
    let snapshot = damage_metadata(&kafka.data_dir());
    let found: BTreeSet<PathBuf> = wrong(&kafka.data_dir()).into_iter().map(|it| it.file).collect();
    let metadata = kafka.data_dir().join("__cluster_metadata-0/partition.metadata");
    for file in [&snapshot, &metadata, &kafka.data_dir().join("bootstrap.checkpoint")] {
        assert!(found.contains(file), "{} is damaged: {found:#?}", file.display());
    }
    let repaired = mend(&kafka.data_dir());
    let changes: Vec<&Path> =
        repaired.iter().flat_map(|it| &it.changes).map(|change| &*change.file).collect();
    assert_eq!(changes, [&*snapshot], "what is left out is told");
    assert!(!snapshot.exists(), "it would keep Kafka from starting");
    let [lost] = repaired.iter().flat_map(|it| &it.lost).collect::<Vec<_>>()[..] else {
        panic!("one batch is lost: {repaired:#?}");
    };
    let lost = lost.first..=lost.last.expect("it is known what");
    assert_eq!(wrong(&kafka.data_dir()), []);
    // As it is while a repair is under way, and killed.
    let aside = kafka.data_dir().join("t-0.repair-20260101T000000Z-stray");
    copy(&folder, &aside);
    kafka.restart();
    let left = librdkafka::read_to_end(kafka.address(), "t", 1);
    let kept: Vec<&Record> = all.iter().filter(|record| !lost.contains(&record.offset)).collect();
    assert!(left.iter().eq(kept), "all but offsets {lost:?}");
    librdkafka::produce(kafka.address(), "t", "lz4", &one_of_each(0));
    kafka.stop();
    let damaged = fs::read_dir(&folder).expect("a folder").flatten();
    let damaged: Vec<PathBuf> =
        damaged.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    assert_eq!(damaged.len(), 1, "what was damaged is kept: {damaged:?}");
    let found = wrong(&kafka.data_dir());
    assert!(found.iter().all(|it| it.kind == Kind::StrayFile), "{found:#?}");
    dump_folder(&folder);
}

/// Damages the newest snapshot of the metadata log, without which it goes on from offset 0, its id, and what the cluster began with.
fn damage_metadata(data: &Path) -> PathBuf {
    let folder = data.join("__cluster_metadata-0");
    fs::write(folder.join("partition.metadata"), "garbage").expect("written");
    let names = fs::read_dir(folder).expect("a folder").map(|it| it.expect("an entry").path());
    let is_snapshot = |path: &PathBuf| path.extension().is_some_and(|end| end == "checkpoint");
    let newest = names.filter(is_snapshot).max().expect("a snapshot");
    for path in [&newest, &data.join("bootstrap.checkpoint")] {
        let bytes = fs::read(path).expect("readable");
        fs::remove_file(path).expect("removed"); // Kafka lets nobody write to it
        fs::write(path, &bytes[..bytes.len() - 20]).expect("written");
    }
    newest
}

/// The metadata log that a stopped Kafka left, in a folder of its own, and the bytes of the snapshot in it that says who votes, which is
/// not there.
struct Voters {
    home: TempDir,
    folder: PathBuf,
    snapshot: PathBuf,
    bytes: Vec<u8>,
}

impl Voters {
    fn new() -> Voters {
        let home = TempDir::new().expect("a folder");
        let folder = home.path().join("__cluster_metadata-0");
        copy(&left_by_kafka().join("__cluster_metadata-0"), &folder);
        let snapshot = folder.join("00000000000000000000-0000000000.checkpoint");
        let bytes = fs::read(&snapshot).expect("it says who votes");
        fs::remove_file(&snapshot).expect("removed");
        Voters { home, folder, snapshot, bytes }
    }
}

#[test]
fn a_damaged_snapshot_of_who_votes_is_left_for_a_copy() {
    let Voters { home: _home, folder, snapshot, bytes } = Voters::new();
    for at in 0..bytes.len() {
        let mut bent = bytes.clone();
        bent[at] ^= 4;
        fs::write(&snapshot, &bent).expect("written");
        let found = wrong(&folder);
        assert!(!found.is_empty(), "byte {at} is not as it was");
        assert!(found.iter().all(Finding::needs_a_copy), "{found:#?}");
        if at % 50 == 0 {
            let repaired = mend(&folder);
            assert_eq!((&repaired[0].left, &repaired[0].target), (&found, &None));
            assert_eq!(fs::read(&snapshot).expect("it stays"), bent);
        }
    }
}

#[test]
fn what_only_a_copy_mends_goes_where_the_rest_was_written_anew_and_spares_the_original() {
    let Voters { home, folder, snapshot, bytes } = Voters::new();
    let damaged = &bytes[..bytes.len() - 1];
    fs::write(&snapshot, damaged).expect("written");
    let to = home.path().join("anew");
    let options = repair::Options { dry_run: false, threads: 2, progress: &|_| {} };
    let written = repair_to(&Os::real(), &folder, &to, options).expect("written anew");
    let anew = to.join("__cluster_metadata-0");
    let told = &written[0].left[0].fix;
    assert!(told.ends_with(&format!(" {}", anew.display())), "{told}");
    fs::write(anew.join(snapshot.file_name().expect("a name")), &bytes).expect("as it is told");
    assert_eq!(wrong(&anew), []);
    assert_eq!(fs::read(&snapshot).expect("it stays"), damaged);
}

#[test]
fn a_whole_snapshot_that_is_not_what_its_name_says_is_found() {
    let Voters { home, folder: _, snapshot, bytes } = Voters::new();
    let bootstrap = home.path().join("bootstrap.checkpoint");
    fs::copy(left_by_kafka().join("bootstrap.checkpoint"), &snapshot).expect("copied");
    fs::write(&bootstrap, &bytes).expect("written");
    assert_eq!((wrong(&snapshot).len(), wrong(&bootstrap).len()), (1, 1));
}

fn first_segment(folder: &Path) -> PathBuf {
    folder.join("00000000000000000000.log")
}

/// Copies a folder with all in it, but for folders of other partitions' damage.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else if name != ".lock" {
            fs::copy(&path, to.join(name)).expect("copied");
        }
    }
}
