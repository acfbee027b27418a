//! What any client writes, with any codec, every client reads back unchanged; and Kafka's dump tool finds nothing wrong with it.

use std::process::Command;
use std::time::Duration;

use crate::broker::Broker;
use crate::dump::dump;
use crate::librdkafka::{self, Admin};
use crate::peers::{fetched, kafka_tool, source};
use crate::process::run;
use crate::records::{Record, assert_same, from_lines, one_of_each, to_lines};

const DEADLINE: Duration = Duration::from_secs(90);

/// The codec of partition n.
const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

const PARTITIONS: i32 = CODECS.len() as i32;

#[derive(Clone, Copy, Debug)]
enum Client {
    Librdkafka,
    Java,
    KafkaPython,
    Aiokafka,
    FranzGo,
    Sarama,
}

const CLIENTS: [Client; 6] = [
    Client::Librdkafka,
    Client::Java,
    Client::KafkaPython,
    Client::Aiokafka,
    Client::FranzGo,
    Client::Sarama,
];

#[test]
fn what_librdkafka_writes_every_client_reads() {
    every_client_reads_what_is_written_by(Client::Librdkafka);
}

#[test]
fn what_the_java_client_writes_every_client_reads() {
    every_client_reads_what_is_written_by(Client::Java);
}

#[test]
fn what_kafka_python_writes_every_client_reads() {
    every_client_reads_what_is_written_by(Client::KafkaPython);
}

#[test]
fn what_aiokafka_writes_every_client_reads() {
    every_client_reads_what_is_written_by(Client::Aiokafka);
}

#[test]
fn what_franz_go_writes_every_client_reads() {
    every_client_reads_what_is_written_by(Client::FranzGo);
}

#[test]
fn what_sarama_writes_every_client_reads() {
    every_client_reads_what_is_written_by(Client::Sarama);
}

fn every_client_reads_what_is_written_by(writer: Client) {
    let mut broker = Broker::start();
    // The timestamps are old: they must not make the records expire.
    Admin::new(broker.address()).create("topic", PARTITIONS, &[("retention.ms", "-1")]);
    let mut written = Vec::new();
    for (partition, codec) in (0..).zip(CODECS) {
        let records = writer.can_write(one_of_each(partition));
        writer.produce(broker.address(), "topic", codec, &records);
        written.extend(records);
    }
    for reader in CLIENTS {
        let read = reader.consume(broker.address(), "topic", written.len());
        assert_same(&read, &written, &format!("written by {writer:?}, read by {reader:?}"));
    }
    broker.stop();
    for (partition, codec) in (0..).zip(CODECS) {
        let dumped = dump(&broker, &format!("topic-{partition}"));
        assert!(dumped.contains(&format!("compresscodec: {codec}")), "{codec}\n{dumped}");
    }
}

impl Client {
    /// Some clients refuse what Kafka's format allows.
    fn can_write(self, records: Vec<Record>) -> Vec<Record> {
        let mut records = records;
        if matches!(self, Client::KafkaPython | Client::Aiokafka) {
            records.retain(|record| record.key.is_some() || record.value.is_some());
            (0..).zip(&mut records).for_each(|(offset, record)| record.offset = offset);
        }
        if matches!(self, Client::KafkaPython) {
            let headers = records.iter_mut().map(|record| &mut record.headers);
            headers.for_each(|headers| headers.retain(|header| header.value.is_some()));
        }
        records
    }

    fn produce(self, address: &str, topic: &str, codec: &str, records: &[Record]) {
        let lines = to_lines(records);
        match self {
            Client::Librdkafka => librdkafka::produce(address, topic, codec, records),
            Client::Java => {
                kafka_tool("Records", &["produce", address, topic, codec], &lines).ok();
            }
            _ => {
                let mut command = self.command();
                command.args(["produce", address, topic, codec]);
                run(&mut command, &lines, DEADLINE).output();
            }
        }
    }

    fn consume(self, address: &str, topic: &str, count: usize) -> Vec<Record> {
        let wanted = count.to_string();
        match self {
            Client::Librdkafka => librdkafka::consume(address, topic, PARTITIONS, count),
            Client::Java => {
                let printed =
                    kafka_tool("Records", &["consume", address, topic, &wanted], b"").ok();
                from_lines(printed.as_bytes())
            }
            _ => {
                let mut command = self.command();
                command.args(["consume", address, topic, &wanted]);
                from_lines(&run(&mut command, b"", DEADLINE).output())
            }
        }
    }

    fn command(self) -> Command {
        let with = |mut command: Command, client: &str| {
            command.arg(client);
            command
        };
        let python = |client: &str| {
            let mut command = Command::new(fetched("python/bin/python"));
            command.arg(source("python/peer.py"));
            with(command, client)
        };
        let golang = |client: &str| with(Command::new(fetched("golang")), client);
        match self {
            Client::KafkaPython => python("kafka-python"),
            Client::Aiokafka => python("aiokafka"),
            Client::FranzGo => golang("franz-go"),
            Client::Sarama => golang("sarama"),
            Client::Librdkafka | Client::Java => unreachable!("not a program of its own"),
        }
    }
}
