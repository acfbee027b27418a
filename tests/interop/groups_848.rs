//! Groups of the consumer protocol (KIP-848): members of Java and librdkafka join, share, leave, are killed, and change the protocol while
//! they are at work; the broker is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use klog::wire::consumer_group_describe::ConsumerGroupDescribeRequest;
use klog::wire::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
};
use klog::wire::list_groups::ListGroupsRequest;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};

use crate::broker::Broker;
use crate::dump::dump_offsets;
use crate::groups::{
    CONSUMER, DEADLINE, GROUPS, goes_on_after_kills, member_with, read, settle,
    share_and_take_over, tool, write,
};
use crate::kcat::kcat;
use crate::librdkafka::{Admin, next_despite_errors};
use crate::raw::Raw;

/// A broker that wants to hear of members often.
fn lively() -> Broker {
    Broker::with(&LIVELY)
}

/// The settings of one that waits for members: they may take a while to find it again.
fn patient() -> Vec<(&'static str, &'static str)> {
    LIVELY.into_iter().filter(|(key, _)| !key.contains("consumer.session")).collect()
}

const LIVELY: [(&str, &str); 7] = [
    ("group.initial.rebalance.delay.ms", "0"),
    ("group.min.session.timeout.ms", "100"),
    ("group.consumer.heartbeat.interval.ms", "100"),
    ("group.consumer.min.heartbeat.interval.ms", "100"),
    ("group.consumer.session.timeout.ms", "2000"),
    ("group.consumer.min.session.timeout.ms", "2000"),
    ("group.consumer.assignment.interval.ms", "0"),
];

fn member(broker: &Broker, group: &str, topic: &str) -> BaseConsumer {
    member_with(broker, group, topic, &[("group.protocol", "consumer")])
}

fn old_member(broker: &Broker, group: &str, topic: &str) -> BaseConsumer {
    let more = [
        ("heartbeat.interval.ms", "100"),
        ("session.timeout.ms", "6000"),
        ("partition.assignment.strategy", "cooperative-sticky"),
    ];
    member_with(broker, group, topic, &more)
}

/// A group's type and state, as ListGroups tells them.
fn listed(broker: &Broker, group: &str) -> (String, String) {
    let end = Instant::now() + DEADLINE;
    loop {
        let answer = Raw::connect(broker.address()).call(5, &ListGroupsRequest::default());
        if let Some(found) = answer.groups.into_iter().find(|one| one.group_id == group) {
            return (found.group_type.to_string(), found.group_state.to_string());
        }
        assert!(Instant::now() < end, "{group} is not listed");
    }
}

#[test]
fn a_java_consumer_of_the_new_protocol_goes_on_where_its_group_was_also_after_a_kill() {
    let mut broker = lively();
    Admin::new(broker.address()).create("t", 2, &[]);
    write(&broker, "t", 0..4);
    let read_two = |broker: &Broker| {
        let more = "--consumer-property group.protocol=consumer --consumer-property auto.offset.reset=earliest";
        let line = format!("--topic t --group g --max-messages 2 --timeout-ms 30000 {more}");
        let printed = tool(broker, CONSUMER, &line);
        let lines = printed.text.lines().filter_map(|line| line.parse::<u32>().ok());
        let lines: Vec<u32> = lines.collect();
        assert_eq!(lines.len(), 2, "{}", printed.text);
        lines
    };
    let mut all = read_two(&broker);
    assert_eq!(listed(&broker, "g"), ("consumer".into(), "Empty".into()));
    broker.kill();
    broker.restart();
    assert_eq!(listed(&broker, "g"), ("consumer".into(), "Empty".into()));
    all.extend(read_two(&broker));
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3]);
    broker.stop();
    let dumped = dump_offsets(&broker);
    for kind in [
        "{\"type\":\"3\"",
        "{\"type\":\"5\"",
        "{\"type\":\"6\"",
        "{\"type\":\"7\"",
        "{\"type\":\"8\"",
    ] {
        assert!(dumped.contains(kind), "no {kind} in {dumped}");
    }
}

#[test]
fn members_share_take_over_and_follow_topics_and_each_record_has_one_reader() {
    let broker = lively();
    Admin::new(broker.address()).create("t", 4, &[]);
    let one = member(&broker, "g", "t");
    settle(&[&one], &[4]);
    let two = member(&broker, "g", "t");
    settle(&[&one, &two], &[2, 2]);
    assert_eq!(listed(&broker, "g"), ("consumer".into(), "Stable".into()));
    let one = share_and_take_over(&broker, one, two);
    let pattern = member(&broker, "p", "^t.*");
    settle(&[&pattern], &[4]);
    Admin::new(broker.address()).create("t2", 3, &[]);
    settle(&[&pattern, &one], &[7, 4]);
    Admin::new(broker.address()).delete("t2");
    settle(&[&pattern, &one], &[4, 4]);
}

