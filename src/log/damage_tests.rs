//! What a disk may do to files while klog is not looking: a flipped bit is never served, and side files that were truncated,
//! zeroed, garbled or lost change nothing of what is read, acknowledged or known of producers.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::base::{Millis, PartitionIndex, TopicId, TopicName};
use crate::record::{
    Batch, BatchBuilder, BatchOptions, BatchProducer, Limits, Scratch, validate_produced,
};

const NOW: i64 = 1_700_000_000_000;
pub(super) const BATCHES: i64 = 60;
const PRODUCER: i64 = 9;

pub(super) fn id() -> TopicPartition {
    TopicPartition { topic: TopicName::new("events").unwrap(), partition: PartitionIndex::new(0) }
}

pub(super) fn open_dir(home: &Path) -> LogDir {
    let os = Os::real();
    LogDir::open(&os, home, Arc::new(FileCache::new(os.disk.clone(), 16))).unwrap()
}

/// Opens the log, with segments of about nine batches and an index entry for every second one.
pub(super) fn open(home: &Path) -> Result<(LogDir, Log), OpenError> {
    let dir = open_dir(home);
    let config = TopicConfig {
        segment_bytes: 1000,
        index_interval_bytes: 150,
        retention_ms: 1000,
        ..TopicConfig::default()
    };
    let (log, _) = dir.open_log(&id(), TopicId([7; 16]), Arc::new(config))?;
    Ok((dir, log))
}

/// Batch number `n`, of one record, as an idempotent producer sends it.
fn batch(n: i64) -> Batch {
    let producer = BatchProducer { id: PRODUCER, epoch: 0, base_sequence: n as i32 };
    let mut builder = BatchBuilder::new(BatchOptions { producer, ..BatchOptions::default() });
    let none: [(&[u8], Option<&[u8]>); 0] = [];
    let value = format!("value {n:08} {}", "x".repeat(20));
    builder.append(NOW + n, None, Some(value.as_bytes()), none).unwrap();
    Batch::new(builder.build().unwrap()).unwrap()
}

pub(super) fn append(log: &mut Log, n: i64) -> Result<Placed, AppendError> {
    let limits = Limits { now: Millis(NOW), ..Limits::default() };
    let checked = validate_produced(&batch(n), &limits, &mut Scratch::new()).unwrap();
    log.append(&batch(n), &checked, LeaderEpoch::ZERO, Millis(NOW))
}

/// How the last process ended.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Stop {
    Clean,
    Killed,
}

/// A log directory as a process leaves it.
pub(super) fn left_behind(stop: Stop) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let (dir, mut log) = open(home.path()).unwrap();
    for n in 0..BATCHES {
        append(&mut log, n).unwrap();
    }
    match stop {
        Stop::Clean => log.close().unwrap(),
        Stop::Killed => flush(&mut log),
    }
    let of = |offset: Offset| Offsets::from([(id(), offset)]);
    dir.write_checkpoints(&of(log.recovery_point()), &Offsets::new()).unwrap();
    if stop == Stop::Clean {
        dir.mark_clean(-1).unwrap();
    } else {
        log.segments
            .iter_mut()
            .for_each(|segment| segment.write_indexes(&*Os::real().disk).unwrap());
    }
    home
}

fn flush(log: &mut Log) {
    let plan = log.flush_plan().unwrap().unwrap();
    plan.run().unwrap();
    log.flushed(plan.up_to());
}

/// Reads as a broker does: what has to be checked first is.
fn read<T>(log: &mut Log, read: impl Fn(&Log) -> Result<T, ReadError>) -> Result<T, ReadError> {
    let mut last = None;
    for _ in 0..100 {
        match read(log) {
            Err(ReadError::Unchecked(check)) => {
                log.checked(check.run()?)?;
                last = Some(check);
            }
            other => return other,
        }
    }
    panic!("checks without an end: {last:?}");
}

/// The batch that holds `from`, as it would be served.
pub(super) fn served(log: &mut Log, from: i64) -> Result<Bytes, ReadError> {
    let slice = read(log, |log| log.slice(Offset::new(from), log.end(), 1, true))?;
    Ok(slice.slices.iter().flat_map(|part| part.read().unwrap()).collect())
}

/// Every batch, as it is served when nothing is wrong.
fn truth(home: &Path) -> Vec<Bytes> {
    let (_dir, mut log) = open(home).unwrap();
    (0..BATCHES).map(|n| served(&mut log, n).unwrap()).collect()
}

