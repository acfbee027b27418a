//! Two log directories, one of which fills up or fails: it alone is affected, what can be read is read, and a restart brings
//! it back. The broker runs in this process, over a disk that fails on demand.

use std::fs;
use std::io::{self, IoSlice, Write as _};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use klog::broker::{Broker, Loggers};
use klog::config::{BrokerConfig, Listener};
use klog::os::{
    Disk, DiskFile, Entry, FileSystem, FolderLock, LockError, Map, OpenMode, Os, RealDisk, Space,
};
use klog::record::{BatchBuilder, BatchOptions};
use klog::wire::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use klog::wire::fetch::{FetchPartition, FetchRequest, FetchTopic};
use klog::wire::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::librdkafka::Admin;
use crate::raw::{Raw, batch};

const KAFKA_STORAGE_ERROR: i16 = 56;
const FETCH: i16 = 11;
const ENOSPC: i32 = 28;
const EIO: i32 = 5;

/// The file system, which fails in one folder as it is told to.
#[derive(Clone, Debug)]
struct FaultyDisk {
    folder: PathBuf,
    faults: Arc<Faults>,
}

#[derive(Debug, Default)]
struct Faults {
    no_room: AtomicBool,
    write: AtomicBool,
    sync: AtomicBool,
    /// Only of the file system as a whole.
    sync_whole: AtomicBool,
    read: AtomicBool,
    open: AtomicBool,
    /// How often compaction found no room.
    uncleaned: AtomicUsize,
}

fn is_on(fault: &AtomicBool) -> bool {
    fault.load(Ordering::SeqCst)
}

fn set(fault: &AtomicBool, on: bool) {
    fault.store(on, Ordering::SeqCst);
}

fn fail(on: bool, code: i32) -> io::Result<()> {
    if on { Err(io::Error::from_raw_os_error(code)) } else { Ok(()) }
}

impl FaultyDisk {
    fn hits(&self, path: &Path) -> bool {
        path.starts_with(&self.folder)
    }
}

impl Disk for FaultyDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        if self.hits(path) {
            fail(is_on(&self.faults.open), EIO)?;
            let makes = mode == OpenMode::Create && !path.exists();
            let full = makes && is_on(&self.faults.no_room);
            if full && path.extension().is_some_and(|end| end == "cleaned") {
                self.faults.uncleaned.fetch_add(1, Ordering::SeqCst);
            }
            fail(full, ENOSPC)?;
        }
        let faults = self.hits(path).then(|| self.faults.clone());
        Ok(Arc::new(FaultyFile { inner: RealDisk.open(path, mode)?, faults }))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_file(path)
    }
    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_dir_all(path)
    }
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        RealDisk.create_dir_all(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        RealDisk.list(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        fail(self.hits(path) && is_on(&self.faults.sync), EIO)?;
        RealDisk.sync_dir(path)
    }
    fn file_system(&self, path: &Path) -> io::Result<Arc<dyn FileSystem>> {
        let faults = self.hits(path).then(|| self.faults.clone());
        Ok(Arc::new(FaultyFileSystem { inner: RealDisk.file_system(path)?, faults }))
    }
    fn space(&self, path: &Path) -> io::Result<Space> {
        RealDisk.space(path)
    }
    fn lock(&self, path: &Path) -> Result<FolderLock, LockError> {
        RealDisk.lock(path)
    }
    fn lock_holder(&self, path: &Path) -> io::Result<Option<i32>> {
        RealDisk.lock_holder(path)
    }
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        RealDisk.exchange(one, other)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.link(from, to)
    }
}

#[derive(Debug)]
struct FaultyFileSystem {
    inner: Arc<dyn FileSystem>,
    faults: Option<Arc<Faults>>,
}

impl FileSystem for FaultyFileSystem {
    fn sync(&self) -> io::Result<()> {
        let on = |faults: &Faults| is_on(&faults.sync) || is_on(&faults.sync_whole);
        fail(self.faults.as_deref().is_some_and(on), EIO)?;
        self.inner.sync()
    }
}

#[derive(Debug)]
struct FaultyFile {
    inner: Arc<dyn DiskFile>,
    /// `None` where nothing fails.
    faults: Option<Arc<Faults>>,
}