#[test]
fn members_of_a_killed_broker_go_on_in_their_epoch_and_lose_nothing() {
    let mut broker = Broker::with(&patient());
    Admin::new(broker.address()).create("t", 1, &[]);
    let one = member(&broker, "g", "t");
    goes_on_after_kills(&mut broker, &one);
}

/// Rounds in which the broker is killed at any moment and members come and go: every record is read, and nothing is committed that was not.
#[test]
fn whoever_is_killed_every_record_is_read_and_no_commit_runs_ahead() {
    let rounds = if std::env::var_os("KLOG_LONG").is_some() { 50 } else { 3 };
    let mut broker = lively();
    Admin::new(broker.address()).create("t", 4, &[]);
    let mut members = vec![member(&broker, "g", "t"), member(&broker, "g", "t")];
    let mut seen: BTreeMap<i32, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for round in 0..rounds {
        for partition in 0..4 {
            let lines: String = (0..10).map(|line| format!("{round}-{line}\n")).collect();
            kcat(&broker, &["-P", "-t", "t", "-p", &partition.to_string()], lines.as_bytes());
        }
        match round % 3 {
            0 => members.push(member(&broker, "g", "t")),
            1 => drop(members.remove(0)),
            _ => {}
        }
        let end = Instant::now() + DEADLINE;
        let mut kills = (round % 2) + 1;
        while seen.values().map(BTreeSet::len).sum::<usize>() < (round + 1) * 40 || kills > 0 {
            assert!(Instant::now() < end, "round {round}: records do not come: {seen:?}");
            for member in &members {
                let record = next_despite_errors(member, Duration::from_millis(20));
                if let Some(record) = record {
                    let values = seen.entry(record.partition).or_default();
                    values.insert(record.value.unwrap_or_default());
                }
                // Refused while a rebalance is under way or the broker is away.
                let _ = member.commit_consumer_state(CommitMode::Async);
            }
            if kills > 0 && seen.values().map(BTreeSet::len).sum::<usize>() > round * 40 {
                broker.kill();
                broker.restart();
                kills -= 1;
            }
        }
        let (_, described) = described(&broker, "g");
        let owned: usize = described.values().map(|(_, count)| count).sum();
        assert!(owned <= 4, "round {round}: {described:?}");
        for (partition, values) in &seen {
            let committed = committed(&broker, "g", *partition);
            let read = values.len() as i64;
            assert!(committed <= read, "round {round}: {committed} of {read} are committed");
        }
    }
}

fn committed(broker: &Broker, group: &str, partition: i32) -> i64 {
    Raw::connect(broker.address()).committed(group, partition).expect("the group is there").0
}

#[test]
fn a_group_moves_to_the_new_protocol_and_back_while_its_members_work() {
    let broker = lively();
    Admin::new(broker.address()).create("t", 6, &[]);
    let old = old_member(&broker, "g", "t");
    settle(&[&old], &[6]);
    assert_eq!(listed(&broker, "g").0, "classic");
    let new = member(&broker, "g", "t");
    settle(&[&old, &new], &[3, 3]);
    assert_eq!(listed(&broker, "g"), ("consumer".into(), "Stable".into()));
    let another = old_member(&broker, "g", "t");
    settle(&[&old, &new, &another], &[2, 2, 2]);
    for member in [&old, &new, &another] {
        let mut list = member.assignment().expect("it has partitions");
        list.set_all_offsets(rdkafka::Offset::Offset(0)).expect("offsets can be set");
        member.commit(&list, CommitMode::Sync).expect("members of both protocols commit");
    }
    drop(new);
    settle(&[&old, &another], &[3, 3]);
    assert_eq!(listed(&broker, "g"), ("classic".into(), "Stable".into()));
    let new = member(&broker, "g", "t");
    drop(old);
    drop(another);
    settle(&[&new], &[6]);
    drop(new);
    let old = old_member(&broker, "g", "t");
    settle(&[&old], &[6]);
    assert_eq!(listed(&broker, "g"), ("classic".into(), "Stable".into()));
}

