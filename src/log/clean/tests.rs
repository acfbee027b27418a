use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::{CleanLimits, Taken};
use crate::base::{
    LeaderEpoch, Millis, Offset, PartitionIndex, TopicId, TopicName, TopicPartition,
};
use crate::config::TopicConfig;
use crate::log::{FileCache, Log, LogDir};
use crate::os::Os;
use crate::record::{
    Batch, BatchBuilder, BatchOptions, BatchProducer, Checked, Codec, records, split_batches,
};

pub(super) const DAY: i64 = 86_400_000;

pub(super) fn config() -> TopicConfig {
    TopicConfig {
        compact: true,
        delete: false,
        segment_bytes: 1500,
        index_interval_bytes: 200,
        min_cleanable_dirty_ratio: 0.0,
        ..TopicConfig::default()
    }
}

pub(super) struct Fixture {
    pub dir: LogDir,
    pub log: Log,
}

pub(super) fn open(folder: &Path, config: TopicConfig) -> Fixture {
    let os = Os::real();
    let files = Arc::new(FileCache::new(os.disk.clone(), 16));
    let dir = LogDir::open(&os, folder, files).unwrap();
    let (log, recovered) = dir.open_log(&partition(), TopicId([7; 16]), config.into()).unwrap();
    assert_eq!(recovered.cut_bytes, 0);
    Fixture { dir, log }
}

pub(super) fn partition() -> TopicPartition {
    TopicPartition { topic: TopicName::new("t").unwrap(), partition: PartitionIndex::ZERO }
}

pub(super) type Write = (u8, Option<Vec<u8>>);

impl Fixture {
    pub fn append(&mut self, writes: &[Write], codec: Codec, producer: BatchProducer) -> i64 {
        let options = BatchOptions { codec, producer, ..BatchOptions::default() };
        let mut builder = BatchBuilder::new(options);
        for (key, value) in writes {
            builder.append(1000, Some(&[*key]), value.as_deref(), []).unwrap();
        }
        let batch = Batch::new(builder.build().unwrap()).unwrap();
        let checked =
            Checked { max_timestamp: Millis(1000), decompressed_bytes: batch.size_in_bytes() };
        let placed = self.log.append(&batch, &checked, LeaderEpoch::ZERO, Millis(1000)).unwrap();
        placed.base_offset.get()
    }

    pub fn flush(&mut self) {
        if let Some(plan) = self.log.flush_plan().unwrap() {
            plan.run().unwrap();
            self.log.flushed(plan.up_to());
        }
    }

    /// Compacts all again that was compacted before.
    pub fn clean_again(&mut self, now: i64) {
        self.dir.set_cleaned_to(&partition(), Offset::ZERO).unwrap();
        self.clean(now, 100);
    }

    /// Compacts once; returns how many groups were swapped.
    pub fn clean(&mut self, now: i64, keys: u64) -> usize {
        self.flush();
        self.log.check_all().unwrap();
        let cleaned = self.dir.cleaned_to(&partition());
        let Some(filth) = self.log.filth(cleaned, Millis(now)).unwrap() else { return 0 };
        let plan = self.log.clean_plan(&filth, Millis(now)).unwrap();
        let limits = CleanLimits { map_bytes: keys * 24, load_factor: 1.0 };
        let mut mapped = plan.map(&limits, &mut |_| true).unwrap();
        let mut swapped = 0;
        for group in plan.groups(&mapped) {
            let Some(cleaned) = plan.clean(&group, &mut mapped, &mut |_| true).unwrap() else {
                continue;
            };
            assert_eq!(self.log.take_over(&cleaned, Millis(now)).unwrap(), Taken::Swapped);
            swapped += 1;
        }
        self.dir.set_cleaned_to(&partition(), mapped.end()).unwrap();
        swapped
    }

    /// Every record that is left, by offset.
    fn read(&self) -> BTreeMap<i64, Write> {
        let mut out = BTreeMap::new();
        let slice = self.log.slice(self.log.start(), self.log.end(), usize::MAX, true).unwrap();
        for part in &slice.slices {
            for batch in split_batches(part.read().unwrap()) {
                let batch = batch.unwrap();
                batch.check_crc().unwrap();
                for record in records(&batch, 1 << 20).unwrap() {
                    let record = record.unwrap();
                    let value = record.value.map(|value| value.to_vec());
                    out.insert(record.offset, (record.key.unwrap()[0], value));
                }
            }
        }
        out
    }
}

/// The last record of each key, tombstones left out.
fn last_values(all: &BTreeMap<i64, Write>) -> HashMap<u8, (i64, Vec<u8>)> {
    let mut last = HashMap::new();
    for (offset, (key, value)) in all {
        match value {
            Some(value) => drop(last.insert(*key, (*offset, value.clone()))),
            None => drop(last.remove(key)),
        }
    }
    last
}

