//! A repair in place that ends at every one of its steps, by a kill or by a power cut: the partition is as it was or as it will be, and
//! a second run finishes.

use std::collections::BTreeMap;
use std::path::Path;

use klog::forensics::repair::{self, RepairError, Repaired, repair_in_place};

use super::{seeds, settled, wrong};
use crate::harm::{Files, files, harm};
use crate::world::{FOLDER, World, partition};

fn damaged(seed: u64) -> Option<World> {
    let mut world = settled(seed);
    let os = world.sim.os();
    let name = partition().to_string();
    harm(&*os.disk, Path::new(FOLDER), &name, &mut world.rng);
    // What is not on disk yet would be lost by the cut itself.
    os.disk.file_system(Path::new(FOLDER)).and_then(|all| all.sync()).expect("the disk works");
    let is_of_log =
        |it: &klog::forensics::Finding| it.file.starts_with(Path::new(FOLDER).join(&name));
    wrong(&os).iter().any(is_of_log).then_some(world)
}

fn mend(world: &World) -> Result<Vec<Repaired>, RepairError> {
    let options = repair::Options { dry_run: false, threads: 1, progress: &|_| {} };
    repair_in_place(&world.sim.os(), &Path::new(FOLDER).join(partition().to_string()), options)
}

fn state(world: &World) -> Files {
    let all = files(&*world.sim.os().disk, Path::new(FOLDER), &partition().to_string());
    all.into_iter().filter(|(name, _)| name.contains('/')).collect()
}

/// Files in the folder that keeps what was damaged, by name.
fn kept(world: &World) -> BTreeMap<String, Vec<u8>> {
    let files = world.sim.disk.files();
    let name =
        |path: &String| path.split("/damaged-").nth(1)?.split_once('/').map(|it| it.1.to_owned());
    let kept = files.into_iter().filter_map(|(path, bytes)| Some((name(&path)?, bytes)));
    // What a deletion has left is no part of the log.
    kept.filter(|(name, _)| !name.ends_with(".deleted")).collect()
}

fn run(seed: u64) -> u64 {
    let Some(world) = damaged(seed) else { return 0 };
    let old = state(&world);
    let before = world.sim.disk.changes();
    mend(&world).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let steps = world.sim.disk.changes() - before;
    let new = state(&world);
    assert_ne!(old, new, "seed {seed}");
    // In a full campaign at each of them.
    let stride = if std::env::var_os("KLOG_LONG").is_some() { 1 } else { 11 };
    for step in (seed % stride..steps).step_by(stride as usize) {
        for power in [false, true] {
            let world = damaged(seed).expect("as before");
            world.sim.disk.cut_power_after(step);
            drop(mend(&world));
            if power {
                world.sim.disk.crash(seed ^ step)
            } else {
                world.sim.disk.kill()
            }
            let context = format!("seed {seed}, step {step} of {steps}, power cut: {power}");
            let now = state(&world);
            assert!(now == old || now == new, "{context}: neither the old state nor the new one");
            mend(&world).unwrap_or_else(|error| panic!("{context}: {error}"));
            assert!(state(&world) == new, "{context}: a second run does not finish");
            let kept: Files = kept(&world);
            let names: Files = old
                .iter()
                .map(|(name, bytes)| {
                    (name.rsplit('/').next().unwrap_or(name).to_owned(), bytes.clone())
                })
                .collect();
            assert!(kept == names, "{context}: what was damaged is not all kept");
            let folders = world.sim.os().disk.list(Path::new(FOLDER)).expect("a folder");
            let aside = folders.iter().find(|entry| entry.name.ends_with("-stray"));
            assert_eq!(aside, None, "{context}");
        }
    }
    steps
}

#[test]
fn a_repair_in_place_that_is_cut_off_anywhere_leaves_the_old_state_or_the_new_one() {
    let steps: u64 = seeds(12, 2).map(run).sum();
    eprintln!("{steps} steps");
    assert!(steps > 0, "nothing was repaired");
}
