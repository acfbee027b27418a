use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use bytestring::ByteString;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::base::ErrorCode;

const SESSION_MS: i32 = 10_000;

fn at(ms: i64) -> Now {
    Now { steady_ms: ms, wall_ms: 1_000_000 + ms }
}

fn config() -> GroupConfig {
    GroupConfig { initial_rebalance_delay_ms: 0, ..GroupConfig::default() }
}

/// A group, and what it answered.
struct Run {
    group: Group,
    now: i64,
    tickets: u64,
    joined: HashMap<Ticket, Joined>,
    synced: HashMap<Ticket, Synced>,
    stored: Option<GroupRecord>,
}

impl Run {
    fn new(config: GroupConfig) -> Run {
        Run {
            group: Group::new("g".into(), config, at(0)),
            now: 0,
            tickets: 0,
            joined: HashMap::new(),
            synced: HashMap::new(),
            stored: None,
        }
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Joined(ticket, joined) => {
                    assert!(self.joined.insert(ticket, joined).is_none(), "answered twice");
                }
                Effect::Synced(ticket, synced) => {
                    assert!(self.synced.insert(ticket, synced).is_none(), "answered twice");
                }
                Effect::Store => {
                    self.stored = Some(self.group.to_record());
                    let mut more = Vec::new();
                    self.group.stored(Ok(()), at(self.now), &mut more);
                    self.carry_out(more);
                }
            }
        }
    }

    fn join(&mut self, member: &str, instance: Option<&str>, protocols: &[&str]) -> Ticket {
        let ticket = self.ticket();
        let join = Join {
            member_id: member.to_owned().into(),
            fresh_id: format!("m{}", ticket.0).into(),
            instance_id: instance.map(|name| name.to_owned().into()),
            client_id: "client".into(),
            host: "/127.0.0.1".into(),
            rebalance_timeout_ms: 5_000,
            session_timeout_ms: SESSION_MS,
            protocol_type: "consumer".into(),
            protocols: protocols
                .iter()
                .map(|name| (name.to_string().into(), Bytes::new()))
                .collect(),
            must_know_id: false,
            may_skip: true,
        };
        let mut out = Vec::new();
        self.group.join(join, ticket, at(self.now), &mut out);
        self.carry_out(out);
        ticket
    }

    fn sync(&mut self, joined: &Joined) -> Ticket {
        let ticket = self.ticket();
        let share = |member: &JoinedMember| {
            let text = format!("{}@{}", member.id, joined.generation);
            (member.id.clone(), Bytes::from(text))
        };
        let sync = Sync {
            member_id: joined.member_id.clone(),
            instance_id: None,
            generation: joined.generation,
            protocol_type: joined.protocol_type.clone(),
            protocol: joined.protocol.clone(),
            assignments: joined.members.iter().map(share).collect(),
        };
        let mut out = Vec::new();
        self.group.sync(sync, ticket, at(self.now), &mut out);
        self.carry_out(out);
        ticket
    }

    fn pass(&mut self, ms: i64) {
        self.now += ms;
        let mut out = Vec::new();
        self.group.on_time(at(self.now), &mut out);
        self.carry_out(out);
    }

    fn leave(&mut self, member: &str) -> Result<(), ErrorCode> {
        let who = Leaving { member_id: member.to_owned().into(), instance_id: None };
        let mut out = Vec::new();
        let done = self.group.leave(&who, at(self.now), &mut out);
        self.carry_out(out);
        done
    }

    fn heartbeat(&mut self, member: &str, generation: i32) -> Result<(), ErrorCode> {
        self.group.heartbeat(&member.to_owned().into(), None, generation, at(self.now))
    }
}

/// Two members with their shares; the first leads.
fn stable() -> (Run, Joined, Joined) {
    let mut run = Run::new(config());
    let first = run.join("", None, &["range"]);
    let leader = run.joined[&first].clone();
    run.sync(&leader);
    let second = run.join("", None, &["range"]);
    assert_eq!(run.group.state(), GroupState::PreparingRebalance);
    assert_eq!(run.heartbeat(&leader.member_id, 1), Err(ErrorCode::RebalanceInProgress));
    let again = run.join(&leader.member_id, None, &["range"]);
    let (leader, follower) = (run.joined[&again].clone(), run.joined[&second].clone());
    let waits = run.sync(&follower);
    assert!(!run.synced.contains_key(&waits), "nobody has a share before the leader made it");
    run.sync(&leader);
    assert_eq!(run.synced[&waits].assignment, format!("{}@2", follower.member_id));
    assert_eq!(run.group.state(), GroupState::Stable);
    (run, leader, follower)
}

