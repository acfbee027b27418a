//! What real clients may count on in transactions, each client against every other, under both versions of the protocol: the
//! first one (KIP-98), and the one where each transaction has an epoch of its own (KIP-890).

use std::process::Command;
use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::librdkafka::Admin;
use crate::process::run;
use crate::raw::Raw;
use crate::transactions::{UNSTABLE, broker, broker_of_version_1, until_stable};
use crate::transactor::{CLIENTS, Client, Found, Isolation, Transactor};

const PARTITIONS: i32 = 3;
/// What some clients call a transaction that the broker ended by itself; for others it is as if they were fenced.
const INVALID_STATE: [&str; 2] = ["InvalidTxnStateException", "INVALID_TXN_STATE"];
/// A timeout of transactions that no test waits for.
const LONG: &str = "60000";

#[test]
fn committed_records_are_read_by_every_client_and_aborted_ones_by_none_that_does_not_ask() {
    on(broker(), all_read_what_each_wrote);
}

#[test]
fn a_reader_of_committed_records_waits_at_a_transaction_that_is_open() {
    on(broker(), all_wait_at_what_is_open);
}

#[test]
fn who_comes_with_the_same_transactional_id_fences_who_was_there() {
    on(broker(), each_fences_itself);
}

#[test]
fn a_transaction_that_takes_too_long_is_aborted_by_the_broker() {
    on(broker(), each_takes_too_long);
}

#[test]
fn offsets_in_a_transaction_count_once_it_is_committed() {
    on(broker(), each_commits_and_aborts_offsets);
}

#[test]
fn who_comes_back_from_a_crash_aborts_what_it_left_open() {
    on(broker(), each_crashes);
}

#[test]
fn all_of_it_holds_under_the_first_version_of_the_protocol() {
    let mut scene = Scene::of(broker_of_version_1());
    all_read_what_each_wrote(&mut scene);
    all_wait_at_what_is_open(&mut scene);
    each_fences_itself(&mut scene);
    each_takes_too_long(&mut scene);
    each_commits_and_aborts_offsets(&mut scene);
    each_crashes(&mut scene);
    scene.broker.assert_no_complaint();
}

/// A broker and a client of each kind.
struct Scene {
    broker: Broker,
    clients: Vec<Transactor>,
    started: Instant,
}

fn on(broker: Broker, what: impl FnOnce(&mut Scene)) {
    let mut scene = Scene::of(broker);
    what(&mut scene);
    scene.broker.assert_no_complaint();
}

impl Scene {
    fn of(broker: Broker) -> Scene {
        let start = |client| Transactor::start(client, broker.address());
        Scene { clients: CLIENTS.into_iter().map(start).collect(), broker, started: Instant::now() }
    }

    /// What each client does on a topic of its own, whose name is its transactional id too.
    fn each(&mut self, what: &str, mut act: impl FnMut(&Broker, &mut Transactor, &str)) {
        for client in &mut self.clients {
            let topic = format!("{what}-{:?}", client.client);
            println!("{:>6} ms: {topic}", self.started.elapsed().as_millis());
            Admin::new(self.broker.address()).create(&topic, PARTITIONS, &[]);
            act(&self.broker, client, &topic);
        }
    }

    /// That every client, and kcat, reads this from a topic, and in this order.
    fn all_read(&mut self, topic: &str, isolation: Isolation, wanted: &[(i32, i64, &str)]) {
        let wanted: Vec<Found> = wanted.iter().map(|(p, o, v)| (*p, *o, v.to_string())).collect();
        for client in self.clients.iter_mut().filter(|client| client.client.reads()) {
            let read = client.read(isolation, topic, PARTITIONS);
            assert_eq!(read, wanted, "{topic}: {isolation:?}, read by {:?}", client.client);
        }
        assert_eq!(kcat(&self.broker, isolation, topic), wanted, "{topic}: read by kcat");
    }
}

