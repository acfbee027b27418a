//! Apache Kafka's tools for the operator of a cluster, as a single node answers them.

use std::fs;

use tempfile::TempDir;

use crate::broker::Broker;
use crate::dump::dump_metadata;
use crate::librdkafka::{self, Admin};
use crate::peers::kafka_tool;
use crate::records::one_of_each;

/// Runs the tool with main class `org.apache.kafka.tools.NAME` against the broker; it must succeed.
fn tool(broker: &Broker, name: &str, arguments: &str) -> String {
    let main = format!("org.apache.kafka.tools.{name}");
    let mut words = vec!["--bootstrap-server", broker.address()];
    words.extend(arguments.split_whitespace());
    kafka_tool(&main, &words, b"").ok()
}

/// A broker with a topic `t` of one partition, in which an idempotent producer left 509 records.
fn broker_with_records() -> Broker {
    let broker = Broker::start();
    Admin::new(broker.address()).create("t", 1, &[("retention.ms", "-1")]);
    librdkafka::produce(broker.address(), "t", "none", &one_of_each(0));
    broker
}

#[test]
fn broker_api_versions_shows_what_is_served_and_nothing_unusable() {
    let broker = Broker::start();
    let shown = tool(&broker, "BrokerApiVersionsCommand", "");
    for wanted in [
        "Produce(0): 0 to 13",
        "Fetch(1): 4 to 18",
        "Metadata(3): 0 to 13",
        "ApiVersions(18): 0 to 4",
    ] {
        assert!(shown.contains(wanted), "{wanted} in\n{shown}");
    }
    for line in shown.lines().filter(|line| line.contains("): ") && !line.contains("UNSUPPORTED")) {
        assert!(line.contains("usable: "), "Kafka's client cannot use {line}");
    }
}

#[test]
fn delete_records_moves_the_start_of_a_partition() {
    let broker = broker_with_records();
    let home = TempDir::new().expect("a temporary folder can be made");
    let file = home.path().join("offsets.json");
    let offsets =
        r#"{"partitions": [{"topic": "t", "partition": 0, "offset": 100}], "version": 1}"#;
    fs::write(&file, offsets).expect("can be written");
    let done =
        tool(&broker, "DeleteRecordsCommand", &format!("--offset-json-file {}", file.display()));
    assert!(done.contains("low_watermark: 100"), "{done}");
    let starts = tool(&broker, "GetOffsetShell", "--topic t --time earliest");
    assert!(starts.contains("t:0:100"), "{starts}");
    let read = librdkafka::consume(broker.address(), "t", 1, 409);
    assert_eq!((read.len(), read[0].offset), (409, 100));
}

#[test]
fn log_dirs_tells_the_size_of_each_partition() {
    let broker = broker_with_records();
    let described = tool(&broker, "LogDirsCommand", "--describe --topic-list t");
    let json = described.lines().find(|line| line.starts_with('{')).expect("a line of JSON");
    let json: serde_json::Value = serde_json::from_str(json).expect("a line of JSON");
    let partition = &json["brokers"][0]["logDirs"][0]["partitions"][0];
    assert_eq!(partition["partition"], "t-0");
    let size = partition["size"].as_u64().expect("a size");
    assert!((2_000_000..2_200_000).contains(&size), "{size}");
}

#[test]
fn the_metadata_quorum_is_this_node() {
    let broker = Broker::start();
    let status = tool(&broker, "MetadataQuorumCommand", "describe --status");
    assert!(
        status.lines().any(|line| line.starts_with("LeaderId:") && line.ends_with(" 1")),
        "{status}"
    );
    let replication = tool(&broker, "MetadataQuorumCommand", "describe --replication");
    assert!(replication.contains("Leader"), "{replication}");
}

