//! Files of a log directory, damaged: it opens or is refused with an error, and what opens can be read and appended to.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use klog::base::{BrokerId, LeaderEpoch, Millis, Offset, TopicId, TopicPartition};
use klog::base::{PartitionIndex, TopicName};
use klog::config::TopicConfig;
use klog::log::{EndTxn, FileCache, Log, LogDir, ReadError, Verification};
use klog::os::Os;
use klog::quorum::Single;
use klog::record::{
    Batch, BatchBuilder, BatchOptions, BatchProducer, Limits, Scratch, validate_produced,
};
use tempfile::TempDir;

const NOW: i64 = 1_700_000_000_000;
const CLEAN: &str = ".kafka_cleanshutdown";

fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.into() } else { std::env::temp_dir() };
    tempfile::tempdir_in(place).expect("a folder")
}

fn open_dir(folder: &Path) -> Result<LogDir, klog::log::LogDirError> {
    let os = Os::real();
    let files = Arc::new(FileCache::new(os.disk.clone(), 64));
    LogDir::open(&os, folder, files)
}

fn partition() -> TopicPartition {
    TopicPartition { topic: TopicName::new("t").expect("a name"), partition: PartitionIndex::ZERO }
}

fn config() -> Arc<TopicConfig> {
    Arc::new(TopicConfig {
        segment_bytes: 400,
        index_interval_bytes: 0,
        retention_ms: -1,
        ..TopicConfig::default()
    })
}

fn append(log: &mut Log, sequence: i32) -> bool {
    let producer = BatchProducer { id: 7, epoch: 0, base_sequence: sequence };
    let options = BatchOptions { producer, ..BatchOptions::default() };
    let mut builder = BatchBuilder::new(options);
    builder.append(NOW + i64::from(sequence), None, Some(&[b'x'; 100]), []).expect("it fits");
    let batch = Batch::new(builder.build().expect("it builds")).expect("a batch");
    let limits = Limits { now: Millis(NOW), ..Limits::default() };
    let checked = validate_produced(&batch, &limits, &mut Scratch::new()).expect("sound");
    log.append(&batch, &checked, LeaderEpoch::ZERO, Millis(NOW)).is_ok()
}

/// Writes in a producer's transaction, or aborts it.
fn abort_one(log: &mut Log, id: i64) -> bool {
    let producer = BatchProducer { id, epoch: 0, base_sequence: 0 };
    let options = BatchOptions { producer, transactional: true, ..BatchOptions::default() };
    let mut builder = BatchBuilder::new(options);
    builder.append(NOW, None, Some(b"aborted"), []).expect("it fits");
    let batch = Batch::new(builder.build().expect("it builds")).expect("a batch");
    let limits = Limits { now: Millis(NOW), ..Limits::default() };
    let checked = validate_produced(&batch, &limits, &mut Scratch::new()).expect("sound");
    let (epoch, now) = (LeaderEpoch::ZERO, Millis(NOW));
    let written = match log.begin_verification(batch.header(), true) {
        Ok(Verification::Needed(guard)) => {
            log.append_verified(&batch, &checked, epoch, now, guard).is_ok()
        }
        _ => false,
    };
    let end = EndTxn {
        producer_id: id,
        producer_epoch: 1,
        coordinator_epoch: 0,
        commit: false,
        transaction_version: 2,
    };
    log.append_marker(end, epoch, now).is_ok() && written
}

/// Asks what was aborted as a broker does: what has to be checked first is.
fn read_committed(log: &mut Log, from: Offset) {
    for _ in 0..100 {
        let slice = log.slice(from, log.last_stable_offset(), 200, true);
        match slice.and_then(|slice| log.aborted(from, &slice)) {
            Err(ReadError::Unchecked(check)) => match check.run() {
                Ok(done) => drop(log.checked(done)),
                Err(_) => return,
            },
            _ => return,
        }
    }
    panic!("checks without an end");
}

/// A sound directory, and the files in it.
pub struct Template {
    _folder: TempDir,
    files: Vec<(PathBuf, Bytes)>,
}

impl Template {
    /// What `fill` writes.
    pub fn of(fill: impl FnOnce(&Path)) -> Template {
        let folder = folder();
        fill(folder.path());
        let mut files = Vec::new();
        gather(folder.path(), folder.path(), &mut files);
        files.sort();
        assert!(files.len() >= 3, "{files:?}");
        Template { _folder: folder, files }
    }

