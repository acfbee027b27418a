//! Topics that cannot be, and too many of them.

use std::fs;

use klog::wire::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use klog::wire::create_topics::{CreatableTopic, CreateTopicsRequest};
use klog::wire::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use klog::wire::metadata::MetadataRequest;

use super::{MIB, assert_takes_at_most};
use crate::broker::Broker;
use crate::klogs_own::{Own, klog_with};
use crate::raw::{Raw, batch};

const INVALID_TOPIC: i16 = 17;
const INVALID_PARTITIONS: i16 = 37;
const POLICY_VIOLATION: i16 = 44;

fn create(name: &str, num_partitions: i32) -> CreateTopicsRequest {
    let topic = CreatableTopic {
        name: name.into(),
        num_partitions,
        replication_factor: 1,
        ..Default::default()
    };
    CreateTopicsRequest { topics: vec![topic], timeout_ms: 10_000, ..Default::default() }
}

#[test]
fn names_that_no_topic_can_have_are_refused_and_make_nothing() {
    let broker = Broker::start();
    let mut raw = Raw::connect(broker.address());
    let long = "a".repeat(250);
    for name in [".", "..", "../x", "a/b", "a\0b", "a b", "ä", "", &long] {
        let topic = raw.describe(name);
        assert_eq!(topic.error_code, INVALID_TOPIC, "{name:?}");
        let made = raw.call(7, &create(name, 1)).topics.remove(0);
        assert_eq!(made.error_code, INVALID_TOPIC, "{name:?}");
        assert!(made.error_message.is_some_and(|words| !words.is_empty()), "{name:?}");
        assert_ne!(raw.produce(name, &batch(&[b"value"])).error_code, 0, "{name:?}");
    }
    let longest = "a".repeat(249);
    raw.make_topic(&longest);
    let all = raw.call(12, &MetadataRequest { topics: None, ..Default::default() });
    let names: Vec<&str> = all.topics.iter().filter_map(|topic| topic.name.as_deref()).collect();
    assert_eq!(names, [longest.as_str()]);
    if broker.is_klog() {
        let entries = fs::read_dir(broker.data_dir()).expect("a folder");
        let folders = entries.filter(|entry| entry.as_ref().is_ok_and(|one| one.path().is_dir()));
        assert_eq!(folders.count(), 2, "the topic's and the metadata's");
    }
}

#[test]
fn more_partitions_than_can_be_are_refused_with_words() {
    let broker = Broker::start();
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("small");
    let many = CreatableTopic { name: "many".into(), ..create("", 9_999).topics.remove(0) };
    let mut both = create("huge", 2);
    both.topics.push(many);
    for made in raw.call(7, &both).topics {
        assert_eq!(made.error_code, POLICY_VIOLATION, "together they are too many: {made:?}");
    }
    for (count, code) in
        [(i32::MAX, POLICY_VIOLATION), (0, INVALID_PARTITIONS), (-2, INVALID_PARTITIONS)]
    {
        let made = raw.call(7, &create("huge", count)).topics.remove(0);
        assert_eq!(made.error_code, code, "{count}: {made:?}");
        assert!(made.error_message.is_some_and(|words| !words.is_empty()), "{count}");
        if code == POLICY_VIOLATION && !broker.is_klog() {
            // Kafka counts those of CreateTopics only, and would make a list of all of these.
            continue;
        }
        let topic = CreatePartitionsTopic {
            name: "small".into(),
            count,
            assignments: None,
            ..Default::default()
        };
        let request = CreatePartitionsRequest {
            topics: vec![topic],
            timeout_ms: 10_000,
            ..Default::default()
        };
        let grown = raw.call(3, &request).results.remove(0);
        assert_eq!(grown.error_code, code, "{count}: {grown:?}");
        assert!(grown.error_message.is_some_and(|words| !words.is_empty()), "{count}");
    }
    assert_eq!(raw.describe("small").partitions.len(), 1);
}

#[test]
fn a_storm_of_topics_that_come_and_go_leaves_nothing_behind() {
    let broker = klog_with(Own::Bounds, &[("log.segment.delete.delay.ms", "0")]);
    let rounds = if std::env::var_os("KLOG_LONG").is_some() { 2000 } else { 100 };
    let mut raw = Raw::connect(broker.address());
    assert_takes_at_most(32 * MIB, &broker, || {
        for round in 0..rounds {
            let name = format!("storm-{round}");
            raw.send(7, &create(&name, 3));
            let topic = DeleteTopicState { name: Some(name.into()), ..Default::default() };
            let delete = DeleteTopicsRequest { topics: vec![topic], ..Default::default() };
            let (_, made) = raw.receive::<CreateTopicsRequest>(7);
            assert_eq!(made.topics[0].error_code, 0, "{made:?}");
            assert_eq!(raw.call(6, &delete).responses[0].error_code, 0);
        }
    });
    let all = raw.call(12, &MetadataRequest { topics: None, ..Default::default() });
    assert_eq!(all.topics.len(), 0);
}
