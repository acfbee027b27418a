use std::collections::BTreeMap;

use super::*;
use crate::group::protocol::{self, Assignment, Places};
use crate::group::{Entry, GroupConfig, Join, Sync};

pub fn at(ms: i64) -> Now {
    Now { steady_ms: ms, wall_ms: 1_000_000 + ms }
}

/// Topics of a test.
#[derive(Clone, Default)]
pub struct Cluster {
    pub version: i64,
    pub topics: BTreeMap<ByteString, (TopicId, i32)>,
}

impl Cluster {
    pub fn with(topics: &[(&str, i32)]) -> Cluster {
        let mut cluster = Cluster::default();
        topics.iter().for_each(|(name, count)| cluster.set(name, *count));
        cluster
    }

    pub fn set(&mut self, name: &str, count: i32) {
        self.version += 1;
        let mut id = [0; 16];
        id[..name.len().min(16)].copy_from_slice(&name.as_bytes()[..name.len().min(16)]);
        self.topics.insert(name.to_owned().into(), (TopicId(id), count));
    }

    pub fn id(&self, name: &str) -> TopicId {
        self.topics[name].0
    }
}

impl Topics for Cluster {
    fn version(&self) -> i64 {
        self.version
    }

    fn by_name(&self, name: &str) -> Option<(TopicId, i32)> {
        self.topics.get(name).copied()
    }

    fn name(&self, id: TopicId) -> Option<ByteString> {
        self.topics.iter().find(|(_, (other, _))| *other == id).map(|(name, _)| name.clone())
    }

    fn names(&self) -> Vec<ByteString> {
        self.topics.keys().cloned().collect()
    }
}

/// A group, its topics, and what was stored of it.
pub struct Run {
    pub group: ConsumerGroup,
    pub cluster: Cluster,
    pub now: i64,
    pub stored: Vec<ConsumerRecord>,
}

impl Run {
    pub fn new(topics: &[(&str, i32)]) -> Run {
        Run::with(ConsumerConfig::default(), topics)
    }

    pub fn with(config: ConsumerConfig, topics: &[(&str, i32)]) -> Run {
        let group = ConsumerGroup::new("g".into(), config);
        Run { group, cluster: Cluster::with(topics), now: 0, stored: Vec::new() }
    }

    pub fn beat(&mut self, beat: Beat) -> Result<Beaten, Refused> {
        self.group.heartbeat(beat, &self.cluster, at(self.now), &mut self.stored)
    }

    pub fn join(&mut self, id: &str, topics: &[&str]) -> Result<Beaten, Refused> {
        self.beat(join(id, topics))
    }

    /// A heartbeat of a member that has these partitions of topic `t`.
    pub fn has(&mut self, id: &str, epoch: i32, owned: &[i32]) -> Result<Beaten, Refused> {
        let owned = self.of_t(owned);
        self.beat(Beat {
            member_id: id.to_owned().into(),
            epoch,
            owned: Some(owned),
            ..Beat::default()
        })
    }

    pub fn of_t(&self, numbers: &[i32]) -> Partitions {
        let id = self.cluster.id("t");
        (!numbers.is_empty()).then(|| (id, numbers.iter().copied().collect())).into_iter().collect()
    }

    pub fn pass(&mut self, ms: i64) {
        self.now += ms;
        self.group.on_time(at(self.now), &mut self.stored);
    }

    /// The group as a restart finds it after compaction: of each key the last record, of what is gone none.
    pub fn again_compacted(&self) -> ConsumerGroup {
        let mut last = BTreeMap::new();
        for (at, record) in self.stored.iter().enumerate() {
            let (key, _) = Entry::Consumer("g".into(), record.clone()).encode().unwrap();
            last.insert(key, at);
        }
        let mut kept: Vec<usize> = last.into_values().collect();
        kept.sort_unstable();
        let mut again = ConsumerGroup::new("g".into(), self.group.config.clone());
        for at in kept {
            let (_, value) = Entry::Consumer("g".into(), self.stored[at].clone()).encode().unwrap();
            if value.is_some() {
                again.replay(&self.stored[at]);
            }
        }
        again
    }

