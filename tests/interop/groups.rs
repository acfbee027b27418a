//! Consumer groups: members of several kinds share partitions, commit, leave, crash, and go on where the group was.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use klog::wire::heartbeat::HeartbeatRequest;
use klog::wire::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};

use crate::broker::Broker;
use crate::dump::dump_offsets;
use crate::kcat::kcat;
use crate::librdkafka::{Admin, config, next_despite_errors};
use crate::offsets::Commit;
use crate::peers::{Printed, kafka_tool};
use crate::raw::{Raw, batch};

pub const GROUPS: &str = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
pub const CONSUMER: &str = "org.apache.kafka.tools.consumer.ConsoleConsumer";
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A broker that does not wait for more members than the first.
fn eager() -> Broker {
    Broker::with(&[
        ("group.initial.rebalance.delay.ms", "0"),
        ("group.min.session.timeout.ms", "100"),
    ])
}

pub fn tool(broker: &Broker, main: &str, arguments: &str) -> Printed {
    let mut words = vec!["--bootstrap-server", broker.address()];
    words.extend(arguments.split_whitespace());
    kafka_tool(main, &words, b"")
}

pub fn write(broker: &Broker, topic: &str, lines: std::ops::Range<u32>) {
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    kcat(broker, &["-P", "-t", topic], text.as_bytes());
}

/// A member with these settings; it commits when it is told to.
pub fn member_with(
    broker: &Broker,
    group: &str,
    topic: &str,
    more: &[(&str, &str)],
) -> BaseConsumer {
    let mut config = config(broker.address());
    config
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("reconnect.backoff.max.ms", "500")
        .set("topic.metadata.refresh.interval.ms", "500");
    more.iter().for_each(|(key, value)| {
        config.set(*key, *value);
    });
    let consumer: BaseConsumer = config.create().expect("a consumer can be made");
    consumer.subscribe(&[topic]).expect("a topic can be subscribed to");
    consumer
}

fn member(broker: &Broker, group: &str, topic: &str) -> BaseConsumer {
    let more = [("heartbeat.interval.ms", "100"), ("session.timeout.ms", "6000")];
    member_with(broker, group, topic, &more)
}

/// Polls until each member has so many partitions; gives what they read meanwhile.
pub fn settle(members: &[&BaseConsumer], wanted: &[usize]) -> Vec<Vec<u8>> {
    let (end, mut read) = (Instant::now() + DEADLINE, Vec::new());
    let count = |member: &&BaseConsumer| member.assignment().map_or(0, |assigned| assigned.count());
    while members.iter().map(count).collect::<Vec<_>>() != wanted {
        assert!(Instant::now() < end, "the members do not share as {wanted:?}");
        for member in members {
            let record = next_despite_errors(member, Duration::from_millis(20));
            read.extend(record.and_then(|record| record.value));
        }
    }
    read
}

/// Reads until `count` records came in all, each member what it has.
pub fn read(members: &[&BaseConsumer], count: usize) -> Vec<(usize, i32, Vec<u8>)> {
    let (end, mut read) = (Instant::now() + DEADLINE, Vec::new());
    while read.len() < count {
        assert!(Instant::now() < end, "only {} of {count} records came", read.len());
        for (at, member) in members.iter().enumerate() {
            let record = next_despite_errors(member, Duration::from_millis(20));
            read.extend(
                record.map(|record| (at, record.partition, record.value.unwrap_or_default())),
            );
        }
    }
    read
}

#[test]
fn a_group_goes_on_where_it_was_whoever_its_member_is_and_also_after_a_restart() {
    let mut broker = eager();
    Admin::new(broker.address()).create("t", 1, &[]);
    write(&broker, "t", 0..3);
    let as_member = ["-G", "g", "-q", "-e", "-X", "auto.offset.reset=earliest", "t"];
    assert_eq!(kcat(&broker, &as_member, b""), "0\n1\n2\n");
    write(&broker, "t", 3..5);
    let java = tool(&broker, CONSUMER, "--topic t --group g --max-messages 2 --timeout-ms 30000");
    let lines: Vec<&str> = java.text.lines().filter(|line| line.parse::<u32>().is_ok()).collect();
    assert_eq!(lines, ["3", "4"], "{}", java.text);
    broker.kill();
    broker.restart();
    write(&broker, "t", 5..6);
    assert_eq!(kcat(&broker, &as_member, b""), "5\n");
    broker.stop();
    let dumped = dump_offsets(&broker);
    assert!(dumped.contains("\"group\":\"g\",\"topic\":\"t\",\"partition\":0"), "{dumped}");
    assert!(dumped.contains("\"protocolType\":\"consumer\""), "{dumped}");
}