/// kcat until the end of each partition.
fn kcat(broker: &Broker, isolation: Isolation, topic: &str) -> Vec<Found> {
    let mut command = Command::new("kcat");
    // See kcat.rs.
    command.env_remove("LD_LIBRARY_PATH");
    command.args(["-b", broker.address(), "-C", "-e", "-q", "-t", topic, "-f", "%p %o %s\n"]);
    command.args(["-X", "fetch.wait.max.ms=20", "-X"]);
    command.arg(format!("isolation.level=read_{}", isolation.name()));
    let text = run(&mut command, b"", Duration::from_secs(60)).text();
    let found = |line: &str| {
        let mut words = line.split(' ');
        let mut word = || words.next().expect("three words");
        (word().parse().expect("a partition"), word().parse().expect("an offset"), word().into())
    };
    let mut found: Vec<Found> = text.lines().map(found).collect();
    found.sort_by_key(|(partition, ..)| *partition);
    found
}

/// Each transaction leaves a marker on each partition that it touched: an offset that is no record.
const COMMITTED: [(i32, i64, &str); 6] =
    [(0, 0, "c1"), (0, 1, "c2"), (0, 6, "c5"), (0, 10, "c6"), (1, 0, "c3"), (2, 2, "c4")];
const ABORTED: [(i32, i64, &str); 7] = [
    (0, 3, "a1"),
    (0, 4, "a2"),
    (0, 8, "a4"),
    (1, 2, "a5"),
    (1, 4, "a7"),
    (2, 0, "a3"),
    (2, 4, "a6"),
];

fn all_read_what_each_wrote(scene: &mut Scene) {
    let mut topics = Vec::new();
    scene.each("write", |_, client, t| {
        client.steps(&format!("init p {t} {LONG}"));
        client.steps(&format!("begin p; send p {t} 0 c1 c2; send p {t} 1 c3; commit p"));
        client.steps(&format!("begin p; send p {t} 0 a1 a2; send p {t} 2 a3; abort p"));
        client.steps(&format!("begin p; send p {t} 2 c4; send p {t} 0 c5; commit p"));
        client
            .steps(&format!("begin p; send p {t} 0 a4; send p {t} 1 a5; send p {t} 2 a6; abort p"));
        client.steps(&format!(
            "begin p; send p {t} 0 c6; commit p; begin p; send p {t} 1 a7; abort p"
        ));
        topics.push(t.to_owned());
    });
    let mut all = [&COMMITTED[..], &ABORTED].concat();
    all.sort();
    for topic in topics {
        until_stable(&scene.broker, &topic, PARTITIONS);
        scene.all_read(&topic, Isolation::Committed, &COMMITTED);
        scene.all_read(&topic, Isolation::Uncommitted, &all);
    }
}

/// What is open is `first`, to be aborted; behind it stand a committed record and one without a transaction at all.
fn all_wait_at_what_is_open(scene: &mut Scene) {
    let mut topics = Vec::new();
    scene.each("open", |broker, client, t| {
        client.steps(&format!("init p {t} {LONG}; init q {t}-other {LONG}"));
        client.steps(&format!("begin q; send q {t} 0 before; commit q"));
        until_stable(broker, t, PARTITIONS);
        client.steps(&format!("begin p; begin q; send p {t} 0 first; send q {t} 0 second"));
        client.steps("commit q");
        until_end(broker, t, 5);
        topics.push(t.to_owned());
    });
    let all = [(0, 0, "before"), (0, 2, "first"), (0, 3, "second")];
    for topic in &topics {
        scene.all_read(topic, Isolation::Committed, &all[..1]);
        scene.all_read(topic, Isolation::Uncommitted, &all);
    }
    scene.clients.iter_mut().for_each(|client| client.steps("abort p"));
    for topic in &topics {
        until_stable(&scene.broker, topic, PARTITIONS);
        scene.all_read(topic, Isolation::Committed, &[all[0], all[2]]);
        scene.all_read(topic, Isolation::Uncommitted, &all);
    }
}

