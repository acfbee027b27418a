use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::base::{Millis, PartitionIndex, TopicName};
use crate::record::{
    Batch, BatchBuilder, BatchOptions, BatchProducer, Limits, Scratch, validate_produced,
};

pub(super) const NOW: Millis = Millis(1_700_000_000_000);

pub(super) fn partition() -> TopicPartition {
    TopicPartition { topic: TopicName::new("events").unwrap(), partition: PartitionIndex::new(0) }
}

pub(super) fn config(segment_bytes: u32) -> Arc<TopicConfig> {
    Arc::new(TopicConfig { segment_bytes, index_interval_bytes: 200, ..TopicConfig::default() })
}

pub(super) fn open_with(
    folder: &Path,
    config: Arc<TopicConfig>,
    opening: Opening,
) -> Result<(Log, Recovered), OpenError> {
    let os = Os::real();
    let files = Arc::new(FileCache::new(os.disk.clone(), 16));
    let (mut log, recovered) =
        Log::open(&os, &files, folder.to_path_buf(), partition(), config, opening)?;
    log.check_all().unwrap();
    Ok((log, recovered))
}

pub(super) fn open(folder: &Path) -> Log {
    open_with(folder, config(1000), Opening::default()).unwrap().0
}

pub(super) fn batch(values: &[String], timestamp: i64, producer: Option<(i64, i32)>) -> Batch {
    let mut options = BatchOptions::default();
    if let Some((id, base_sequence)) = producer {
        options.producer = BatchProducer { id, epoch: 0, base_sequence };
    }
    let mut builder = BatchBuilder::new(options);
    for value in values {
        let none: [(&[u8], Option<&[u8]>); 0] = [];
        builder.append(timestamp, None, Some(value.as_bytes()), none).unwrap();
    }
    Batch::new(builder.build().unwrap()).unwrap()
}

pub(super) fn append(log: &mut Log, batch: &Batch) -> Result<Placed, AppendError> {
    let mut scratch = Scratch::new();
    let checked =
        validate_produced(batch, &Limits { now: NOW, ..Limits::default() }, &mut scratch).unwrap();
    log.append(batch, &checked, LeaderEpoch::ZERO, NOW)
}

/// Appends `count` batches of two records, `v<offset>` each, timestamps rising by 1 per batch.
fn fill(log: &mut Log, count: i64) {
    for _ in 0..count {
        let at = log.end().get();
        let values = [format!("v{at:08}"), format!("v{:08}", at + 1)];
        append(log, &batch(&values, NOW.0 + at, None)).unwrap();
    }
}

fn values(log: &Log, from: i64, max_bytes: usize) -> Vec<(i64, Bytes)> {
    let slice = log.slice(Offset::new(from), log.end(), max_bytes, true).unwrap();
    let mut out = Vec::new();
    for part in &slice.slices {
        for batch in crate::record::split_batches(part.read().unwrap()) {
            let batch = batch.unwrap();
            batch.check_crc().unwrap();
            for record in crate::record::records(&batch, 1 << 20).unwrap() {
                let record = record.unwrap();
                out.push((record.offset, record.value.unwrap()));
            }
        }
    }
    out
}

fn assert_reads_all(log: &Log) {
    for from in log.start().get()..log.end().get() {
        let read = values(log, from, 1 << 20);
        assert_eq!(read.last().unwrap().0, log.end().get() - 1, "from {from}");
        assert!(read[0].0 <= from && from <= read[0].0 + 1, "from {from}");
        for (offset, value) in read {
            assert_eq!(value, format!("v{offset:08}"));
        }
    }
}

#[test]
fn what_was_appended_is_read_at_every_offset_across_segments() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    fill(&mut log, 100);
    assert!(log.segments.len() > 5);
    assert_reads_all(&log);
    assert!(values(&log, 200, 1 << 20).is_empty());
    assert!(matches!(
        log.slice(Offset::new(201), log.end(), 1, true),
        Err(ReadError::OutOfRange { .. })
    ));
}

#[test]
fn a_slice_keeps_to_its_bytes_and_its_bound_in_whole_batches() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    fill(&mut log, 100);
    let one = log.slice(Offset::ZERO, log.end(), 1, true).unwrap();
    assert_eq!(values(&log, 0, 1).len(), 2);
    assert_eq!(log.slice(Offset::ZERO, log.end(), 1, false).unwrap().bytes, 0);
    for budget in (one.bytes..10 * one.bytes).step_by(7) {
        let slice = log.slice(Offset::new(3), log.end(), budget, true).unwrap();
        assert_eq!(slice.bytes, budget / one.bytes * one.bytes);
    }
    for bound in 0..=200 {
        let slice = log.slice(Offset::ZERO, Offset::new(bound), 1 << 20, true).unwrap();
        assert_eq!(slice.bytes, bound as usize / 2 * one.bytes, "up to {bound}");
    }
}

#[test]
fn a_clean_stop_leaves_a_log_that_is_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    fill(&mut log, 100);
    log.close().unwrap();
    let clean = Opening { clean: true, recovery_point: Some(log.end()), ..Opening::default() };
    drop(log);
    let (mut log, recovered) = open_with(dir.path(), config(1000), clean).unwrap();
    assert_eq!(recovered, Recovered::default());
    assert_reads_all(&log);
    fill(&mut log, 30);
    assert_reads_all(&log);
}