#[test]
fn members_share_the_partitions_and_take_over_from_those_who_leave() {
    let broker = eager();
    Admin::new(broker.address()).create("t", 4, &[]);
    let (one, two) = (member(&broker, "g", "t"), member(&broker, "g", "t"));
    settle(&[&one, &two], &[2, 2]);
    share_and_take_over(&broker, one, two);
}

/// Two members of group `g` read 4 partitions, each record once and each partition in one hand; then one leaves, and the other goes on
/// where it was. Gives that one.
pub fn share_and_take_over(broker: &Broker, one: BaseConsumer, two: BaseConsumer) -> BaseConsumer {
    for partition in 0..4 {
        let lines: String = (0..25).map(|line| format!("{partition}-{line}\n")).collect();
        kcat(broker, &["-P", "-t", "t", "-p", &partition.to_string()], lines.as_bytes());
    }
    let shared = read(&[&one, &two], 100);
    let mut owners: BTreeMap<i32, usize> = BTreeMap::new();
    for (member, partition, _) in &shared {
        assert_eq!(owners.insert(*partition, *member).unwrap_or(*member), *member, "two owners");
    }
    assert_eq!(owners.len(), 4);
    assert_eq!(owners.values().filter(|member| **member == 0).count(), 2);
    for member in [&one, &two] {
        member.commit_consumer_state(CommitMode::Sync).expect("offsets are committed");
    }
    drop(two);
    settle(&[&one], &[4]);
    kcat(broker, &["-P", "-t", "t", "-p", "3"], b"last\n");
    assert_eq!(read(&[&one], 1)[0].2, b"last", "records came twice");
    one
}

#[test]
fn members_of_a_killed_broker_go_on_without_a_reset() {
    let mut broker = eager();
    Admin::new(broker.address()).create("t", 1, &[]);
    let one = member(&broker, "g", "t");
    goes_on_after_kills(&mut broker, &one);
}

/// A member of a group over the one partition of `t` reads and commits between kills of the broker, and goes on where it was.
pub fn goes_on_after_kills(broker: &mut Broker, one: &BaseConsumer) {
    settle(&[one], &[1]);
    for round in 0..3 {
        write(broker, "t", round..round + 1);
        let (_, _, value) = &read(&[one], 1)[0];
        assert_eq!(*value, round.to_string().into_bytes());
        one.commit_consumer_state(CommitMode::Sync).expect("offsets are committed");
        broker.kill();
        broker.restart();
    }
    assert_eq!(position(&committed_at_last(one)), 3);
}

/// What a group has committed, once its coordinator is back: of Kafka's, which has to be elected first, the client gives up early.
fn committed_at_last(one: &BaseConsumer) -> TopicPartitionList {
    let end = Instant::now() + DEADLINE;
    loop {
        match one.committed(DEADLINE) {
            Ok(committed) => return committed,
            Err(error) => {
                assert!(Instant::now() < end, "the coordinator does not come back: {error}")
            }
        }
        next_despite_errors(one, Duration::from_millis(50));
    }
}

fn position(list: &TopicPartitionList) -> i64 {
    list.elements()[0].offset().to_raw().expect("an offset")
}