    /// The group as a restart finds it.
    pub fn again(&self) -> ConsumerGroup {
        let mut again = ConsumerGroup::new("g".into(), self.group.config.clone());
        for record in &self.stored {
            let (key, value) = Entry::Consumer("g".into(), record.clone()).encode().unwrap();
            match Entry::decode(key, value).unwrap() {
                Entry::Consumer(group, record) => {
                    assert_eq!(group, "g");
                    again.replay(&record);
                }
                other => panic!("{other:?}"),
            }
        }
        again.loaded(at(self.now));
        again
    }
}

pub fn join(id: &str, topics: &[&str]) -> Beat {
    Beat {
        member_id: id.to_owned().into(),
        rebalance_timeout_ms: Some(5_000),
        topics: Some(topics.iter().map(|topic| ByteString::from(*topic)).collect()),
        owned: Some(Partitions::new()),
        client_id: "client".into(),
        host: "/127.0.0.1".into(),
        ..Beat::default()
    }
}

pub fn refused<T: std::fmt::Debug>(answer: Result<T, Refused>) -> ErrorCode {
    answer.expect_err("it is refused").code
}

/// What a consumer of the classic protocol says when it joins.
pub fn says(topics: &[&str], owned: &[i32]) -> bytes::Bytes {
    let topics = topics.iter().map(|topic| (*topic).into()).collect();
    let mut said = protocol::Subscription { topics, ..protocol::Subscription::default() };
    if !owned.is_empty() {
        said.owned.insert("t".into(), owned.to_vec());
    }
    said.write(1)
}

pub fn classic_join(id: &str, owned: &[i32]) -> Join {
    Join {
        member_id: id.to_owned().into(),
        fresh_id: "fresh".into(),
        instance_id: None,
        client_id: "old client".into(),
        host: "/127.0.0.1".into(),
        rebalance_timeout_ms: 5_000,
        session_timeout_ms: 10_000,
        protocol_type: "consumer".into(),
        protocols: vec![("cooperative-sticky".into(), says(&["t"], owned))],
        must_know_id: false,
        may_skip: true,
    }
}

#[test]
fn a_partition_is_given_only_after_its_owner_said_that_it_gave_it_up() {
    let mut run = Run::new(&[("t", 4)]);
    let a = run.join("a", &["t"]).unwrap();
    assert_eq!((a.epoch, a.assignment), (1, Some(run.of_t(&[0, 1, 2, 3]))));
    let b = run.join("b", &["t"]).unwrap();
    assert_eq!((b.epoch, b.assignment), (2, Some(Partitions::new())), "all are still a's");
    assert_eq!(run.group.state(), ConsumerState::Reconciling);
    let a = run.has("a", 1, &[0, 1, 2, 3]).unwrap();
    let keeps: Vec<i32> = a.assignment.unwrap().into_values().flatten().collect();
    assert_eq!((a.epoch, keeps.len()), (1, 2), "it stays in its epoch until it gave two up");
    assert_eq!(run.has("b", 2, &[]).unwrap().assignment, None, "a has not said that it did");
    let a = run.has("a", 1, &keeps).unwrap();
    assert_eq!((a.epoch, a.assignment), (2, None));
    let b = run.has("b", 2, &[]).unwrap().assignment.unwrap();
    let gets: Vec<i32> = b.into_values().flatten().collect();
    assert!(gets.len() == 2 && gets.iter().all(|partition| !keeps.contains(partition)));
    assert_eq!(run.group.state(), ConsumerState::Stable);
    assert_eq!(run.again().facts, run.group.facts);
}

#[test]
fn who_is_silent_for_a_session_is_out_and_who_does_not_give_up_in_time_too() {
    let mut run = Run::new(&[("t", 2)]);
    run.join("a", &["t"]).unwrap();
    run.join("b", &["t"]).unwrap();
    run.has("a", 1, &[0, 1]).unwrap();
    run.pass(4_999);
    run.has("a", 1, &[0, 1]).unwrap();
    run.has("b", 2, &[]).unwrap();
    run.pass(1);
    assert_eq!(refused(run.has("a", 1, &[0, 1])), ErrorCode::UnknownMemberId);
    assert_eq!(run.has("b", 2, &[]).unwrap().assignment, Some(run.of_t(&[0, 1])));
    run.pass(45_000);
    assert_eq!(run.group.state(), ConsumerState::Empty);
    assert_eq!(run.again().facts, run.group.facts);
}

