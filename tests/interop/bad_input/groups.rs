//! Groups and members that no client should make.

use std::time::{Duration, Instant};

use klog::wire::consumer_group_describe::ConsumerGroupDescribeRequest;
use klog::wire::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use klog::wire::delete_groups::DeleteGroupsRequest;
use klog::wire::find_coordinator::FindCoordinatorRequest;
use klog::wire::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use klog::wire::leave_group::{LeaveGroupRequest, MemberIdentity};
use klog::wire::list_groups::ListGroupsRequest;

use super::{FIRST, MIB, assert_serves_on, assert_takes_at_most};
use crate::broker::Broker;
use crate::offsets::Commit;
use crate::raw::Raw;

const DEADLINE: Duration = Duration::from_secs(60);

/// A connection to a broker that has `__consumer_offsets` and has loaded it.
fn coordinator(broker: &Broker) -> Raw {
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("t");
    let end = Instant::now() + DEADLINE;
    loop {
        let find =
            FindCoordinatorRequest { coordinator_keys: vec!["g".into()], ..Default::default() };
        let found = raw.call(4, &find).coordinators[0].error_code == 0;
        if found && beat(&mut raw, "warm", "m", 0).error_code == 0 {
            beat(&mut raw, "warm", "m", -1);
            return raw;
        }
        assert!(Instant::now() < end, "no coordinator");
    }
}

fn joining(group: &str, member: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: group.to_owned().into(),
        member_id: member.to_owned().into(),
        member_epoch: epoch,
        rebalance_timeout_ms: 1000,
        subscribed_topic_names: Some(vec!["t".into()]),
        topic_partitions: Some(Vec::new()),
        ..Default::default()
    }
}

fn beat(
    raw: &mut Raw,
    group: &str,
    member: &str,
    epoch: i32,
) -> klog::wire::consumer_group_heartbeat::ConsumerGroupHeartbeatResponse {
    raw.call(1, &joining(group, member, epoch))
}

#[test]
fn groups_and_members_of_strange_names_are_served_or_refused_and_none_stays() {
    let broker = Broker::start();
    let mut raw = coordinator(&broker);
    for blank in ["", " ", "\u{1}\n"] {
        assert_eq!(beat(&mut raw, blank, "m", 0).error_code, 42, "{blank:?}");
        assert_eq!(beat(&mut raw, "g", blank, 0).error_code, 42, "{blank:?}");
    }
    let long = "g".repeat(32_001);
    if broker.is_klog() {
        assert_eq!(beat(&mut raw, &long, "m", 0).error_code, 24);
        assert_eq!(beat(&mut raw, "long", &long, 0).error_code, 42);
    }
    let strange = ["\u{1}\u{7f}\n", "..", "\u{1f600}", &long[..32_000]];
    for group in strange {
        assert_eq!(beat(&mut raw, group, "m\n\u{1}", 0).error_code, 0, "{group:?}");
        let ids = vec![group.to_owned().into()];
        let describe =
            ConsumerGroupDescribeRequest { group_ids: ids.clone(), ..Default::default() };
        assert_eq!(raw.call(1, &describe).groups[0].members[0].member_id, "m\n\u{1}");
        let delete = DeleteGroupsRequest { groups_names: ids, ..Default::default() };
        assert_eq!(raw.call(2, &delete).results[0].error_code, 68, "{group:?} has a member");
        assert_eq!(beat(&mut raw, group, "m\n\u{1}", -1).error_code, 0);
        assert_eq!(raw.call(2, &delete).results[0].error_code, 0, "{group:?}");
    }
    let listed = raw.call(5, &ListGroupsRequest::default()).groups;
    let left: Vec<_> = listed.iter().filter(|group| group.group_id != "warm").collect();
    assert!(left.is_empty(), "{left:?}");
    assert_serves_on(&broker);
}

#[test]
fn a_member_that_reads_a_megabyte_of_topics_is_one_and_harms_nobody() {
    let broker = Broker::start();
    let mut raw = coordinator(&broker);
    let names = (0..8_000).map(|at| format!("{at:0128}").into()).collect();
    let mut huge = joining("g", "huge", 0);
    huge.subscribed_topic_names = Some(names);
    assert_eq!(beat(&mut raw, "g", "small", 0).error_code, 0);
    assert_takes_at_most(FIRST + 96 * MIB, &broker, || {
        for _ in 0..50 {
            assert_eq!(raw.call(1, &huge).error_code, 0);
        }
    });
    let mut hungry = joining("g", "hungry", 0);
    hungry.subscribed_topic_regex = Some("((a{100}){100}){100}".into());
    assert_eq!(raw.call(1, &hungry).error_code, if broker.is_klog() { 128 } else { 0 });
    let small = beat(&mut raw, "g", "small", 0);
    assert_eq!(small.assignment.expect("it is told").topic_partitions[0].partitions, [0]);
}

