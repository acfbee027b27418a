use std::collections::BTreeSet;
use std::io::IoSlice;
use std::path::Path;

use super::*;
use crate::os::{Clock, Disk, DiskFile, LockError, OpenMode};

const START: Millis = Millis(1_700_000_000_000);

fn disk(seed: u64) -> SimDisk {
    let sim = SimOs::new(seed, START);
    sim.disk.create_dir_all(Path::new("/d")).unwrap();
    sim.disk.sync_dir(Path::new("/")).unwrap();
    sim.disk
}

fn write(file: &dyn DiskFile, at: u64, bytes: &[u8]) {
    file.write_all_at(&mut [IoSlice::new(bytes)], at).unwrap();
}

fn read(disk: &SimDisk, path: &str) -> Option<Vec<u8>> {
    disk.read(Path::new(path)).unwrap()
}

/// What a power cut leaves of `prepare`'s disk at `/d/a`, over many seeds.
fn outcomes(prepare: impl Fn(&SimDisk)) -> BTreeSet<Option<Vec<u8>>> {
    (0..400)
        .map(|seed| {
            let disk = disk(seed);
            prepare(&disk);
            disk.crash(seed);
            read(&disk, "/d/a")
        })
        .collect()
}

#[test]
fn what_was_synced_survives_and_what_was_not_may_be_torn_anywhere() {
    let found = outcomes(|disk| {
        let file = disk.open(Path::new("/d/a"), OpenMode::Create).unwrap();
        write(&*file, 0, &[1; 600]);
        file.sync_data().unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        write(&*file, 600, &[2; 1000]);
    });
    let found: Vec<Vec<u8>> = found.into_iter().map(Option::unwrap).collect();
    assert!(found.iter().all(|bytes| bytes[..600] == [1; 600]));
    assert!(found.iter().any(|bytes| bytes.len() == 600), "the length is lost");
    assert!(found.iter().any(|bytes| bytes[600..] == [2; 1000]), "all survives");
    assert!(found.iter().any(|bytes| bytes[600..] == [0; 1000]), "the length alone survives");
    let hole = |bytes: &Vec<u8>| bytes.len() == 1600 && bytes[700] == 0 && bytes[1599] == 2;
    assert!(found.iter().any(hole), "a later sector survives an earlier one");
}

#[test]
fn a_name_is_lost_unless_its_folder_was_synced_even_if_the_file_was() {
    let found = outcomes(|disk| {
        let file = disk.open(Path::new("/d/a"), OpenMode::Create).unwrap();
        write(&*file, 0, b"x");
        file.sync_all().unwrap();
    });
    assert_eq!(found, BTreeSet::from([None, Some(b"x".to_vec())]));
}

#[test]
fn a_file_that_is_replaced_is_the_old_one_or_the_new_one() {
    let found = outcomes(|disk| {
        disk.replace(Path::new("/d/a"), b"old").unwrap();
        disk.cut_power_after(4);
        drop(disk.replace(Path::new("/d/a"), b"new"));
    });
    assert_eq!(found, BTreeSet::from([Some(b"old".to_vec()), Some(b"new".to_vec())]));
}

#[test]
fn names_reach_the_disk_in_order_or_not_as_the_seed_has_it() {
    let names = |seed| {
        let disk = disk(seed);
        for name in ["/d/a", "/d/b"] {
            disk.open(Path::new(name), OpenMode::Create).unwrap();
        }
        disk.crash(seed);
        disk.list(Path::new("/d")).unwrap().iter().map(|e| e.name.clone()).collect::<String>()
    };
    let found: BTreeSet<String> = (0..400).map(names).collect();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["", "a", "ab", "b"]);
}

#[test]
fn after_a_failed_fsync_the_next_one_succeeds_and_the_bytes_are_still_lost() {
    let mut kept = 0;
    for seed in 0..100 {
        let disk = disk(seed);
        let file = disk.open(Path::new("/d/a"), OpenMode::Create).unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        disk.set_faults(Faults { sync: 1000, ..Faults::default() });
        write(&*file, 0, &[7; 2000]);
        file.sync_data().unwrap_err();
        disk.set_faults(Faults::default());
        let seen = read(&disk, "/d/a").unwrap();
        file.sync_data().unwrap();
        disk.crash(seed);
        let left = read(&disk, "/d/a").unwrap();
        kept += u32::from(seen == [7; 2000] && left != seen);
        assert!(left.len() == 2000, "the length was written by the second");
    }
    assert!(kept > 10, "the page cache kept showing what the disk never got");
}

#[test]
fn writing_a_page_again_after_a_failed_fsync_makes_it_durable() {
    for seed in 0..100 {
        let disk = disk(seed);
        let file = disk.open(Path::new("/d/a"), OpenMode::Create).unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        write(&*file, 0, &[7; 2000]);
        disk.set_faults(Faults { sync: 1000, ..Faults::default() });
        file.sync_data().unwrap_err();
        disk.set_faults(Faults::default());
        write(&*file, 0, &[7; 2000]);
        file.sync_data().unwrap();
        disk.crash(seed);
        assert_eq!(read(&disk, "/d/a").unwrap(), [7; 2000]);
    }
}

#[test]
fn a_full_disk_takes_a_part_of_a_write_and_says_so() {
    let disk = disk(1);
    let file = disk.open(Path::new("/d/a"), OpenMode::Create).unwrap();
    disk.set_capacity(10);
    let error = file.write_all_at(&mut [IoSlice::new(&[1; 16])], 0).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(read(&disk, "/d/a").unwrap(), [1; 10]);
    assert_eq!(disk.space(Path::new("/")).unwrap().usable_bytes, 0);
}

#[test]
fn a_killed_process_loses_its_handles_and_locks_but_not_the_page_cache() {
    let disk = disk(1);
    let file = disk.open(Path::new("/d/a"), OpenMode::Create).unwrap();
    write(&*file, 0, b"x");
    let lock = disk.lock(Path::new("/d/.lock")).unwrap();
    assert!(matches!(disk.lock(Path::new("/d/.lock")), Err(LockError::Held(None))));
    disk.kill();
    file.len().unwrap_err();
    assert_eq!(read(&disk, "/d/a").unwrap(), b"x");
    let second = disk.lock(Path::new("/d/.lock")).unwrap();
    drop(lock);
    assert!(disk.lock(Path::new("/d/.lock")).is_err(), "a dead process's lock ends no other");
    drop(second);
    disk.lock(Path::new("/d/.lock")).unwrap();
}

#[test]
fn the_same_seed_leaves_the_same_disk() {
    let run = |seed| {
        let disk = disk(seed);
        disk.set_faults(Faults { write: 300, sync: 300, names: 100, ..Faults::default() });
        for at in 0..50u64 {
            let path = format!("/d/{}", at % 5);
            let Ok(file) = disk.open(Path::new(&path), OpenMode::Create) else { continue };
            drop(file.write_all_at(&mut [IoSlice::new(&[at as u8; 700])], at * 100));
            drop(file.sync_data());
        }
        disk.crash(seed);
        disk.files()
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}

#[test]
fn a_slow_disk_moves_the_clock() {
    let sim = SimOs::new(1, START);
    sim.disk.set_latency(Latency { operation_us: 1000, sync_us: 50_000 });
    sim.disk.create_dir_all(Path::new("/d")).unwrap();
    sim.disk.sync_dir(Path::new("/")).unwrap();
    assert!(sim.clock.now().0 >= START.0 + 51);
}
