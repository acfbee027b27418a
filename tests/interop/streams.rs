//! A Kafka Streams program, exactly once, that is killed (-9) again and again while its input goes on: every count of every word is
//! written out exactly once and in order, whether the program finds its state where it left it or reads it back from the changelogs.
//!
//! The seed is printed; `KLOG_SEED` sets it. `KLOG_LONG=1` kills 20 times in place of 2.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;
use rdkafka::consumer::BaseConsumer;
use rdkafka::producer::ThreadedProducer;
use tempfile::TempDir;

use crate::broker::Broker;
use crate::librdkafka::{self, Admin, MustDeliver, config};
use crate::peers::java;
use crate::records::Record;
use crate::seed::{self, rounds};
use crate::signal::{self, Signal};
use crate::transactions::{SETTINGS, until_stable};

const DEADLINE: Duration = Duration::from_secs(120);
const PARTITIONS: i32 = 4;
const WORDS: usize = 12;
/// How many words at least wait to be counted when the program is killed.
const AHEAD: usize = 800;

#[test]
fn a_streams_program_counts_and_joins_exactly_once_however_often_it_is_killed() {
    let mut chance = seed::chance();
    let broker = Broker::with(&SETTINGS);
    let mut input = Input::of(&broker);
    let mut program = Program::of(broker.address());
    let mut output = Output::of(broker.address());
    program.start();
    let first: usize = chance.random_range(0..2);
    for kill in 0..rounds(20, 2) {
        // Somewhere in the work, with more to do at hand: while it starts, restores, is at work, or commits.
        let until = output.counts() + chance.random_range(1..600);
        while output.counts() < until {
            while input.model.sum() < output.counts() + AHEAD {
                input.write(&mut chance);
            }
            output.read(until);
            program.assert_alive();
        }
        program.kill();
        let keeps_state = (kill + first).is_multiple_of(2);
        println!("kill {kill} after {} counts; its state is kept: {keeps_state}", output.counts());
        program.start_again(keeps_state);
    }
    input.write_labels(&mut chance);
    output.read_until(&input.model, &mut program);
    program.stop();
    until_stable(&broker, "counts", PARTITIONS);
    until_stable(&broker, "labelled", PARTITIONS);
    output.read(usize::MAX);
    output.assert_exact(&input.model);
    broker.assert_no_complaint();
}

/// What was written, worked out without Kafka.
#[derive(Default)]
struct Model {
    counts: BTreeMap<String, usize>,
    labels: BTreeMap<String, String>,
}

/// Writes lines of words, and labels of words.
struct Input {
    producer: ThreadedProducer<MustDeliver>,
    model: Model,
    lines: usize,
}

impl Input {
    fn of(broker: &Broker) -> Input {
        let admin = Admin::new(broker.address());
        for topic in ["lines", "labels", "counts", "labelled"] {
            admin.create(topic, PARTITIONS, &[]);
        }
        let producer = librdkafka::producer(broker.address(), "none");
        Input { producer, model: Model::default(), lines: 0 }
    }

    /// A few lines, and now and then a new label.
    fn write(&mut self, chance: &mut StdRng) {
        for _ in 0..chance.random_range(1..20) {
            let words: Vec<String> = (0..chance.random_range(1..6)).map(|_| word(chance)).collect();
            for word in &words {
                *self.model.counts.entry(word.clone()).or_default() += 1;
            }
            let partition = (self.lines % PARTITIONS as usize) as i32;
            self.lines += 1;
            self.send("lines", partition, None, words.join(" "));
        }
        if chance.random_ratio(1, 4) {
            let word = word(chance);
            self.label(word, chance);
        }
        librdkafka::flush(&self.producer);
    }

    /// A last label for each word, so that the last count of each is joined.
    fn write_labels(&mut self, chance: &mut StdRng) {
        for word in self.model.counts.keys().cloned().collect::<Vec<_>>() {
            self.label(word, chance);
        }
        librdkafka::flush(&self.producer);
    }

    fn label(&mut self, word: String, chance: &mut StdRng) {
        let label = format!("l{}", chance.random_range(0..1_000_000));
        // Where Kafka's partitioner would put it: the tables that are joined must agree.
        let partition = partition_of(&word);
        self.send("labels", partition, Some(word.clone()), label.clone());
        self.model.labels.insert(word, label);
    }

    fn send(&self, topic: &str, partition: i32, key: Option<String>, value: String) {
        let record = Record {
            partition,
            key: key.map(String::into_bytes),
            value: Some(value.into_bytes()),
            ..Record::default()
        };
        librdkafka::send(&self.producer, topic, &record);
    }
}

fn word(chance: &mut StdRng) -> String {
    format!("w{}", chance.random_range(0..WORDS))
}

/// Kafka's default partitioner: murmur2 of the key, without its sign.
fn partition_of(key: &str) -> i32 {
    const M: u32 = 0x5bd1_e995;
    let (pieces, rest) = key.as_bytes().as_chunks::<4>();
    let mut hash = 0x9747_b28c ^ key.len() as u32;
    for piece in pieces {
        let k = u32::from_le_bytes(*piece).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ (k ^ (k >> 24)).wrapping_mul(M);
    }
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |tail, byte| (tail << 8) | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    ((hash ^ (hash >> 15)) as i32 & i32::MAX) % PARTITIONS
}

