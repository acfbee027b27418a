//! Compaction on the simulated disk, with crashes at every step of it: the last record of every key stays at its offset, nothing
//! that was made durable is lost, nothing is invented, and a second recovery changes nothing. Records of transactions count once these
//! are committed: the log is read as a client reads it that wants no others.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use klog::base::{LeaderEpoch, Millis, Offset};
use klog::config::TopicConfig;
use klog::log::{
    Aborted, CleanError, CleanLimits, EndTxn, FileCache, LogDir, Offsets, Taken, Verification,
};
use klog::os::Clock as _;
use klog::os::sim::{Rng, SimOs};
use klog::record::control::ControlRecord;
use klog::record::{
    Batch, BatchBuilder, BatchOptions, BatchProducer, Checked, Codec, records, split_batches,
};

use crate::world::{FOLDER, Running, TOPIC_ID, failed, partition};

/// A key, and a value or none.
type Write = (u8, Option<Vec<u8>>);

/// A batch of a transaction, or its marker.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Event {
    first: i64,
    last: i64,
    producer: i64,
    /// For a marker: whether it commits.
    commits: Option<bool>,
}

pub struct Compacted {
    rng: Rng,
    sim: SimOs,
    config: Arc<TopicConfig>,
    /// Every record that was ever appended and not lost, by offset.
    all: BTreeMap<i64, Write>,
    /// A batch whose append failed may be there or not.
    failed: BTreeMap<i64, Write>,
    transactions: Vec<Event>,
    failed_event: Option<Event>,
    synced: i64,
    counts: Counts,
}

/// What happened, so that a campaign can show that it did.
#[derive(Clone, Copy, Default, Debug)]
struct Counts {
    swaps: u64,
    torn_swaps: u64,
    crashes: u64,
    gone_records: u64,
    gone_tombstones: u64,
    gone_markers: u64,
    aborted_records: u64,
}

impl Compacted {
    fn new(seed: u64) -> Compacted {
        let mut rng = Rng::new(seed);
        let sim = SimOs::new(rng.next_u64(), Millis(1_700_000_000_000));
        let config = TopicConfig {
            compact: true,
            delete: false,
            segment_bytes: rng.pick(&[1000, 2000, 5000]),
            index_interval_bytes: rng.pick(&[64, 300]),
            delete_retention_ms: rng.pick(&[0, 1000, 30_000]),
            min_cleanable_dirty_ratio: 0.0,
            file_delete_delay_ms: 1000,
            ..TopicConfig::default()
        };
        let counts = Counts::default();
        Compacted {
            rng,
            sim,
            config: config.into(),
            all: BTreeMap::new(),
            failed: BTreeMap::new(),
            transactions: Vec::new(),
            failed_event: None,
            synced: 0,
            counts,
        }
    }

    fn open(&self) -> Running {
        let os = self.sim.os();
        let files = Arc::new(FileCache::new(os.disk.clone(), 16));
        let dir = LogDir::open(&os, Path::new(FOLDER), files).expect("a directory");
        let opened = dir.open_log(&partition(), TOPIC_ID, self.config.clone());
        let (mut log, _) = opened.expect("a log that a crash left can be opened");
        log.check_all().expect("what was recovered is sound");
        Running { dir, log, early: Vec::new() }
    }

    fn live(&mut self) {
        for _ in 0..12 {
            let mut running = self.start();
            let cut_at = self.rng.below(120) as u64;
            if self.rng.chance(800) {
                self.sim.disk.cut_power_after(cut_at);
            }
            self.work(&mut running);
            drop(running);
            if self.rng.chance(300) && self.sim.disk.has_power() {
                self.sim.disk.kill();
            } else {
                let seed = self.rng.next_u64();
                self.sim.disk.crash(seed);
                self.counts.crashes += 1;
            }
        }
        self.start();
    }

    /// What a process leaves that is killed, or stops, while no disk fails.
    pub fn settled(seed: u64) -> (SimOs, Arc<TopicConfig>) {
        let mut it = Compacted::new(seed);
        for _ in 0..3 {
            let mut running = it.start();
            it.work(&mut running);
            if it.rng.chance(500) {
                running.log.close().expect("it closes");
                it.checkpoint(&mut running);
                running.dir.mark_clean(-1).expect("it is marked");
            }
            drop(running);
            it.sim.disk.kill();
        }
        (it.sim, it.config)
    }

