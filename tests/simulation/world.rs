//! One simulated machine with one log on it, and the ways in which its process ends and begins again.

use std::path::Path;
use std::sync::Arc;

use klog::base::{LeaderEpoch, Millis, PartitionIndex, TopicId, TopicName, TopicPartition};
use klog::config::TopicConfig;
use klog::log::{
    Aborted, FileCache, Log, LogDir, LogDirError, OpenError, ReadError, Recovered, StorageError,
};
use klog::os::Clock as _;
use klog::os::sim::{Faults, Rng, SimOs};

use crate::history::History;
use crate::transactions;

pub const FOLDER: &str = "/data/kafka";
pub const TOPIC_ID: TopicId = TopicId([7; 16]);

/// What happened, so that a campaign can show that it did.
#[derive(Clone, Copy, Default, Debug)]
pub struct Counts {
    pub appended: u64,
    pub duplicates: u64,
    pub failed_appends: u64,
    pub rolls: u64,
    pub deleted_segments: u64,
    pub flushes: u64,
    pub failed_flushes: u64,
    pub crashes: u64,
    pub kills: u64,
    pub clean_stops: u64,
    pub failed_starts: u64,
    pub lost_batches: u64,
    pub cuts: u64,
    pub cut_whole_batches: u64,
    pub flushed_later: u64,
    pub commits: u64,
    pub aborts: u64,
    pub open: u64,
    pub aborted_seen: u64,
}

impl Counts {
    fn fields(&mut self) -> [(&'static str, &mut u64); 19] {
        [
            ("appended", &mut self.appended),
            ("duplicates", &mut self.duplicates),
            ("failed appends", &mut self.failed_appends),
            ("rolls", &mut self.rolls),
            ("deleted segments", &mut self.deleted_segments),
            ("flushes", &mut self.flushes),
            ("failed flushes", &mut self.failed_flushes),
            ("crashes", &mut self.crashes),
            ("kills", &mut self.kills),
            ("clean stops", &mut self.clean_stops),
            ("failed starts", &mut self.failed_starts),
            ("lost batches", &mut self.lost_batches),
            ("cuts", &mut self.cuts),
            ("cut whole batches", &mut self.cut_whole_batches),
            ("recoveries that left the flush to later", &mut self.flushed_later),
            ("commits", &mut self.commits),
            ("aborts", &mut self.aborts),
            ("open transactions", &mut self.open),
            ("aborted transactions seen", &mut self.aborted_seen),
        ]
    }

    pub fn add(&mut self, other: &Counts) {
        let mut other = *other;
        for ((_, sum), (_, more)) in self.fields().into_iter().zip(other.fields()) {
            *sum += *more;
        }
    }

    pub fn assert_all_happened(&mut self) {
        for (name, count) in self.fields() {
            assert!(*count > 0, "the campaign has no {name}");
        }
    }
}

pub struct World {
    pub rng: Rng,
    pub sim: SimOs,
    pub config: Arc<TopicConfig>,
    pub history: History,
    pub epoch: LeaderEpoch,
    pub producers: Vec<crate::workload::Producer>,
    pub transactional: Vec<crate::transactions::Transactional>,
    pub running: Option<Running>,
    /// Whether a start syncs the directory as a whole before it opens logs.
    syncs_first: bool,
    pub counts: Counts,
}

/// The process.
pub struct Running {
    pub dir: LogDir,
    pub log: Log,
    /// What fetches were told of aborted transactions before all was checked: from which offset on, and what.
    pub early: Vec<(i64, Vec<Aborted>)>,
}

pub fn partition() -> TopicPartition {
    TopicPartition { topic: TopicName::new("events").unwrap(), partition: PartitionIndex::new(0) }
}

/// What a broker tells the directory when its disk fails.
pub fn failed() -> StorageError {
    let source = std::io::ErrorKind::Other.into();
    StorageError { action: "fdatasync", path: FOLDER.into(), source }
}

#[derive(Debug)]
pub enum StartError {
    Dir(#[expect(dead_code, reason = "shown by a failed test")] LogDirError),
    Log(OpenError),
}

impl World {
    pub fn new(seed: u64) -> World {
        let mut rng = Rng::new(seed);
        let sim = SimOs::new(rng.next_u64(), Millis(1_700_000_000_000));
        let config = Arc::new(TopicConfig {
            segment_bytes: rng.pick(&[3000, 6000, 20_000]),
            index_interval_bytes: rng.pick(&[64, 300, 1500]),
            retention_bytes: rng.pick(&[-1, -1, 8000, 30_000]),
            retention_ms: rng.pick(&[-1, 20_000]),
            file_delete_delay_ms: 1000,
            flush_messages: if seed.is_multiple_of(3) { 1 } else { i64::MAX },
            ..TopicConfig::default()
        });
        World {
            rng,
            sim,
            config,
            history: History::default(),
            epoch: LeaderEpoch::ZERO,
            producers: Vec::new(),
            transactional: Vec::new(),
            running: None,
            syncs_first: false,
            counts: Counts::default(),
        }
    }