fn files(home: &Path, suffix: &str) -> Vec<PathBuf> {
    let folder = home.join(id().to_string());
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.to_string_lossy().ends_with(suffix)).collect();
    found.sort();
    found
}

/// The seed is printed; `KLOG_SEED` sets it.
fn chance() -> StdRng {
    let given = std::env::var("KLOG_SEED").ok().map(|seed| seed.parse().unwrap());
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one("seed"));
    println!("KLOG_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

#[test]
fn a_bit_that_flipped_anywhere_in_a_segment_is_never_served_and_named_with_its_place() {
    let mut chance = chance();
    let home = left_behind(Stop::Clean);
    let mark = home.path().join(".kafka_cleanshutdown");
    let truth = {
        let copy = copy_of(home.path());
        truth(copy.path())
    };
    let segments = files(home.path(), ".log");
    let (first, last) = (&segments[1], segments.last().unwrap());
    for path in [first, last] {
        let whole = fs::read(path).unwrap();
        let inside: Vec<i64> = {
            let base: i64 = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
            let count = truth.iter().skip(base as usize).scan(0, |sum, batch| {
                *sum += batch.len();
                Some(*sum)
            });
            let count = count.take_while(|end| *end <= whole.len()).count();
            (base..base + count as i64).collect()
        };
        // Each byte of a full campaign; else one of a few.
        let step = if std::env::var_os("KLOG_LONG").is_some() { 1 } else { 11 };
        for at in (chance.random_range(0..step)..whole.len()).step_by(step) {
            let mut bent = whole.clone();
            let bit = chance.random_range(0..8);
            bent[at] ^= 1 << bit;
            fs::write(path, &bent).unwrap();
            fs::write(&mark, b"{}").unwrap();
            println!("bit {bit} of byte {at} in {}", path.display());
            let mut found = 0;
            // Forwards and backwards: what is fetched first decides what is checked first.
            for backwards in [false, true] {
                let (_dir, mut log) = match open(home.path()) {
                    Ok(opened) => opened,
                    Err(OpenError::Damaged { file, .. }) => {
                        assert_eq!(&file, path);
                        found += 1;
                        continue;
                    }
                    Err(other) => panic!("{other}"),
                };
                let mut order = inside.clone();
                if backwards {
                    order.reverse();
                }
                let mut refused = false;
                for n in order {
                    match served(&mut log, n) {
                        Ok(bytes) => assert_eq!(bytes, truth[n as usize], "byte {at}, offset {n}"),
                        Err(ReadError::Rotten(damage)) => {
                            assert_eq!(&damage.file, path);
                            assert!(damage.position <= whole.len() as u64);
                            refused = true;
                        }
                        Err(other) => panic!("byte {at}, offset {n}: {other}"),
                    }
                }
                let others =
                    truth.iter().enumerate().filter(|(n, _)| !inside.contains(&(*n as i64)));
                for (n, batch) in others.step_by(7) {
                    assert_eq!(served(&mut log, n as i64).unwrap(), batch, "other segments");
                }
                found += i32::from(refused);
            }
            assert_eq!(found, 2, "byte {at} of {} was not found out", path.display());
        }
        fs::write(path, &whole).unwrap();
    }
}

#[test]
fn a_sealed_segment_that_was_emptied_is_named_and_one_that_compaction_emptied_is_passed_over() {
    let empty =
        |path: &Path| fs::File::options().write(true).open(path).unwrap().set_len(0).unwrap();
    for stop in [Stop::Clean, Stop::Killed] {
        let home = left_behind(stop);
        let truth = truth(home.path());
        let home = left_behind(stop);
        let segments = files(home.path(), ".log");
        let base =
            |path: &Path| path.file_stem().unwrap().to_string_lossy().parse::<i64>().unwrap();
        let (emptied, next) = (&segments[1], base(&segments[2]));
        empty(emptied);
        match open(home.path()) {
            Err(OpenError::Damaged { file, position: 0, offset, .. }) => {
                assert_eq!((&file, offset.get()), (emptied, base(emptied)), "{stop:?}");
            }
            other => panic!("{stop:?}: {other:?}"),
        }
        // Compaction that takes all of a segment's records leaves indexes without an entry.
        ["index", "timeindex"].iter().for_each(|end| empty(&emptied.with_extension(end)));
        let (_dir, mut log) = open(home.path()).unwrap();
        let first = served(&mut log, base(emptied)).unwrap();
        assert_eq!(first, truth[next as usize], "{stop:?}: what follows it");
    }
}

fn copy_of(home: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let inner = copy.path().join(id().to_string());
    fs::create_dir(&inner).unwrap();
    for (from, to) in [(home, copy.path()), (&home.join(id().to_string()), &inner)] {
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() && !path.ends_with(".lock") {
                fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    copy
}

/// What is done to a file.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Harm {
    Missing,
    Emptied,
    CutInAnEntry,
    HalfLost,
    Zeroed,
    RandomBytes,
    /// As many entries as there were, ascending, and all wrong.
    WellFormedButWrong,
    /// So are all but the last entry.
    AllButTheLastWrong,
}

const HARMS: [Harm; 8] = [
    Harm::Missing,
    Harm::Emptied,
    Harm::CutInAnEntry,
    Harm::HalfLost,
    Harm::Zeroed,
    Harm::RandomBytes,
    Harm::WellFormedButWrong,
    Harm::AllButTheLastWrong,
];

fn harm(path: &Path, harm: Harm, chance: &mut StdRng) {
    let bytes = fs::read(path).unwrap_or_default();
    let entry = if path.extension().is_some_and(|kind| kind == "index") { 8 } else { 12 };
    let harmed = match harm {
        Harm::Missing => return fs::remove_file(path).unwrap_or_default(),
        Harm::Emptied => Vec::new(),
        Harm::CutInAnEntry => bytes[..bytes.len().saturating_sub(5)].to_vec(),
        Harm::HalfLost => bytes[..bytes.len() / entry / 2 * entry].to_vec(),
        Harm::Zeroed => vec![0; bytes.len()],
        Harm::RandomBytes => bytes.iter().map(|_| chance.random()).collect(),
        Harm::WellFormedButWrong => well_formed_but_wrong(path, &bytes),
        Harm::AllButTheLastWrong => all_but_the_last_wrong(path, &bytes),
    };
    fs::write(path, harmed).unwrap();
}

fn well_formed_but_wrong(path: &Path, bytes: &[u8]) -> Vec<u8> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let mut out = Vec::new();
    match name.rsplit('.').next().unwrap() {
        "index" => (1..=bytes.len() / 8).for_each(|at| {
            out.extend((at as u32).to_be_bytes());
            out.extend((at as u32 * 37).to_be_bytes());
        }),
        "timeindex" => (1..=bytes.len() / 12).for_each(|at| {
            out.extend((at as i64 * 1000).to_be_bytes());
            out.extend((at as u32).to_be_bytes());
        }),
        _ => match name {
            "leader-epoch-checkpoint" => out.extend(b"0\n2\n3 0\n5 17\n"),
            "recovery-point-offset-checkpoint" | "log-start-offset-checkpoint" => {
                out.extend(b"0\n1\nevents 0 4000\n");
            }
            _ => out.extend(bytes),
        },
    }
    out
}

/// Time index: every entry says that nothing up to the last one's offset is younger. Offset index: as before, a byte on.
fn all_but_the_last_wrong(path: &Path, bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let (entry, at) = match path.extension().and_then(|kind| kind.to_str()) {
        Some("index") => (8, 4),
        Some("timeindex") => (12, 8),
        _ => return out,
    };
    let last = bytes.len().saturating_sub(entry);
    for first in (0..last).step_by(entry) {
        let wrong = &mut out[first + at..first + entry];
        match entry {
            8 => wrong[3] = wrong[3].wrapping_add(1),
            _ => wrong.copy_from_slice(&bytes[last + at..last + entry]),
        }
    }
    out
}

/// Which ones of some files.
type Choose = fn(&mut Vec<PathBuf>);
/// The files of a row: those with this ending, in the partition's folder or beside it.
const ROWS: [(&str, Choose); 10] = [
    (".index", |_| ()),
    (".index", |sealed| drop(sealed.pop())),
    (".index", |active| drop(active.drain(..active.len() - 1))),
    (".timeindex", |sealed| drop(sealed.pop())),
    (".timeindex", |active| drop(active.drain(..active.len() - 1))),
    (".snapshot", |newest| drop(newest.drain(..newest.len() - 1))),
    ("leader-epoch-checkpoint", |_| ()),
    ("partition.metadata", |_| ()),
    ("../recovery-point-offset-checkpoint", |_| ()),
    ("../log-start-offset-checkpoint", |_| ()),
];

#[test]
fn side_files_that_were_cut_zeroed_garbled_or_lost_change_nothing() {
    let mut chance = chance();
    for stop in [Stop::Clean, Stop::Killed] {
        let original = left_behind(stop);
        let truth = truth(copy_of(original.path()).path());
        for (suffix, choose) in ROWS {
            // Forwards, segments are checked from their first byte, and indexes are needed later; backwards, at once.
            let orders: &[bool] = if suffix == ".index" { &[false, true] } else { &[false] };
            for (how, backwards) in HARMS.iter().flat_map(|how| orders.iter().map(|at| (*how, *at)))
            {
                let home = copy_of(original.path());
                let mut chosen = match suffix.strip_prefix("../") {
                    Some(name) => vec![home.path().join(name)],
                    None => files(home.path(), suffix),
                };
                choose(&mut chosen);
                chosen.iter().for_each(|path| harm(path, how, &mut chance));
                let names: Vec<_> = chosen.iter().map(|path| path.file_name().unwrap()).collect();
                let row = format!("{stop:?}, {how:?}, {names:?}");
                assert_as_before(home.path(), &truth, backwards, &row);
            }
        }
    }
}

/// Reads, lookups, retention, duplicates and acknowledgements are as if nothing had happened; so they are after one more stop.
fn assert_as_before(home: &Path, truth: &[Bytes], backwards: bool, row: &str) {
    for again in [false, true] {
        let row = format!("{row}, again: {again}");
        let (dir, mut log) = open(home).unwrap_or_else(|error| panic!("{row}: {error}"));
        let end = BATCHES + i64::from(again);
        assert_eq!((log.start().get(), log.end().get()), (0, end), "{row}");
        while let Some(check) = log.check_before_retention(Millis(NOW + 500)).unwrap() {
            log.checked(check.run().unwrap()).unwrap();
        }
        assert_eq!(
            log.enforce_retention(Millis(NOW + 500), usize::MAX).unwrap(),
            0,
            "{row}: too early"
        );
        for n in 0..BATCHES {
            let n = if backwards { BATCHES - 1 - n } else { n };
            let bytes = served(&mut log, n).unwrap_or_else(|error| panic!("{row}: {n}: {error}"));
            assert_eq!(bytes, truth[n as usize], "{row}: offset {n}");
            let by_time = read(&mut log, |log| log.offset_for_timestamp(Millis(NOW + n)));
            let by_time = by_time.unwrap_or_else(|error| panic!("{row}: {n}: {error}"));
            assert_eq!(by_time.map(|found| found.offset.get()), Some(n), "{row}: by time");
        }
        let youngest = read(&mut log, Log::offset_of_max_timestamp).unwrap().unwrap();
        assert_eq!(youngest.offset.get(), end - 1, "{row}");
        assert_eq!(log.latest_epoch(), Some(LeaderEpoch::ZERO), "{row}");
        assert_eq!(log.epoch_of(Offset::new(20)), Some(LeaderEpoch::ZERO), "{row}");
        log.check_all().unwrap_or_else(|error| panic!("{row}: {error}"));
        assert!(log.next_check().unwrap().is_none(), "{row}");
        let repeated = append(&mut log, end - 1).unwrap_or_else(|error| panic!("{row}: {error}"));
        assert!(repeated.duplicate && repeated.base_offset.get() == end - 1, "{row}");
        assert!(matches!(append(&mut log, end + 1), Err(AppendError::OutOfOrder { .. })), "{row}");
        assert_eq!(append(&mut log, end).unwrap().base_offset.get(), end, "{row}");
        log.close().unwrap();
        let points = BTreeMap::from([(id(), log.recovery_point())]);
        dir.write_checkpoints(&points, &Offsets::new()).unwrap();
        dir.mark_clean(-1).unwrap();
    }
}

#[test]
fn a_segment_is_read_for_checking_once() {
    let home = left_behind(Stop::Clean);
    let (_dir, mut log) = open(home.path()).unwrap();
    assert!(matches!(log.slice(Offset::ZERO, log.end(), 1, true), Err(ReadError::Unchecked(_))));
    log.check_all().unwrap();
    assert!(log.segments.iter().all(|segment| segment.unchecked.is_empty()));
    append(&mut log, BATCHES).unwrap();
    assert!(
        log.segments.iter().all(|segment| segment.unchecked.is_empty()),
        "own batches need none"
    );
    log.slice(Offset::ZERO, log.end(), 1, true).unwrap();
}
