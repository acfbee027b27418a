//! Kafka's own tool for transactions, `kafka-transactions.sh`: what it tells is so, and what it ends is over.

use std::thread;
use std::time::{Duration, Instant};

use bytestring::ByteString;
use klog::record::{BatchOptions, BatchProducer};
use klog::wire::init_producer_id::InitProducerIdRequest;

use crate::broker::Broker;
use crate::librdkafka::Admin;
use crate::peers::kafka_tool;
use crate::raw::{self, Raw};
use crate::transactions::{SETTINGS, broker, until_stable};
use crate::transactor::{Client, Isolation, Transactor};

const DEADLINE: Duration = Duration::from_secs(30);

/// Runs the tool; gives the rows of the table that it prints, each by its columns' names.
fn rows(broker: &Broker, arguments: &str) -> Vec<Row> {
    let text = tool(broker, arguments);
    // Its log begins each line with a time in brackets.
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('['));
    let names: Vec<&str> = lines.next().unwrap_or_default().split_whitespace().collect();
    let row = |line: &str| {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        // A transaction without partitions leaves its last column empty.
        assert!(names.len() - words.len() <= 1, "{text}");
        Row(names.iter().map(|name| name.to_string()).zip(words).collect())
    };
    lines.map(row).collect()
}

fn tool(broker: &Broker, arguments: &str) -> String {
    let mut words = vec!["--bootstrap-server", broker.address()];
    words.extend(arguments.split_whitespace());
    kafka_tool("org.apache.kafka.tools.TransactionsCommand", &words, b"").ok()
}

struct Row(Vec<(String, String)>);

impl Row {
    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(column, _)| column == name).map_or("", |(_, value)| value)
    }

    fn number(&self, name: &str) -> i64 {
        self.get(name).parse().expect("a number")
    }
}

/// Waits until the tool says so: whoever commits learns of it before the last marker is written.
fn until_state(broker: &Broker, id: &str, state: &str) -> Row {
    let end = Instant::now() + DEADLINE;
    loop {
        let row = rows(broker, &format!("describe --transactional-id {id}")).remove(0);
        if row.get("TransactionState") == state {
            return row;
        }
        assert!(Instant::now() < end, "{id} is {}", row.get("TransactionState"));
    }
}

#[test]
fn it_lists_and_describes_transactions_while_they_are_open_and_when_they_are_over() {
    let broker = broker();
    Admin::new(broker.address()).create("t", 2, &[]);
    let mut client = Transactor::start(Client::Librdkafka, broker.address());
    client.steps("init p one 45000; begin p; send p t 0 a; send p t 1 b");
    client.steps("init q two 60000; begin q; send q t 0 c; commit q");
    until_state(&broker, "two", "CompleteCommit");

    let described = rows(&broker, "describe --transactional-id one").remove(0);
    assert_eq!(described.get("TransactionalId"), "one");
    assert_eq!(described.get("TransactionState"), "Ongoing");
    assert_eq!(described.get("TransactionTimeoutMs"), "45000");
    assert!(described.number("TransactionDurationMs") >= 0);
    assert!(described.number("CurrentTransactionStartTimeMs") > 1_600_000_000_000);
    let mut partitions: Vec<&str> = described.get("TopicPartitions").split(',').collect();
    partitions.sort();
    assert_eq!(partitions, ["t-0", "t-1"]);

    let mut listed = rows(&broker, "list");
    listed.sort_by_key(|row| row.get("TransactionalId").to_owned());
    let facts = |row: &Row| {
        ["TransactionalId", "Coordinator", "TransactionState"].map(|name| row.get(name).to_owned())
    };
    let coordinator = described.get("CoordinatorId");
    let facts: Vec<[String; 3]> = listed.iter().map(facts).collect();
    assert_eq!(facts, [["one", coordinator, "Ongoing"], ["two", coordinator, "CompleteCommit"]]);
    assert_eq!(listed[0].get("ProducerId"), described.get("ProducerId"));
    assert_eq!(rows(&broker, "list --transactional-id-pattern tw.*").len(), 1);
    assert_eq!(rows(&broker, "list --duration-filter 3600000").len(), 0);

    client.steps("abort p");
    let over = until_state(&broker, "one", "CompleteAbort");
    assert_eq!(over.get("TopicPartitions"), "");
}