    fn start(&mut self) -> Running {
        let running = self.open();
        let (found, end) = self.check(&running);
        drop(running);
        self.sim.disk.kill();
        let again = self.open();
        let second = (read(&again), again.log.end().get());
        assert_eq!(second, (found, end), "a second recovery changes something");
        again
    }

    fn work(&mut self, running: &mut Running) {
        for _ in 0..10 + self.rng.below(40) {
            if !self.sim.disk.has_power() || running.log.is_offline() {
                return;
            }
            match self.rng.below(10) {
                0..=3 => self.append(running),
                4..=5 => self.work_in_a_transaction(running),
                6 => self.flush(running),
                7 => self.checkpoint(running),
                _ => self.clean(running),
            }
            drop(running.log.remove_doomed(self.sim.clock.now()));
        }
    }

    fn append(&mut self, running: &mut Running) {
        self.append_of(running, None);
    }

    fn work_in_a_transaction(&mut self, running: &mut Running) {
        let id = self.rng.pick(&[7, 8]);
        let known = running.log.producers().find(|(other, _)| *other == id);
        let known = known.map(|(_, known)| known.clone());
        let (epoch, base_sequence) =
            known.as_ref().map_or((0, 0), |it| (it.epoch, it.last_sequence() + 1));
        let is_open = known.is_some_and(|it| it.transaction_start.is_some());
        if !is_open || self.rng.chance(500) {
            return self.append_of(running, Some(BatchProducer { id, epoch, base_sequence }));
        }
        let commit = self.rng.chance(500);
        let bumps = self.rng.chance(500);
        let end = EndTxn {
            producer_id: id,
            producer_epoch: epoch + i16::from(bumps),
            coordinator_epoch: 0,
            commit,
            transaction_version: if bumps { 2 } else { 1 },
        };
        let at = running.log.end().get();
        let event = Event { first: at, last: at, producer: id, commits: Some(commit) };
        match running.log.append_marker(end, LeaderEpoch::ZERO, self.sim.clock.now()) {
            Ok(_) => self.transactions.push(event),
            Err(_) => self.failed_event = Some(event),
        }
    }

    fn append_of(&mut self, running: &mut Running, producer: Option<BatchProducer>) {
        let codec = self.rng.pick(&[Codec::None, Codec::None, Codec::Lz4, Codec::Zstd]);
        let mut builder = BatchBuilder::new(BatchOptions {
            codec,
            transactional: producer.is_some(),
            producer: producer.unwrap_or(BatchProducer::NONE),
            ..BatchOptions::default()
        });
        let now = self.sim.clock.now();
        let mut writes: Vec<Write> = Vec::new();
        for _ in 0..1 + self.rng.below(4) {
            let key = self.rng.below(10) as u8;
            let length = self.rng.below(90);
            let value: Vec<u8> = (0..length).map(|_| self.rng.next_u64() as u8).collect();
            let value = self.rng.chance(800).then_some(value);
            builder.append(now.0, Some(&[key]), value.as_deref(), []).expect("it fits");
            writes.push((key, value));
        }
        let batch = Batch::new(builder.build().expect("records")).expect("a batch");
        let checked = Checked { max_timestamp: now, decompressed_bytes: batch.size_in_bytes() };
        let base = running.log.end().get();
        let (log, epoch) = (&mut running.log, LeaderEpoch::ZERO);
        let appended = match log.begin_verification(batch.header(), false) {
            Ok(Verification::Needed(guard)) => {
                log.append_verified(&batch, &checked, epoch, now, guard)
            }
            _ => log.append(&batch, &checked, epoch, now),
        };
        let last = base + writes.len() as i64 - 1;
        let event = |it: BatchProducer| Event { first: base, last, producer: it.id, commits: None };
        match appended {
            Ok(placed) => {
                assert_eq!(placed.base_offset.get(), base);
                self.all.extend((base..).zip(writes));
                self.transactions.extend(producer.map(event));
            }
            Err(_) => {
                self.failed = (base..).zip(writes).collect();
                self.failed_event = producer.map(event);
            }
        }
    }

    fn flush(&mut self, running: &mut Running) {
        match running.log.flush_plan() {
            Ok(Some(plan)) if plan.run().is_ok() => {
                running.log.flushed(plan.up_to());
                self.synced = self.synced.max(running.log.recovery_point().get());
            }
            Ok(None) => {}
            _ => self.fail(running),
        }
    }

    fn fail(&mut self, running: &mut Running) {
        running.log.take_offline();
        running.dir.fail(&failed());
    }

