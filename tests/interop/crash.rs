//! kill -9 under load: what was acknowledged is there, where the ack said, in order, with its bytes; from an idempotent
//! producer once.
//!
//! A campaign goes in legs: each writes to a topic of its own, with configs and a codec by chance, through some kills; those
//! before it stay, and are recovered with it. The seed is printed; `KLOG_SEED` sets it. `KLOG_LONG=1` kills each producer's
//! broker 50 times in place of 4.

use std::thread;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;

use crate::broker::Broker;
use crate::dump::{dump, dump_metadata};
use crate::history::{Finding, Promise, assert_none, check};
use crate::load::{IDEMPOTENT, Load, PLAIN, Target, read_all};
use crate::seed::{self, rounds};

#[test]
fn kill_9_under_a_plain_producer_loses_and_moves_no_acked_record() {
    campaign(PLAIN);
}

#[test]
fn kill_9_under_an_idempotent_producer_loses_moves_and_repeats_nothing() {
    campaign(IDEMPOTENT);
}

fn campaign((settings, promise): (&[(&str, &str)], Promise)) {
    let (legs, kills) = (rounds(10, 2), rounds(5, 2));
    let mut chance = seed::chance();
    let mut broker = Broker::start();
    let mut done = Vec::new();
    for leg in 0..legs {
        let target = Target::draw(format!("leg-{leg}"), leg % 2 == 1, &mut chance);
        println!("{target:?}");
        target.create(broker.address());
        let load = Load::start(broker.address(), &target, settings);
        for _ in 0..kills {
            strike(&mut broker, &load, &mut chance);
        }
        load.wait_for_progress();
        done.push((target, load.finish()));
    }
    for (target, (acked, failed)) in &done {
        assert_eq!(*failed, 0, "a producer outlives a restart without an error");
        let found = read_all(broker.address(), target);
        println!("{}: {kills} kills, {} acked, {} found", target.topic, acked.len(), found.len());
        assert_none(&check(promise, acked, &found));
    }
    broker.stop();
    for folder in done.iter().flat_map(|(target, _)| target.folders()) {
        dump(&broker, &folder);
    }
    dump_metadata(&broker);
}

/// Kills the broker at some moment under load, now and then once more while it recovers, and starts it again.
fn strike(broker: &mut Broker, load: &Load, chance: &mut StdRng) {
    load.wait_for_progress();
    thread::sleep(Duration::from_millis(chance.random_range(0..300)));
    broker.kill();
    if chance.random_bool(0.25) {
        broker.restart_and_kill_after(Duration::from_millis(chance.random_range(0..80)));
    }
    let said = broker.log().len();
    broker.restart();
    if broker.is_klog() {
        let log = broker.log();
        let line = log[said..]
            .lines()
            .find(|line| line.contains("recovered: the last stop was not clean"));
        println!("{}", line.expect("the log says what recovery did"));
    }
}

/// The negative control: with acks=0 a record counts as delivered once it is sent, so a kill must lose some, and the checker see it.
#[test]
fn kill_9_loses_records_with_acks_0_and_the_checker_sees_it() {
    let mut broker = Broker::start();
    let target = Target { topic: "t".into(), partitions: 4, configs: vec![], codec: "none" };
    target.create(broker.address());
    let load = Load::start(broker.address(), &target, &[("acks", "0")]);
    load.wait_for_progress();
    broker.freeze();
    load.wait_for_progress();
    broker.kill();
    broker.restart();
    let (acked, _) = load.finish();
    let findings = check(Promise::AtLeastOnce, &acked, &read_all(broker.address(), &target));
    assert!(
        findings.iter().any(|f| matches!(f, Finding::Lost(_))),
        "no loss among {}",
        acked.len()
    );
}
