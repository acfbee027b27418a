//! A chain of three stages of exactly-once workers of two kinds, while workers and the broker are killed (-9), workers that were stopped
//! come back after others took their places, and answers are lost: every input comes out once and in order, nothing aborted is seen,
//! nothing stays open.
//!
//! The seed is printed; `KLOG_SEED` sets it. `KLOG_LONG=1` strikes 100 times in place of 6.

use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::broker::Broker;
use crate::proxy::Proxy;
use crate::seed::{self, rounds};
use crate::transactions::SETTINGS;
use crate::transactor::Client;
use crate::transformer::{FENCED, GAVE_UP, Identity, Stage, Worker};
use crate::txn_history::End;
use crate::txn_load::Load;

const DEADLINE: Duration = Duration::from_secs(120);
const PARTITIONS: i32 = 8;
const STAGES: usize = 3;
/// Answers that are lost when the network breaks.
const LOST: usize = 30;
const KINDS: [Client; 2] = [Client::FranzGo, Client::ConfluentKafka];

#[test]
fn whoever_is_killed_or_comes_back_a_chain_of_transactions_moves_each_record_once() {
    let mut chance = seed::chance();
    let mut chain = Chain::new();
    chain.wait_for_progress();
    // All places are taken over once, so that there are two zombies per stage.
    (0..chain.places.len()).for_each(|at| chain.replace_frozen(at));
    chain.wait_for_progress();
    let mut turn: Vec<Strike> = Vec::new();
    for strike in 0..rounds(100, 6) {
        if turn.is_empty() {
            turn.extend(STRIKES);
            turn.shuffle(&mut chance);
        }
        chain.strike(turn.pop().expect("more than one"), &mut chance);
        chain.wait_for_progress();
        println!("{} ms: strike {strike}: {} moved", chain.ms(), chain.load.seen.len());
    }
    chain.end();
}

/// What happens to a worker, or to the broker.
#[derive(Clone, Copy, Debug)]
enum Strike {
    /// Killed, and started again.
    Worker,
    /// Killed, and another one comes.
    WorkerForGood,
    Broker,
    /// Its answers are lost, and with them what workers know of their requests.
    Network,
    /// Stopped, and another one takes its place.
    Freeze,
    /// One whose place was taken goes on.
    Wake,
}

const STRIKES: [Strike; 6] = [
    Strike::Worker,
    Strike::WorkerForGood,
    Strike::Broker,
    Strike::Network,
    Strike::Freeze,
    Strike::Wake,
];

struct Chain {
    broker: Broker,
    /// Between the broker and the workers.
    network: Proxy,
    load: Load,
    /// Two workers of each stage.
    places: Vec<Place>,
    /// Frozen ones, whose places others have taken.
    zombies: Vec<Worker>,
    fenced: usize,
    /// How many identities there have been.
    identities: usize,
    started: Instant,
}

struct Place {
    stage: Stage,
    worker: Worker,
}

impl Chain {
    fn new() -> Chain {
        let network = Proxy::start();
        let advertised = format!("PLAINTEXT://{}", network.address());
        let mut settings = SETTINGS.to_vec();
        settings.push(("advertised.listeners", &advertised));
        let broker = Broker::with(&settings);
        network.lead_to(broker.address());
        let stage = |n: usize| Stage {
            group: format!("g{n}"),
            source: format!("t{n}"),
            target: format!("t{}", n + 1),
            partitions: PARTITIONS,
        };
        let stages: Vec<Stage> = (0..STAGES).map(stage).collect();
        let load = Load::through(&broker, &stages);
        let mut places = Vec::new();
        for (n, stage) in stages.iter().enumerate() {
            for (k, client) in KINDS.into_iter().enumerate() {
                // One of each stage is a static member of its group, in turns of either kind.
                let instance = (n + k).is_multiple_of(2).then(|| format!("i{n}"));
                let identity = Identity { client, transactional_id: format!("x{n}-{k}"), instance };
                let worker = Worker::start(identity, broker.address(), stage);
                places.push(Place { stage: stage.clone(), worker });
            }
        }
        let (zombies, started) = (Vec::new(), Instant::now());
        Chain { load, places, zombies, fenced: 0, identities: 0, started, network, broker }
    }

    fn ms(&self) -> u128 {
        self.started.elapsed().as_millis()
    }

