//! Topics that are empty, and topics that vanish and come back under a consumer that goes on reading.

use std::process::Command;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;

use crate::broker::Broker;
use crate::history::{Promise, assert_none, check};
use crate::librdkafka::{self, Admin};
use crate::load::{Load, PLAIN, Target, read_all};
use crate::peers::{fetched, kafka_tool};
use crate::process::Running;
use crate::records::{Record, from_lines, one_of_each};

const DEADLINE: Duration = Duration::from_secs(60);

/// Small records, each with `value`.
fn small(value: &str, count: usize) -> Vec<Record> {
    let mut records = one_of_each(0).split_off(9);
    records.truncate(count);
    records.iter_mut().for_each(|record| record.value = Some(value.as_bytes().to_vec()));
    records
}

#[test]
fn an_empty_topic_reads_as_empty_and_starts_and_ends_at_zero() {
    let broker = Broker::start();
    Admin::new(broker.address()).create("empty", 2, &[]);
    let consumer = librdkafka::consumer(&librdkafka::config(broker.address()), "empty", 2);
    assert_eq!(librdkafka::next(&consumer, Duration::from_secs(1)), None);
    for partition in 0..2 {
        let marks = consumer.fetch_watermarks("empty", partition, DEADLINE).expect("answered");
        assert_eq!(marks, (0, 0));
    }
    let read = kafka_tool(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        &[
            "--bootstrap-server",
            broker.address(),
            "--topic",
            "empty",
            "--partition",
            "0",
            "--offset",
            "earliest",
            "--timeout-ms",
            "1000",
        ],
        b"",
    );
    assert!(read.text.contains("Processed a total of 0 messages"), "{}", read.text);
}

#[test]
fn a_librdkafka_consumer_reads_on_when_its_topic_is_deleted_and_made_again() {
    let broker = Broker::start();
    let admin = Admin::new(broker.address());
    let keep = [("retention.ms", "-1")];
    admin.create("t", 1, &keep);
    librdkafka::produce(broker.address(), "t", "none", &small("old", 5));

    let mut config = librdkafka::config(broker.address());
    config.set("topic.metadata.refresh.interval.ms", "500");
    let consumer = librdkafka::consumer(&config, "t", 1);
    for _ in 0..5 {
        let record = librdkafka::next(&consumer, DEADLINE).expect("the old records are there");
        assert_eq!(record.value.as_deref(), Some(&b"old"[..]));
    }
    admin.delete("t");
    admin.create("t", 1, &keep);
    librdkafka::produce(broker.address(), "t", "none", &small("new", 10));

    let end = Instant::now() + DEADLINE;
    let mut seen = Vec::new();
    while seen.last() != Some(&9) {
        assert!(Instant::now() < end, "of the new topic only {seen:?} was seen");
        if let Some(record) = librdkafka::next_despite_errors(&consumer, Duration::from_secs(1)) {
            assert_eq!(record.value.as_deref(), Some(&b"new"[..]), "an old record came back");
            seen.push(record.offset);
        }
    }
    assert!(seen.is_sorted(), "{seen:?}");
}

#[test]
fn a_franz_go_consumer_reads_on_when_its_topic_is_deleted_and_made_again() {
    let broker = Broker::start();
    let admin = Admin::new(broker.address());
    let keep = [("retention.ms", "-1")];
    admin.create("t", 1, &keep);
    librdkafka::produce(broker.address(), "t", "none", &small("old", 5));
    let mut command = Command::new(fetched("golang"));
    command.args(["franz-go", "consume", broker.address(), "t", "15"]);
    let consumer = Running::start(&mut command, b"");
    consumer.wait_for_lines(5, DEADLINE);
    admin.delete("t");
    admin.create("t", 1, &keep);
    librdkafka::produce(broker.address(), "t", "none", &small("new", 10));
    let read = from_lines(&consumer.finish(DEADLINE).output());
    let count = |value: &[u8]| read.iter().filter(|r| r.value.as_deref() == Some(value)).count();
    assert_eq!((count(b"old"), count(b"new")), (5, 10));
}

/// Guards against checkpoints that tell of a topic long gone: its successor began at, or was cut to, where it had ended.
#[test]
fn a_topic_made_again_begins_at_zero_also_after_kill_9() {
    let mut broker = Broker::with(&[("log.retention.check.interval.ms", "100")]);
    let admin = Admin::new(broker.address());
    admin.create("t", 1, &[("segment.bytes", "1048576"), ("retention.bytes", "1")]);
    let big = vec![one_of_each(0).swap_remove(8); 4];
    librdkafka::produce(broker.address(), "t", "none", &big);
    let consumer = librdkafka::consumer(&librdkafka::config(broker.address()), "t", 1);
    let end = Instant::now() + DEADLINE;
    while consumer.fetch_watermarks("t", 0, DEADLINE).expect("answered").0 == 0 {
        assert!(Instant::now() < end, "retention did not move the start");
    }
    // A clean stop writes the checkpoints down.
    broker.stop();
    broker.restart();
    let admin = Admin::new(broker.address());
    admin.delete("t");
    admin.create("t", 1, &[("retention.ms", "-1")]);
    let records = small("new", 3);
    librdkafka::produce(broker.address(), "t", "none", &records);
    let offsets = |broker: &Broker| {
        let read = librdkafka::consume(broker.address(), "t", 1, records.len());
        read.iter().map(|record| record.offset).collect::<Vec<_>>()
    };
    assert_eq!(offsets(&broker), [0, 1, 2]);
    broker.kill();
    broker.restart();
    assert_eq!(offsets(&broker), [0, 1, 2], "after kill -9");
}

/// Guards against a flush that is under way when the folder goes, and would take the whole log directory offline.
#[test]
fn deleting_topics_under_load_harms_no_other_topic() {
    // What is deleted must not come back because its producer asks for it.
    let broker = Broker::with(&[("auto.create.topics.enable", "false")]);
    let target = |topic: &str, flush: &str| Target {
        topic: topic.to_owned(),
        partitions: 3,
        configs: vec![("segment.bytes", "1048576".into()), ("flush.messages", flush.to_owned())],
        codec: "none",
    };
    let stays = target("stays", "1");
    stays.create(broker.address());
    let load = Load::start(broker.address(), &stays, PLAIN.0);
    let admin = Admin::new(broker.address());
    for round in 0..20 {
        let goes = target("goes", if round % 2 == 0 { "1" } else { "100000" });
        goes.create(broker.address());
        let doomed = Load::start(broker.address(), &goes, &[("message.timeout.ms", "500")]);
        doomed.wait_for_progress();
        admin.delete("goes");
        doomed.finish();
    }
    load.wait_for_progress();
    let (acked, failed) = load.finish();
    assert_eq!(failed, 0);
    assert_none(&check(Promise::AtLeastOnce, &acked, &read_all(broker.address(), &stays)));
    broker.assert_no_complaint();
}