#[test]
fn members_join_in_one_generation_and_get_the_shares_that_their_leader_made() {
    let (run, leader, follower) = stable();
    assert_eq!((leader.generation, follower.generation), (2, 2));
    assert_eq!((leader.members.len(), follower.members.len()), (2, 0));
    assert_eq!(follower.leader, leader.member_id);
    assert_eq!(run.stored, Some(run.group.to_record()));
}

#[test]
fn an_empty_group_waits_for_more_members_than_the_first_and_longer_while_more_come() {
    let mut run = Run::new(GroupConfig { initial_rebalance_delay_ms: 3_000, ..config() });
    let first = run.join("", None, &["range"]);
    run.pass(2_000);
    let second = run.join("", None, &["range"]);
    run.pass(1_000);
    assert!(run.joined.is_empty(), "somebody came: it waits longer");
    run.pass(1_999);
    assert!(run.joined.is_empty(), "two of the five seconds of a rebalance were left");
    run.pass(1);
    assert_eq!(run.joined[&first].generation, 1);
    assert_eq!(run.joined[&second].generation, 1);
}

#[test]
fn who_is_silent_for_a_session_is_out_and_the_rest_share_its_work() {
    let (mut run, leader, follower) = stable();
    run.pass(6_000);
    run.heartbeat(&leader.member_id, 2).unwrap();
    run.pass(4_000);
    assert_eq!(run.heartbeat(&follower.member_id, 2), Err(ErrorCode::UnknownMemberId));
    assert_eq!(run.heartbeat(&leader.member_id, 2), Err(ErrorCode::RebalanceInProgress));
    let again = run.join(&leader.member_id, None, &["range"]);
    assert_eq!((run.joined[&again].generation, run.joined[&again].members.len()), (3, 1));
}