    fn checkpoint(&mut self, running: &mut Running) {
        let points = Offsets::from([(partition(), running.log.recovery_point())]);
        let starts = Offsets::from([(partition(), running.log.start())]);
        drop(running.dir.write_checkpoints(&points, &starts));
    }

    /// As a cleaner of the broker does it.
    fn clean(&mut self, running: &mut Running) {
        let now = self.sim.clock.now();
        let room = self.rng.pick(&[3, 8, 100]);
        let cleaned = running.dir.cleaned_to(&partition());
        let Ok(Some(filth)) = running.log.filth(cleaned, now) else { return };
        let Ok(plan) = running.log.clean_plan(&filth, now) else { return };
        let limits = CleanLimits { map_bytes: 24 * room, load_factor: 1.0 };
        let mut pace = |_| true;
        let Ok(mut mapped) = plan.map(&limits, &mut pace) else { return };
        for group in plan.groups(&mapped) {
            let cleaned = match plan.clean(&group, &mut mapped, &mut pace) {
                Ok(None) => continue,
                Ok(Some(cleaned)) => cleaned,
                Err(CleanError::Storage(_)) => return,
                Err(error) => panic!("{error}"),
            };
            if self.rng.chance(100) {
                self.append(running);
            }
            match running.log.take_over(&cleaned, now) {
                Ok(Taken::Swapped) => self.counts.swaps += 1,
                Ok(Taken::Outdated) => assert!(running.log.is_offline()),
                Err(_) => {
                    self.counts.torn_swaps += 1;
                    return self.fail(running);
                }
            }
        }
        drop(running.dir.set_cleaned_to(&partition(), mapped.end()));
    }

    fn check(&mut self, running: &Running) -> (BTreeMap<i64, Write>, i64) {
        let end = running.log.end().get();
        assert!(end >= self.synced, "synced up to {}, ends at {end}", self.synced);
        assert_eq!(running.log.start(), Offset::ZERO);
        let found = read(running);
        let unfinished = std::mem::take(&mut self.failed);
        self.all.extend(unfinished.into_iter().filter(|(at, _)| *at < end));
        self.all.retain(|at, _| *at < end);
        self.transactions.extend(self.failed_event.take());
        self.transactions.retain(|event| event.last < end);
        self.synced = self.synced.max(running.log.recovery_point().get());
        for (at, write) in &found {
            assert_eq!(self.all.get(at), Some(write), "offset {at} was never written so");
        }
        let stable = running.log.last_stable_offset().get();
        let (committed, aborted_records) = self.committed(stable);
        assert_eq!(last_values(&read_committed(running)), last_values(&committed));
        self.counts.aborted_records += aborted_records;
        let undecided = self.all.keys().filter(|at| **at >= stable);
        assert!(undecided.into_iter().all(|at| found.contains_key(at)), "undecided ones stay");
        let markers = self.transactions.iter().filter(|event| event.commits.is_some()).count();
        self.counts.gone_markers += (markers - markers_left(running)) as u64;
        let gone = self.all.iter().filter(|(at, _)| !found.contains_key(at));
        let last: BTreeMap<u8, i64> = self.all.iter().map(|(at, write)| (write.0, *at)).collect();
        for (at, write) in gone {
            self.counts.gone_records += 1;
            self.counts.gone_tombstones += u64::from(write.1.is_none() && last[&write.0] == *at);
        }
        let names = self.sim.disk.files();
        let aside = |path: &&String| path.ends_with(".swap") || path.ends_with(".cleaned");
        assert_eq!(names.keys().find(aside), None, "recovery leaves nothing aside");
        (found, end)
    }
}

impl Compacted {
    /// The records below the last stable offset that count, by a walk over what was appended; and how many were aborted.
    fn committed(&self, stable: i64) -> (BTreeMap<i64, Write>, u64) {
        let mut committed = self.all.clone();
        let (mut open, mut aborted): (BTreeMap<i64, Vec<Event>>, u64) = (BTreeMap::new(), 0);
        for event in &self.transactions {
            match event.commits {
                None => open.entry(event.producer).or_default().push(*event),
                Some(true) => drop(open.remove(&event.producer)),
                Some(false) => {
                    for event in open.remove(&event.producer).unwrap_or_default() {
                        committed.retain(|at, _| !(event.first..=event.last).contains(at));
                        aborted += 1;
                    }
                }
            }
        }
        let first = open.values().flatten().map(|event| event.first).min();
        assert!(first.is_none_or(|first| first == stable), "stable below {stable}, open {first:?}");
        committed.retain(|at, _| *at < stable);
        (committed, aborted)
    }
}

