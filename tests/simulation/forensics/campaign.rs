//! Damage of every kind at random places: what any byte contradicts is found, and repaired; every batch that is whole is served again.

use std::collections::BTreeMap;
use std::path::Path;

use klog::base::{BrokerId, TopicId};
use klog::forensics::repair::{self, repair_in_place};
use klog::log::MetaProperties;

use super::{seeds, settled, wrong};
use crate::check::read;
use crate::excuses::{REASONS, excuse};
use crate::harm::{Harm, batches, harm, offsets};
use crate::world::{FOLDER, World, partition};

/// A world with a directory of its own name.
fn named(seed: u64) -> World {
    let world = settled(seed);
    let os = world.sim.os();
    let id = TopicId([9; 16]);
    let properties = MetaProperties {
        cluster_id: "c".into(),
        node_id: BrokerId::from_wire(1).expect("an id"),
        directory_id: id,
    };
    let text =
        format!("version=1\ncluster.id={}\nnode.id=1\ndirectory.id={id}\n", properties.cluster_id);
    let path = Path::new(FOLDER).join("meta.properties");
    os.disk.replace(&path, text.as_bytes()).expect("it is written");
    world
}

/// What a repair leaves: nobody knows whose directory or partition it is.
fn is_left(harm: &Harm) -> bool {
    let ends = ["meta.properties", "partition.metadata"];
    harm.files.iter().all(|name| ends.iter().any(|end| name.ends_with(end)))
}

fn mend(world: &World) {
    let options = repair::Options { dry_run: false, threads: 1, progress: &|_| {} };
    let path = Path::new(FOLDER);
    if let Err(error) = repair_in_place(&world.sim.os(), path, options) {
        panic!("not repaired: {error} {error:?}");
    }
}

/// Every batch that is whole is served at its offset, and nothing else than what was written but batches without records.
fn check_served(world: &World, harm: &Harm) {
    let (running, _) = world.open().unwrap_or_else(|error| panic!("{error:?}"));
    let start = running.log.start().get();
    let served = read(&running.log, start).expect("it is readable");
    let served: BTreeMap<i64, Vec<u8>> =
        served.iter().map(|stood| (stood.base(), stood.batch.bytes().to_vec())).collect();
    for batch in harm.whole() {
        let (first, last) = offsets(&batch);
        if last >= start {
            let found = served.get(&first).map(|found| *found == batch);
            assert_eq!(
                found,
                Some(true),
                "the batch with offsets {first} to {last}, which is whole"
            );
        }
    }
    let logs = harm.before.iter().filter(|(name, _)| name.ends_with(".log"));
    let written: BTreeMap<i64, &[u8]> =
        logs.flat_map(|(_, bytes)| batches(bytes)).map(|batch| (offsets(batch).0, batch)).collect();
    for (first, batch) in &served {
        let is_cover = batch[57..61] == [0; 4] && batch[35..43] == [0xff; 8];
        assert!(
            is_cover || written.get(first) == Some(&&batch[..]),
            "offset {first} was never written so"
        );
    }
}

/// Why nothing was to be found, if so.
fn run(seed: u64) -> Option<&'static str> {
    let mut world = named(seed);
    let os = world.sim.os();
    let name = partition().to_string();
    let harm = harm(&*os.disk, Path::new(FOLDER), &name, &mut world.rng);
    println!("seed {seed}: {}", harm.what);
    let found = wrong(&os);
    if found.is_empty() {
        let excused = excuse(&harm, &name);
        assert!(excused.is_some(), "not found");
        return excused;
    }
    println!("found {found:#?}");
    mend(&world);
    let left = wrong(&os);
    assert!(left.is_empty() || is_left(&harm), "left: {left:#?}");
    if !is_left(&harm) {
        check_served(&world, &harm);
    }
    None
}

#[test]
fn what_any_byte_contradicts_is_found_and_every_whole_batch_is_served_after_a_repair() {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut failed = Vec::new();
    let all = seeds(2000, 40);
    for seed in all.clone() {
        match std::panic::catch_unwind(|| run(seed)) {
            Ok(reason) => *counts.entry(reason.unwrap_or("found")).or_default() += 1,
            Err(_) => failed.push(seed),
        }
    }
    eprintln!("{} seeds: {counts:#?}", all.end - all.start);
    assert!(failed.is_empty(), "KLOG_SEED= one of {failed:?} replays what failed");
    if all.end - all.start >= 2000 {
        let met = REASONS.iter().filter(|reason| counts.contains_key(*reason)).count();
        assert!(met >= 10, "the campaign meets few of what cannot be found: {counts:#?}");
    }
}
