//! What is damage and what a power cut may do, one case at a time.

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::path::Path;

use klog::base::Offset;
use klog::log::OpenError;
use klog::os::sim::Faults;
use klog::os::{Disk, OpenMode};
use klog::record::BatchProducer;

use crate::batches;
use crate::check::read;
use crate::world::{FOLDER, Running, StartError, TOPIC_ID, World, failed, partition};

/// A log of `count` batches of which the first `durable` are durable by the checkpoint.
fn world(count: usize, durable: usize) -> World {
    world_from(0, count, durable)
}

fn world_from(seed: u64, count: usize, durable: usize) -> World {
    let mut world = World::new(seed);
    world.running = Some(world.open().unwrap().0);
    append(&mut world, durable);
    flush(&mut world);
    assert!(world.checkpoint());
    append(&mut world, count - durable);
    world
}

fn append(world: &mut World, count: usize) {
    let none = BatchProducer { id: -1, epoch: -1, base_sequence: -1 };
    for _ in 0..count {
        let now = klog::base::Millis(1_700_000_000_000);
        let produced = batches::random(&mut world.rng, none, now);
        let log = &mut world.running.as_mut().unwrap().log;
        log.append(&produced.batch, &produced.checked, world.epoch, now).unwrap();
    }
}

fn flush(world: &mut World) {
    let log = &mut world.running.as_mut().unwrap().log;
    if let Some(plan) = log.flush_plan().unwrap() {
        plan.run().unwrap();
        log.flushed(plan.up_to());
    }
}

fn logs(world: &World) -> BTreeMap<String, Vec<u8>> {
    let files = world.sim.disk.files();
    files.into_iter().filter(|(path, _)| path.ends_with(".log")).collect()
}

/// The segment file and position of the batch number `at`, and its base offset.
fn place(world: &World, at: usize) -> (String, u64, i64) {
    let stood = read(&world.running.as_ref().unwrap().log, 0).unwrap();
    let bytes = stood[at].batch.bytes();
    let find = |(path, file): (String, Vec<u8>)| {
        let at = file.windows(bytes.len()).position(|window| window == &bytes[..])?;
        Some((path, at as u64, stood[at_base(&stood, bytes)].base()))
    };
    logs(world).into_iter().find_map(find).expect("the batch is in a segment")
}

fn at_base(stood: &[crate::history::Stood], bytes: &[u8]) -> usize {
    stood.iter().position(|it| it.batch.bytes() == bytes).expect("it was read")
}

/// Kills the process and flips a bit in a batch, durably.
fn flip(world: &mut World, path: &str, position: u64) {
    world.kill();
    let file = world.sim.disk.open(Path::new(path), OpenMode::Write).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, position + 70).unwrap();
    file.write_all_at(&mut [IoSlice::new(&[byte[0] ^ 1])], position + 70).unwrap();
    file.sync_all().unwrap();
}

fn damaged(opened: Result<(Running, klog::log::Recovered), StartError>) -> String {
    match opened {
        Err(StartError::Log(error @ OpenError::Damaged { .. })) => error.to_string(),
        other => panic!("not refused: {:?}", other.map(|(_, recovered)| recovered)),
    }
}

#[test]
fn above_the_recovery_point_the_first_bad_byte_ends_the_log_whatever_stands_behind() {
    let mut world = world(40, 10);
    let (path, position, offset) = place(&world, 15);
    flip(&mut world, &path, position);
    let (running, recovered) = world.open().unwrap();
    assert_eq!(running.log.end(), Offset::new(offset));
    assert_eq!(recovered.cut_batches, 24, "those behind it, in all segments");
    drop(running);
    world.kill();
    let (running, recovered) = world.open().unwrap();
    assert_eq!((running.log.end(), recovered.cut_bytes), (Offset::new(offset), 0));
}

#[test]
fn where_it_is_not_known_what_was_durable_only_a_torn_tail_is_cut() {
    let mut world = world(40, 10);
    let (path, position, _) = place(&world, 15);
    flip(&mut world, &path, position);
    let checkpoint = format!("{FOLDER}/recovery-point-offset-checkpoint");
    world.sim.disk.remove_file(Path::new(&checkpoint)).unwrap();
    let before = logs(&world);
    let error = damaged(world.open());
    assert!(error.contains("a whole batch stands behind it"), "{error}");
    assert_eq!(logs(&world), before, "nothing is changed");
    world.sim.disk.kill();
    damaged(world.open());
}