    /// A copy with one file changed: the first byte says which one, the second how, the next two where.
    pub fn damaged(&self, data: &[u8]) -> Option<TempDir> {
        let [which, how, high, low, rest @ ..] = data else { return None };
        let copy = folder();
        let which = usize::from(*which) % self.files.len();
        for (at, (path, bytes)) in self.files.iter().enumerate() {
            if how & 0x80 != 0 && path.ends_with(CLEAN) {
                continue;
            }
            let path = copy.path().join(path);
            fs::create_dir_all(path.parent()?).expect("a folder");
            let bytes = match at == which {
                true => changed(bytes, how & 0x7f, u16::from_be_bytes([*high, *low]), rest),
                false => bytes.to_vec(),
            };
            fs::write(path, bytes).expect("a file");
        }
        Some(copy)
    }
}

fn changed(bytes: &[u8], how: u8, at: u16, with: &[u8]) -> Vec<u8> {
    let at = usize::from(at) % (bytes.len() + 1);
    match how % 5 {
        0 => with.to_vec(),
        1 => bytes[..at].to_vec(),
        2 => [&bytes[..at], with].concat(),
        3 => {
            let mut out = bytes.to_vec();
            let end = bytes.len().min(at + with.len());
            out[at..end].copy_from_slice(&with[..end - at]);
            out
        }
        // A producer snapshot with a version and a CRC that are right.
        _ => [&[0, 1][..], &crc32c::crc32c(with).to_be_bytes(), with].concat(),
    }
}

fn gather(root: &Path, folder: &Path, out: &mut Vec<(PathBuf, Bytes)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            gather(root, &path, out);
        } else if !path.ends_with(".lock") {
            let bytes = Bytes::from(fs::read(&path).expect("a file"));
            out.push((path.strip_prefix(root).expect("within").into(), bytes));
        }
    }
}

pub static LOG: LazyLock<Template> = LazyLock::new(|| {
    Template::of(|folder| {
        let dir = open_dir(folder).expect("a log directory");
        let (mut log, _) = dir.open_log(&partition(), TopicId([1; 16]), config()).expect("a log");
        assert!((0..4).all(|sequence| append(&mut log, sequence)));
        assert!((20..23).all(|id| abort_one(&mut log, id)));
        assert!((4..8).all(|sequence| append(&mut log, sequence)));
        log.close().expect("it closes");
        let recovery_points = [(partition(), log.recovery_point())].into();
        dir.write_checkpoints(&recovery_points, &Default::default()).expect("they are written");
        dir.mark_clean(-1).expect("it is marked");
    })
});

pub fn log_files(data: &[u8]) {
    let Some(copy) = LOG.damaged(data) else { return };
    let Ok(dir) = open_dir(copy.path()) else { return };
    let Ok((mut log, _)) = dir.open_log(&partition(), TopicId([1; 16]), config()) else { return };
    let (start, end) = (log.start().get(), log.end().get());
    // A damaged base offset makes the end far away: it is not walked to.
    for at in (start..=end).take(20).chain([end - 1, end]).filter_map(Offset::from_wire) {
        if let Ok(slice) = log.slice(at, log.end(), 200, true) {
            assert!(slice.slices.iter().all(|part| part.read().is_ok()), "a slice of nothing");
        }
    }
    for at in [start, end - 1, end].into_iter().filter_map(Offset::from_wire) {
        read_committed(&mut log, at);
    }
    let _ = log.open_transactions().count();
    abort_one(&mut log, 20);
    let _ = log.epoch_end(LeaderEpoch::ZERO);
    log.producers().for_each(drop);
    append(&mut log, 8);
    let _ = log.close();
}

pub static METADATA: LazyLock<Template> = LazyLock::new(|| {
    Template::of(|folder| {
        let dir = open_dir(folder).expect("a log directory");
        for _ in 0..2 {
            let single =
                Single::start(&Os::real(), &dir, TopicId([2; 16]), BrokerId::default(), 1 << 20)
                    .expect("it starts");
            single.stop();
        }
        dir.mark_clean(-1).expect("it is marked");
    })
});

pub fn metadata_files(data: &[u8]) {
    let Some(copy) = METADATA.damaged(data) else { return };
    let Ok(dir) = open_dir(copy.path()) else { return };
    if let Ok(single) =
        Single::start(&Os::real(), &dir, TopicId([2; 16]), BrokerId::default(), 1 << 20)
    {
        single.stop();
    }
}