#[test]
fn kafkas_group_tool_lists_describes_resets_and_deletes_groups() {
    let broker = eager();
    Admin::new(broker.address()).create("t", 2, &[]);
    write(&broker, "t", 0..10);
    let groups = |arguments: &str| tool(&broker, GROUPS, arguments).ok();
    let one = member(&broker, "live", "t");
    settle(&[&one], &[2]);
    kcat(&broker, &["-G", "idle", "-q", "-e", "-X", "auto.offset.reset=earliest", "t"], b"");

    let listed = groups("--list --state");
    assert!(
        listed.lines().any(|line| line.starts_with("live") && line.contains("Stable")),
        "{listed}"
    );
    assert!(
        listed.lines().any(|line| line.starts_with("idle") && line.contains("Empty")),
        "{listed}"
    );
    let described = groups("--describe --group idle");
    let lag = |text: &str| -> i64 {
        let row =
            |line: &str| line.split_whitespace().nth(5).and_then(|lag| lag.parse::<i64>().ok());
        text.lines().filter(|line| line.starts_with("idle")).filter_map(row).sum()
    };
    assert_eq!(lag(&described), 0, "{described}");
    let members = groups("--describe --group live --members --verbose");
    assert!(members.contains("t:0,1"), "{members}");

    let reset = groups("--reset-offsets --group idle --topic t --to-earliest --execute");
    assert!(reset.contains("idle"), "{reset}");
    assert_eq!(lag(&groups("--describe --group idle")), 10);
    let busy =
        tool(&broker, GROUPS, "--reset-offsets --group live --topic t --to-earliest --execute");
    assert!(busy.text.contains("inactive") || busy.text.contains("Stable"), "{}", busy.text);
    let forgotten = groups("--delete-offsets --group idle --topic t:0");
    assert!(forgotten.contains("Successful"), "{forgotten}");
    let refused = tool(&broker, GROUPS, "--delete --group live");
    assert!(refused.text.contains("not empty"), "{}", refused.text);
    groups("--delete --group idle");
    assert!(!groups("--list").contains("idle"));
}

#[test]
fn stale_generations_and_strangers_are_refused_and_nothing_is_committed() {
    let broker = eager();
    Admin::new(broker.address()).create("t", 1, &[]);
    let one = member(&broker, "g", "t");
    settle(&[&one], &[1]);
    let mut raw = Raw::connect(broker.address());
    let beat = HeartbeatRequest {
        group_id: "g".into(),
        member_id: "nobody".into(),
        generation_id: 1,
        ..Default::default()
    };
    assert_eq!(raw.call(4, &beat).error_code, 25);
    let mut commit = |commit: Commit| raw.commit(&Commit { offset: 99, ..commit });
    assert_eq!(commit(Commit { member: "nobody", epoch: 1, ..Commit::default() }), 25);
    assert_eq!(commit(Commit::default()), 25, "the group has members");
    let other = || Commit { group: "other", epoch: 5, ..Commit::default() };
    assert_eq!(commit(Commit { version: 8, ..other() }), 22);
    assert_eq!(commit(other()), 69);
    let simple = || Commit { group: "simple", ..Commit::default() };
    assert_eq!(commit(Commit { metadata: &"m".repeat(5000), ..simple() }), 12);
    assert_eq!(commit(Commit { metadata: "kept", ..simple() }), 0);
    assert_eq!(raw.committed("g", 0), Ok((-1, String::new())));
    assert_eq!(raw.committed("simple", 0), Ok((99, "kept".to_owned())));
}

#[test]
fn who_joins_without_a_group_or_a_protocol_or_with_a_session_too_short_is_refused() {
    let broker = eager();
    Admin::new(broker.address()).create("t", 1, &[]);
    settle(&[&member(&broker, "g", "t")], &[1]);
    let mut raw = Raw::connect(broker.address());
    let mut join = |group: &str, session: i32, protocols: &[&str]| {
        let protocol = |name: &&str| JoinGroupRequestProtocol {
            name: name.to_string().into(),
            metadata: vec![7; 1 << 20].into(),
            ..Default::default()
        };
        let request = JoinGroupRequest {
            group_id: group.to_owned().into(),
            session_timeout_ms: session,
            rebalance_timeout_ms: 1000,
            protocol_type: "consumer".into(),
            protocols: protocols.iter().map(protocol).collect(),
            ..Default::default()
        };
        let answer = raw.call(9, &request);
        (answer.error_code, answer.member_id.is_empty())
    };
    assert_eq!(join("", 1000, &["range"]).0, 24);
    // Kafka takes this one as well.
    let longest = join(&"g".repeat(32_001), 1000, &["range"]).0;
    assert_eq!(longest, if broker.is_klog() { 24 } else { 79 });
    assert_eq!(join("g\u{1}\u{7f}", 1000, &["range"]), (79, false));
    assert_eq!(join("new", 99, &["range"]).0, 26);
    assert_eq!(join("new", 1000, &[]).0, 23);
    assert_eq!(join("big", 1000, &["range"]), (79, false));
}

#[test]
fn the_topic_of_offsets_is_not_for_clients_to_write() {
    let broker = eager();
    Admin::new(broker.address()).create("t", 1, &[]);
    settle(&[&member(&broker, "g", "t")], &[1]);
    let mut raw = Raw::connect(broker.address());
    assert_eq!(raw.produce("__consumer_offsets", &batch(&[b"forged"])).error_code, 17);
}