#[test]
fn a_member_of_another_epoch_is_fenced_unless_the_answer_that_told_it_was_lost() {
    let mut run = Run::new(&[("t", 2)]);
    run.join("a", &["t"]).unwrap();
    run.join("b", &["t"]).unwrap();
    run.has("a", 1, &[0, 1]).unwrap();
    let kept = run.group.describe().members[0].assignment.clone();
    let kept: Vec<i32> = kept.into_values().flatten().collect();
    run.has("a", 1, &kept).unwrap();
    assert_eq!(run.has("a", 1, &kept).unwrap().epoch, 2, "it did not hear of epoch 2");
    assert_eq!(refused(run.has("a", 1, &[0, 1])), ErrorCode::FencedMemberEpoch);
    assert_eq!(refused(run.has("a", 3, &kept)), ErrorCode::FencedMemberEpoch);
    assert_eq!(refused(run.has("c", 1, &[])), ErrorCode::UnknownMemberId);
    let t = run.cluster.id("t");
    let place = [(t, kept[0])];
    let commit = |id: &str, epoch: i32, places: &[(TopicId, i32)]| {
        run.group.check_commit(&id.to_owned().into(), epoch, 9, places)
    };
    assert_eq!(commit("a", 2, &place), Ok(()));
    assert_eq!(commit("a", 1, &place), Ok(()), "it has had that partition since epoch 1");
    assert_eq!(commit("a", 1, &[(t, 1 - kept[0])]), Err(ErrorCode::StaleMemberEpoch));
    assert_eq!(commit("a", 3, &place), Err(ErrorCode::StaleMemberEpoch));
    assert_eq!(commit("c", 2, &place), Err(ErrorCode::UnknownMemberId));
    assert_eq!(commit("", -1, &place), Err(ErrorCode::UnknownMemberId));
    let fetch = |id: &str, epoch: i32| run.group.check_fetch(Some(&id.to_owned().into()), epoch);
    assert_eq!(fetch("a", 2), Ok(()));
    assert_eq!(fetch("a", 1), Err(ErrorCode::StaleMemberEpoch));
    assert_eq!(fetch("c", 1), Err(ErrorCode::UnknownMemberId));
    assert_eq!(run.group.check_fetch(None, -1), Ok(()));
}

#[test]
fn a_static_member_that_comes_back_gets_what_it_had_and_nobody_takes_its_name_meanwhile() {
    let mut run = Run::new(&[("t", 2)]);
    let named =
        |id: &str, epoch: i32| Beat { instance_id: Some("one".into()), epoch, ..join(id, &["t"]) };
    run.beat(named("a", 0)).unwrap();
    run.join("b", &["t"]).unwrap();
    assert_eq!(refused(run.beat(named("a2", 0))), ErrorCode::UnreleasedInstanceId);
    let had = run.has("a", 1, &[0, 1]).unwrap().assignment.unwrap();
    assert_eq!(run.beat(Beat { owned: None, ..named("a", -2) }).unwrap().epoch, -2);
    let b = run.has("b", 2, &[]).unwrap();
    let epoch = run.group.epoch();
    let back = run.beat(named("a2", 0)).unwrap();
    assert_eq!(back.assignment, Some(had), "{b:?}");
    assert_eq!(run.group.epoch(), epoch, "nobody else notices");
    assert_eq!(refused(run.beat(named("a", 2))), ErrorCode::FencedInstanceId);
    run.beat(Beat { owned: None, ..named("a2", -2) }).unwrap();
    run.pass(45_000);
    assert_eq!(
        refused(run.beat(named("a2", 2))),
        ErrorCode::UnknownMemberId,
        "it did not come back in time"
    );
}

