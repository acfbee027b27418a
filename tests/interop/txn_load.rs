//! Input for workers that move it, and what comes out at the other end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::BaseConsumer;
use rdkafka::producer::ThreadedProducer;

use crate::broker::Broker;
use crate::librdkafka::{self, Admin, MustDeliver, config};
use crate::raw::Raw;
use crate::records::Record;
use crate::transactor::{Client, Isolation, Transactor};
use crate::transformer::Stage;
use crate::txn_history::{End, Seen, faults, seen};

const KEYS_PER_PARTITION: i32 = 5;
/// How many records may be on their way at most.
const AHEAD: usize = 1000;
/// How long transactions may stay open that nobody ends any more.
const STABLE_DEADLINE: Duration = Duration::from_secs(30);

/// Numbered records of many keys, written to the first stage's source, and read from the last one's target, committed ones only.
pub struct Load {
    stages: Vec<Stage>,
    address: String,
    producer: ThreadedProducer<MustDeliver>,
    consumer: BaseConsumer,
    /// How many of each key.
    written: BTreeMap<u32, u32>,
    pub seen: Vec<Seen>,
}

impl Load {
    /// Makes the stages' topics.
    pub fn through(broker: &Broker, stages: &[Stage]) -> Load {
        let partitions = stages[0].partitions;
        let admin = Admin::new(broker.address());
        admin.create(&stages[0].source, partitions, &[]);
        stages.iter().for_each(|stage| admin.create(&stage.target, partitions, &[]));
        let mut settings = config(broker.address());
        settings.set("isolation.level", "read_committed").set("fetch.wait.max.ms", "50");
        settings.set("reconnect.backoff.max.ms", "100");
        let last = &stages[stages.len() - 1].target;
        Load {
            producer: librdkafka::producer(broker.address(), "none"),
            consumer: librdkafka::consumer(&settings, last, partitions),
            address: broker.address().to_owned(),
            stages: stages.to_vec(),
            written: BTreeMap::new(),
            seen: Vec::new(),
        }
    }

    fn partitions(&self) -> i32 {
        self.stages[0].partitions
    }

    pub fn count(&self) -> usize {
        self.written.values().map(|count| *count as usize).sum()
    }

    /// Writes a record of each key, if not too much is on its way, and reads for a moment.
    pub fn go_on(&mut self) {
        if self.count() < self.seen.len() + AHEAD {
            (0..self.partitions() * KEYS_PER_PARTITION).for_each(|key| self.write(key));
        }
        self.read();
    }

    fn write(&mut self, key: i32) {
        let count = self.written.entry(key as u32).or_default();
        let record = Record {
            partition: key % self.stages[0].partitions,
            key: Some(key.to_string().into_bytes()),
            value: Some(format!("{key} {count}").into_bytes()),
            ..Record::default()
        };
        *count += 1;
        librdkafka::send(&self.producer, &self.stages[0].source, &record);
    }

    /// Reads for a moment.
    pub fn read(&mut self) {
        let moment = Instant::now() + Duration::from_millis(20);
        while Instant::now() < moment {
            let next = librdkafka::next_despite_errors(&self.consumer, Duration::from_millis(10));
            let Some(record) = next else { continue };
            let value = String::from_utf8(record.value.expect("a value")).expect("text");
            let record = seen(record.partition, record.offset, &value).expect("a record of ours");
            self.seen.push(record);
        }
    }

    /// How many came out of each partition.
    pub fn progress(&self) -> Vec<usize> {
        let mut of = vec![0; self.partitions() as usize];
        self.seen.iter().for_each(|record| of[record.partition as usize] += 1);
        of
    }

    /// Waits until all that was written is acknowledged.
    pub fn flush(&self) {
        librdkafka::flush(&self.producer);
    }

    /// Everything went through each stage once and in order, as it was seen on the way and as it is read now; and nothing is open.
    pub fn assert_exact(&self) {
        let ends = self.ends();
        assert_eq!(faults(&self.written, &self.seen, &ends), [], "as it came out");
        let mut reader = Transactor::start(Client::Librdkafka, &self.address);
        for Stage { target, partitions, .. } in &self.stages {
            let read = reader.read(Isolation::Committed, target, *partitions);
            let parse = |(p, o, value): &(i32, i64, String)| seen(*p, *o, value).expect("ours");
            let read: Vec<Seen> = read.iter().map(parse).collect();
            assert_eq!(faults(&self.written, &read, &[]), [], "in {target}");
        }
    }

    /// The ends of all targets' partitions, once they are stable to their ends, or after the deadline as they are.
    fn ends(&self) -> Vec<End> {
        let deadline = Instant::now() + STABLE_DEADLINE;
        loop {
            let ends = self.ends_now();
            if ends.iter().all(|end| end.stable == end.last) || Instant::now() > deadline {
                return ends;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The ends of all targets' partitions as they are.
    pub fn ends_now(&self) -> Vec<End> {
        let mut raw = Raw::connect(&self.address);
        let mut ends = Vec::new();
        for Stage { target, partitions, .. } in &self.stages {
            for partition in 0..*partitions {
                let stable = raw.end(target, partition, Isolation::Committed);
                let last = raw.end(target, partition, Isolation::Uncommitted);
                ends.push(End { topic: target.clone(), partition, stable, last });
            }
        }
        ends
    }
}
