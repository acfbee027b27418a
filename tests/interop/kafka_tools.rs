//! Apache Kafka's own command-line tools, with their default settings (so the producer is idempotent).

use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::dump::dump;
use crate::klogs_own::{Own, klog_with};
use crate::peers::kafka_tool;

const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";
const CONFIGS: &str = "kafka.admin.ConfigCommand";
const OFFSETS: &str = "org.apache.kafka.tools.GetOffsetShell";
const PRODUCER: &str = "org.apache.kafka.tools.ConsoleProducer";
const CONSUMER: &str = "org.apache.kafka.tools.consumer.ConsoleConsumer";
const PERFORMANCE: &str = "org.apache.kafka.tools.ProducerPerformance";

/// Runs a tool against the broker; it must succeed.
fn tool(broker: &Broker, main: &str, arguments: &str, input: &str) -> String {
    let mut words = vec!["--bootstrap-server", broker.address()];
    words.extend(arguments.split_whitespace());
    kafka_tool(main, &words, input.as_bytes()).ok()
}

/// As [`tool`], but it must fail; gives what it said.
fn refused(broker: &Broker, main: &str, arguments: &str) -> String {
    let mut words = vec!["--bootstrap-server", broker.address()];
    words.extend(arguments.split_whitespace());
    let printed = kafka_tool(main, &words, b"");
    assert_ne!(printed.code, 0, "{}", printed.text);
    printed.text
}

/// Waits until these are the topics that the tool lists: Kafka's broker learns of a change a moment after its controller made it.
fn until_listed(broker: &Broker, wanted: &[&str]) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let listed = tool(broker, TOPICS, "--list", "");
        if listed.split_whitespace().eq(wanted.iter().copied()) {
            return;
        }
        assert!(Instant::now() < end, "{listed} is listed, not {wanted:?}");
    }
}

#[test]
fn topic_command_creates_describes_alters_lists_and_deletes() {
    let broker = Broker::start();
    tool(&broker, TOPICS, "--create --topic one --partitions 3 --config retention.ms=7200000", "");
    tool(&broker, TOPICS, "--create --topic two", "");
    until_listed(&broker, &["one", "two"]);

    let described = tool(&broker, TOPICS, "--describe --topic one", "");
    for part in ["Topic: one", "PartitionCount: 3", "ReplicationFactor: 1", "retention.ms=7200000"]
    {
        assert!(described.contains(part), "{part} in\n{described}");
    }
    assert_eq!(described.matches("Isr: ").count(), 3, "{described}");

    tool(&broker, TOPICS, "--alter --topic one --partitions 5", "");
    assert!(tool(&broker, TOPICS, "--describe --topic one", "").contains("PartitionCount: 5"));

    assert!(refused(&broker, TOPICS, "--create --topic one").contains("already exists"));
    assert!(
        refused(&broker, TOPICS, "--alter --topic one --partitions 2")
            .contains("InvalidPartitions")
    );
    assert!(
        refused(&broker, TOPICS, "--create --topic bad --config no.such=1")
            .contains("InvalidConfig")
    );
    refused(&broker, TOPICS, "--create --topic many --replication-factor 2");

    tool(&broker, TOPICS, "--delete --topic one", "");
    until_listed(&broker, &["two"]);
    assert!(refused(&broker, TOPICS, "--describe --topic one").contains("does not exist"));
}

#[test]
fn config_command_sets_shows_and_removes_configs() {
    let broker = Broker::start();
    tool(&broker, TOPICS, "--create --topic t", "");
    let configs = |rest: &str| tool(&broker, CONFIGS, rest, "");
    configs(
        "--alter --entity-type topics --entity-name t --add-config retention.ms=3600000,flush.messages=1",
    );
    let shown = configs("--describe --entity-type topics --entity-name t");
    assert!(
        shown.contains("retention.ms=3600000") && shown.contains("flush.messages=1"),
        "{shown}"
    );
    configs("--alter --entity-type topics --entity-name t --delete-config retention.ms");
    let shown = configs("--describe --entity-type topics --entity-name t");
    assert!(
        !shown.contains("retention.ms=3600000") && shown.contains("flush.messages=1"),
        "{shown}"
    );
    let all = configs("--describe --all --entity-type topics --entity-name t");
    assert!(
        all.contains("retention.ms=604800000") && all.contains("cleanup.policy=delete"),
        "{all}"
    );

    let alter = "--alter --entity-type topics --entity-name t --add-config";
    assert!(refused(&broker, CONFIGS, &format!("{alter} no.such=1")).contains("InvalidConfig"));
    assert!(
        refused(&broker, CONFIGS, &format!("{alter} segment.bytes=one")).contains("InvalidConfig")
    );
}