    /// A machine's life: it starts, works, and ends in some way, again and again.
    pub fn live(&mut self) {
        for _ in 0..12 {
            self.start();
            self.work();
            self.end();
        }
        self.start();
    }

    /// Starts the process, however often the disk fails it; recovery is checked each time it gets through.
    pub fn start(&mut self) {
        for attempt in 0.. {
            if attempt < 3 && self.rng.chance(250) {
                self.break_disk();
            }
            self.syncs_first = self.rng.chance(300);
            match self.open() {
                Ok((running, recovered)) => {
                    self.sim.disk.set_faults(Faults::default());
                    if !self.sim.disk.has_power() {
                        drop(running);
                        self.crash();
                        continue;
                    }
                    self.running = Some(running);
                    self.note_recovered(recovered);
                    self.check_recovered();
                    self.check_second_recovery();
                    return;
                }
                Err(StartError::Log(error @ OpenError::Damaged { .. })) => {
                    panic!("a crash was taken for damage: {error}");
                }
                Err(_) => {
                    self.counts.failed_starts += 1;
                    if self.sim.disk.has_power() && self.is_marked() && self.rng.chance(500) {
                        self.sim.disk.kill();
                    } else {
                        self.crash();
                    }
                }
            }
        }
    }

    fn note_recovered(&mut self, recovered: Recovered) {
        self.counts.cuts += u64::from(recovered.cut_bytes > 0);
        self.counts.cut_whole_batches += recovered.cut_batches;
    }

    pub fn open(&self) -> Result<(Running, Recovered), StartError> {
        let os = self.sim.os();
        let files = Arc::new(FileCache::new(os.disk.clone(), 16));
        let dir = LogDir::open(&os, Path::new(FOLDER), files).map_err(StartError::Dir)?;
        if self.syncs_first {
            let synced = dir.sync_before_recovery();
            synced.map_err(|error| StartError::Dir(error.into()))?;
        }
        // As a broker does first; what a deletion left goes with it.
        dir.partitions().map_err(|error| StartError::Dir(error.into()))?;
        let opened = dir.open_log(&partition(), TOPIC_ID, self.config.clone());
        let (mut log, recovered) = opened.map_err(StartError::Log)?;
        // As a broker does before it serves what an earlier process wrote.
        let early = transactions::early(&mut log, self.sim.clock.now());
        match early.and_then(|early| log.check_all().map(|()| early)) {
            Ok(early) => Ok((Running { dir, log, early }, recovered)),
            Err(ReadError::Storage(error)) => Err(StartError::Log(error.into())),
            Err(error) => panic!("what was recovered is not sound: {error}"),
        }
    }

    /// The power goes, or the process is killed, or stops.
    fn end(&mut self) {
        match self.rng.below(10) {
            _ if self.must_reboot() => self.crash(),
            0..=1 if self.sim.disk.has_power() => self.kill(),
            2..=3 if self.sim.disk.has_power() => self.stop(),
            _ => self.crash(),
        }
    }

    /// Whether an fsync failed and the disk did not even take the mark that says so: klog tells to restart the machine.
    fn must_reboot(&self) -> bool {
        let offline = self.running.as_ref().is_some_and(|running| running.dir.is_offline());
        offline && !self.is_marked()
    }

    fn is_marked(&self) -> bool {
        self.sim.disk.files().contains_key(&format!("{FOLDER}/.klog-fsync-failed"))
    }

    pub fn crash(&mut self) {
        self.running = None;
        let seed = self.rng.next_u64();
        self.sim.disk.crash(seed);
        self.counts.crashes += 1;
    }

    pub fn kill(&mut self) {
        self.running = None;
        self.sim.disk.kill();
        self.counts.kills += 1;
    }

    /// Stops as a broker does; then, at times, the power goes.
    fn stop(&mut self) {
        let stopped = self.close();
        self.counts.clean_stops += u64::from(stopped);
        let reboot = self.must_reboot();
        self.running = None;
        if reboot || self.rng.chance(500) { self.crash() } else { self.sim.disk.kill() }
    }

    pub fn close(&mut self) -> bool {
        let Some(running) = &mut self.running else { return false };
        if running.log.is_offline() {
            return false;
        }
        if running.log.close().is_err() {
            running.dir.fail(&failed());
            return false;
        }
        self.history.synced = running.log.end().get();
        self.checkpoint() && self.running.as_ref().is_some_and(|it| it.dir.mark_clean(-1).is_ok())
    }

    /// From now on the disk fails at times, or the power goes soon.
    pub fn break_disk(&mut self) {
        let often = |rng: &mut Rng| rng.pick(&[0, 0, 20, 200]);
        match self.rng.below(3) {
            0 => self.sim.disk.cut_power_after(self.rng.below(25) as u64),
            1 => {
                let room = self.rng.below(4000) as u64;
                self.sim.disk.set_capacity(self.sim.disk.used_bytes() + room);
            }
            _ => self.sim.disk.set_faults(Faults {
                read: 0,
                short_read: often(&mut self.rng),
                write: often(&mut self.rng),
                sync: often(&mut self.rng),
                names: often(&mut self.rng) / 4,
            }),
        }
    }
}
