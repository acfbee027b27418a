//! What a member promises its program and its coordinator.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::super::committed::CommittedOffset;
use super::super::consumer::Key;
use super::member::{Event, Manners, Member, Step};
use crate::base::{ErrorCode, TopicName};

const HEARTBEAT: Duration = Duration::from_secs(3);
const MAX_POLL: Duration = Duration::from_secs(300);

fn member(cooperative: bool, is_static: bool, now: Instant) -> Member {
    let manners = Manners {
        cooperative,
        is_static,
        heartbeat_interval: HEARTBEAT,
        max_poll_interval: MAX_POLL,
    };
    Member::new(manners, now)
}

fn keys(partitions: &[i32]) -> BTreeSet<Key> {
    let topic = TopicName::new("t").unwrap();
    partitions.iter().map(|p| (topic.clone(), *p)).collect()
}

/// A program that asks for the next event.
fn poll(member: &mut Member, now: Instant) -> Option<Event> {
    member.on_poll();
    let event = member.next_event();
    member.on_polled(now);
    event
}

/// One generation: join, share, and where the group has read to.
fn generation(member: &mut Member, generation: i32, share: &[i32], now: Instant) {
    assert_eq!(member.step(now), Step::Join);
    member.on_join().unwrap();
    member.on_joined("m".into(), generation);
    member.on_synced(keys(share), now);
    for key in member.unplaced() {
        member.on_committed(&key, Some(CommittedOffset::at(7)));
    }
}

fn assigned(partitions: &[i32]) -> Option<Event> {
    let at = Some(CommittedOffset::at(7));
    Some(Event::Assigned(keys(partitions).into_iter().map(|key| (key, at.clone())).collect()))
}

#[test]
fn a_new_member_comes_back_under_the_id_that_it_is_given() {
    let now = Instant::now();
    let mut member = member(true, false, now);
    assert_eq!(member.step(now), Step::Join);
    member.on_join().unwrap();
    member.on_named("m".into());
    assert_eq!((member.step(now), &*member.id), (Step::Join, "m"));
}

#[test]
fn partitions_are_told_once_their_offsets_are_known() {
    let now = Instant::now();
    let mut member = member(true, false, now);
    member.step(now);
    member.on_join().unwrap();
    member.on_joined("m".into(), 1);
    member.on_synced(keys(&[0, 1]), now);
    assert_eq!(poll(&mut member, now), None);
    assert_eq!(member.unplaced(), keys(&[0, 1]));
    for key in keys(&[0, 1]) {
        member.on_committed(&key, None);
    }
    let told = keys(&[0, 1]).into_iter().map(|key| (key, None)).collect();
    assert_eq!(poll(&mut member, now), Some(Event::Assigned(told)));
    assert_eq!(poll(&mut member, now), None);
}

#[test]
fn an_eager_member_gives_everything_up_before_it_joins_again() {
    let now = Instant::now();
    let mut member = member(false, false, now);
    generation(&mut member, 1, &[0, 1], now);
    assert_eq!(poll(&mut member, now), assigned(&[0, 1]));
    member.on_refused(ErrorCode::RebalanceInProgress, now);
    let later = now + HEARTBEAT;
    assert_eq!(
        member.step(later),
        Step::Heartbeat,
        "it stays a member until the program has heard"
    );
    member.on_refused(ErrorCode::RebalanceInProgress, later);
    assert_eq!(poll(&mut member, later), Some(Event::Revoked(keys(&[0, 1]))));
    assert!(matches!(member.step(later), Step::Wait(_)), "the program is still at it");
    assert_eq!(poll(&mut member, later), None);
    generation(&mut member, 2, &[1], later);
    assert_eq!(poll(&mut member, later), assigned(&[1]));
}

#[test]
fn a_cooperative_member_keeps_what_it_has_while_it_joins_again() {
    let now = Instant::now();
    let mut member = member(true, false, now);
    generation(&mut member, 1, &[0, 1], now);
    assert_eq!(poll(&mut member, now), assigned(&[0, 1]));
    member.on_refused(ErrorCode::RebalanceInProgress, now);
    assert_eq!(member.step(now), Step::Join);
    assert_eq!(member.on_join().unwrap(), keys(&[0, 1]));
    member.on_joined("m".into(), 2);
    member.on_synced(keys(&[0, 2]), now);
    for key in member.unplaced() {
        member.on_committed(&key, Some(CommittedOffset::at(7)));
    }
    assert_eq!(poll(&mut member, now), Some(Event::Revoked(keys(&[1]))));
    assert!(matches!(member.step(now), Step::Wait(_)), "others get it once the program gave it up");
    assert_eq!(poll(&mut member, now), assigned(&[2]));
    assert_eq!(member.step(now), Step::Join, "so that others get what was given up");
    assert_eq!(member.on_join().unwrap(), keys(&[0, 2]));
}

#[test]
fn a_share_that_the_program_never_saw_is_claimed_and_not_revoked() {
    let now = Instant::now();
    let mut member = member(true, false, now);
    generation(&mut member, 1, &[0], now);
    member.on_refused(ErrorCode::RebalanceInProgress, now);
    assert_eq!(member.step(now), Step::Join);
    assert_eq!(member.on_join().unwrap(), keys(&[0]));
    member.on_joined("m".into(), 2);
    member.on_synced(keys(&[]), now);
    assert_eq!(member.step(now), Step::Join, "what it claimed was taken");
    assert_eq!(poll(&mut member, now), Some(Event::Assigned(Vec::new())));
}