#[test]
fn who_does_not_join_again_in_time_is_out() {
    let (mut run, leader, follower) = stable();
    let third = run.join("", None, &["range"]);
    let again = run.join(&follower.member_id, None, &["range"]);
    run.pass(4_999);
    assert!(!run.joined.contains_key(&again));
    run.pass(1);
    assert_eq!(run.joined[&again].generation, 3);
    assert_eq!(run.joined[&third].leader, run.joined[&again].leader);
    assert_eq!(run.heartbeat(&leader.member_id, 3), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn who_leaves_is_out_at_once_and_an_empty_group_is_stored_as_such() {
    let (mut run, leader, follower) = stable();
    run.leave(&follower.member_id).unwrap();
    assert_eq!(run.leave(&follower.member_id), Err(ErrorCode::UnknownMemberId));
    run.leave(&leader.member_id).unwrap();
    assert_eq!(run.group.state(), GroupState::Empty);
    let stored = run.stored.clone().unwrap();
    assert_eq!((stored.generation, stored.members.len()), (3, 0));
}

#[test]
fn a_protocol_is_chosen_that_all_can_do_and_who_can_do_none_of_them_is_refused() {
    let mut run = Run::new(config());
    let first = run.join("", None, &["sticky", "range"]);
    let id = run.joined[&first].member_id.clone();
    let second = run.join("", None, &["range", "roundrobin"]);
    let again = run.join(&id, None, &["sticky", "range"]);
    assert_eq!(run.joined[&again].protocol.as_deref(), Some("range"));
    assert_eq!(run.joined[&second].protocol.as_deref(), Some("range"));
    let third = run.join("", None, &["roundrobin"]);
    assert_eq!(run.joined[&third].error, ErrorCode::InconsistentGroupProtocol);
}

#[test]
fn somebody_new_is_sent_away_with_a_name_and_the_group_waits_for_it() {
    let mut run = Run::new(config());
    let mut out = Vec::new();
    let join = Join {
        must_know_id: true,
        fresh_id: "named".into(),
        session_timeout_ms: SESSION_MS,
        rebalance_timeout_ms: 5_000,
        protocol_type: "consumer".into(),
        protocols: vec![("range".into(), Bytes::new())],
        member_id: ByteString::new(),
        instance_id: None,
        client_id: "c".into(),
        host: "h".into(),
        may_skip: false,
    };
    run.group.join(join, Ticket(99), at(0), &mut out);
    run.carry_out(out);
    assert_eq!(run.joined[&Ticket(99)].error, ErrorCode::MemberIdRequired);
    assert_eq!(run.joined[&Ticket(99)].member_id, "named");
    let ticket = run.join("named", None, &["range"]);
    assert_eq!(run.joined[&ticket].error, ErrorCode::None);
    let stranger = run.join("never given out", None, &["range"]);
    assert_eq!(run.joined[&stranger].error, ErrorCode::UnknownMemberId);
}

#[test]
fn a_group_takes_so_many_members_and_who_was_only_given_a_name_is_none() {
    let mut run = Run::new(GroupConfig { max_size: 1, ..config() });
    run.group.pending.extend([("a".into(), 10_000), ("b".into(), 10_000)]);
    let first = run.join("a", None, &["range"]);
    assert_eq!(run.joined[&first].error, ErrorCode::None);
    let late = run.join("b", None, &["range"]);
    assert_eq!(run.joined[&late].error, ErrorCode::GroupMaxSizeReached);
    let another = run.join("", None, &["range"]);
    assert_eq!(run.joined[&another].error, ErrorCode::GroupMaxSizeReached);
}

#[test]
fn a_static_member_that_comes_back_keeps_its_share_and_fences_its_predecessor() {
    let mut run = Run::new(config());
    let first = run.join("", Some("one"), &["range"]);
    let old = run.joined[&first].clone();
    run.sync(&old);
    let again = run.join("", Some("one"), &["range"]);
    let new = run.joined[&again].clone();
    assert_eq!((new.error, new.generation), (ErrorCode::None, 1));
    assert!(new.skip_assignment, "it leads, and the shares stay as they are");
    assert_eq!(run.group.state(), GroupState::Stable);
    let fenced = run.group.heartbeat(&old.member_id, Some(&"one".into()), 1, at(0));
    assert_eq!(fenced, Err(ErrorCode::FencedInstanceId));
    assert!(run.stored.unwrap().members.len() == 1);
}

#[test]
fn offsets_are_taken_from_members_of_this_generation_only() {
    let (mut run, leader, _) = stable();
    let mut check = |member: &str, generation: i32| {
        run.group.check_commit(&member.to_owned().into(), None, generation, at(0))
    };
    assert_eq!(check(&leader.member_id, 2), Ok(()));
    assert_eq!(check(&leader.member_id, 1), Err(ErrorCode::IllegalGeneration));
    assert_eq!(check("nobody", 2), Err(ErrorCode::UnknownMemberId));
    assert_eq!(check("", -1), Err(ErrorCode::UnknownMemberId));
    let mut completing = Run::new(config());
    let first = completing.join("", None, &["range"]);
    let id = completing.joined[&first].member_id.clone();
    let early = completing.group.check_commit(&id, None, 1, at(0));
    assert_eq!(early, Err(ErrorCode::RebalanceInProgress), "nobody has its share yet");
    let mut empty = Group::new("g".into(), config(), at(0));
    assert_eq!(empty.check_commit(&ByteString::new(), None, -1, at(0)), Ok(()));
}

#[test]
fn shares_that_could_not_be_stored_are_handed_to_nobody() {
    let mut run = Run::new(config());
    let first = run.join("", None, &["range"]);
    let joined = run.joined[&first].clone();
    let sync = Sync {
        member_id: joined.member_id.clone(),
        instance_id: None,
        generation: 1,
        protocol_type: None,
        protocol: None,
        assignments: HashMap::from([(joined.member_id.clone(), Bytes::from_static(b"all"))]),
    };
    let mut out = Vec::new();
    run.group.sync(sync, Ticket(50), at(0), &mut out);
    assert_eq!(out, [Effect::Store]);
    out.clear();
    run.group.stored(Err(ErrorCode::CoordinatorNotAvailable), at(0), &mut out);
    assert_eq!(
        out,
        [Effect::Synced(Ticket(50), Synced::failed(ErrorCode::CoordinatorNotAvailable))]
    );
    assert_eq!(run.group.state(), GroupState::PreparingRebalance);
}

#[test]
fn offsets_are_forgotten_as_kafka_counts_it() {
    let offset = |committed_at: i64, expires_at: Option<i64>| CommittedOffset {
        offset: 5,
        leader_epoch: -1,
        metadata: ByteString::new(),
        committed_at,
        expires_at,
    };
    let mut offsets = CommittedOffsets::default();
    offsets.set(("t".into(), 0), offset(1_000_000, None), 0);
    offsets.set(("t".into(), 1), offset(1_000_000, Some(1_000_050)), 0);
    let simple = AnyGroup::Classic(Group::new("g".into(), config(), at(0)));
    assert_eq!(offsets.expired(&simple, 100, 1_000_049).len(), 0);
    assert_eq!(offsets.expired(&simple, 100, 1_000_050), [("t".into(), 1)]);
    assert_eq!(offsets.expired(&simple, 100, 1_000_100).len(), 2);
    let (mut run, leader, follower) = stable();
    assert!(
        offsets.expired(&AnyGroup::Classic(run.group.clone()), 100, i64::MAX).is_empty(),
        "it has members"
    );
    run.now = 500;
    run.leave(&leader.member_id).unwrap();
    run.leave(&follower.member_id).unwrap();
    assert_eq!(offsets.expired(&AnyGroup::Classic(run.group.clone()), 100, 1_000_599).len(), 1);
    assert_eq!(offsets.expired(&AnyGroup::Classic(run.group.clone()), 100, 1_000_600).len(), 2);
}

#[test]
fn records_are_read_as_they_were_written_and_what_is_unknown_is_told() {
    let (run, ..) = stable();
    let offset = CommittedOffset {
        offset: 42,
        leader_epoch: 7,
        metadata: "m".into(),
        committed_at: 9,
        expires_at: None,
    };
    let old = CommittedOffset { leader_epoch: -1, expires_at: Some(10), ..offset.clone() };
    for entry in [
        Entry::Group("g".into(), Some(run.group.to_record())),
        Entry::Group("g".into(), None),
        Entry::Offset("g".into(), ("t".into(), 3), Some(offset)),
        Entry::Offset("g".into(), ("t".into(), 3), Some(old)),
        Entry::Offset("g".into(), ("t".into(), 3), None),
    ] {
        let (key, value) = entry.encode().unwrap();
        assert_eq!(Entry::decode(key, value).unwrap(), entry);
    }
    let unknown = Entry::decode(Bytes::from_static(&[0, 9, 1]), None).unwrap();
    assert_eq!(unknown, Entry::Unknown(9));
    assert!(Entry::decode(Bytes::from_static(&[0]), None).is_err());
    let (key, _) = Entry::Group("g".into(), None).encode().unwrap();
    assert!(Entry::decode(key, Some(Bytes::from_static(&[0, 9]))).is_err());
}

/// Members that come, go, fall silent and repeat themselves in any order: in a generation each has one share, which its leader
/// made; nobody of an older generation commits; what was stored is what a restart finds.
#[test]
fn whatever_members_do_each_generation_has_one_owner_of_each_share() {
    let seed = std::env::var("KLOG_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    println!("KLOG_SEED={seed}");
    let rounds = if std::env::var_os("KLOG_LONG").is_some() { 20_000 } else { 150 };
    for round in 0..rounds {
        random_run(seed.wrapping_add(round));
    }
}

fn random_run(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let delay = if random.random() { 0 } else { 3_000 };
    let mut run = Run::new(GroupConfig { initial_rebalance_delay_ms: delay, ..config() });
    let mut clients: Vec<(Option<&str>, Joined)> = Vec::new();
    let mut asked: Vec<(Ticket, Option<&str>)> = Vec::new();
    let mut shares: BTreeMap<(i32, ByteString), Bytes> = BTreeMap::new();
    for step in 0..120 {
        let which = if clients.is_empty() { 0 } else { random.random_range(0..clients.len()) };
        match random.random_range(0..9) {
            0 | 1 => {
                let instance = [None, None, Some("s1"), Some("s2")][random.random_range(0..4)];
                let protocols: &[&str] =
                    [&["range"][..], &["sticky", "range"]][random.random_range(0..2)];
                asked.push((run.join("", instance, protocols), instance));
            }
            2 if !clients.is_empty() => {
                let (instance, joined) = clients[which].clone();
                asked.push((run.join(&joined.member_id, instance, &["range"]), instance));
            }
            3 | 4 if !clients.is_empty() => {
                let joined = clients[which].1.clone();
                let ticket = run.sync(&joined);
                if let Some(synced) =
                    run.synced.get(&ticket).filter(|synced| synced.error == ErrorCode::None)
                {
                    let key = (joined.generation, joined.member_id.clone());
                    let earlier = shares.entry(key).or_insert_with(|| synced.assignment.clone());
                    assert_eq!(
                        *earlier, synced.assignment,
                        "a share changed; seed {seed}, step {step}"
                    );
                }
            }
            5 if !clients.is_empty() => {
                let joined = &clients[which].1;
                let (id, generation) = (joined.member_id.clone(), joined.generation);
                if run.group.check_commit(&id, None, generation, at(run.now)).is_ok() {
                    assert_eq!(generation, run.group.generation(), "seed {seed}, step {step}");
                }
            }
            6 if !clients.is_empty() => {
                let (_, joined) = clients.swap_remove(which);
                let _ = run.leave(&joined.member_id);
            }
            7 => run.pass(random.random_range(0..4_000)),
            _ => {
                let (_, joined) = match clients.get(which) {
                    Some(client) => client.clone(),
                    None => continue,
                };
                let _ = run.heartbeat(&joined.member_id, joined.generation);
            }
        }
        asked.retain(|(ticket, instance)| match run.joined.get(ticket) {
            Some(joined) if joined.error == ErrorCode::None => {
                clients.push((*instance, joined.clone()));
                false
            }
            Some(_) => false,
            None => true,
        });
        if run.group.state() == GroupState::Stable {
            let stored = run.stored.as_ref().expect("what is stable was stored");
            assert_eq!(stored.generation, run.group.generation(), "seed {seed}, step {step}");
            let mut again = Group::load("g".into(), config(), stored, at(run.now));
            let (now, then) = (run.group.describe(), again.describe());
            assert_eq!(now, then, "a restart finds another group; seed {seed}, step {step}");
            again.on_time(at(run.now), &mut Vec::new());
        }
    }
    // When all fall silent, all who wait are answered and nobody is left.
    for _ in 0..20 {
        run.pass(i64::from(SESSION_MS));
    }
    assert_eq!(run.group.state(), GroupState::Empty, "seed {seed}");
    assert!(asked.iter().all(|(ticket, _)| run.joined.contains_key(ticket)), "seed {seed}");
}

#[test]
fn offsets_in_a_transaction_count_with_its_commit_and_never_over_what_was_committed_later() {
    let offset = |offset: i64| CommittedOffset {
        offset,
        leader_epoch: -1,
        metadata: ByteString::new(),
        committed_at: 0,
        expires_at: None,
    };
    let place = |partition: i32| ("t".into(), partition);
    let mut offsets = CommittedOffsets::default();
    offsets.set(place(0), offset(1), 10);
    offsets.hold(7, place(0), offset(5), 11);
    offsets.hold(7, place(1), offset(6), 12);
    offsets.hold(8, place(2), offset(9), 13);
    assert!(offsets.is_pending(&place(0)) && offsets.holds(7));
    assert_eq!(offsets.get(&"t".into(), 0).unwrap().offset, 1, "not yet");
    offsets.set(place(1), offset(20), 14);
    offsets.end(7, true);
    offsets.end(8, false);
    let now = |partition| offsets.get(&"t".into(), partition).map(|found| found.offset);
    assert_eq!([now(0), now(1), now(2)], [Some(5), Some(20), None]);
    assert!(!offsets.has_pending());
}
