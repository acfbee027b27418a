//! Compaction on the simulated disk, with crashes at every step of it: the last record of every key stays at its offset, nothing
//! that was made durable is lost, nothing is invented, and a second recovery changes nothing.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use klog::base::{LeaderEpoch, Millis, Offset};
use klog::config::TopicConfig;
use klog::log::{CleanError, CleanLimits, FileCache, LogDir, Offsets, Taken};
use klog::os::Clock as _;
use klog::os::sim::{Rng, SimOs};
use klog::record::{Batch, BatchBuilder, BatchOptions, Checked, Codec, records, split_batches};

use crate::world::{FOLDER, Running, TOPIC_ID, failed, partition};

/// A key, and a value or none.
type Write = (u8, Option<Vec<u8>>);

struct Compacted {
    rng: Rng,
    sim: SimOs,
    config: Arc<TopicConfig>,
    /// Every record that was ever appended and not lost, by offset.
    all: BTreeMap<i64, Write>,
    /// A batch whose append failed may be there or not.
    failed: BTreeMap<i64, Write>,
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
                0..=5 => self.append(running),
                6 => self.flush(running),
                7 => self.checkpoint(running),
                _ => self.clean(running),
            }
            drop(running.log.remove_doomed(self.sim.clock.now()));
        }
    }

    fn append(&mut self, running: &mut Running) {
        let codec = self.rng.pick(&[Codec::None, Codec::None, Codec::Lz4, Codec::Zstd]);
        let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
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
        match running.log.append(&batch, &checked, LeaderEpoch::ZERO, now) {
            Ok(placed) => {
                assert_eq!(placed.base_offset.get(), base);
                self.all.extend((base..).zip(writes));
            }
            Err(_) => self.failed = (base..).zip(writes).collect(),
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
        self.synced = end;
        for (at, write) in &found {
            assert_eq!(self.all.get(at), Some(write), "offset {at} was never written so");
        }
        assert_eq!(last_values(&found), last_values(&self.all));
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

fn read(running: &Running) -> BTreeMap<i64, Write> {
    let (start, end) = (running.log.start(), running.log.end());
    let slice = running.log.slice(start, end, usize::MAX, true).expect("readable");
    let mut out = BTreeMap::new();
    for part in &slice.slices {
        for batch in split_batches(part.read().expect("readable")) {
            let batch = batch.expect("whole batches");
            batch.check_crc().expect("a right checksum");
            for record in records(&batch, 1 << 20).expect("records") {
                let record = record.expect("a record");
                let value = record.value.map(|value| value.to_vec());
                out.insert(record.offset, (record.key.expect("a key")[0], value));
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
        None => 0..number("KLOG_SEEDS").unwrap_or(250),
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
            }
            Err(panic) => {
                eprintln!("seed {seed} failed; replay it with KLOG_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    eprintln!("{} seeds: {sum:?}", seeds.end - seeds.start);
    if seeds.end - seeds.start >= 100 {
        let Counts { swaps, torn_swaps, crashes, gone_records, gone_tombstones } = sum;
        for count in [swaps, torn_swaps, crashes, gone_records, gone_tombstones] {
            assert!(count > 0, "the campaign lacks something: {sum:?}");
        }
    }
}