/// Waits until partition 0 ends there.
fn until_end(broker: &Broker, topic: &str, wanted: i64) {
    let end = Instant::now() + Duration::from_secs(20);
    let mut raw = Raw::connect(broker.address());
    while raw.end(topic, 0, Isolation::Uncommitted) != wanted {
        assert!(Instant::now() < end, "{topic} does not end at {wanted}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn each_fences_itself(scene: &mut Scene) {
    scene.each("fence", |broker, client, t| {
        client.steps(&format!("init old {t} {LONG}; begin old; send old {t} 0 lost"));
        client.steps(&format!("init new {t} {LONG}"));
        // The old one's transaction is over before the new one may begin.
        until_stable(broker, t, PARTITIONS);
        let error = client.refused("commit old");
        assert!(client.client.fenced().contains(&&*error), "{:?}: {error}", client.client);
        client.steps(&format!("begin new; send new {t} 0 kept; commit new"));
        until_stable(broker, t, PARTITIONS);
        if client.client.reads() {
            assert_eq!(values(client.read(Isolation::Committed, t, PARTITIONS)), ["kept"]);
            assert_eq!(
                values(client.read(Isolation::Uncommitted, t, PARTITIONS)),
                ["lost", "kept"]
            );
        }
    });
}

fn values(found: Vec<Found>) -> Vec<String> {
    found.into_iter().map(|(.., value)| value).collect()
}

/// All begin, and then all are late.
fn each_takes_too_long(scene: &mut Scene) {
    scene.each("late", |_, client, t| {
        client.steps(&format!("init p {t} 3000; begin p; send p {t} 0 late; send p {t} 1 late"));
    });
    let Scene { broker, clients, .. } = scene;
    for client in clients {
        let t = &format!("late-{:?}", client.client);
        until_stable(broker, t, PARTITIONS);
        let error = client.refused("commit p");
        let known = client.client.fenced().contains(&&*error) || INVALID_STATE.contains(&&*error);
        assert!(known, "{:?}: {error}", client.client);
        client.steps(&format!("init p {t} {LONG}; begin p; send p {t} 0 kept; commit p"));
        until_stable(broker, t, PARTITIONS);
        if client.client.reads() {
            assert_eq!(values(client.read(Isolation::Committed, t, PARTITIONS)), ["kept"]);
        }
    }
}

fn each_commits_and_aborts_offsets(scene: &mut Scene) {
    scene.each("offsets", |broker, client, t| {
        let g = format!("g-{t}");
        let mut raw = Raw::connect(broker.address());
        let mut committed = |require_stable| raw.committed_in(&g, t, require_stable);
        client.steps(&format!("init p {t} {LONG}; begin p; send p {t} 0 x; offsets p {g} {t} 0 5"));
        assert_eq!((committed(false), committed(true)), (Ok(-1), Err(UNSTABLE)));
        client.steps("commit p");
        until(|| committed(true) == Ok(5));
        client.steps(&format!("begin p; send p {t} 0 x; offsets p {g} {t} 0 7"));
        assert_eq!((committed(false), committed(true)), (Ok(5), Err(UNSTABLE)));
        client.steps("abort p");
        until(|| committed(true) == Ok(5));
        client.steps(&format!("begin p; send p {t} 0 x; offsets p {g} {t} 0 9; commit p"));
        until(|| committed(true) == Ok(9));
    });
}

/// Waits: whoever commits learns of it before the last marker is written.
fn until(mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < end, "the offsets are not decided");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn each_crashes(scene: &mut Scene) {
    scene.each("crash", |broker, client, t| {
        let g = format!("g-{t}");
        let victim = match client.client {
            // This one is in this process, that one is librdkafka too.
            Client::Librdkafka => Client::ConfluentKafka,
            client => client,
        };
        let mut victim = Transactor::start(victim, broker.address());
        victim.steps(&format!("init p {t} {LONG}; begin p; send p {t} 0 kept; commit p"));
        victim.steps(&format!(
            "begin p; send p {t} 0 lost; send p {t} 1 lost; offsets p {g} {t} 0 1"
        ));
        victim.kill();
        client.steps(&format!("init p {t} {LONG}"));
        until_stable(broker, t, PARTITIONS);
        assert_eq!(Raw::connect(broker.address()).committed_in(&g, t, true), Ok(-1));
        client.steps(&format!("begin p; send p {t} 0 kept; send p {t} 1 kept; commit p"));
        until_stable(broker, t, PARTITIONS);
        if client.client.reads() {
            let read = client.read(Isolation::Committed, t, PARTITIONS);
            assert_eq!(values(read), ["kept", "kept", "kept"]);
        }
    });
}