#[test]
fn a_static_member_that_restarts_keeps_its_partitions_and_one_that_is_killed_is_missed() {
    let broker = lively();
    Admin::new(broker.address()).create("t", 2, &[]);
    let named = || {
        let more = [("group.protocol", "consumer"), ("group.instance.id", "one")];
        member_with(&broker, "g", "t", &more)
    };
    let (one, two) = (named(), member(&broker, "g", "t"));
    settle(&[&one, &two], &[1, 1]);
    let had = one.assignment().expect("it has one").elements()[0].partition();
    drop(one);
    let one = named();
    settle(&[&one, &two], &[1, 1]);
    assert_eq!(one.assignment().expect("it has one").elements()[0].partition(), had);
    drop(one);
    settle(&[&two], &[2]);
}

/// A group's epoch, and its members with their epochs and how many partitions they have.
fn described(broker: &Broker, group: &str) -> (i32, BTreeMap<String, (i32, usize)>) {
    let request = ConsumerGroupDescribeRequest {
        group_ids: vec![group.to_owned().into()],
        ..Default::default()
    };
    let end = Instant::now() + DEADLINE;
    loop {
        let answer = Raw::connect(broker.address()).call(1, &request).groups.remove(0);
        let members = answer.members.into_iter().map(|member| {
            let topics = member.assignment.topic_partitions;
            let count = topics.iter().map(|topic| topic.partitions.len()).sum();
            (member.member_id.to_string(), (member.member_epoch, count))
        });
        if answer.error_code == 0 {
            return (answer.group_epoch, members.collect());
        }
        assert!(Instant::now() < end, "{group} is not described: {}", answer.error_code);
    }
}

#[test]
fn kafka_and_klog_take_turns_and_members_of_both_protocols_stay_what_they_are() {
    let mut broker = Broker::kafka_with(&patient());
    Admin::new(broker.address()).create("t", 4, &[]);
    let old = [
        ("heartbeat.interval.ms", "100"),
        ("session.timeout.ms", "45000"),
        ("partition.assignment.strategy", "cooperative-sticky"),
    ];
    let (new, old) = (member(&broker, "g", "t"), member_with(&broker, "g", "t", &old));
    settle(&[&new, &old], &[2, 2]);
    for turn in 0..3 {
        for partition in 0..4 {
            kcat(&broker, &["-P", "-t", "t", "-p", &partition.to_string()], b"a\nb\n");
        }
        // The change of brokers may have begun an epoch: a commit of the one before is refused, and made again.
        let end = Instant::now() + DEADLINE;
        while (0..4).any(|partition| committed(&broker, "g", partition) < 2 * (turn + 1)) {
            assert!(Instant::now() < end, "turn {turn}: not all is committed");
            for member in [&new, &old] {
                while next_despite_errors(member, Duration::from_millis(20)).is_some() {}
                let _ = member.commit_consumer_state(CommitMode::Sync);
            }
        }
        let (epoch, members) = described(&broker, "g");
        // Kafka that stops may say in its last second that there is no broker; librdkafka then looks for none for five minutes.
        if broker.is_klog() {
            broker.stop()
        } else {
            broker.kill()
        }
        broker.hand_over();
        let (then_epoch, then_members) = described(&broker, "g");
        // The two hash topics differently: there may be an epoch more, but nobody has other partitions for it.
        assert!(then_epoch >= epoch, "turn {turn}: {epoch} became {then_epoch}");
        assert_eq!(then_members.len(), members.len(), "turn {turn}");
        for (id, (epoch, count)) in members {
            let (then_epoch, then_count) = then_members[&id];
            assert!(then_epoch >= epoch && then_count == count, "turn {turn}: {then_members:?}");
        }
    }
    settle(&[&new, &old], &[2, 2]);
    let end = Instant::now() + DEADLINE;
    let stable = ("consumer".into(), "Stable".into());
    while listed(&broker, "g") != stable {
        assert!(Instant::now() < end, "{:?}", listed(&broker, "g"));
        // Members that heard of a new epoch have yet to say that they follow it.
        for member in [&new, &old] {
            next_despite_errors(member, Duration::from_millis(20));
        }
    }
}

