use std::collections::BTreeMap;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::log::tests::{NOW, config, open, open_with};
use crate::log::{Aborted, LogSlice, Opening, ReadError, Verification};
use crate::record::{
    BatchBuilder, BatchOptions, Limits, Scratch, records, split_batches, validate_produced,
};

/// Appends one record in the producer's transaction, which opens if it is not open.
pub(in crate::log) fn write(log: &mut Log, id: i64, epoch: i16, base_sequence: i32) -> Placed {
    write_keyed(log, (id, epoch, base_sequence), b"key")
}

/// The same with a key.
pub(in crate::log) fn write_keyed(
    log: &mut Log,
    (id, epoch, base_sequence): (i64, i16, i32),
    key: &[u8],
) -> Placed {
    let producer = BatchProducer { id, epoch, base_sequence };
    let options = BatchOptions { producer, transactional: true, ..BatchOptions::default() };
    let mut builder = BatchBuilder::new(options);
    let none: [(&[u8], Option<&[u8]>); 0] = [];
    builder.append(NOW.0, Some(key), Some(b"value"), none).unwrap();
    let batch = Batch::new(builder.build().unwrap()).unwrap();
    let limits = Limits { now: NOW, ..Limits::default() };
    let checked = validate_produced(&batch, &limits, &mut Scratch::new()).unwrap();
    match log.begin_verification(batch.header(), false).unwrap() {
        Verification::Open => log.append(&batch, &checked, LeaderEpoch::ZERO, NOW),
        Verification::Needed(guard) => {
            log.append_verified(&batch, &checked, LeaderEpoch::ZERO, NOW, guard)
        }
    }
    .unwrap()
}

pub(in crate::log) fn end(
    log: &mut Log,
    producer_id: i64,
    producer_epoch: i16,
    commit: bool,
) -> i64 {
    let end = EndTxn {
        producer_id,
        producer_epoch,
        coordinator_epoch: 5,
        commit,
        transaction_version: 0,
    };
    log.append_marker(end, LeaderEpoch::ZERO, NOW).unwrap().base_offset.get()
}

/// Reads as a broker does: what has to be checked first is.
fn aborted(log: &mut Log, from: i64, slice: &LogSlice) -> Vec<Aborted> {
    loop {
        match log.aborted(Offset::new(from), slice) {
            Err(ReadError::Unchecked(check)) => log.checked(check.run().unwrap()).unwrap(),
            found => return found.unwrap(),
        }
    }
}

fn all(log: &Log) -> LogSlice {
    log.slice(log.start(), log.end(), usize::MAX, true).unwrap()
}

fn batches(log: &Log) -> Vec<Batch> {
    let slice = all(log);
    let parts = slice.slices.iter().map(|part| part.read().unwrap());
    parts.flat_map(split_batches).map(Result::unwrap).collect()
}

/// What the batches of a log say, gone through one by one: the open transactions' starts, and the aborted ones.
fn naive(log: &Log) -> (BTreeMap<i64, i64>, Vec<Aborted>) {
    let (mut open, mut aborted) = (BTreeMap::new(), Vec::new());
    for batch in batches(log) {
        let header = *batch.header();
        let producer_id = header.producer_id;
        if !header.is_control() {
            if header.is_transactional() {
                open.entry(producer_id).or_insert(header.base_offset);
            }
            continue;
        }
        let record = records(&batch, 1 << 10).unwrap().next().unwrap().unwrap();
        let control = ControlRecord::parse(record.key.as_ref(), record.value.as_ref()).unwrap();
        let began = open.remove(&producer_id);
        if let (Some(first_offset), ControlRecord::Abort { .. }) = (began, control) {
            aborted.push(Aborted { first_offset, last_offset: header.base_offset, producer_id });
        }
    }
    aborted.sort_unstable();
    (open, aborted)
}

