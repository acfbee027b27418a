//! The loop that transactions are for, in each client: read, write and commit in one. Each aborts a fifth of its transactions, and is killed
//! (-9) in the middle; what it moved is there once and in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::librdkafka_transformer::transform;
use crate::transactions::{broker, broker_of_version_1};
use crate::transactor::Client;
use crate::transformer::{Identity, Stage, Worker};
use crate::txn_load::Load;

const DEADLINE: Duration = Duration::from_secs(60);
/// Enough for a few transactions of 100 records at most, one of them aborted.
const ENOUGH: usize = 600;

const PROGRAMS: [Client; 4] =
    [Client::Java, Client::ConfluentKafka, Client::FranzGo, Client::Aiokafka];

#[test]
fn each_clients_loop_moves_each_record_once() {
    let broker = broker();
    PROGRAMS.into_iter().for_each(|client| a_program_moves_each_record_once(client, &broker));
    broker.assert_no_complaint();
}

#[test]
fn each_clients_loop_moves_each_record_once_under_the_first_version_of_the_protocol() {
    let broker = broker_of_version_1();
    PROGRAMS.into_iter().for_each(|client| a_program_moves_each_record_once(client, &broker));
    broker.assert_no_complaint();
}

#[test]
fn librdkafkas_loop_in_this_process_moves_each_record_once() {
    let broker = broker();
    let stage = stage(Client::Librdkafka);
    let mut load = Load::through(&broker, std::slice::from_ref(&stage));
    for enough in [ENOUGH, 2 * ENOUGH] {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| transform(broker.address(), &stage, "one", &stop));
            go_on_until(&mut load, enough);
            if enough == 2 * ENOUGH {
                drain(&mut load);
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
    load.assert_exact();
    broker.assert_no_complaint();
}

fn a_program_moves_each_record_once(client: Client, broker: &Broker) {
    let stage = stage(client);
    let mut load = Load::through(broker, std::slice::from_ref(&stage));
    let transactional_id = format!("x-{client:?}");
    let identity = Identity { client, transactional_id, instance: None };
    let mut worker = Worker::start(identity.clone(), broker.address(), &stage);
    go_on_until(&mut load, ENOUGH);
    worker.kill();
    let mut worker = Worker::start(identity, broker.address(), &stage);
    go_on_until(&mut load, 2 * ENOUGH);
    drain(&mut load);
    worker.terminate();
    let code = worker.wait(DEADLINE);
    // A JVM that is told to end says so by its code.
    assert!([0, 143].contains(&code), "{client:?} ended: {code}\n{}", worker.log());
    load.assert_exact();
}

fn stage(client: Client) -> Stage {
    Stage {
        group: format!("g-{client:?}"),
        source: format!("from-{client:?}"),
        target: format!("to-{client:?}"),
        partitions: 3,
    }
}

fn go_on_until(load: &mut Load, enough: usize) {
    let end = Instant::now() + DEADLINE;
    while load.seen.len() < enough {
        assert!(Instant::now() < end, "only {} of {} came out", load.seen.len(), load.count());
        load.go_on();
    }
}

/// Waits until all that went in came out.
fn drain(load: &mut Load) {
    load.flush();
    let end = Instant::now() + DEADLINE;
    while load.seen.len() < load.count() && Instant::now() < end {
        load.read();
    }
}