#[test]
fn it_describes_the_producers_of_a_partition() {
    let broker = broker();
    Admin::new(broker.address()).create("t", 1, &[]);
    let mut client = Transactor::start(Client::Librdkafka, broker.address());
    client.steps("init p one 60000; begin p; send p t 0 a; commit p");
    until_stable(&broker, "t", 1);
    client.steps("begin p; send p t 0 b c");
    let coordinated = rows(&broker, "describe --transactional-id one").remove(0);
    let open = rows(&broker, "describe-producers --topic t --partition 0").remove(0);
    assert_eq!(open.get("ProducerId"), coordinated.get("ProducerId"));
    assert_eq!(open.get("ProducerEpoch"), coordinated.get("ProducerEpoch"));
    assert_eq!(open.get("CurrentTransactionStartOffset"), "2", "after a record and a marker");
    assert!(open.number("LastSequence") >= 1);
    assert!(open.number("LastTimestamp") > 1_600_000_000_000);
    client.steps("commit p");
    until_stable(&broker, "t", 1);
    let over = rows(&broker, "describe-producers --topic t --partition 0").remove(0);
    assert_eq!(over.get("ProducerId"), open.get("ProducerId"));
    assert_eq!(over.get("CurrentTransactionStartOffset"), "None");
}

#[test]
fn it_ends_a_transaction_by_force() {
    let broker = broker();
    Admin::new(broker.address()).create("t", 1, &[]);
    let mut client = Transactor::start(Client::Librdkafka, broker.address());
    client.steps("init p one 60000; begin p; send p t 0 lost");
    tool(&broker, "forceTerminateTransaction --transactionalId one");
    until_stable(&broker, "t", 1);
    assert!(Client::Librdkafka.fenced().contains(&&*client.refused("commit p")));
    assert_eq!(client.read(Isolation::Committed, "t", 1), []);
}

/// A transaction that no coordinator knows of: its records came when the broker did not ask whether there was one.
#[test]
fn it_finds_and_aborts_a_transaction_that_hangs() {
    let unchecked = ("transaction.partition.verification.enable", "false");
    let broker = Broker::with(&[&SETTINGS[..], &[unchecked]].concat());
    Admin::new(broker.address()).create("t", 1, &[]);
    let mut raw = Raw::connect(broker.address());
    let init = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    let end = Instant::now() + DEADLINE;
    let producer = loop {
        let producer = raw.call(4, &init);
        if producer.error_code == 0 {
            break producer;
        }
        // Kafka takes a moment until it has ids to hand out: COORDINATOR_LOAD_IN_PROGRESS.
        assert!(producer.error_code == 14 && Instant::now() < end, "{producer:?}");
        thread::sleep(Duration::from_millis(10));
    };
    let options = BatchOptions {
        producer: BatchProducer {
            id: producer.producer_id,
            epoch: producer.producer_epoch,
            base_sequence: 0,
        },
        transactional: true,
        ..BatchOptions::default()
    };
    let mut request = raw::produce_request("t", -1, &raw::batch_of(&[b"hangs"], options));
    request.transactional_id = Some(ByteString::from_static("nobody"));
    // The last version whose records come after a request that adds their partition to the transaction.
    let written = raw.call(11, &request).responses.remove(0).partition_responses.remove(0);
    assert_eq!(written.error_code, 0);
    assert_eq!(raw.end("t", 0, Isolation::Committed), 0);

    let found = rows(&broker, "find-hanging --topic t").remove(0);
    assert_eq!((found.get("Topic"), found.get("Partition")), ("t", "0"));
    assert_eq!(found.number("ProducerId"), producer.producer_id);
    assert_eq!(found.get("StartOffset"), "0");
    assert!(found.number("Duration(min)") > 60 * 24, "its record is from 2023");

    tool(&broker, "abort --topic t --partition 0 --start-offset 0");
    until_stable(&broker, "t", 1);
    assert_eq!(rows(&broker, "find-hanging --topic t").len(), 0);
    let mut client = Transactor::start(Client::Librdkafka, broker.address());
    assert_eq!(client.read(Isolation::Committed, "t", 1), []);
    assert_eq!(client.read(Isolation::Uncommitted, "t", 1), [(0, 0, "hangs".to_owned())]);
}