fn assert_as_the_batches_say(log: &mut Log) {
    let (open, wanted) = naive(log);
    let told: BTreeMap<i64, i64> = log
        .open_transactions()
        .map(|(id, producer)| (id, producer.transaction_start.unwrap()))
        .collect();
    assert_eq!(told, open);
    let first = open.values().min().copied();
    assert_eq!(log.last_stable_offset().get(), first.unwrap_or(log.end().get()));
    assert_eq!(log.open_transaction().and_then(|(_, it)| it.transaction_start), first);
    for from in log.start().get()..log.end().get() {
        for max_bytes in [1, 500, usize::MAX] {
            let slice = log.slice(Offset::new(from), log.end(), max_bytes, true).unwrap();
            let parts = slice.slices.iter().map(|part| part.read().unwrap());
            let last = parts.flat_map(split_batches).last().unwrap().unwrap();
            let bound = last.header().last_offset() + 1;
            let within = |it: &&Aborted| it.last_offset >= from && it.first_offset < bound;
            let wanted: Vec<Aborted> = wanted.iter().filter(within).copied().collect();
            assert_eq!(aborted(log, from, &slice), wanted, "{from}..{bound}");
        }
    }
}

/// Five producers, some of whose transactions overlap and span segments, some left open.
fn random_work(log: &mut Log, chance: &mut StdRng, steps: usize) {
    for _ in 0..steps {
        let id = chance.random_range(1..=5);
        let known = log.producers().find(|(other, _)| *other == id).map(|(_, it)| it.clone());
        let (epoch, sequence) =
            known.as_ref().map_or((0, 0), |it| (it.epoch, it.last_sequence() + 1));
        let is_open = known.is_some_and(|it| it.transaction_start.is_some());
        match chance.random_range(0..10) {
            // At times an empty transaction is ended.
            0..=1 if is_open || chance.random_range(0..10) == 0 => {
                let bump = chance.random_range(0..=1);
                end(log, id, epoch + bump, chance.random());
            }
            _ => drop(write(log, id, epoch, sequence)),
        }
    }
}

fn chance() -> StdRng {
    let given = std::env::var("KLOG_SEED").ok().map(|seed| seed.parse().unwrap());
    let seed = given.unwrap_or_else(rand::random);
    println!("KLOG_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

fn index_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let named = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
    let indexes = named.filter(|(name, _)| name.ends_with(".txnindex"));
    indexes.map(|(name, path)| (name, std::fs::read(path).unwrap())).collect()
}

#[test]
fn the_last_stable_offset_and_the_aborted_transactions_are_what_the_batches_say() {
    let mut chance = chance();
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    for _ in 0..6 {
        random_work(&mut log, &mut chance, 40);
        assert_as_the_batches_say(&mut log);
    }
    assert!(log.segments.len() > 5);
}

#[test]
fn a_stop_and_a_crash_keep_them_whatever_became_of_the_indexes() {
    let mut chance = chance();
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    for round in 0..24 {
        random_work(&mut log, &mut chance, 30);
        let clean = round % 2 == 0;
        if clean {
            log.close().unwrap();
        }
        let written = index_files(dir.path());
        let point = if clean { log.end() } else { log.recovery_point() };
        drop(log);
        let harm = chance.random_range(0..8);
        for (name, bytes) in written {
            let path = dir.path().join(name);
            match harm {
                0 => std::fs::remove_file(path).unwrap(),
                1 => std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap(),
                2 => {
                    let bent: Vec<u8> = bytes.iter().map(|byte| byte ^ 1).collect();
                    std::fs::write(path, bent).unwrap();
                }
                3 => std::fs::write(path, []).unwrap(),
                4 => std::fs::write(path, vec![0; bytes.len()]).unwrap(),
                // The last transaction begins a record later than it did.
                5 if !bytes.is_empty() => {
                    let mut bytes = bytes;
                    let at = bytes.len() - 34 + 17;
                    bytes[at] = bytes[at].wrapping_add(1);
                    std::fs::write(path, bytes).unwrap();
                }
                6 => std::fs::write(path, bytes.repeat(2)).unwrap(),
                _ => {}
            }
        }
        let opening = Opening { clean, recovery_point: Some(point), ..Opening::default() };
        // Half of the time all is checked first, else what a fetch needs.
        log = if chance.random() {
            open_with(dir.path(), config(1000), opening).unwrap().0
        } else {
            let os = crate::os::Os::real();
            let files = std::sync::Arc::new(crate::log::FileCache::new(os.disk.clone(), 16));
            let partition = log_partition();
            let folder = dir.path().to_path_buf();
            let mut log =
                Log::open(&os, &files, folder, partition, config(1000), opening).unwrap().0;
            for at in 0..log.segments.len() {
                while !log.segments[at].unchecked.is_empty() {
                    let check = log.check_from(at, 0, 1 << 20).unwrap();
                    log.checked(check.run().unwrap()).unwrap();
                }
            }
            log
        };
        assert_as_the_batches_say(&mut log);
    }
}

fn log_partition() -> crate::base::TopicPartition {
    crate::base::TopicPartition {
        topic: crate::base::TopicName::new("events").unwrap(),
        partition: crate::base::PartitionIndex::new(0),
    }
}

#[test]
fn a_torn_tail_takes_the_abort_with_its_marker() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    write(&mut log, 1, 0, 0);
    let flushed = log.flush_plan().unwrap().unwrap();
    flushed.run().unwrap();
    log.flushed(flushed.up_to());
    end(&mut log, 1, 0, false);
    let disk = log.os.disk.clone();
    log.active().finish(&*disk).unwrap();
    assert_eq!(index_files(dir.path()).values().map(Vec::len).collect::<Vec<_>>(), [34]);
    let path = log.segments[0].path().to_path_buf();
    let point = Some(log.recovery_point());
    drop(log);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let opening = Opening { recovery_point: point, ..Opening::default() };
    let (mut log, recovered) = open_with(dir.path(), config(1000), opening).unwrap();
    assert!(recovered.cut_bytes > 0);
    assert_eq!(log.last_stable_offset(), Offset::ZERO);
    assert_as_the_batches_say(&mut log);
    // Another marker stands where the torn one did.
    end(&mut log, 1, 0, true);
    assert_as_the_batches_say(&mut log);
    log.close().unwrap();
    assert_eq!(index_files(dir.path()).values().map(Vec::len).sum::<usize>(), 0);
}

