//! Power cuts under load, on a real file system: with `flush.messages=1` no acknowledged record is lost; without, at most what
//! the background has not flushed yet.
//!
//! The seed is printed; `KLOG_SEED` sets it. `KLOG_LONG=1` cuts the power of each producer's broker 25 times in place of 2.

use std::thread;
use std::time::{Duration, Instant};

use rand::RngExt;

use crate::broker::Broker;
use crate::dump::{dump, dump_metadata};
use crate::history::{Finding, Place, Promise, assert_none, check};
use crate::klogs_own::{Own, klog_on};
use crate::load::{IDEMPOTENT, Load, PLAIN, Target, read_all};
use crate::loop_disk::LoopDisk;
use crate::seed::{self, rounds};

#[test]
fn a_power_cut_under_a_plain_producer_loses_no_acked_record_with_flush_messages_1() {
    campaign(PLAIN);
}

#[test]
fn a_power_cut_under_an_idempotent_producer_loses_and_repeats_nothing_with_flush_messages_1() {
    campaign(IDEMPOTENT);
}

fn campaign((settings, promise): (&[(&str, &str)], Promise)) {
    let Some(disk) = LoopDisk::new() else { return };
    let (legs, cuts) = (rounds(5, 1), rounds(5, 2));
    let mut chance = seed::chance();
    let mut broker = klog_on(Own::PowerCut, &disk.path().join("data"));
    let mut done = Vec::new();
    for leg in 0..legs {
        let target = Target::draw(format!("leg-{leg}"), true, &mut chance);
        println!("{target:?}");
        target.create(broker.address());
        let load = Load::start(broker.address(), &target, settings);
        for _ in 0..cuts {
            load.wait_for_progress();
            thread::sleep(Duration::from_millis(chance.random_range(0..700)));
            cut(&disk, &mut broker);
        }
        load.wait_for_progress();
        done.push((target, load.finish()));
    }
    for (target, (acked, failed)) in &done {
        assert_eq!(*failed, 0, "a producer outlives a power cut without an error");
        let found = read_all(broker.address(), target);
        println!("{}: {cuts} cuts, {} acked, {} found", target.topic, acked.len(), found.len());
        assert_none(&check(promise, acked, &found));
    }
    broker.stop();
    for folder in done.iter().flat_map(|(target, _)| target.folders()) {
        dump(&broker, &folder);
    }
    dump_metadata(&broker);
}

/// Cuts the power under a broker, and starts it again on what the disk has.
pub fn cut(disk: &LoopDisk, broker: &mut Broker) {
    // Without power nothing is acknowledged any more. A broker that ran on would be told by the kernel, now and then, that an
    // fdatasync has succeeded which the cut overtook.
    broker.freeze();
    disk.cut();
    broker.kill();
    disk.power_on();
    let said = broker.log().len();
    broker.restart();
    for line in broker.log()[said..].lines() {
        println!("{line}");
    }
}

/// The negative control: without any flush the same cut must lose acknowledged records, and the checker see it.
#[test]
fn a_power_cut_loses_acked_records_without_a_flush_and_the_checker_sees_it() {
    let Some(disk) = LoopDisk::new() else { return };
    let mut chance = seed::chance();
    let mut broker = klog_on(Own::PowerCut, &disk.path().join("data"));
    let mut target = Target::draw("t".into(), false, &mut chance);
    target.configs.push(("flush.ms", "3600000".into()));
    target.create(broker.address());
    let load = Load::start(broker.address(), &target, PLAIN.0);
    load.wait_for_progress();
    cut(&disk, &mut broker);
    let (acked, _) = load.finish();
    let findings = check(Promise::AtLeastOnce, &acked, &read_all(broker.address(), &target));
    let lost = findings.iter().filter(|finding| is_loss(finding)).count();
    println!("{lost} of {} acked records are lost", acked.len());
    assert!(lost > 0, "no loss among {}: was the power cut?", acked.len());
}

/// Another record may have been given the place of one that was lost.
fn is_loss(finding: &Finding) -> bool {
    matches!(finding, Finding::Lost(_) | Finding::Moved { .. })
}

/// As klog comes, a power cut takes what was acknowledged within `flush.ms` before it, and nothing else: every partition is
/// served again, and what it kept is a beginning of what it had.
#[test]
fn a_power_cut_takes_at_most_what_flush_ms_allows_and_no_partition_goes_offline() {
    let Some(disk) = LoopDisk::new() else { return };
    // `flush.ms` is 1 s; the rest is for a slow machine.
    let allowed = Duration::from_secs(4);
    let mut chance = seed::chance();
    let mut broker = klog_on(Own::PowerCut, &disk.path().join("data"));
    for round in 0..rounds(20, 1) {
        let target = Target::draw(format!("t{round}"), false, &mut chance);
        println!("{target:?}");
        target.create(broker.address());
        let load = Load::start(broker.address(), &target, PLAIN.0);
        thread::sleep(allowed + Duration::from_millis(chance.random_range(500..2000)));
        let at = Instant::now();
        cut(&disk, &mut broker);
        let before = load.acked();
        load.wait_for_progress();
        load.finish();
        let found = read_all(broker.address(), &target);
        let is_kept = |place: &Place| found.contains(place);
        for partition in 0..target.partitions {
            let mut told: Vec<(Place, Instant)> =
                before.iter().filter(|(place, _)| place.partition == partition).copied().collect();
            told.sort_by_key(|(place, _)| place.offset);
            let kept = told.partition_point(|(place, _)| is_kept(place));
            let lost = &told[kept..];
            println!("partition {partition}: {kept} kept, {} lost", lost.len());
            assert!(!lost.iter().any(|(place, _)| is_kept(place)), "a hole before what was kept");
            let oldest = lost.iter().map(|(_, acked)| at.saturating_duration_since(*acked)).max();
            assert!(
                oldest.is_none_or(|age| age < allowed),
                "a record is lost that had been acked for {oldest:?}"
            );
        }
    }
}