#[test]
fn what_a_static_member_has_that_is_away_is_nobodys_until_its_session_ends() {
    let mut run = Run::new(&[("t", 2)]);
    let named = |epoch: i32| Beat { instance_id: Some("one".into()), epoch, ..join("a", &["t"]) };
    assert_eq!(run.beat(named(0)).unwrap().assignment, Some(run.of_t(&[0, 1])));
    run.beat(Beat { owned: None, ..named(-2) }).unwrap();
    let b = run.join("b", &["t"]).unwrap();
    assert_eq!(b.assignment, Some(Partitions::new()), "one is to be its own, and is not free");
    assert_eq!(run.has("b", b.epoch, &[]).unwrap().assignment, None);
    run.pass(44_000);
    let b = run.has("b", b.epoch, &[]).unwrap();
    run.pass(1_000);
    assert_eq!(run.has("b", b.epoch, &[]).unwrap().assignment, Some(run.of_t(&[0, 1])));
}

#[test]
fn topics_that_are_made_grow_or_go_are_followed_and_patterns_as_well() {
    let mut run = Run::new(&[("t", 1), ("other", 1)]);
    let matching = |epoch: i32, text: &str| Beat {
        topics: None,
        pattern: Some(text.to_owned().into()),
        epoch,
        ..join("a", &[])
    };
    assert_eq!(refused(run.beat(matching(0, "t["))), ErrorCode::InvalidRegularExpression);
    let a = run.beat(matching(0, "t.*")).unwrap();
    assert_eq!(a.assignment, Some(run.of_t(&[0])));
    run.cluster.set("t2", 1);
    assert_eq!(run.has("a", 1, &[0]).unwrap().assignment, None, "matched just now");
    run.now += 1_000;
    let a = run.has("a", 1, &[0]).unwrap();
    assert_eq!((a.epoch, a.assignment.map(|topics| topics.len())), (2, Some(2)));
    run.cluster.set("t", 3);
    let owned = run.group.describe().members[0].assignment.clone();
    let a =
        run.beat(Beat { member_id: "a".into(), epoch: 2, owned: Some(owned), ..Beat::default() });
    assert_eq!(a.unwrap().assignment.unwrap()[&run.cluster.id("t")].len(), 3);
    run.cluster.topics.remove("t2");
    run.cluster.version += 1;
    run.now += 1_000;
    let a = run.has("a", 3, &[0, 1, 2]).unwrap();
    assert_eq!((a.epoch, a.assignment), (4, Some(run.of_t(&[0, 1, 2]))));
    let a = run.beat(Beat { owned: Some(run.of_t(&[0, 1, 2])), ..matching(4, "") }).unwrap();
    assert_eq!(a.assignment, Some(Partitions::new()), "it reads nothing any more");
    assert!(run.group.facts.patterns.is_empty());
    assert_eq!(run.again().facts, run.group.facts);
}

#[test]
fn requests_that_make_no_sense_are_refused_and_nothing_is_stored() {
    let mut run =
        Run::with(ConsumerConfig { max_size: 1, ..ConsumerConfig::default() }, &[("t", 1)]);
    let good = || join("a", &["t"]);
    for (beat, code) in [
        (Beat { member_id: ByteString::new(), ..good() }, ErrorCode::InvalidRequest),
        (Beat { instance_id: Some(ByteString::new()), ..good() }, ErrorCode::InvalidRequest),
        (Beat { rack_id: Some(ByteString::new()), ..good() }, ErrorCode::InvalidRequest),
        (Beat { rebalance_timeout_ms: None, ..good() }, ErrorCode::InvalidRequest),
        (Beat { owned: None, ..good() }, ErrorCode::InvalidRequest),
        (Beat { owned: Some(run.of_t(&[0])), ..good() }, ErrorCode::InvalidRequest),
        (Beat { topics: None, ..good() }, ErrorCode::InvalidRequest),
        (Beat { epoch: -2, ..good() }, ErrorCode::InvalidRequest),
        (Beat { epoch: -3, ..good() }, ErrorCode::InvalidRequest),
        (Beat { assignor: Some("best".into()), ..good() }, ErrorCode::UnsupportedAssignor),
        (Beat { epoch: -1, ..good() }, ErrorCode::UnknownMemberId),
        (Beat { epoch: 7, ..good() }, ErrorCode::UnknownMemberId),
    ] {
        assert_eq!(refused(run.beat(beat.clone())), code, "{beat:?}");
    }
    assert!(run.stored.is_empty() && run.group.is_empty());
    run.join("a", &["t"]).unwrap();
    assert_eq!(refused(run.join("b", &["t"])), ErrorCode::GroupMaxSizeReached);
    run.join("a", &["t"]).expect("it starts over");
}