#[test]
fn the_cluster_has_an_id_that_survives_a_restart() {
    let mut broker = Broker::start();
    let id = |broker: &Broker| {
        let main = "org.apache.kafka.tools.ClusterTool";
        let arguments = ["cluster-id", "--bootstrap-server", broker.address()];
        let said = kafka_tool(main, &arguments, b"").ok();
        said.trim().strip_prefix("Cluster ID: ").expect("an id").to_owned()
    };
    let first = id(&broker);
    assert_eq!(first.len(), 22, "{first}");
    broker.stop();
    broker.restart();
    assert_eq!(id(&broker), first);
}

#[test]
fn the_features_of_a_cluster_are_described() {
    let broker = Broker::start();
    let described = tool(&broker, "FeatureCommand", "describe");
    assert!(described.contains("metadata.version"), "{described}");
}

#[test]
fn a_feature_does_not_move_where_records_would_be_lost_nor_further_than_the_broker_goes() {
    let broker = Broker::start();
    let features = "org.apache.kafka.tools.FeatureCommand";
    let server = ["--bootstrap-server", broker.address()];
    let before = tool(&broker, "FeatureCommand", "describe");
    assert!(before.contains("FinalizedVersionLevel: 4.3-IV0"), "{before}");
    for (wish, because) in [
        ("downgrade --feature metadata.version=25", "metadata.version"),
        ("downgrade --feature metadata.version=25 --dry-run", "metadata.version"),
        ("upgrade --feature no.such=1", "no.such"),
    ] {
        let words: Vec<&str> = wish.split_whitespace().collect();
        let said = kafka_tool(features, &[&server[..], &words].concat(), b"");
        assert_ne!(said.code, 0, "{wish}: {}", said.text);
        assert!(said.text.contains(because), "{wish}: {}", said.text);
    }
    tool(&broker, "FeatureCommand", "upgrade --feature metadata.version=30");
    let level = |described: &str| {
        let line = described.lines().find(|line| line.contains("metadata.version"));
        line.and_then(|line| line.split_once("Epoch")).map(|(levels, _)| levels.to_owned())
    };
    assert_eq!(level(&tool(&broker, "FeatureCommand", "describe")), level(&before));
}

#[test]
fn an_election_and_a_reassignment_find_nothing_to_do() {
    let broker = broker_with_records();
    let elected =
        tool(&broker, "LeaderElectionCommand", "--election-type preferred --topic t --partition 0");
    assert!(elected.contains("Valid replica already elected"), "{elected}");
    let listed = tool(&broker, "reassign.ReassignPartitionsCommand", "--list");
    assert!(listed.contains("No partition reassignments found"), "{listed}");
}

#[test]
fn the_producers_of_a_partition_are_described() {
    let broker = broker_with_records();
    let described =
        tool(&broker, "TransactionsCommand", "describe-producers --topic t --partition 0");
    let row = described.lines().nth(1).expect("a row");
    let last_sequence = row.split_whitespace().nth(3).expect("LastSequence");
    assert_eq!(last_sequence, "508", "{described}");
}

#[test]
fn the_metadata_log_holds_kafkas_own_records() {
    let mut broker = Broker::start();
    let admin = Admin::new(broker.address());
    admin.create("kept", 3, &[("retention.ms", "7200000")]);
    admin.create("gone", 1, &[]);
    admin.delete("gone");
    librdkafka::produce(broker.address(), "kept", "none", &one_of_each(0));
    broker.stop();
    let dumped = dump_metadata(&broker);
    let count = |kind: &str| dumped.matches(&format!("{{\"type\":\"{kind}\"")).count();
    assert_eq!(count("TOPIC_RECORD"), 2, "{dumped}");
    assert_eq!(count("PARTITION_RECORD"), 4, "{dumped}");
    assert_eq!(count("REMOVE_TOPIC_RECORD"), 1, "{dumped}");
    assert!(count("FEATURE_LEVEL_RECORD") >= 1, "{dumped}");
    assert!(count("PRODUCER_IDS_RECORD") >= 1, "{dumped}");
    assert!(dumped.contains("\"name\":\"retention.ms\",\"value\":\"7200000\""), "{dumped}");
}