impl FaultyFile {
    fn fail(&self, fault: impl Fn(&Faults) -> &AtomicBool, code: i32) -> io::Result<()> {
        fail(self.faults.as_deref().is_some_and(|faults| is_on(fault(faults))), code)
    }
}

impl DiskFile for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
    fn read_at(&self, out: &mut [u8], position: u64) -> io::Result<usize> {
        self.fail(|faults| &faults.read, EIO)?;
        self.inner.read_at(out, position)
    }
    fn write_all_at(&self, parts: &mut [IoSlice<'_>], position: u64) -> io::Result<()> {
        self.fail(|faults| &faults.write, EIO)?;
        if self.fail(|faults| &faults.no_room, ENOSPC).is_err() {
            // Half of it still found room.
            let half = parts[0].len() / 2;
            let half: Vec<u8> = parts[0][..half].to_vec();
            self.inner.write_all_at(&mut [IoSlice::new(&half)], position)?;
            return fail(true, ENOSPC);
        }
        self.inner.write_all_at(parts, position)
    }
    fn set_len(&self, length: u64) -> io::Result<()> {
        self.inner.set_len(length)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.fail(|faults| &faults.sync, EIO)?;
        self.inner.sync_data()
    }
    fn sync_all(&self) -> io::Result<()> {
        self.fail(|faults| &faults.sync, EIO)?;
        self.inner.sync_all()
    }
    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.inner.as_fd()
    }
    fn map(&self) -> io::Result<Option<Map>> {
        self.inner.map()
    }
}

/// A broker with the directories `good`, which also holds the metadata, and `bad`.
struct Two {
    home: TempDir,
    disk: FaultyDisk,
    runtime: Runtime,
    broker: Option<Broker>,
    /// Whether the good directory is for the metadata alone.
    apart: bool,
}

impl Two {
    fn start() -> Two {
        Two::failing_in("bad")
    }

    fn failing_in(folder: &str) -> Two {
        Two::with_disk(folder, false)
    }

    fn with_disk(folder: &str, apart: bool) -> Two {
        let home = TempDir::new().expect("a folder");
        let disk = FaultyDisk { folder: home.path().join(folder), faults: Arc::default() };
        let runtime = Runtime::new().expect("a runtime");
        let mut two = Two { home, disk, runtime, broker: None, apart };
        two.launch();
        two
    }

    fn launch(&mut self) {
        let config = BrokerConfig {
            listeners: vec![Listener::plaintext("127.0.0.1", 0)],
            log_dirs: if self.apart { vec![self.bad()] } else { vec![self.good(), self.bad()] },
            metadata_log_dir: Some(self.good()),
            cleaner_backoff_ms: 10,
            ..BrokerConfig::default()
        };
        let os = Os { disk: Arc::new(self.disk.clone()), ..Os::real() };
        self.broker = Some(
            self.runtime
                .block_on(Broker::start(config, os, Loggers::default()))
                .expect("it starts"),
        );
    }

    fn good(&self) -> PathBuf {
        self.home.path().join("good")
    }

    fn bad(&self) -> PathBuf {
        self.home.path().join("bad")
    }

    fn faults(&self) -> &Faults {
        &self.disk.faults
    }

    fn address(&self) -> String {
        self.broker.as_ref().expect("it runs").local_addrs()[0].to_string()
    }

    fn raw(&self) -> Raw {
        Raw::connect(&self.address())
    }

    /// Makes a topic and says in which directory its partition is.
    fn create(&self, topic: &str) -> PathBuf {
        Admin::new(&self.address()).create(topic, 1, &[("flush.messages", "1")]);
        let folder = |dir: PathBuf| dir.join(format!("{topic}-0")).is_dir();
        if folder(self.good()) { self.good() } else { self.bad() }
    }

    /// Topics `g`, in the good directory, and `b` and `b2`, in the bad one, with two records each.
    fn with_topics() -> Two {
        let two = Two::start();
        let made: Vec<PathBuf> = ["g", "b", "g2", "b2"].map(|topic| two.create(topic)).into();
        assert_eq!(made, [two.good(), two.bad(), two.good(), two.bad()]);
        let mut raw = two.raw();
        for topic in ["g", "b", "b2"] {
            assert_eq!(raw.produce(topic, &batch(&[b"1", b"2"])).error_code, 0);
        }
        two
    }