#[test]
fn most_members_choose_the_assignor() {
    let mut run = Run::new(&[("t", 2)]);
    let range = |id: &str| Beat { assignor: Some("range".into()), ..join(id, &["t"]) };
    run.join("a", &["t"]).unwrap();
    assert_eq!(run.group.describe().assignor, "uniform");
    run.beat(range("b")).unwrap();
    assert_eq!(run.group.describe().assignor, "range");
}

#[test]
fn members_of_both_protocols_share_and_when_only_old_ones_are_left_the_group_is_classic_again() {
    let mut run = Run::new(&[("t", 2)]);
    run.join("new", &["t"]).unwrap();
    let bounds = GroupConfig::default();
    let old = run.group.join(classic_join("", &[]), &bounds, &run.cluster, at(0), &mut run.stored);
    assert_eq!((old.error, old.generation), (ErrorCode::None, 2));
    assert_eq!(old.protocol.as_deref(), Some("cooperative-sticky"));
    let sync = |generation: i32| Sync {
        member_id: "fresh".into(),
        instance_id: None,
        generation,
        protocol_type: None,
        protocol: None,
        assignments: Default::default(),
    };
    let synced = run.group.sync(&sync(2), &run.cluster, at(0));
    let nothing = Assignment::read(synced.assignment).unwrap().partitions;
    assert_eq!((synced.error, nothing), (ErrorCode::None, Places::new()));
    let beats = |run: &mut Run, generation: i32| {
        let id = "fresh".into();
        let (topics, now) = (&run.cluster, at(run.now));
        run.group.classic_heartbeat(&id, None, generation, topics, now, &mut run.stored)
    };
    assert_eq!(beats(&mut run, 2), Ok(()), "what it waits for is another's");
    assert_eq!(beats(&mut run, 1), Err(ErrorCode::IllegalGeneration));
    run.has("new", 1, &[0, 1]).unwrap();
    let kept = run.group.describe().members[1].assignment.clone();
    let kept: Vec<i32> = kept.into_values().flatten().collect();
    run.has("new", 1, &kept).unwrap();
    assert_eq!(beats(&mut run, 2), Err(ErrorCode::RebalanceInProgress), "it is free now");
    let old =
        run.group.join(classic_join("fresh", &[]), &bounds, &run.cluster, at(0), &mut run.stored);
    let synced = run.group.sync(&sync(old.generation), &run.cluster, at(0));
    let share = Assignment::read(synced.assignment).unwrap().partitions;
    assert_eq!(share, Places::from([("t".into(), vec![1 - kept[0]])]));
    assert_eq!(run.again().facts, run.group.facts);
    assert!(!run.group.is_to_downgrade(&bounds));
    run.beat(Beat { epoch: -1, member_id: "new".into(), ..Beat::default() }).unwrap();
    assert!(run.group.is_to_downgrade(&bounds));
    let classic = run.group.downgrade(bounds, &run.cluster, at(0));
    assert_eq!(classic.generation(), run.group.epoch());
    assert_eq!(classic.state(), crate::group::GroupState::PreparingRebalance);
    let mut records = Vec::new();
    let config = ConsumerConfig::default();
    let up = ConsumerGroup::upgrade(&classic, config.clone(), &run.cluster, at(0), &mut records);
    let has = up.unwrap().describe().members[0].assignment.clone();
    assert_eq!(has, run.of_t(&[1 - kept[0]]), "it keeps what it has");
    let config = ConsumerConfig { migration: MigrationPolicy::Downgrade, ..config };
    let never = ConsumerGroup::upgrade(&classic, config, &run.cluster, at(0), &mut records);
    assert_eq!(never.unwrap_err().code, ErrorCode::GroupIdNotFound);
}
