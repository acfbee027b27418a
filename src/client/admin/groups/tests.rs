use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::scripted::Script;
use super::*;
use crate::base::{ErrorCode, TopicName};
use crate::client::{ClientError, CommittedOffset};
use crate::wire::describe_groups::{DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup};
use crate::wire::find_coordinator::{Coordinator, FindCoordinatorRequest, FindCoordinatorResponse};
use crate::wire::list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};
use crate::wire::offset_commit::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
};
use crate::wire::offset_fetch::{
    OffsetFetchRequest, OffsetFetchResponse, OffsetFetchResponseGroup,
    OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};

fn groups(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn place() -> (TopicName, i32) {
    (TopicName::new("t").expect("a name"), 0)
}

/// Node 1, once the first `failures` of answers are given.
fn coordinator(
    mut failures: Vec<ErrorCode>,
) -> impl FnMut(FindCoordinatorRequest) -> FindCoordinatorResponse {
    move |request| {
        let code = if failures.is_empty() { ErrorCode::None } else { failures.remove(0) };
        let one = |key| Coordinator {
            key,
            node_id: 1,
            error_code: code.to_wire(),
            ..Coordinator::default()
        };
        if request.coordinator_keys.is_empty() {
            let error_code = code.to_wire();
            return FindCoordinatorResponse { node_id: 1, error_code, ..Default::default() };
        }
        let coordinators = request.coordinator_keys.into_iter().map(one).collect();
        FindCoordinatorResponse { coordinators, ..FindCoordinatorResponse::default() }
    }
}

#[tokio::test]
async fn a_coordinator_that_moves_or_loads_is_looked_up_and_asked_again() {
    let mut answers = vec![
        ErrorCode::CoordinatorLoadInProgress,
        ErrorCode::NotCoordinator,
        ErrorCode::CoordinatorNotAvailable,
        ErrorCode::None,
    ];
    let (looked_up, counted) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let count = looked_up.clone();
    let mut find = coordinator(vec![ErrorCode::CoordinatorNotAvailable]);
    let asked = counted.clone();
    let admin = Script::default()
        .serve::<FindCoordinatorRequest>(6, move |request| {
            count.fetch_add(1, Ordering::Relaxed);
            find(request)
        })
        .serve::<OffsetFetchRequest>(9, move |request| {
            asked.fetch_add(1, Ordering::Relaxed);
            let error_code = answers.remove(0).to_wire();
            let one = |group: crate::wire::offset_fetch::OffsetFetchRequestGroup| {
                let group_id = group.group_id;
                OffsetFetchResponseGroup { group_id, error_code, ..Default::default() }
            };
            OffsetFetchResponse {
                groups: request.groups.into_iter().map(one).collect(),
                ..OffsetFetchResponse::default()
            }
        })
        .admin(20_000)
        .await;
    let told = admin.list_group_offsets(&groups(&["b", "a", "b"]), false).await;
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["b", "a"]);
    assert!(told.iter().all(|(_, told)| told.as_ref().is_ok_and(GroupOffsets::is_empty)));
    assert_eq!(counted.load(Ordering::Relaxed), 4);
    assert_eq!(looked_up.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn a_coordinator_that_never_loads_is_given_up_in_time() {
    let admin = Script::default()
        .serve::<FindCoordinatorRequest>(6, coordinator(vec![]))
        .serve::<DeleteGroupsRequest>(2, |request| {
            let one = |group_id| crate::wire::delete_groups::DeletableGroupResult {
                group_id,
                error_code: ErrorCode::CoordinatorLoadInProgress.to_wire(),
                ..Default::default()
            };
            crate::wire::delete_groups::DeleteGroupsResponse {
                results: request.groups_names.into_iter().map(one).collect(),
                ..Default::default()
            }
        })
        .admin(1000)
        .await;
    let (_, told) = admin.delete_groups(&groups(&["g"])).await.remove(0);
    let cause = told.expect_err("it never loads");
    assert_eq!(cause.code(), Some(ErrorCode::CoordinatorLoadInProgress));
    assert_eq!(cause.to_string(), "group g: COORDINATOR_LOAD_IN_PROGRESS (14)");
}

#[tokio::test]
async fn a_commit_is_made_again_where_its_coordinator_moved_and_else_told_per_partition() {
    let mut answers =
        vec![[ErrorCode::NotCoordinator; 2], [ErrorCode::None, ErrorCode::UnknownMemberId]];
    let admin = Script::default()
        .serve::<FindCoordinatorRequest>(6, coordinator(vec![]))
        .serve::<OffsetCommitRequest>(9, move |request| {
            assert_eq!(request.generation_id_or_member_epoch, -1);
            assert_eq!(&*request.member_id, "");
            let codes = answers.remove(0);
            let one = |(partition_index, code): (i32, ErrorCode)| OffsetCommitResponsePartition {
                partition_index,
                error_code: code.to_wire(),
                ..Default::default()
            };
            let topic = OffsetCommitResponseTopic {
                name: "t".into(),
                partitions: (0..).zip(codes).map(one).collect(),
                ..Default::default()
            };
            OffsetCommitResponse { topics: vec![topic], ..Default::default() }
        })
        .admin(20_000)
        .await;
    let topic = place().0;
    let wanted: GroupOffsets =
        (0..2).map(|p| ((topic.clone(), p), CommittedOffset::at(7))).collect();
    let told = admin.alter_group_offsets("g", &wanted).await.expect("it answers");
    let codes: Vec<_> =
        told.iter().map(|(_, told)| told.as_ref().err().map(ClientError::code)).collect();
    assert_eq!(codes, [None, Some(Some(ErrorCode::UnknownMemberId))]);
}

#[tokio::test]
async fn brokers_of_old_are_asked_in_their_own_versions() {
    let admin = Script::default()
        .serve::<FindCoordinatorRequest>(2, coordinator(vec![]))
        .serve::<ListGroupsRequest>(2, |_| {
            let group = ListedGroup {
                group_id: "g".into(),
                protocol_type: "consumer".into(),
                ..ListedGroup::default()
            };
            ListGroupsResponse { groups: vec![group], ..ListGroupsResponse::default() }
        })
        .serve::<DescribeGroupsRequest>(3, |request| {
            let one = |group_id: bytestring::ByteString| DescribedGroup {
                group_state: if &*group_id == "g" { "Empty".into() } else { "Dead".into() },
                group_id,
                ..DescribedGroup::default()
            };
            let groups = request.groups.into_iter().map(one).collect();
            DescribeGroupsResponse { groups, ..DescribeGroupsResponse::default() }
        })
        .serve::<OffsetFetchRequest>(5, |_| {
            let partition = OffsetFetchResponsePartition {
                committed_offset: 42,
                committed_leader_epoch: 3,
                metadata: Some("note".into()),
                ..OffsetFetchResponsePartition::default()
            };
            let topic = OffsetFetchResponseTopic {
                name: "t".into(),
                partitions: vec![partition],
                ..OffsetFetchResponseTopic::default()
            };
            OffsetFetchResponse { topics: vec![topic], ..OffsetFetchResponse::default() }
        })
        .admin(5000)
        .await;
    let listed = admin.list_groups(&[], &[]).await.expect("it answers").remove(0);
    assert_eq!((&*listed.group, listed.kind, listed.state), ("g", None, None));
    let refused = admin.list_groups(&[GroupState::Empty], &[]).await.expect_err("it cannot filter");
    assert_eq!(refused.code(), Some(ErrorCode::UnsupportedVersion));
    let mut described = admin.describe_groups(&groups(&["g", "gone"])).await;
    let (_, gone) = described.pop().expect("an answer for each");
    assert_eq!(gone.expect_err("it is not there").code(), Some(ErrorCode::GroupIdNotFound));
    let (_, there) = described.pop().expect("an answer for each");
    let there = there.expect("it is there");
    assert_eq!((there.kind, there.state), (GroupType::Classic, GroupState::Empty));
    let (_, offsets) = admin.list_group_offsets(&groups(&["g"]), true).await.remove(0);
    let committed =
        CommittedOffset { offset: 42, leader_epoch: Some(3), metadata: "note".to_owned() };
    assert_eq!(offsets.expect("it answers"), GroupOffsets::from([(place(), committed)]));
}