/// What those who read committed records find in the program's output.
struct Output {
    counts: BaseConsumer,
    labelled: BaseConsumer,
    /// The counts of each word in the order in which they were found.
    counted: BTreeMap<String, Vec<usize>>,
    /// The count and the label of each word that were found last.
    joined: BTreeMap<String, (usize, String)>,
}

impl Output {
    fn of(address: &str) -> Output {
        let mut settings = config(address);
        settings.set("isolation.level", "read_committed").set("fetch.wait.max.ms", "20");
        let consumer = |topic| librdkafka::consumer(&settings, topic, PARTITIONS);
        Output {
            counts: consumer("counts"),
            labelled: consumer("labelled"),
            counted: BTreeMap::new(),
            joined: BTreeMap::new(),
        }
    }

    fn counts(&self) -> usize {
        self.counted.values().map(Vec::len).sum()
    }

    /// Takes in what has come, up to so many counts. A count that is not the next one of its word is lost, or there twice.
    fn read(&mut self, until: usize) {
        while self.counts() < until
            && let Some((word, count)) = pair(&self.counts)
        {
            let found = self.counted.entry(word.clone()).or_default();
            let count: usize = count.parse().expect("a count");
            assert_eq!(count, found.len() + 1, "the next count of {word}");
            found.push(count);
        }
        while let Some((word, joined)) = pair(&self.labelled) {
            let (count, label) = joined.split_once(' ').expect("a count and a label");
            let count: usize = count.parse().expect("a count");
            let before = self.joined.insert(word.clone(), (count, label.to_owned()));
            let before = before.map_or(0, |(count, _)| count);
            assert!(count >= before, "{word} was joined at {before}, then at {count}");
        }
    }

    fn is_complete(&self, model: &Model) -> bool {
        self.counts() >= model.sum() && self.joined == model.joined()
    }

    fn read_until(&mut self, model: &Model, program: &mut Program) {
        let end = Instant::now() + DEADLINE;
        while !self.is_complete(model) {
            program.assert_alive();
            if Instant::now() > end {
                println!("{}", program.log());
                self.assert_exact(model);
            }
            self.read(usize::MAX);
        }
    }

    fn assert_exact(&self, model: &Model) {
        let found: BTreeMap<String, usize> =
            self.counted.iter().map(|(word, counts)| (word.clone(), counts.len())).collect();
        assert_eq!(found, model.counts);
        assert_eq!(self.joined, model.joined());
    }
}

impl Model {
    fn sum(&self) -> usize {
        self.counts.values().sum()
    }

    fn joined(&self) -> BTreeMap<String, (usize, String)> {
        let joined = |(word, label): (&String, &String)| {
            let count = *self.counts.get(word)?;
            Some((word.clone(), (count, label.clone())))
        };
        self.labels.iter().filter_map(joined).collect()
    }
}

/// The next record as text, if one comes at once.
fn pair(consumer: &BaseConsumer) -> Option<(String, String)> {
    let record = librdkafka::next(consumer, Duration::from_millis(10))?;
    let text = |bytes: Option<Vec<u8>>| String::from_utf8(bytes.expect("there")).expect("text");
    Some((text(record.key), text(record.value)))
}

/// `WordCount`: see `tests/peers/java`.
struct Program {
    address: String,
    home: TempDir,
    child: Option<Child>,
}

impl Program {
    fn of(address: &str) -> Program {
        let home = TempDir::new().expect("a temporary folder can be made");
        Program { address: address.to_owned(), home, child: None }
    }

    fn state(&self) -> PathBuf {
        self.home.path().join("state")
    }

    fn start(&mut self) {
        let path = self.home.path().join("log");
        let log = File::options().create(true).append(true).open(path).expect("can be opened");
        let mut command = java();
        command.arg("WordCount").arg(&self.address).arg(self.state()).arg("classic");
        command.stdin(Stdio::null());
        command.stdout(log.try_clone().expect("can be cloned")).stderr(log);
        self.child = Some(command.spawn().expect("java runs; tests/peers/get installs it"));
    }

    fn start_again(&mut self, keeps_state: bool) {
        if !keeps_state {
            remove(&self.state());
        }
        self.start();
    }

    fn running(&mut self) -> &mut Child {
        self.child.as_mut().expect("it was started")
    }

    fn assert_alive(&mut self) {
        let ended = self.running().try_wait().expect("a child can be waited for");
        assert!(ended.is_none(), "the program ended by itself: {ended:?}\n{}", self.log());
    }

    fn kill(&mut self) {
        self.running().kill().expect("it can be killed");
        self.running().wait().expect("a killed program ends");
    }

    /// SIGTERM: it commits and ends.
    fn stop(&mut self) {
        signal::send(self.running(), Signal::TERM);
        self.running().wait().expect("a stopped program ends");
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }
}

fn remove(folder: &Path) {
    if folder.exists() {
        fs::remove_dir_all(folder).expect("its state can be removed");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().ok();
            child.wait().ok();
        }
    }
}