    fn stop(&mut self) {
        let broker = self.broker.take().expect("it runs");
        let _ = self.runtime.block_on(broker.shutdown());
    }

    fn is_marked_clean(&self, dir: &Path) -> bool {
        dir.join(".kafka_cleanshutdown").exists()
    }
}

fn bytes_of(raw: &mut Raw, topic: &str) -> (i16, usize) {
    let partition = FetchPartition { partition_max_bytes: 1 << 20, ..Default::default() };
    let topic =
        FetchTopic { topic: topic.into(), partitions: vec![partition], ..Default::default() };
    let request = FetchRequest { max_bytes: 1 << 20, topics: vec![topic], ..Default::default() };
    let found = raw.call(FETCH, &request).responses.remove(0).partitions.remove(0);
    (found.error_code, found.records.map_or(0, |records| records.len()))
}

/// What holds while the bad directory takes no records.
fn assert_only_the_bad_one_is_affected(two: &Two) {
    let mut raw = two.raw();
    let one = batch(&[b"1", b"2"]);
    for topic in ["b", "b2"] {
        assert_eq!(raw.produce(topic, &one).error_code, KAFKA_STORAGE_ERROR, "{topic}");
        assert_eq!(bytes_of(&mut raw, topic), (0, one.len()), "what is there is served");
        assert_eq!(raw.latest(topic), 2);
    }
    let before = raw.latest("g");
    assert_eq!(raw.produce("g", &one).base_offset, before);
    for topic in ["n1", "n2", "n3"] {
        assert_eq!(two.create(topic), two.good(), "new topics avoid it");
        assert_eq!(raw.produce(topic, &one).error_code, 0);
    }
}

/// What holds after the restart that followed.
fn assert_all_is_well(two: &Two, topics: &[&str]) {
    let mut raw = two.raw();
    for topic in topics {
        let end = raw.latest(topic);
        assert!(end >= 2, "{topic} ends at {end}");
        let again = raw.produce(topic, &batch(&[b"3"]));
        assert_eq!((again.error_code, again.base_offset), (0, end), "{topic}");
        assert!(bytes_of(&mut raw, topic).1 > 0);
    }
}

#[test]
fn a_full_directory_refuses_records_until_there_is_room_and_all_else_goes_on() {
    let mut two = Two::with_topics();
    set(&two.faults().no_room, true);
    full_then_not(&mut two, |two| set(&two.faults().no_room, false));
}

/// The same on a file system that is full indeed, where this process may mount one; the test above needs no such right.
#[test]
fn a_full_file_system_refuses_records_until_there_is_room_and_all_else_goes_on() {
    let mut two = Two::with_topics();
    two.stop();
    let Some(mounted) = Tmpfs::over(&two.bad()) else {
        println!("no right to mount: a disk that says so stands in for a full one");
        two.launch();
        set(&two.faults().no_room, true);
        return full_then_not(&mut two, |two| set(&two.faults().no_room, false));
    };
    two.launch();
    let filler = two.bad().join("filler");
    let full = fs::write(&filler, vec![1; 64 << 20]).expect_err("it is smaller");
    assert_eq!(full.raw_os_error(), Some(ENOSPC));
    full_then_not(&mut two, |two| fs::remove_file(two.bad().join("filler")).expect("removed"));
    two.stop();
    drop(mounted);
}

fn full_then_not(two: &mut Two, make_room: impl Fn(&Two)) {
    let one = batch(&[&[7; 100_000]]);
    let mut raw = two.raw();
    let segment = two.bad().join("b-0/00000000000000000000.log");
    let length = || fs::metadata(&segment).expect("a segment").len();
    let before = length();
    assert_eq!(raw.produce("b", &one).error_code, KAFKA_STORAGE_ERROR);
    assert_eq!(length(), before, "what was written of it was taken back");
    assert_eq!(raw.produce("b2", &one).error_code, KAFKA_STORAGE_ERROR);
    assert_eq!(raw.latest("b"), 2, "nothing of it is left");
    assert_eq!(raw.produce("g", &one).error_code, 0);
    assert_eq!(bytes_of(&mut raw, "b"), (0, batch(&[b"1", b"2"]).len()));
    assert_eq!(two.create("n1"), two.good(), "new topics avoid it");
    assert_eq!(two.create("n2"), two.good(), "new topics avoid it");
    Admin::new(&two.address()).delete("b2");
    assert!(!two.bad().join("b2-0").exists(), "deleted");
    make_room(two);
    let then = raw.produce("b", &one);
    assert_eq!((then.error_code, then.base_offset), (0, 2), "no restart is needed");
    two.stop();
    assert!(two.is_marked_clean(&two.bad()) && two.is_marked_clean(&two.good()));
    two.launch();
    assert_all_is_well(two, &["g", "b"]);
}