#[test]
fn members_do_not_keep_the_requests_that_they_joined_by() {
    let broker = Broker::start();
    let mut raw = coordinator(&broker);
    // 300 KB that say one thing.
    let mut long = joining("g", "", 0);
    long.subscribed_topic_names = Some(vec!["t".into(); 150_000]);
    assert_takes_at_most(FIRST + 48 * MIB, &broker, || {
        for at in 0..300 {
            long.member_id = format!("member-{at}").into();
            assert_eq!(raw.call(1, &long).error_code, 0);
        }
    });
}

#[test]
fn commits_of_strangers_and_of_other_epochs_are_refused_and_too_many_members_as_well() {
    let broker = Broker::with(&[
        ("group.consumer.max.size", "2"),
        ("group.max.size", "1"),
        ("group.initial.rebalance.delay.ms", "0"),
    ]);
    let mut raw = coordinator(&broker);
    let epoch = beat(&mut raw, "g", "a", 0).member_epoch;
    let mut commit =
        |member: &str, epoch: i32| raw.commit(&Commit { member, epoch, ..Commit::default() });
    assert_eq!(commit("a", epoch), 0);
    assert_eq!(commit("a", epoch + 1), 113);
    assert_eq!(commit("stranger", epoch), 25);
    assert_eq!(commit("", -1), 25, "the group has members");
    let metadata = &"m".repeat(32_000);
    assert_eq!(raw.commit(&Commit { member: "a", epoch, metadata, ..Commit::default() }), 12);
    assert_eq!(raw.commit(&Commit { member: "a", epoch, version: 8, ..Commit::default() }), 35);
    assert_eq!(beat(&mut raw, "g", "b", 0).error_code, 0);
    assert_eq!(beat(&mut raw, "g", "c", 0).error_code, 81);
    let (named, first) = join(&mut raw, "old", "");
    assert_eq!(named, 79);
    assert_eq!(join(&mut raw, "old", &first).0, 0);
    assert_eq!(join(&mut raw, "old", "").0, 81);
}

fn join(raw: &mut Raw, group: &str, member: &str) -> (i16, String) {
    let protocol = JoinGroupRequestProtocol { name: "range".into(), ..Default::default() };
    let request = JoinGroupRequest {
        group_id: group.to_owned().into(),
        member_id: member.to_owned().into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 1_000,
        protocol_type: "consumer".into(),
        protocols: vec![protocol],
        ..Default::default()
    };
    let answer = raw.call(9, &request);
    (answer.error_code, answer.member_id.to_string())
}

#[test]
fn ten_thousand_groups_that_come_and_go_take_bounded_memory_and_are_forgotten() {
    let broker = Broker::with(&[
        ("group.initial.rebalance.delay.ms", "0"),
        ("offsets.retention.check.interval.ms", "500"),
    ]);
    let mut raw = coordinator(&broker);
    assert_takes_at_most(FIRST + 32 * MIB, &broker, || {
        for at in 0..10_000 {
            let group = format!("group-{at}");
            if at % 10 == 0 {
                // Kafka may forget the group before it has its member.
                let id = loop {
                    let (_, id) = join(&mut raw, &group, "");
                    if join(&mut raw, &group, &id).0 == 0 {
                        break id;
                    }
                };
                let who = MemberIdentity { member_id: id.into(), ..Default::default() };
                let leave = LeaveGroupRequest {
                    group_id: group.into(),
                    members: vec![who],
                    ..Default::default()
                };
                assert_eq!(raw.call(5, &leave).members[0].error_code, 0);
            } else {
                assert_eq!(beat(&mut raw, &group, "m", 0).error_code, 0);
                assert_eq!(beat(&mut raw, &group, "m", -1).error_code, 0);
            }
        }
    });
    let end = Instant::now() + DEADLINE;
    while !raw.call(5, &ListGroupsRequest::default()).groups.is_empty() {
        assert!(Instant::now() < end, "groups without members and offsets are still there");
    }
}