#[test]
fn kafkas_group_tool_shows_a_group_of_the_new_protocol() {
    let broker = lively();
    Admin::new(broker.address()).create("t", 2, &[]);
    write(&broker, "t", 0..10);
    let one = member(&broker, "g", "t");
    read(&[&one], 10);
    one.commit_consumer_state(CommitMode::Sync).expect("offsets are committed");
    let groups = |arguments: &str| tool(&broker, GROUPS, arguments).ok();
    let row = |text: &str| -> Vec<String> {
        let line = text.lines().find(|line| line.starts_with("g ")).unwrap_or_default();
        line.split_whitespace().map(str::to_owned).collect()
    };
    let state = row(&groups("--describe --group g --state --verbose"));
    assert!(state.contains(&"uniform".into()) && state.contains(&"Stable".into()), "{state:?}");
    let members = groups("--describe --group g --members --verbose");
    assert!(members.contains("t:0,1"), "{members}");
    let offsets = groups("--describe --group g");
    assert_eq!(offsets.lines().filter(|line| line.starts_with("g ")).count(), 2, "{offsets}");
    let types = groups("--list --type");
    assert_eq!(row(&types)[1].to_lowercase(), "consumer", "{types}");
    let busy = tool(&broker, GROUPS, "--delete --group g");
    assert!(busy.text.contains("not empty"), "{}", busy.text);
    drop(one);
    groups("--reset-offsets --group g --topic t --to-earliest --execute");
    groups("--delete --group g");
    assert!(!groups("--list").lines().any(|line| line == "g"));
}

#[test]
fn the_new_protocol_is_a_feature_that_kafkas_tool_turns_off_and_on() {
    let broker = lively();
    Admin::new(broker.address()).create("t", 1, &[]);
    let new = member(&broker, "g", "t");
    settle(&[&new], &[1]);
    drop(new);
    let features = |line: &str| tool(&broker, "org.apache.kafka.tools.FeatureCommand", line);
    let level = |text: &str| {
        let line = text.lines().find(|line| line.contains("group.version")).unwrap_or_default();
        let level = line.split("FinalizedVersionLevel:").nth(1).unwrap_or_default();
        level.split_whitespace().next().unwrap_or_default().to_owned()
    };
    assert_eq!(level(&features("describe").ok()), "1");
    features("downgrade --feature group.version=0").ok();
    assert_eq!(level(&features("describe").ok()), "0");
    let request = ConsumerGroupHeartbeatRequest {
        group_id: "h".into(),
        member_id: "m".into(),
        rebalance_timeout_ms: 1000,
        subscribed_topic_names: Some(vec!["t".into()]),
        topic_partitions: Some(Vec::new()),
        ..Default::default()
    };
    assert_eq!(Raw::connect(broker.address()).call(1, &request).error_code, 35);
    features("upgrade --feature group.version=1").ok();
    let new = member(&broker, "g", "t");
    settle(&[&new], &[1]);
}

#[test]
fn heartbeats_that_make_no_sense_are_refused_with_kafkas_codes() {
    let broker = lively();
    Admin::new(broker.address()).create("t", 1, &[]);
    settle(&[&member(&broker, "warm", "t")], &[1]);
    let mut raw = Raw::connect(broker.address());
    let mut beat =
        |change: &dyn Fn(&mut ConsumerGroupHeartbeatRequest)| -> ConsumerGroupHeartbeatResponse {
            let mut request = ConsumerGroupHeartbeatRequest {
                group_id: "g".into(),
                member_id: "m".into(),
                rebalance_timeout_ms: 1000,
                subscribed_topic_names: Some(vec!["t".into()]),
                topic_partitions: Some(Vec::new()),
                ..Default::default()
            };
            change(&mut request);
            raw.call(1, &request)
        };
    assert_eq!(beat(&|r| r.group_id = "".into()).error_code, 42);
    assert_eq!(beat(&|r| r.member_id = "".into()).error_code, 42);
    assert_eq!(beat(&|r| r.rebalance_timeout_ms = -1).error_code, 42);
    assert_eq!(beat(&|r| r.topic_partitions = None).error_code, 42);
    assert_eq!(beat(&|r| r.server_assignor = Some("best".into())).error_code, 112);
    assert_eq!(beat(&|r| r.subscribed_topic_regex = Some("(".into())).error_code, 128);
    let joined = beat(&|_| ());
    assert_eq!((joined.error_code, joined.member_epoch > 0), (0, true));
    assert_eq!(joined.assignment.expect("it is told").topic_partitions[0].partitions, [0]);
    assert_eq!(beat(&|r| r.member_epoch = 99).error_code, 110);
    let elsewhere = beat(&|r| (r.group_id, r.member_epoch) = ("nowhere".into(), 5)).error_code;
    assert_eq!(elsewhere, if broker.is_klog() { 25 } else { 69 });
    assert_eq!(beat(&|_| ()).error_code, 0, "the answer was lost: it joins again");
    assert_eq!(beat(&|r| (r.member_id, r.member_epoch) = ("n".into(), 1)).error_code, 25);
    assert_eq!(beat(&|r| r.member_epoch = -1).member_epoch, -1);
}