#[test]
fn a_producer_says_what_it_waits_for_and_what_was_the_matter_with_the_first_record() {
    let two = Two::with_topics();
    let mut produce = Command::new(env!("CARGO_BIN_EXE_klog"));
    produce
        .args(["produce", "b", "-b", &two.address(), "-X", "batch.size=1000"])
        .args(["-X", "delivery.timeout.ms=6500"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = produce.spawn().expect("klog runs");
    let lines: String = (0..20_000).map(|n| format!("{n}\n")).collect();
    let mut input = child.stdin.take().expect("a pipe");
    // Once the broker knows the producer, several batches are on their way at a time.
    input.write_all(b"first\n").expect("it reads");
    let (mut raw, end) = (two.raw(), Instant::now() + Duration::from_secs(60));
    while raw.latest("b") < 3 {
        assert!(Instant::now() < end, "the first record does not come");
        thread::sleep(Duration::from_millis(10));
    }
    set(&two.faults().no_room, true);
    let writer = thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    // It may end before it has read all.
    let _ = writer.join().expect("no panic");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    let line = said.lines().find(|line| line.contains("trying on")).expect("a line after 5 s");
    for text in [line, said.rsplit("delivered").next().expect("a last line")] {
        assert!(text.contains("No space left on device"), "{said}");
    }
    assert!(!said.contains("OUT_OF_ORDER"), "those behind it fail so: {said}");
}

#[test]
fn what_is_trimmed_in_a_full_directory_is_removed_at_once() {
    let two = Two::failing_in("bad");
    assert_eq!(two.create("g"), two.good());
    Admin::new(&two.address()).create("b", 1, &[("segment.bytes", "1100")]);
    let mut raw = two.raw();
    for _ in 0..10 {
        assert_eq!(raw.produce("b", &batch(&[&[7; 400]])).error_code, 0);
    }
    let files = || {
        let entries = fs::read_dir(two.bad().join("b-0")).expect("a folder");
        let names = entries.map(|entry| entry.expect("a name").file_name().into_string());
        names.map(|name| name.expect("UTF-8")).collect::<Vec<_>>()
    };
    let mut trim_before = |offset: i64| {
        let partition = DeleteRecordsPartition { offset, ..Default::default() };
        let topic = DeleteRecordsTopic {
            name: "b".into(),
            partitions: vec![partition],
            ..Default::default()
        };
        let request =
            DeleteRecordsRequest { topics: vec![topic], timeout_ms: 30_000, ..Default::default() };
        let done = raw.call(2, &request).topics.remove(0).partitions.remove(0);
        assert_eq!((done.error_code, done.low_watermark), (0, offset));
    };
    trim_before(4);
    assert!(files().iter().any(|name| name.ends_with(".deleted")), "file.delete.delay.ms is 60 s");
    set(&two.faults().no_room, true);
    assert_eq!(two.raw().produce("b", &batch(&[b"1"])).error_code, KAFKA_STORAGE_ERROR);
    set(&two.faults().no_room, false);
    trim_before(8);
    let left = files();
    assert!(!left.iter().any(|name| name.ends_with(".deleted")), "{left:?}");
}

#[test]
fn metadata_that_finds_no_room_is_refused_and_taken_once_there_is_some() {
    let mut two = Two::failing_in("good");
    two.raw().make_topic("before");
    set(&two.faults().no_room, true);
    let mut raw = two.raw();
    assert_eq!(raw.describe("refused").error_code, KAFKA_STORAGE_ERROR);
    set(&two.faults().no_room, false);
    raw.make_topic("after");
    two.stop();
    two.launch();
    let mut raw = two.raw();
    assert_eq!(["before", "after"].map(|topic| raw.latest(topic)), [0, 0]);
}

/// A file system of 8 MiB.
struct Tmpfs(PathBuf);

impl Tmpfs {
    /// Puts one in a folder's place, with what the folder holds.
    fn over(folder: &Path) -> Option<Tmpfs> {
        let aside = folder.with_extension("aside");
        fs::rename(folder, &aside).expect("renamed");
        fs::create_dir(folder).expect("made");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=8m", "klog"]).arg(folder);
        if !mount.output().is_ok_and(|done| done.status.success()) {
            fs::remove_dir(folder).expect("removed");
            fs::rename(&aside, folder).expect("renamed");
            return None;
        }
        let mounted = Tmpfs(folder.into());
        let copied = Command::new("cp").arg("-a").arg(aside.join(".")).arg(folder).status();
        assert!(copied.expect("cp runs").success());
        Some(mounted)
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_failed_fsync_takes_its_directory_offline_and_a_restart_brings_it_back() {
    let mut two = Two::with_topics();
    set(&two.faults().sync, true);
    let mut raw = two.raw();
    let refused = raw.produce("b", &batch(&[b"3"]));
    assert_eq!(refused.error_code, KAFKA_STORAGE_ERROR, "it could be lost: no acknowledgement");
    set(&two.faults().sync, false);
    let one = batch(&[b"1", b"2"]);
    assert_eq!(raw.produce("b", &one).error_code, KAFKA_STORAGE_ERROR, "a retry would lie");
    assert_eq!(raw.produce("b2", &one).error_code, KAFKA_STORAGE_ERROR, "it is the directory");
    assert!(bytes_of(&mut raw, "b").1 >= one.len(), "what is there is served");
    assert_eq!(two.create("n1"), two.good(), "new topics avoid it");
    assert_eq!(two.create("n2"), two.good(), "new topics avoid it");
    assert_eq!(raw.produce("g", &one).error_code, 0);
    two.stop();
    assert!(two.is_marked_clean(&two.good()));
    assert!(!two.is_marked_clean(&two.bad()), "what is offline was not stopped cleanly");
    two.launch();
    assert_all_is_well(&two, &["g", "b", "b2"]);
}

#[test]
fn no_topic_is_made_where_every_directory_is_offline() {
    let mut two = Two::with_disk("bad", true);
    let mut raw = two.raw();
    raw.make_topic("before");
    set(&two.faults().write, true);
    assert_eq!(raw.produce("before", &batch(&[b"1"])).error_code, KAFKA_STORAGE_ERROR);
    assert_eq!(raw.describe("refused").error_code, KAFKA_STORAGE_ERROR);
    set(&two.faults().write, false);
    two.stop();
    two.launch();
    assert_eq!(two.raw().produce("before", &batch(&[b"1"])).error_code, 0);
    two.raw().make_topic("refused");
}

#[test]
fn a_failed_write_takes_its_directory_offline_and_a_restart_brings_it_back() {
    let mut two = Two::with_topics();
    set(&two.faults().write, true);
    let refused = two.raw().produce("b", &batch(&[b"3"]));
    assert_eq!(refused.error_code, KAFKA_STORAGE_ERROR);
    set(&two.faults().write, false);
    assert_only_the_bad_one_is_affected(&two);
    Admin::new(&two.address()).delete("b2");
    assert!(!two.bad().join("b2-0").exists(), "what is offline can be deleted");
    two.stop();
    assert!(two.is_marked_clean(&two.good()) && !two.is_marked_clean(&two.bad()));
    two.launch();
    assert_all_is_well(&two, &["g", "b"]);
}

#[test]
fn what_cannot_be_read_takes_its_partition_offline() {
    let mut two = Two::with_topics();
    set(&two.faults().read, true);
    let mut raw = two.raw();
    assert_eq!(bytes_of(&mut raw, "b"), (KAFKA_STORAGE_ERROR, 0));
    set(&two.faults().read, false);
    assert_eq!(raw.describe("b").partitions[0].offline_replicas, [1]);
    assert_eq!(raw.produce("b", &batch(&[b"3"])).error_code, KAFKA_STORAGE_ERROR);
    assert_eq!(raw.produce("b2", &batch(&[b"3"])).error_code, 0, "its neighbour serves on");
    two.stop();
    two.launch();
    assert_all_is_well(&two, &["g", "b", "b2"]);
}

#[test]
fn a_directory_that_cannot_be_opened_does_not_keep_the_others_from_serving() {
    let mut two = Two::with_topics();
    two.stop();
    set(&two.faults().open, true);
    two.launch();
    let mut raw = two.raw();
    let one = batch(&[b"1", b"2"]);
    for topic in ["b", "b2"] {
        assert_eq!(raw.produce(topic, &one).error_code, KAFKA_STORAGE_ERROR);
        assert_eq!(bytes_of(&mut raw, topic).0, KAFKA_STORAGE_ERROR);
        assert_eq!(raw.describe(topic).partitions[0].offline_replicas, [1]);
    }
    assert_eq!(raw.produce("g", &one).error_code, 0);
    assert_eq!(two.create("n1"), two.good());
    assert_eq!(two.create("n2"), two.good());
    two.stop();
    set(&two.faults().open, false);
    two.launch();
    assert_all_is_well(&two, &["g", "b", "b2"]);
}

/// Where there are many partitions, their directory is synced as a whole after a crash.
#[test]
fn a_directory_that_cannot_be_synced_after_a_crash_does_not_keep_the_others_from_serving() {
    let mut two = Two::with_topics();
    Admin::new(&two.address()).create("many", 130, &[]);
    two.stop();
    let mark = two.bad().join(".kafka_cleanshutdown");
    fs::remove_file(mark).expect("it was stopped cleanly");
    set(&two.faults().sync_whole, true);
    two.launch();
    let mut raw = two.raw();
    let one = batch(&[b"1", b"2"]);
    for topic in ["b", "b2"] {
        assert_eq!(raw.produce(topic, &one).error_code, KAFKA_STORAGE_ERROR);
    }
    assert_eq!(raw.produce("g", &one).error_code, 0);
    two.stop();
    set(&two.faults().sync_whole, false);
    two.launch();
    assert_all_is_well(&two, &["g", "b", "b2"]);
}

#[test]
fn compaction_that_finds_no_room_is_done_once_there_is_some() {
    let two = Two::start();
    let late = [
        ("cleanup.policy", "compact"),
        ("segment.bytes", "4096"),
        ("flush.messages", "1"),
        // Never yet.
        ("min.cleanable.dirty.ratio", "1.0"),
    ];
    let admin = Admin::new(&two.address());
    admin.create("other", 1, &late);
    admin.create("c", 1, &late);
    let folder = two.bad().join("c-0");
    assert!(folder.is_dir());
    let mut raw = two.raw();
    for _ in 0..40 {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.append(1, Some(b"key"), Some(&[7; 1000]), []).expect("it fits");
        let keyed = builder.build().expect("a batch");
        assert_eq!(raw.produce("c", &keyed).error_code, 0);
    }
    let bytes = || -> u64 {
        let entries = fs::read_dir(&folder).expect("a folder").flatten();
        let logs = entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "log"));
        logs.map(|entry| entry.metadata().map_or(0, |it| it.len())).sum()
    };
    let before = bytes();
    let until = |what: &str, holds: &dyn Fn() -> bool| {
        let end = Instant::now() + Duration::from_secs(30);
        while !holds() {
            assert!(Instant::now() < end, "{what}: {} of {before} bytes", bytes());
            thread::sleep(Duration::from_millis(5));
        }
    };
    set(&two.faults().no_room, true);
    let ratio = AlterableConfig {
        name: "min.cleanable.dirty.ratio".into(),
        value: Some("0.0".into()),
        ..Default::default()
    };
    let topic = AlterConfigsResource {
        resource_type: 2,
        resource_name: "c".into(),
        configs: vec![ratio],
        ..Default::default()
    };
    let now = IncrementalAlterConfigsRequest { resources: vec![topic], ..Default::default() };
    assert_eq!(raw.call(1, &now).responses[0].error_code, 0);
    until("no attempt", &|| two.faults().uncleaned.load(Ordering::SeqCst) > 1);
    assert_eq!(bytes(), before);
    set(&two.faults().no_room, false);
    until("not compacted", &|| bytes() < before / 4);
    assert!(bytes_of(&mut raw, "c").1 > 0);
}