fn value() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![1 => Just(None), 4 => prop::collection::vec(any::<u8>(), 0..80).prop_map(Some)]
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Write>, u8),
    Clean { later_ms: i64, keys: u64 },
    Reopen,
    DeleteRecords(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let writes = prop::collection::vec((0u8..12, value()), 1..6);
    prop_oneof![
        12 => (writes, 0u8..5).prop_map(|(writes, codec)| Step::Append(writes, codec)),
        3 => (0..2 * DAY, 1u64..20).prop_map(|(later_ms, keys)| Step::Clean { later_ms, keys }),
        1 => Just(Step::Reopen),
        1 => (0u8..40).prop_map(Step::DeleteRecords),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("KLOG_LONG").is_some() { 2000 } else { 60 }))]

    #[test]
    fn the_last_record_of_every_key_stays_at_its_offset(steps in prop::collection::vec(step(), 10..80)) {
        let folder = tempfile::tempdir().unwrap();
        let mut at = open(folder.path(), config());
        let (mut all, mut now) = (BTreeMap::new(), 1000);
        for step in steps {
            match step {
                Step::Append(writes, codec) => {
                    let base = at.append(&writes, Codec::from_id(codec).unwrap(), BatchProducer::NONE);
                    all.extend((base..).zip(writes));
                }
                Step::Clean { later_ms, keys } => {
                    now += later_ms;
                    at.clean(now, keys);
                }
                Step::Reopen => {
                    at.flush();
                    drop(at);
                    at = open(folder.path(), config());
                    at.log.check_all().unwrap();
                }
                Step::DeleteRecords(more) => {
                    let before = at.log.start().get() + i64::from(more);
                    at.log.delete_records(Offset::new(before.min(at.log.end().get())), Millis(now)).unwrap();
                }
            }
            let start = at.log.start().get();
            let found: BTreeMap<i64, Write> = at.read().into_iter().filter(|(offset, _)| *offset >= start).collect();
            let wanted: BTreeMap<i64, Write> = all.range(start..).map(|(at, write)| (*at, write.clone())).collect();
            prop_assert_eq!(last_values(&found), last_values(&wanted));
            prop_assert!(found.iter().all(|(offset, write)| wanted.get(offset) == Some(write)));
        }
    }
}

#[test]
fn a_tombstone_below_the_start_does_not_go_before_what_it_deletes() {
    let folder = tempfile::tempdir().unwrap();
    let mut at = open(folder.path(), config());
    let writes = [(3, Some(vec![3])), (3, None), (4, Some(vec![4]))];
    at.append(&writes, Codec::None, BatchProducer::NONE);
    at.log.delete_records(Offset::new(2), Millis(1000)).unwrap();
    for now in [5000, 5000 + DAY] {
        at.log.roll().unwrap();
        at.append(&[(5, Some(vec![5]))], Codec::None, BatchProducer::NONE);
        at.clean(now, 100);
    }
    // The checkpoint with the start is lost.
    drop(at);
    let mut at = open(folder.path(), config());
    at.log.check_all().unwrap();
    assert!(at.log.start() < Offset::new(2), "the test sees what was below the start");
    assert!(!last_values(&at.read()).contains_key(&3));
}

#[test]
fn a_tombstone_goes_once_its_time_has_come_and_segments_become_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut at = open(folder.path(), config());
    for round in 0..40u8 {
        at.append(
            &[(1, Some(vec![round; 60])), (2, Some(vec![round; 60]))],
            Codec::None,
            BatchProducer::NONE,
        );
    }
    at.append(&[(2, None)], Codec::None, BatchProducer::NONE);
    at.log.roll().unwrap();
    at.append(&[(3, Some(vec![3]))], Codec::None, BatchProducer::NONE);
    let before = at.log.size_bytes();
    assert!(at.clean(5000, 100) > 1);
    assert!(at.log.size_bytes() < before / 4, "{} of {before}", at.log.size_bytes());
    assert_eq!(at.read().into_values().filter(|(_, value)| value.is_none()).count(), 1);
    at.append(&[(4, Some(vec![4]))], Codec::None, BatchProducer::NONE);
    at.log.roll().unwrap();
    at.append(&[(5, Some(vec![5]))], Codec::None, BatchProducer::NONE);
    at.clean(5000 + DAY - 1, 100);
    assert_eq!(at.read().into_values().filter(|(_, value)| value.is_none()).count(), 1);
    at.log.roll().unwrap();
    at.append(&[(6, Some(vec![6]))], Codec::None, BatchProducer::NONE);
    at.clean(5000 + DAY, 100);
    let left = at.read();
    assert_eq!(left.keys().copied().collect::<Vec<_>>(), [78, 81, 82, 83, 84]);
    // A fetch from an offset that is gone begins with the next record.
    assert_eq!(at.log.start(), Offset::ZERO);
    assert_eq!(at.log.slice(Offset::ZERO, at.log.end(), 1, true).unwrap().slices.len(), 1);
}