#[test]
fn what_is_lost_is_told_before_anything_new() {
    for code in [ErrorCode::UnknownMemberId, ErrorCode::IllegalGeneration] {
        let now = Instant::now();
        let mut member = member(true, false, now);
        generation(&mut member, 1, &[0, 1], now);
        poll(&mut member, now);
        member.on_refused(code, now);
        assert_eq!(member.generation, -1);
        assert_eq!(member.id.is_empty(), code == ErrorCode::UnknownMemberId);
        generation(&mut member, 5, &[1], now);
        assert_eq!(poll(&mut member, now), Some(Event::Lost(keys(&[0, 1]))));
        assert_eq!(poll(&mut member, now), assigned(&[1]));
    }
}

#[test]
fn what_was_revoked_already_is_not_lost_once_more() {
    let now = Instant::now();
    let mut member = member(false, false, now);
    generation(&mut member, 1, &[0], now);
    poll(&mut member, now);
    member.wants_rebalance();
    member.step(now);
    assert_eq!(poll(&mut member, now), Some(Event::Revoked(keys(&[0]))));
    member.on_refused(ErrorCode::UnknownMemberId, now);
    assert_eq!(member.on_poll(), keys(&[0]), "it is given up all the same");
    assert_eq!(member.next_event(), None);
    assert_eq!(member.step(now), Step::Join);
}

#[test]
fn a_program_that_does_not_poll_leaves_its_place_until_it_does() {
    let now = Instant::now();
    let mut member = member(true, false, now);
    generation(&mut member, 1, &[0], now);
    poll(&mut member, now);
    let late = now + MAX_POLL;
    assert_eq!(member.step(late), Step::Leave);
    member.on_left();
    assert!(matches!(member.step(late), Step::Wait(_)));
    assert_eq!(poll(&mut member, late), Some(Event::Lost(keys(&[0]))));
    assert_eq!(member.step(late), Step::Join);
}

#[test]
fn a_long_poll_is_no_silence() {
    let now = Instant::now();
    let mut member = member(true, false, now);
    generation(&mut member, 1, &[0], now);
    member.on_poll();
    assert_eq!(member.step(now + MAX_POLL * 2), Step::Heartbeat);
}

#[test]
fn heartbeats_come_thick_after_a_rebalance() {
    let begin = Instant::now();
    let mut member = member(true, false, begin);
    for joined in 1..3 {
        generation(&mut member, joined, &[0], begin);
        poll(&mut member, begin);
        let (mut now, mut last, mut waits) = (begin, begin, Vec::new());
        while waits.len() < 7 {
            match member.step(now) {
                Step::Wait(until) => now = until,
                step => {
                    assert_eq!(step, Step::Heartbeat);
                    waits.push(now - last);
                    last = now;
                }
            }
        }
        assert_eq!(waits, [32, 16, 8, 4, 2, 1, 1].map(|part| HEARTBEAT / part));
        member.on_refused(ErrorCode::RebalanceInProgress, now);
    }
}

#[test]
fn a_static_member_never_says_goodbye() {
    let now = Instant::now();
    let mut silent = member(true, true, now);
    generation(&mut silent, 1, &[0], now);
    poll(&mut silent, now);
    assert!(matches!(silent.step(now + MAX_POLL), Step::Wait(_)));
    let mut closed = member(true, true, now);
    generation(&mut closed, 1, &[0], now);
    closed.close();
    assert_eq!(closed.step(now), Step::Done);
}

#[test]
fn a_member_that_closes_says_goodbye_whatever_it_was_doing() {
    let now = Instant::now();
    let mut member = member(true, false, now);
    generation(&mut member, 1, &[0], now);
    member.on_refused(ErrorCode::RebalanceInProgress, now);
    member.step(now);
    member.on_join().unwrap();
    member.close();
    assert_eq!(member.step(now), Step::Leave);
    member.on_silence(now);
    member.on_left();
    assert_eq!(member.step(now), Step::Done);
}

#[test]
fn what_is_closed_before_its_join_begins_does_not_join() {
    let now = Instant::now();
    let mut member = member(true, false, now);
    assert_eq!(member.step(now), Step::Join);
    member.close();
    assert_eq!(member.on_join(), None);
    assert_eq!(member.step(now), Step::Done);
}

#[test]
fn a_static_member_that_closes_while_it_joins_does_not_leave() {
    let now = Instant::now();
    let mut member = member(true, true, now);
    assert_eq!(member.step(now), Step::Join);
    member.on_join().unwrap();
    member.close();
    member.on_joined("m".into(), 1);
    assert_eq!(member.step(now), Step::Done);
}

#[test]
fn what_passes_is_tried_again_after_a_while_and_what_does_not_is_told() {
    let now = Instant::now();
    let mut member = member(true, false, now);
    member.step(now);
    member.on_join().unwrap();
    let retry_at = now + Duration::from_millis(100);
    member.on_refused(ErrorCode::CoordinatorLoadInProgress, retry_at);
    assert_eq!(member.step(now), Step::Wait(retry_at));
    assert_eq!(member.step(retry_at), Step::Join);
    member.on_join().unwrap();
    member.on_refused(ErrorCode::InconsistentGroupProtocol, retry_at);
    assert!(matches!(member.step(retry_at), Step::Wait(_)));
    assert_eq!(member.failed, Some(ErrorCode::InconsistentGroupProtocol));
}

#[test]
fn topics_that_change_make_it_join_again() {
    let now = Instant::now();
    let mut member = member(true, false, now);
    generation(&mut member, 1, &[0], now);
    member.wants_rebalance();
    assert_eq!(member.step(now), Step::Join);
    member.on_join().unwrap();
    member.wants_rebalance();
    member.on_joined("m".into(), 2);
    member.on_synced(keys(&[0]), now);
    assert_eq!(member.step(now), Step::Join, "it came up while it joined");
}