#[test]
fn a_torn_tail_is_cut_at_every_byte_and_nothing_else_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    fill(&mut log, 20);
    let active = log.segments.last().unwrap();
    let (path, size) = (active.path().to_path_buf(), active.size);
    let one = 2 * log.slice(Offset::ZERO, log.end(), 1, true).unwrap().bytes as u64 / 2;
    let whole = std::fs::read(&path).unwrap();
    let base = active.base;
    drop(log);
    for length in (0..size).rev() {
        std::fs::write(&path, &whole[..length as usize]).unwrap();
        let (log, recovered) = open_with(dir.path(), config(1000), Opening::default()).unwrap();
        assert_eq!(log.end().get(), base + (length / one) as i64 * 2, "length {length}");
        assert_eq!(recovered.cut_bytes, length % one);
        assert_reads_all(&log);
    }
}

#[test]
fn a_flipped_bit_before_the_tail_is_refused_with_its_place_and_nothing_is_changed() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    fill(&mut log, 20);
    let first = log.segments[0].path().to_path_buf();
    let active = log.segments.last().unwrap().path().to_path_buf();
    drop(log);
    for path in [first, active] {
        let whole = std::fs::read(&path).unwrap();
        let mut bent = whole.clone();
        bent[70] ^= 1;
        std::fs::write(&path, &bent).unwrap();
        let error = open_with(dir.path(), config(1000), Opening::default()).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { position: 0, .. }), "{error}");
        let folder = path.parent().unwrap().display();
        let command = format!("klog dump-segment --repair --in-place {folder}");
        assert!(error.to_string().ends_with(&command), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), bent);
        std::fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn lost_side_files_are_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    fill(&mut log, 60);
    log.close().unwrap();
    drop(log);
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "log") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let clean =
        Opening { clean: true, recovery_point: Some(Offset::new(120)), ..Opening::default() };
    let (log, recovered) = open_with(dir.path(), config(1000), clean).unwrap();
    assert!(recovered.rebuilt.len() > 5);
    assert_reads_all(&log);
    assert_eq!(log.latest_epoch(), Some(LeaderEpoch::ZERO));
    let found = log.offset_for_timestamp(Millis(NOW.0 + 50)).unwrap().unwrap();
    assert_eq!(found.offset.get(), 50);
}

#[test]
fn a_record_is_found_by_its_timestamp() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    fill(&mut log, 100);
    for at in 0..200 {
        let found = log.offset_for_timestamp(Millis(NOW.0 + at)).unwrap();
        let wanted = (at <= 198).then_some((at + 1) / 2 * 2);
        assert_eq!(found.map(|found| found.offset.get()), wanted);
    }
    assert_eq!(log.offset_of_max_timestamp().unwrap().unwrap().offset.get(), 198);
}

#[test]
fn a_repeated_batch_answers_with_its_first_offset_also_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    let value = ["x".to_string()];
    for sequence in 0..30 {
        append(&mut log, &batch(&value, NOW.0, Some((9, sequence)))).unwrap();
    }
    drop(log);
    let mut log = open(dir.path());
    let again = append(&mut log, &batch(&value, NOW.0, Some((9, 29)))).unwrap();
    assert!(again.duplicate);
    assert_eq!(again.base_offset.get(), 29);
    let gap = append(&mut log, &batch(&value, NOW.0, Some((9, 31)))).unwrap_err();
    assert!(matches!(gap, AppendError::OutOfOrder { got: 31, last: 29, .. }));
    assert_eq!(log.end().get(), 30);
}

#[test]
fn all_five_batches_under_way_are_known_again_though_a_roll_and_a_stop_came_between() {
    for clean in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = open_with(folder.path(), config(1 << 20), Opening::default()).unwrap();
        let batches: Vec<Batch> =
            (0..7).map(|at| batch(&[format!("v{at:08}")], NOW.0, Some((7, at)))).collect();
        for (at, batch) in batches.iter().enumerate() {
            append(&mut log, batch).unwrap();
            if at == 4 {
                log.roll().unwrap();
            }
        }
        let mut opening = Opening::default();
        if clean {
            log.close().unwrap();
            opening = Opening { recovery_point: Some(log.recovery_point()), clean, ..opening };
        }
        drop(log);
        let (mut log, _) = open_with(folder.path(), config(1 << 20), opening).unwrap();
        for (at, batch) in (0..).zip(&batches).skip(2) {
            let placed = append(&mut log, batch).unwrap();
            assert!(placed.duplicate, "batch {at}, clean: {clean}");
            assert_eq!(placed.base_offset, Offset::new(at));
        }
        append(&mut log, &batches[1]).unwrap_err();
    }
}