#[test]
fn an_empty_transaction_leaves_no_entry_and_its_epochs_count() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    end(&mut log, 3, 7, false);
    let slice = all(&log);
    assert!(aborted(&mut log, 0, &slice).is_empty());
    let check = |log: &Log| {
        let (id, producer) = log.producers().next().unwrap();
        assert_eq!((id, producer.epoch, producer.coordinator_epoch), (3, 7, 5));
        assert!(producer.batches.is_empty());
    };
    check(&log);
    let point = Some(log.recovery_point());
    drop(log);
    let opening = Opening { recovery_point: point, ..Opening::default() };
    let (log, _) = open_with(dir.path(), config(1000), opening).unwrap();
    check(&log);
}

#[test]
fn no_index_is_made_where_nothing_was_aborted() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    for sequence in 0..30 {
        write(&mut log, 1, 0, sequence);
        end(&mut log, 1, 0, true);
    }
    log.close().unwrap();
    assert!(log.segments.len() > 3);
    assert!(index_files(dir.path()).is_empty());
}

#[test]
fn deleted_records_take_their_aborted_transactions_with_them_and_raise_the_last_stable_offset() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    let open_since = write(&mut log, 9, 0, 0).base_offset;
    for sequence in 0..30 {
        write(&mut log, 1, 0, sequence);
        end(&mut log, 1, 0, false);
    }
    assert_eq!(log.last_stable_offset(), open_since);
    let before = Offset::new(45);
    log.delete_records(before, NOW).unwrap();
    log.remove_doomed(Millis(NOW.0 + log.config.file_delete_delay_ms)).unwrap();
    // As in Kafka, an open transaction keeps no record from being deleted.
    assert_eq!(log.last_stable_offset(), before);
    assert_eq!(log.open_transaction().map(|(id, _)| id), Some(9));
    let bases: Vec<i64> = log.segments.iter().map(|segment| segment.base).collect();
    for name in index_files(dir.path()).keys() {
        assert!(bases.contains(&name[..20].parse().unwrap()), "{name} has no segment");
    }
    let slice = all(&log);
    let found = aborted(&mut log, 45, &slice);
    assert!(found.iter().all(|it| it.last_offset >= 45) && found.len() >= 8, "{found:?}");
    end(&mut log, 9, 0, false);
    assert_eq!(log.last_stable_offset(), log.end());
    let slice = all(&log);
    let whole = Aborted { first_offset: 0, last_offset: log.end().get() - 1, producer_id: 9 };
    assert_eq!(aborted(&mut log, 45, &slice)[0], whole);
}