#[test]
fn a_batch_torn_below_the_recovery_point_is_refused_and_nothing_is_changed() {
    let mut world = world(40, 40);
    world.kill();
    let (path, bytes) = logs(&world).pop_last().unwrap();
    let file = world.sim.disk.open(Path::new(&path), OpenMode::Write).unwrap();
    file.set_len(bytes.len() as u64 - 1).unwrap();
    file.sync_all().unwrap();
    let before = logs(&world);
    let error = damaged(world.open());
    assert!(error.contains("--repair --in-place /data/kafka/events-0"), "{error}");
    assert_eq!(logs(&world), before);
}

#[test]
fn a_damaged_log_is_still_refused_after_checkpoints_and_a_clean_stop_of_the_others() {
    let mut world = world(40, 40);
    world.kill();
    let (path, bytes) = logs(&world).pop_last().unwrap();
    let file = world.sim.disk.open(Path::new(&path), OpenMode::Write).unwrap();
    file.set_len(bytes.len() as u64 - 1).unwrap();
    let os = world.sim.os();
    // Known by the checkpoint alone, then by the mark too, then by what those two left.
    for marks in [false, true, false] {
        let files = std::sync::Arc::new(klog::log::FileCache::new(os.disk.clone(), 16));
        let dir = klog::log::LogDir::open(&os, Path::new(FOLDER), files).unwrap();
        let opened = dir.open_log(&partition(), TOPIC_ID, world.config.clone());
        assert!(matches!(opened, Err(OpenError::Damaged { .. })));
        dir.write_checkpoints(&Default::default(), &Default::default()).unwrap();
        if marks {
            dir.mark_clean(-1).unwrap();
        }
        drop(dir);
        world.sim.disk.kill();
    }
}

#[test]
fn a_topic_of_the_same_name_inherits_no_recovery_point() {
    let mut world = world(40, 40);
    let Running { dir, log, .. } = world.running.take().unwrap();
    dir.doom(log.partition()).unwrap();
    drop((dir, log));
    world.sim.disk.kill();
    world.running = Some(world.open().unwrap().0);
    append(&mut world, 20);
    let (path, position, offset) = place(&world, 5);
    flip(&mut world, &path, position);
    let (running, _) = world.open().unwrap();
    assert_eq!(running.log.end(), Offset::new(offset), "its batches are checked");
}

#[test]
fn what_is_recovered_after_a_failed_fsync_survives_the_next_power_cut() {
    let mut lost = 0;
    for seed in 0..60 {
        let mut world = world_from(seed, 20, 10);
        let running = world.running.as_mut().unwrap();
        let plan = running.log.flush_plan().unwrap().unwrap();
        world.sim.disk.set_faults(Faults { sync: 1000, ..Faults::default() });
        plan.run().unwrap_err();
        world.sim.disk.set_faults(Faults::default());
        let end = running.log.end();
        running.log.take_offline();
        running.dir.fail(&failed());
        world.kill();
        let (running, _) = world.open().unwrap();
        let served = read(&running.log, 0).unwrap();
        lost += u32::from(running.log.end() < end);
        drop(running);
        world.sim.disk.crash(seed);
        let (running, _) = world.open().unwrap();
        assert_eq!(read(&running.log, 0).unwrap(), served, "seed {seed}");
    }
    assert!(lost < 60, "in some cases the page cache still has all");
}

#[test]
fn a_roll_that_fails_on_a_full_disk_leaves_a_log_that_takes_appends_again() {
    let mut world = world(10, 10);
    let log = &mut world.running.as_mut().unwrap().log;
    world.sim.disk.set_capacity(world.sim.disk.used_bytes());
    log.roll().unwrap_err();
    log.roll().unwrap_err();
    world.sim.disk.set_capacity(u64::MAX);
    append(&mut world, 10);
    assert_eq!(read(&world.running.as_ref().unwrap().log, 0).unwrap().len(), 20);
}