#[test]
fn retention_by_size_and_by_time_deletes_whole_segments_and_delays_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    fill(&mut log, 100);
    log.set_config(Arc::new(TopicConfig {
        retention_bytes: 2500,
        file_delete_delay_ms: 10,
        ..(*config(1000)).clone()
    }));
    assert!(log.enforce_retention(NOW, usize::MAX).unwrap() > 0);
    assert!((2500..3600).contains(&log.size_bytes()), "{}", log.size_bytes());
    assert_reads_all(&log);
    let deleted = || {
        std::fs::read_dir(dir.path())
            .unwrap()
            .filter(|entry| {
                entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".deleted")
            })
            .count()
    };
    assert!(deleted() > 0);
    log.remove_doomed(Millis(NOW.0 + 10)).unwrap();
    assert_eq!(deleted(), 0);
    log.enforce_retention(Millis(NOW.0 + log.config().retention_ms + 1000), usize::MAX).unwrap();
    assert_eq!(log.size_bytes(), 0);
    assert_eq!((log.start().get(), log.end().get()), (200, 200));
}

#[test]
fn deleted_records_stay_deleted_and_their_segments_go() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    fill(&mut log, 100);
    let before = log.segments.len();
    log.delete_records(Offset::new(101), NOW).unwrap();
    assert!(log.segments.len() < before);
    assert_eq!(log.start().get(), 101);
    assert_reads_all(&log);
    assert!(log.delete_records(Offset::new(201), NOW).is_err());
    let opening = Opening { log_start: Offset::new(101), ..Opening::default() };
    drop(log);
    let (log, _) = open_with(dir.path(), config(1000), opening).unwrap();
    assert_eq!(log.start().get(), 101);
}

#[test]
fn a_flush_makes_the_end_the_recovery_point() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    fill(&mut log, 50);
    let plan = log.flush_plan().unwrap().unwrap();
    fill(&mut log, 1);
    plan.run().unwrap();
    log.flushed(plan.up_to());
    assert_eq!(log.unflushed(), 2);
    assert_eq!(log.recovery_point().get(), 100);
}

#[test]
fn recovery_leaves_to_the_next_flush_what_it_did_not_change_and_nobody_was_promised() {
    let recovered = |config: TopicConfig, cut: bool, ends_transaction: bool| {
        let folder = tempfile::tempdir().unwrap();
        let mut log = open(folder.path());
        fill(&mut log, 10);
        if ends_transaction {
            let end = EndTxn {
                producer_id: 1,
                producer_epoch: 0,
                coordinator_epoch: 0,
                commit: true,
                transaction_version: 1,
            };
            log.append_marker(end, LeaderEpoch::ZERO, NOW).unwrap();
        }
        if cut {
            let path = log.active().path().to_path_buf();
            let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(file.metadata().unwrap().len() - 1).unwrap();
        }
        drop(log);
        let opening = Opening { recovery_point: Some(Offset::new(4)), ..Opening::default() };
        let (mut log, _) = open_with(folder.path(), Arc::new(config), opening).unwrap();
        let left = log.unflushed();
        if let Some(plan) = log.flush_plan().unwrap() {
            plan.run().unwrap();
            log.flushed(plan.up_to());
        }
        assert_eq!(log.recovery_point(), log.end());
        (log.end().get(), left)
    };
    let promises = TopicConfig { flush_messages: 1, ..TopicConfig::default() };
    assert_eq!(recovered(TopicConfig::default(), false, false), (20, 16));
    assert_eq!(recovered(promises, false, false), (20, 0));
    let (cut, ended) = (
        recovered(TopicConfig::default(), true, false),
        recovered(TopicConfig::default(), false, true),
    );
    assert_eq!(cut, (18, 0), "what was cut may not come back");
    assert_eq!(ended, (21, 0), "a transaction that has ended may not be open again");
}

#[test]
fn a_segment_whose_roll_failed_takes_records_and_rolls_later() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = open_with(folder.path(), config(1 << 20), Opening::default()).unwrap();
    fill(&mut log, 5);
    // A folder stands where the producers' snapshot is to be written.
    let snapshot = files::path_in(log.folder(), log.end().get(), ".snapshot");
    std::fs::create_dir(&snapshot).unwrap();
    log.roll().unwrap_err();
    assert!(!log.is_offline());
    fill(&mut log, 10);
    assert_reads_all(&log);
    log.roll().unwrap();
    fill(&mut log, 5);
    assert_reads_all(&log);
}

#[test]
fn a_flush_writes_the_indexes_so_that_a_crash_rebuilds_none() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = open_with(folder.path(), config(1 << 20), Opening::default()).unwrap();
    fill(&mut log, 200);
    let plan = log.flush_plan().unwrap().unwrap();
    plan.run().unwrap();
    log.flushed(plan.up_to());
    let index = std::fs::metadata(files::path_in(log.folder(), 0, ".index")).unwrap();
    assert!(index.len() > 0);
    let opening = Opening { recovery_point: Some(log.recovery_point()), ..Opening::default() };
    fill(&mut log, 10);
    drop(log);
    let (log, recovered) = open_with(folder.path(), config(1 << 20), opening).unwrap();
    assert_eq!((recovered.rebuilt.len(), recovered.cut_bytes), (0, 0));
    assert!(recovered.checked_bytes < log.size_bytes() / 5, "{recovered:?}");
    assert_reads_all(&log);
}
