//! A roll waits for no disk: what it seals becomes durable with the next flush.

use std::path::Path;

use super::tests::{append, batch, config, partition};
use super::*;
use crate::base::Millis;
use crate::os::Clock as _;
use crate::os::sim::{Faults, Latency, SimOs};

const FOLDER: &str = "/data/t-0";

/// One where the log's folder is durable.
fn machine(seed: u64) -> SimOs {
    let sim = SimOs::new(seed, Millis(0));
    let disk = sim.os().disk;
    disk.create_dir_all(Path::new(FOLDER)).unwrap();
    ["/", "/data"].iter().for_each(|folder| disk.sync_dir(Path::new(folder)).unwrap());
    sim
}

fn open(
    sim: &SimOs,
    config: &Arc<TopicConfig>,
    opening: Opening,
) -> Result<(Log, Recovered), OpenError> {
    let os = sim.os();
    let files = Arc::new(FileCache::new(os.disk.clone(), 16));
    Log::open(&os, &files, FOLDER.into(), partition(), config.clone(), opening)
}

/// A log of which all is durable, in one segment.
fn flushed(sim: &SimOs, config: &Arc<TopicConfig>) -> Log {
    let (mut log, _) = open(sim, config, Opening::default()).unwrap();
    for at in 0..30 {
        append(&mut log, &batch(&[format!("v{at}")], at, Some((7, at as i32)))).unwrap();
    }
    flush(&mut log);
    log
}

fn flush(log: &mut Log) {
    let plan = log.flush_plan().unwrap().unwrap();
    plan.run().unwrap();
    log.flushed(plan.up_to());
}

fn killed(log: Log, was_compacted: bool) -> Opening {
    Opening { recovery_point: Some(log.recovery_point()), was_compacted, ..Opening::default() }
}

#[test]
fn whoever_appends_does_not_wait_for_the_disk_but_in_a_compacted_log() {
    for compact in [false, true] {
        let sim = machine(1);
        let config = Arc::new(TopicConfig { compact, ..(*config(1 << 20)).clone() });
        let mut log = flushed(&sim, &config);
        sim.disk.set_latency(Latency { operation_us: 0, sync_us: 1_000_000 });
        let before = sim.clock.now();
        log.roll().unwrap();
        assert_eq!(sim.clock.now() > before, compact, "compact: {compact}");
    }
}

#[test]
fn the_next_flush_makes_durable_what_was_sealed_though_no_record_waits() {
    for seed in 0..50 {
        let sim = machine(seed);
        let config = config(1 << 20);
        let mut log = flushed(&sim, &config);
        log.roll().unwrap();
        assert_eq!((log.unflushed(), log.has_unflushed_seal()), (0, true));
        flush(&mut log);
        let files = sim.disk.files();
        let opening = killed(log, false);
        sim.disk.crash(seed);
        assert_eq!(sim.disk.files(), files, "seed {seed}");
        let (_, recovered) = open(&sim, &config, opening).unwrap();
        assert_eq!(recovered, Recovered::default(), "seed {seed}");
    }
}

#[test]
fn an_index_that_a_power_cut_took_after_a_roll_is_not_believed() {
    for seed in 0..50 {
        let sim = machine(seed);
        let config = config(1 << 20);
        let mut log = flushed(&sim, &config);
        log.roll().unwrap();
        let opening = killed(log, false);
        sim.disk.crash(seed);
        let (mut log, _) = open(&sim, &config, opening).unwrap();
        log.check_all().unwrap();
        for at in 0..30 {
            let found = log.slice(Offset::new(at), log.end(), 1, true).unwrap();
            let first = found.slices[0].read().unwrap();
            let first = crate::record::split_batches(first).next().unwrap().unwrap();
            assert_eq!(first.header().base_offset, at, "seed {seed}");
        }
        assert!(log.producers().any(|(id, it)| id == 7 && it.batches.len() == 5), "seed {seed}");
        if log.segment_count() == 1 {
            // The power cut took the new one's name: the first is active still, with its index in memory.
            continue;
        }
        let index = sim.disk.files()[&format!("{FOLDER}/00000000000000000000.index")].len();
        assert!(index >= 8 * 8, "seed {seed}: {index} bytes");
    }
}

#[test]
fn where_compaction_was_records_may_be_missing_at_the_end_of_a_segment() {
    for was_compacted in [false, true] {
        let sim = machine(1);
        let config = config(1 << 20);
        let mut log = flushed(&sim, &config);
        let last = log.slice(Offset::new(29), log.end(), 1, true).unwrap().slices.remove(0);
        log.roll().unwrap();
        let opening = killed(log, was_compacted);
        let first = Path::new(FOLDER).join("00000000000000000000.log");
        let first = sim.os().disk.open(&first, crate::os::OpenMode::Write).unwrap();
        first.set_len(last.position).unwrap();
        let opened = open(&sim, &config, opening);
        assert_eq!(opened.is_ok(), was_compacted, "{:?}", opened.err());
    }
}

#[test]
fn an_index_that_a_failed_flush_may_have_lost_is_not_believed() {
    let sim = machine(1);
    let mut log = flushed(&sim, &config(1 << 20));
    log.roll().unwrap();
    flush(&mut log);
    append(&mut log, &batch(&["v".to_owned()], 30, None)).unwrap();
    log.roll().unwrap();
    sim.disk.set_faults(Faults { sync: 1000, ..Faults::default() });
    log.flush_plan().unwrap().unwrap().run().unwrap_err();
    log.take_offline();
    let believed = |at: usize| log.segments[at].decided.sure_from != i64::MAX;
    assert_eq!([believed(0), believed(1), believed(2)], [false, false, true]);
}

#[test]
fn no_power_cut_leaves_a_newer_segment_without_the_older_ones() {
    for seed in 0..50 {
        let sim = machine(seed);
        let config = config(1 << 20);
        let (mut log, _) = open(&sim, &config, Opening::default()).unwrap();
        for at in 0..4 {
            append(&mut log, &batch(&[format!("v{at}")], at, None)).unwrap();
            log.roll().unwrap();
        }
        let opening = killed(log, false);
        sim.disk.crash(seed);
        let (log, _) = open(&sim, &config, opening).unwrap();
        assert_eq!(log.start(), Offset::ZERO, "seed {seed}");
    }
}