    fn strike(&mut self, strike: Strike, chance: &mut StdRng) {
        let at = chance.random_range(0..self.places.len());
        println!("{} ms: {strike:?}, {:?}", self.ms(), self.places[at].worker.identity);
        match strike {
            Strike::Worker => self.kill(at, false),
            Strike::WorkerForGood => self.kill(at, true),
            // Kafka 4.3.1 may lose the marker of a group's offsets when it is killed between the decision and the marker: the
            // transaction is complete, says its coordinator, but __consumer_offsets keeps it open, and so the group stands still.
            Strike::Broker if !self.broker.is_klog() => self.kill(at, true),
            Strike::Broker => {
                self.broker.kill();
                self.broker.restart();
            }
            Strike::Network => self.network.lose_answers(LOST),
            Strike::Wake if !self.zombies.is_empty() => {
                let zombie = chance.random_range(0..self.zombies.len());
                self.wake(zombie);
            }
            Strike::Freeze | Strike::Wake => self.replace_frozen(at),
        }
    }

    /// Kills a worker and starts it again: as itself, which ends its transaction, or as another one, so that the transaction has to time out.
    fn kill(&mut self, at: usize, as_another: bool) {
        if as_another {
            self.wait_until_at_work(at);
        }
        self.places[at].worker.kill();
        let mut identity = self.places[at].worker.identity.clone();
        if as_another {
            self.identities += 1;
            identity.transactional_id = format!("another-{}", self.identities);
        }
        self.take_place(at, identity);
    }

    /// Stops a worker without ending it, and starts it a second time.
    fn replace_frozen(&mut self, at: usize) {
        self.wait_until_at_work(at);
        self.places[at].worker.freeze();
        let identity = self.places[at].worker.identity.clone();
        let zombie = self.take_place(at, identity);
        self.zombies.push(zombie);
    }

    /// Who has not begun has not fenced whose place it has: that one would take the place back when it wakes up.
    fn wait_until_at_work(&mut self, at: usize) {
        let end = Instant::now() + DEADLINE;
        while !self.places[at].worker.is_at_work() {
            assert!(
                Instant::now() < end,
                "{:?} has nothing to do",
                self.places[at].worker.identity
            );
            self.go_on();
        }
    }

    fn take_place(&mut self, at: usize, identity: Identity) -> Worker {
        let place = &mut self.places[at];
        let worker = Worker::start(identity, self.broker.address(), &place.stage);
        std::mem::replace(&mut place.worker, worker)
    }

    /// Wakes a worker whose place another one has: it must find that out.
    fn wake(&mut self, zombie: usize) {
        let mut zombie = self.zombies.swap_remove(zombie);
        println!("{} ms: {:?} wakes up", self.ms(), zombie.identity);
        zombie.wake();
        let end = Instant::now() + DEADLINE;
        let code = loop {
            self.go_on();
            if let Some(code) = zombie.ended() {
                break code;
            }
            let now = Instant::now();
            assert!(now < end, "{:?} is not fenced\n{}", zombie.identity, zombie.log());
        };
        assert_eq!(code, FENCED, "{:?}\n{}", zombie.identity, zombie.log());
        println!("{} ms: … and is fenced", self.ms());
        self.fenced += 1;
    }

    fn go_on(&mut self) {
        self.load.go_on();
        self.supervise();
    }

    fn supervise(&mut self) {
        for at in 0..self.places.len() {
            let worker = &mut self.places[at].worker;
            let Some(code) = worker.ended() else { continue };
            // A transaction that took too long, for example while the broker was away, fences its own worker.
            let allowed = [FENCED, GAVE_UP].contains(&code);
            assert!(allowed, "{:?} ended: {code}\n{}", worker.identity, worker.log());
            println!("{:?} ended ({code}) and is started again", worker.identity);
            let identity = worker.identity.clone();
            self.take_place(at, identity);
        }
    }

    /// Waits until each partition of the last stage has got something new that was written by now.
    fn wait_for_progress(&mut self) {
        let (end, before) = (Instant::now() + DEADLINE, self.load.progress());
        let goes_on =
            |now: Vec<usize>| now.iter().zip(&before).all(|(now, before)| *now > before + 20);
        while !goes_on(self.load.progress()) {
            if Instant::now() > end {
                let open: Vec<End> = self.load.ends_now();
                let open: Vec<&End> = open.iter().filter(|end| end.stable != end.last).collect();
                let now = self.load.progress();
                panic!("does not go on: {before:?}, {now:?}; not stable to the end: {open:?}");
            }
            self.go_on();
        }
    }

    fn end(mut self) {
        while !self.zombies.is_empty() {
            self.wake(0);
        }
        self.load.flush();
        let end = Instant::now() + DEADLINE;
        while self.load.seen.len() < self.load.count() && Instant::now() < end {
            self.load.read();
            self.supervise();
        }
        for place in &mut self.places {
            place.worker.terminate();
            let code = place.worker.wait(DEADLINE);
            let worker = &place.worker;
            assert!(
                [0, FENCED, GAVE_UP].contains(&code),
                "{code}: {:?}\n{}",
                worker.identity,
                worker.log()
            );
        }
        self.load.assert_exact();
        println!("{} ms: {} moved, {} fenced", self.ms(), self.load.seen.len(), self.fenced);
    }
}