fn batches(running: &Running, end: Offset) -> (Vec<Batch>, Vec<Aborted>) {
    let start = running.log.start();
    let slice = running.log.slice(start, end, usize::MAX, true).expect("readable");
    let parts = slice.slices.iter().map(|part| part.read().expect("readable"));
    let all = parts.flat_map(split_batches).map(|batch| batch.expect("whole batches")).collect();
    (all, running.log.aborted(start, &slice).expect("all is checked"))
}

fn take(batch: &Batch, out: &mut BTreeMap<i64, Write>) {
    batch.check_crc().expect("a right checksum");
    for record in records(batch, 1 << 20).expect("records") {
        let record = record.expect("a record");
        let value = record.value.map(|value| value.to_vec());
        out.insert(record.offset, (record.key.expect("a key")[0], value));
    }
}

fn read(running: &Running) -> BTreeMap<i64, Write> {
    let mut out = BTreeMap::new();
    let (all, _) = batches(running, running.log.end());
    all.iter().filter(|it| !it.header().is_control()).for_each(|batch| take(batch, &mut out));
    out
}

fn markers_left(running: &Running) -> usize {
    let (all, _) = batches(running, running.log.end());
    let control = all.iter().map(Batch::header).filter(|header| header.is_control());
    control.filter(|header| header.record_count > 0).count()
}

/// As clients do: who is aborted is so from the first offset that the fetch told to the abort marker.
fn read_committed(running: &Running) -> BTreeMap<i64, Write> {
    let (all, aborted) = batches(running, running.log.last_stable_offset());
    let mut coming = aborted.into_iter().peekable();
    let (mut out, mut skipped) = (BTreeMap::new(), BTreeSet::new());
    for batch in &all {
        let header = batch.header();
        while let Some(next) = coming.next_if(|next| next.first_offset <= header.last_offset()) {
            skipped.insert(next.producer_id);
        }
        if !header.is_control() {
            if !(header.is_transactional() && skipped.contains(&header.producer_id)) {
                take(batch, &mut out);
            }
            continue;
        }
        for record in records(batch, 1 << 20).expect("records").map(|it| it.expect("a record")) {
            let control = ControlRecord::parse(record.key.as_ref(), record.value.as_ref());
            if matches!(control, Ok(ControlRecord::Abort { .. })) {
                skipped.remove(&header.producer_id);
            }
        }
    }
    out
}

fn last_values(all: &BTreeMap<i64, Write>) -> BTreeMap<u8, (i64, Vec<u8>)> {
    let mut last = BTreeMap::new();
    for (at, (key, value)) in all {
        match value {
            Some(value) => drop(last.insert(*key, (*at, value.clone()))),
            None => drop(last.remove(key)),
        }
    }
    last
}

#[test]
fn compaction_keeps_the_last_record_of_every_key_over_any_crash() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("KLOG_SEED") {
        Some(seed) => seed..seed + 1,
        None if std::env::var_os("KLOG_LONG").is_some() => 0..number("KLOG_SEEDS").unwrap_or(6000),
        None => 0..number("KLOG_SEEDS").unwrap_or(150),
    };
    let mut sum = Counts::default();
    for seed in seeds.clone() {
        let run = || {
            let mut world = Compacted::new(seed);
            world.live();
            world.counts
        };
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(done) => {
                sum.swaps += done.swaps;
                sum.torn_swaps += done.torn_swaps;
                sum.crashes += done.crashes;
                sum.gone_records += done.gone_records;
                sum.gone_tombstones += done.gone_tombstones;
                sum.gone_markers += done.gone_markers;
                sum.aborted_records += done.aborted_records;
            }
            Err(panic) => {
                eprintln!("seed {seed} failed; replay it with KLOG_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    eprintln!("{} seeds: {sum:?}", seeds.end - seeds.start);
    if seeds.end - seeds.start >= 100 {
        let Counts { swaps, torn_swaps, crashes, gone_records, gone_tombstones, .. } = sum;
        let Counts { gone_markers, aborted_records, .. } = sum;
        let all = [swaps, torn_swaps, crashes, gone_records, gone_tombstones];
        for count in all.into_iter().chain([gone_markers, aborted_records]) {
            assert!(count > 0, "the campaign lacks something: {sum:?}");
        }
    }
}