#[test]
fn configs_of_brokers_change_while_they_run_and_are_what_topics_have_that_say_nothing() {
    let mut broker = Broker::start();
    tool(&broker, TOPICS, "--create --topic t", "");
    let configs = |broker: &Broker, rest: &str| tool(broker, CONFIGS, rest, "");
    let of_topic =
        |broker: &Broker| configs(broker, "--describe --all --entity-type topics --entity-name t");
    let all = configs(&broker, "--describe --all --entity-type brokers --entity-name 1");
    assert!(all.contains("log.segment.bytes=1073741824"), "{all}");
    configs(
        &broker,
        "--alter --entity-type brokers --entity-default --add-config log.retention.ms=1,log.segment.bytes=1048576",
    );
    assert!(of_topic(&broker).contains("retention.ms=1 "), "{}", of_topic(&broker));
    let one = "--entity-type brokers --entity-name 1";
    configs(&broker, &format!("--alter {one} --add-config log.retention.ms=86400000"));
    assert!(of_topic(&broker).contains("retention.ms=86400000 "), "{}", of_topic(&broker));

    tool(
        &broker,
        PRODUCER,
        "--topic t --compression-codec none",
        &"a line of text\n".repeat(60_000),
    );
    broker.stop();
    assert!(dump(&broker, "t-0").matches("Log starting offset").count() > 1, "it never rolled");
    broker.restart();

    let shown = configs(&broker, &format!("--describe {one}"));
    assert!(shown.contains("log.retention.ms=86400000"), "{shown}");
    configs(&broker, &format!("--alter {one} --delete-config log.retention.ms"));
    assert!(of_topic(&broker).contains("retention.ms=1 "), "{}", of_topic(&broker));

    let alter = format!("--alter {one} --add-config");
    let fixed = refused(&broker, CONFIGS, &format!("{alter} socket.request.max.bytes=1"));
    assert!(fixed.contains("InvalidRequest") && fixed.contains("socket.request"), "{fixed}");
    let bad = refused(&broker, CONFIGS, &format!("{alter} log.segment.bytes=one"));
    assert!(bad.contains("InvalidRequest"), "{bad}");
}

#[test]
fn the_levels_of_a_brokers_log_change_while_it_runs() {
    let broker = klog_with(Own::Words, &[]);
    let loggers = "--entity-type broker-loggers --entity-name 1";
    let shown = || tool(&broker, CONFIGS, &format!("--describe {loggers}"), "");
    assert!(shown().contains("klog=INFO"), "{}", shown());
    assert!(!broker.log().contains("DEBUG"), "{}", broker.log());
    tool(&broker, CONFIGS, &format!("--alter {loggers} --add-config klog.broker=DEBUG"), "");
    tool(&broker, TOPICS, "--list", "");
    assert!(shown().contains("klog.broker=DEBUG"), "{}", shown());
    assert!(broker.log().contains("DEBUG klog::broker"), "{}", broker.log());
    tool(&broker, CONFIGS, &format!("--alter {loggers} --delete-config klog.broker"), "");
    assert!(shown().contains("klog.broker=INFO"), "{}", shown());
    let unknown = refused(&broker, CONFIGS, &format!("--alter {loggers} --add-config kafka=INFO"));
    assert!(unknown.contains("kafka"), "{unknown}");
}

#[test]
fn console_producer_and_consumer_carry_keys_headers_and_nulls_with_each_codec() {
    let mut broker = Broker::start();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        tool(&broker, TOPICS, &format!("--create --topic {codec}"), "");
        let reader = "--reader-property parse.key=true --reader-property parse.headers=true \
                      --reader-property null.marker=NULL --reader-property key.separator=|";
        let input = "a:1,a:2,b:NULL\tkey|value\nNULL\tNULL|no key\nc:3\tno value|NULL\n";
        let produce = format!("--topic {codec} --compression-codec {codec} {reader}");
        tool(&broker, PRODUCER, &produce, input);
        let formatter = "--formatter-property print.key=true --formatter-property print.headers=true \
                         --formatter-property print.offset=true --formatter-property null.literal=NULL";
        let consume =
            format!("--topic {codec} --partition 0 --offset earliest --max-messages 3 {formatter}");
        let read = tool(&broker, CONSUMER, &consume, "");
        for line in [
            "Offset:0\ta:1,a:2,b:NULL\tkey\tvalue",
            "Offset:1\tNO_HEADERS\tNULL\tno key",
            "Offset:2\tc:3\tno value\tNULL",
        ] {
            assert!(read.lines().any(|found| found == line), "{line:?} in\n{read}");
        }
    }
    broker.stop();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let dumped = dump(&broker, &format!("{codec}-0"));
        assert!(dumped.contains(&format!("compresscodec: {codec}")), "{codec}\n{dumped}");
    }
}

#[test]
fn get_offset_shell_tells_ends_starts_and_timestamps() {
    let broker = Broker::start();
    tool(&broker, TOPICS, "--create --topic t --partitions 2", "");
    tool(&broker, PRODUCER, "--topic t", "a\nb\nc\n");
    let offsets = |time: &str| -> i64 {
        let printed = tool(&broker, OFFSETS, &format!("--topic t --time {time}"), "");
        let offset = |line: &str| line.strip_prefix("t:")?.split_once(':')?.1.parse::<i64>().ok();
        let offsets: Vec<i64> = printed.lines().filter_map(offset).collect();
        assert!(!offsets.is_empty(), "{printed}");
        offsets.iter().sum()
    };
    assert_eq!(offsets("latest"), 3);
    assert_eq!(offsets("earliest"), 0);
    assert_eq!(offsets("1"), 0);
    let newest = tool(&broker, OFFSETS, "--topic t --time max-timestamp", "");
    assert!(newest.lines().any(|line| line.starts_with("t:")), "{newest}");
}

#[test]
fn producer_performance_fills_segments_that_the_dump_tool_accepts() {
    let mut broker = Broker::start();
    tool(&broker, TOPICS, "--create --topic perf --config segment.bytes=1048576", "");
    let measured = tool(
        &broker,
        PERFORMANCE,
        "--topic perf --num-records 20000 --record-size 200 --throughput -1",
        "",
    );
    assert!(measured.contains("20000 records sent"), "{measured}");
    let ends = tool(&broker, OFFSETS, "--topic perf --time latest", "");
    assert!(ends.contains("perf:0:20000"), "{ends}");
    broker.stop();
    let dumped = dump(&broker, "perf-0");
    assert!(dumped.matches("Log starting offset").count() >= 3, "not more than one segment");
    assert!(dumped.contains("lastOffset: 19999"));
}
