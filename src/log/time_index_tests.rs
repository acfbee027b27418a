//! What stands in the time index, and what is answered from it.

use std::path::Path;

use super::index::{Entry, TimeEntry};
use super::tests::{NOW, append, config, open, open_with};
use super::*;
use crate::base::Millis;
use crate::record::{Batch, BatchBuilder, BatchOptions, Codec};

/// Timestamps of a batch's records, past its first one's: the youngest stands second.
const TIMES: [i64; 4] = [0, 6, 2, 6];
const BATCHES: i64 = 60;

fn uneven_batch(first: i64, codec: Codec) -> Batch {
    let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
    for past in TIMES {
        builder.append(first + past, None, Some(b"twenty bytes of value"), []).unwrap();
    }
    Batch::new(builder.build().unwrap()).unwrap()
}

/// Batches of each codec in turn, 10 ms apart.
fn fill_unevenly(log: &mut Log) {
    for at in 0..BATCHES {
        let codec = Codec::ALL[at as usize % Codec::ALL.len()];
        append(log, &uneven_batch(NOW.0 + 10 * at, codec)).unwrap();
    }
}

/// The entries of all time indexes, in whole offsets.
fn entries(folder: &Path) -> Vec<(i64, i64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "timeindex") {
            let base: i64 = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
            let bytes = std::fs::read(&path).unwrap();
            found.extend(
                bytes.chunks(TimeEntry::LEN).map(TimeEntry::read).map(|entry| {
                    (entry.timestamp - NOW.0, base + i64::from(entry.relative_offset))
                }),
            );
        }
    }
    found.sort_unstable();
    found
}

/// Makes all entries name the first record with the timestamp, as klog once did.
fn name_the_records(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "timeindex") {
            let mut out = Vec::new();
            for bytes in std::fs::read(&path).unwrap().chunks(TimeEntry::LEN) {
                let entry = TimeEntry::read(bytes);
                TimeEntry { relative_offset: entry.relative_offset - 2, ..entry }.write(&mut out);
            }
            std::fs::write(&path, out).unwrap();
        }
    }
}

fn assert_finds_every_record(log: &Log) {
    for (at, past) in (0..BATCHES).flat_map(|at| (0..=6).map(move |past| (at, past))) {
        let inside = TIMES.iter().position(|time| *time >= past).unwrap() as i64;
        let found = log.offset_for_timestamp(Millis(NOW.0 + 10 * at + past)).unwrap().unwrap();
        assert_eq!(found.offset.get(), 4 * at + inside, "batch {at}, {past} ms");
        assert_eq!(found.timestamp.0, NOW.0 + 10 * at + TIMES[inside as usize]);
    }
    let youngest = log.offset_of_max_timestamp().unwrap().unwrap();
    assert_eq!(youngest.offset.get(), 4 * (BATCHES - 1) + 1, "the first of those that have it");
}

#[test]
fn an_entry_names_the_last_offset_of_its_batch_appended_and_rebuilt_alike() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    fill_unevenly(&mut log);
    assert!(log.segments.len() > 3, "{}", log.segments.len());
    log.close().unwrap();
    let appended = entries(dir.path());
    assert!(appended.len() > 20, "{appended:?}");
    for (time, offset) in &appended {
        assert_eq!(*offset, 4 * ((time - 6) / 10) + 3, "the entry for {time} ms");
    }
    assert_finds_every_record(&log);
    drop(log);

    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "timeindex") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let mut log = open(dir.path());
    log.close().unwrap();
    assert_eq!(entries(dir.path()), appended);
    assert_finds_every_record(&log);
}

#[test]
fn entries_that_name_the_record_itself_are_taken_as_they_are() {
    for clean in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let mut log = open(dir.path());
        fill_unevenly(&mut log);
        log.close().unwrap();
        let point = Some(log.recovery_point());
        drop(log);
        name_the_records(dir.path());
        let before = entries(dir.path());
        let opening = Opening { clean, recovery_point: point, ..Opening::default() };
        let (mut log, recovered) = open_with(dir.path(), config(1000), opening).unwrap();
        assert_eq!(recovered.rebuilt.len(), 0, "clean: {clean}");
        assert_finds_every_record(&log);
        assert!(log.segments.iter().all(|segment| !segment.index_is_wrong), "clean: {clean}");
        log.close().unwrap();
        assert_eq!(entries(dir.path()), before, "clean: {clean}");
    }
}

#[test]
fn a_marker_is_found_by_its_timestamp_as_kafka_finds_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    append(&mut log, &uneven_batch(NOW.0, Codec::None)).unwrap();
    let end = EndTxn {
        producer_id: 3,
        producer_epoch: 0,
        coordinator_epoch: 0,
        commit: true,
        transaction_version: 2,
    };
    log.append_marker(end, crate::base::LeaderEpoch::ZERO, Millis(NOW.0 + 50)).unwrap();
    let youngest = log.offset_of_max_timestamp().unwrap().unwrap();
    assert_eq!((youngest.offset.get(), youngest.timestamp.0), (4, NOW.0 + 50));
    let found = log.offset_for_timestamp(Millis(NOW.0 + 7)).unwrap().unwrap();
    assert_eq!(found.offset.get(), 4);
}