#[test]
fn producers_are_known_by_their_batches_after_compaction_even_where_their_records_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let mut at = open(folder.path(), config());
    for sequence in 0..7 {
        let producer = BatchProducer { id: 9, epoch: 0, base_sequence: sequence };
        at.append(&[(1, Some(vec![0; 100]))], Codec::None, producer);
    }
    for _ in 0..30 {
        at.append(&[(1, Some(vec![1; 100]))], Codec::None, BatchProducer::NONE);
    }
    let known = |log: &Log| log.producers().map(|(id, it)| (id, it.clone())).collect::<Vec<_>>();
    let before = known(&at.log);
    assert!(at.clean(5000, 100) > 0);
    assert_eq!(known(&at.log), before);
    at.flush();
    drop(at);
    // Even without any snapshot.
    let inside = folder.path().join("t-0");
    for entry in std::fs::read_dir(&inside).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "snapshot") {
            std::fs::remove_file(path).unwrap();
        }
    }
    assert_eq!(known(&open(folder.path(), config()).log), before);
}

#[test]
fn what_is_young_or_active_is_left_alone_and_what_waited_too_long_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let lag =
        TopicConfig { min_compaction_lag_ms: 500, min_cleanable_dirty_ratio: 1.0, ..config() };
    let mut at = open(folder.path(), lag.clone());
    at.append(&[(1, Some(vec![0; 9]))], Codec::None, BatchProducer::NONE);
    at.flush();
    assert_eq!(at.log.filth(Offset::ZERO, Millis(9000)).unwrap(), None, "it is active");
    at.log.roll().unwrap();
    at.append(&[(1, Some(vec![0; 9]))], Codec::None, BatchProducer::NONE);
    at.flush();
    assert_eq!(at.log.filth(Offset::ZERO, Millis(1499)).unwrap(), None, "it is young");
    let filth = at.log.filth(Offset::ZERO, Millis(1500)).unwrap().unwrap();
    assert!(!filth.due && filth.to == Offset::new(1), "{filth:?}");
    at.log.set_config(TopicConfig { max_compaction_lag_ms: 600, ..lag }.into());
    assert!(!at.log.filth(Offset::ZERO, Millis(1600)).unwrap().unwrap().due);
    assert!(at.log.filth(Offset::ZERO, Millis(1601)).unwrap().unwrap().due);
}

#[test]
fn what_retention_took_meanwhile_is_not_brought_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut at = open(folder.path(), config());
    for _ in 0..40 {
        at.append(&[(1, Some(vec![1; 100]))], Codec::None, BatchProducer::NONE);
    }
    at.flush();
    let filth = at.log.filth(Offset::ZERO, Millis(5000)).unwrap().unwrap();
    let plan = at.log.clean_plan(&filth, Millis(5000)).unwrap();
    let mut mapped =
        plan.map(&CleanLimits { map_bytes: 2400, load_factor: 0.9 }, &mut |_| true).unwrap();
    let first = plan.groups(&mapped)[0].clone();
    let cleaned = plan.clean(&first, &mut mapped, &mut |_| true).unwrap().unwrap();
    at.log.segments[0].version += 1;
    assert_eq!(
        at.log.take_over(&cleaned, Millis(5000)).unwrap(),
        Taken::Outdated,
        "it was replaced"
    );
    at.log.segments[0].version -= 1;
    at.log.delete_records(Offset::new(30), Millis(5000)).unwrap();
    assert_eq!(at.log.take_over(&cleaned, Millis(5000)).unwrap(), Taken::Outdated);
    plan.discard(&cleaned);
    assert!(at.log.start() == Offset::new(30) && at.read().keys().all(|offset| *offset > 20));
}

#[test]
fn a_segment_without_a_timestamp_goes_by_age_with_the_next_one_that_has_one() {
    let folder = tempfile::tempdir().unwrap();
    let both = TopicConfig { delete: true, retention_ms: 10_000, ..config() };
    let mut at = open(folder.path(), both);
    for _ in 0..40 {
        at.append(&[(1, Some(vec![1; 100]))], Codec::None, BatchProducer::NONE);
    }
    assert!(at.clean(5000, 100) > 0);
    assert_eq!(at.log.segments[0].youngest.timestamp, -1, "all that it had is gone");
    assert_eq!(at.log.enforce_retention(Millis(11_000), usize::MAX).unwrap(), 0);
    assert!(at.log.enforce_retention(Millis(11_001), usize::MAX).unwrap() > 1);
    assert_eq!(at.log.start(), Offset::new(40));
}