#[test]
fn an_end_below_the_start_of_the_log_counts_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    write(&mut log, 1, 0, 0);
    log.roll().unwrap(); // the snapshot there has it open
    let marker = end(&mut log, 1, 0, true);
    write(&mut log, 2, 0, 0);
    log.delete_records(Offset::new(marker + 1), NOW).unwrap();
    let (log_start, point) = (log.start(), log.recovery_point());
    drop(log);
    let opening = Opening { log_start, recovery_point: Some(point), ..Opening::default() };
    let (log, _) = open_with(dir.path(), config(1000), opening).unwrap();
    assert_eq!(log.start(), log_start);
    assert_eq!(log.open_transactions().map(|(id, _)| id).collect::<Vec<_>>(), [2]);
}

#[test]
fn retention_goes_by_age_though_a_transaction_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    write(&mut log, 9, 0, 0);
    let mut config = (*config(1000)).clone();
    config.retention_ms = 1000;
    log.set_config(config.into());
    let later = Millis(NOW.0 + 5000);
    assert_eq!(log.enforce_retention(later, usize::MAX).unwrap(), 1);
    assert_eq!((log.start().get(), log.end().get()), (1, 1));
    assert_eq!(log.last_stable_offset().get(), 1);
}

#[test]
fn a_fetch_far_from_the_aborted_transactions_looks_at_few_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = open_with(dir.path(), config(1 << 20), Opening::default()).unwrap();
    for sequence in 0..3000 {
        write(&mut log, 1, 0, sequence);
        end(&mut log, 1, 0, false);
    }
    let slice = log.slice(Offset::new(4000), log.end(), 1, true).unwrap();
    let only = Aborted { first_offset: 4000, last_offset: 4001, producer_id: 1 };
    assert_eq!(aborted(&mut log, 4000, &slice), [only]);
    // Nothing began before it: what follows began at or above the last stable offset that its entry tells of.
    let entries = log.segments[0].aborted_from(log.disk(), 4000).unwrap();
    assert_eq!(entries[0].last_stable_offset, 4002);
}

#[test]
fn a_transaction_is_decided_on_disk_once_its_marker_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    let flush = |log: &mut Log| {
        let plan = log.flush_plan().unwrap().unwrap();
        plan.run().unwrap();
        log.flushed(plan.up_to());
    };
    write(&mut log, 1, 0, 0);
    write(&mut log, 2, 0, 0);
    flush(&mut log);
    end(&mut log, 1, 0, true);
    end(&mut log, 2, 0, true);
    assert_eq!(log.last_stable_offset(), log.end());
    assert_eq!(log.stable_below(log.recovery_point()), Offset::ZERO);
    flush(&mut log);
    assert_eq!(log.stable_below(log.recovery_point()), log.end());
    assert!(log.pending.by_marker.is_empty());
}

#[test]
fn transactions_that_wait_for_the_disk_are_bounded_and_none_is_taken_for_decided() {
    let mut pending = Pending::default();
    for at in 0..2 * PENDING_AT_MOST as i64 {
        pending.push(1000 + at, 100 + at);
    }
    assert_eq!(pending.by_marker.len(), PENDING_AT_MOST);
    assert_eq!(pending.first_from(0), Some(100));
    let last = 1000 + 2 * PENDING_AT_MOST as i64 - 1;
    assert_eq!(pending.first_from(last), Some(last - 900));
    pending.flushed(last);
    assert_eq!(pending.by_marker.len(), 1);
}

#[test]
fn a_disk_that_is_offline_takes_no_marker() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    log.take_offline();
    let end = EndTxn {
        producer_id: 1,
        producer_epoch: 0,
        coordinator_epoch: 0,
        commit: true,
        transaction_version: 2,
    };
    let refused = log.append_marker(end, LeaderEpoch::ZERO, NOW);
    assert!(matches!(refused, Err(AppendError::Offline { .. })));
}
