//! A consumer group (KIP-848): the coordinator itself works out who is to have what, and leads each member there by its heartbeats.
//! Whatever must survive is a [`ConsumerRecord`], and state changes by nothing but [`ConsumerGroup::replay`] of one: what a restart
//! reads back is what was there. Who changes a group stores the records before anybody is answered.

mod admit;
mod classic_member;
mod convert;
mod describe;
mod heartbeat;
mod member;
mod names;
#[cfg(test)]
mod random_tests;
mod reconcile;
mod records;
mod target;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use bytestring::ByteString;

use super::Now;
use super::assignor::{Assignor, Partitions};
use crate::base::{ErrorCode, TopicId};

pub use describe::{ConsumerState, DescribedConsumer, DescribedConsumerMember};
pub use heartbeat::{Beat, Beaten, is_blank};
use member::{Current, MemberState, Subscription};
use records::Resolved;
pub use records::{ConsumerRecord, stored};

/// What a group may know of the cluster's topics.
pub trait Topics {
    /// Changes whenever a topic does.
    fn version(&self) -> i64;
    /// A topic's id, and how many partitions it has.
    fn by_name(&self, name: &str) -> Option<(TopicId, i32)>;
    /// A topic's name.
    fn name(&self, id: TopicId) -> Option<ByteString>;
    /// All names.
    fn names(&self) -> Vec<ByteString>;
}

/// Why somebody is refused.
#[derive(Clone, PartialEq, Debug)]
pub struct Refused {
    /// The code for a client.
    pub code: ErrorCode,
    /// What is wrong, for people.
    pub message: String,
}

impl Refused {
    /// A refusal.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Refused {
        Refused { code, message: message.into() }
    }
}

/// Who may change a group from one protocol to the other (KIP-848): `group.consumer.migration.policy`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MigrationPolicy {
    /// From either to the other.
    #[default]
    Bidirectional,
    /// From the classic protocol only.
    Upgrade,
    /// To the classic protocol only.
    Downgrade,
    /// Only while the group is empty.
    Disabled,
}

/// The bounds of all consumer groups of a broker: `group.consumer.*`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerConfig {
    /// How long a member may be silent.
    pub session_timeout_ms: i32,
    /// How often members are asked to be heard of.
    pub heartbeat_interval_ms: i32,
    /// The most members of a group.
    pub max_size: usize,
    /// The assignors that members may choose from; who chooses none gets the first.
    pub assignors: Vec<Assignor>,
    /// Who may change a group's protocol.
    pub migration: MigrationPolicy,
}

impl Default for ConsumerConfig {
    fn default() -> ConsumerConfig {
        ConsumerConfig {
            session_timeout_ms: 45_000,
            heartbeat_interval_ms: 5_000,
            max_size: i32::MAX as usize,
            assignors: Assignor::ALL.to_vec(),
            migration: MigrationPolicy::default(),
        }
    }
}

/// All that is stored of a member.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Member {
    /// What it says of itself.
    pub wants: Subscription,
    /// What it is to have.
    pub target: Partitions,
    /// What it has.
    pub has: Current,
}

/// All that is stored of a group.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Facts {
    /// Changes when members, their subscriptions or their topics do.
    pub epoch: i32,
    /// A hash of the topics that they read, as they were then.
    pub hash: i64,
    /// The epoch for which the targets were worked out.
    pub target_epoch: i32,
    /// When that was, in ms.
    pub target_at: i64,
    /// The members, by id; boxed, for most groups have few, and a map's node has room for many.
    pub members: BTreeMap<ByteString, Box<Member>>,
    /// What their regular expressions match.
    pub patterns: BTreeMap<ByteString, Resolved>,
}

/// Until when a member is waited for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Patience {
    /// To be heard of.
    pub session: i64,
    /// To give up partitions, or of the classic protocol to join again.
    pub rebalance: Option<i64>,
    /// Of the classic protocol: to ask for its share.
    pub sync: Option<i64>,
}

/// One consumer group.
#[derive(Clone, Debug)]
pub struct ConsumerGroup {
    pub(super) id: ByteString,
    pub(super) config: ConsumerConfig,
    pub(super) facts: Facts,
    /// Who has a partition, from when it is given until it was given up.
    pub(super) owners: HashMap<(TopicId, i32), ByteString>,
    /// Who has a static name.
    pub(super) statics: HashMap<ByteString, ByteString>,
    pub(super) patience: BTreeMap<ByteString, Patience>,
    /// The version of the topics that was looked at last, and when regular expressions were matched last.
    seen: Option<i64>,
    matched: Option<(i64, i64)>,
}

impl ConsumerGroup {
    /// An empty group.
    pub fn new(id: ByteString, config: ConsumerConfig) -> ConsumerGroup {
        ConsumerGroup {
            id,
            config,
            facts: Facts::default(),
            owners: HashMap::new(),
            statics: HashMap::new(),
            patience: BTreeMap::new(),
            seen: None,
            matched: None,
        }
    }

    /// Its id.
    pub fn id(&self) -> &ByteString {
        &self.id
    }

    /// Its epoch.
    pub fn epoch(&self) -> i32 {
        self.facts.epoch
    }

    /// How many members it has.
    pub fn member_count(&self) -> usize {
        self.facts.members.len()
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.facts.members.is_empty()
    }

    /// Takes a record for true, as it was written or is read back, in any order that compaction leaves.
    pub fn replay(&mut self, record: &ConsumerRecord) {
        match record {
            ConsumerRecord::Group(value) => {
                (self.facts.epoch, self.facts.hash) = value.unwrap_or_default();
            }
            ConsumerRecord::TargetEpoch(value) => {
                (self.facts.target_epoch, self.facts.target_at) = value.unwrap_or_default();
            }
            ConsumerRecord::Member(id, Some(wants)) => {
                self.forget_name(id);
                if let Some(instance) = &wants.instance_id {
                    self.statics.insert(instance.clone(), id.clone());
                }
                self.facts.members.entry(id.clone()).or_default().wants = wants.clone();
            }
            ConsumerRecord::Member(id, None) => {
                self.forget_name(id);
                self.own(id, Current::default());
                self.facts.members.remove(id);
                self.patience.remove(id);
                if self.is_empty() {
                    // An empty map keeps its last node.
                    (self.facts.members, self.patience) = Default::default();
                }
            }
            ConsumerRecord::Target(id, Some(target)) => {
                self.facts.members.entry(id.clone()).or_default().target = target.clone();
            }
            ConsumerRecord::Target(id, None) => {
                self.facts.members.entry(id.clone()).and_modify(|member| member.target.clear());
            }
            ConsumerRecord::Current(id, Some(has)) => {
                self.facts.members.entry(id.clone()).or_default();
                self.own(id, has.clone());
            }
            ConsumerRecord::Current(id, None) => self.own(id, Current::default()),
            ConsumerRecord::Pattern(pattern, Some(resolved)) => {
                self.facts.patterns.insert(pattern.clone(), resolved.clone());
            }
            ConsumerRecord::Pattern(pattern, None) => drop(self.facts.patterns.remove(pattern)),
        }
    }

    /// After a restart: each member has a whole session to be heard of again, and as long as before to give up what it is to.
    pub fn loaded(&mut self, now: Now) {
        // What only compaction left of a member is none.
        let members = self.facts.members.iter();
        let rest = members.filter(|(_, member)| member.wants == Subscription::default());
        let rest: Vec<ByteString> = rest.map(|(id, _)| id.clone()).collect();
        rest.into_iter().for_each(|id| self.replay(&ConsumerRecord::Member(id, None)));
        let ids: Vec<ByteString> = self.facts.members.keys().cloned().collect();
        ids.iter().for_each(|id| {
            self.heard(id, now);
            self.await_revocation(id, now);
        });
    }

    /// What is to be written so that nothing of it is left.
    pub fn to_tombstones(&self) -> Vec<ConsumerRecord> {
        let patterns = self.facts.patterns.keys();
        let mut records: Vec<ConsumerRecord> =
            patterns.map(|pattern| ConsumerRecord::Pattern(pattern.clone(), None)).collect();
        records.extend(self.facts.members.keys().flat_map(gone));
        records.extend([ConsumerRecord::TargetEpoch(None), ConsumerRecord::Group(None)]);
        records
    }

    /// When [`ConsumerGroup::on_time`] has something to do next.
    pub fn next_deadline(&self) -> Option<i64> {
        let all = self.patience.values();
        all.flat_map(|one| [Some(one.session), one.rebalance, one.sync]).flatten().min()
    }

    /// Takes the silent for dead, and those who do not give up what they are to.
    pub fn on_time(&mut self, now: Now, out: &mut Vec<ConsumerRecord>) {
        let due = |deadline: i64| deadline <= now.steady_ms;
        let late = self.patience.iter().filter(|(_, one)| {
            due(one.session) || one.rebalance.is_some_and(due) || one.sync.is_some_and(due)
        });
        let late: Vec<ByteString> = late.map(|(id, _)| id.clone()).collect();
        self.remove(&late, out);
    }

    /// Does what a record says, and has it stored.
    pub(super) fn put(&mut self, record: ConsumerRecord, out: &mut Vec<ConsumerRecord>) {
        self.replay(&record);
        out.push(record);
    }

    /// Takes members out; what they had is free.
    pub(super) fn remove(&mut self, ids: &[ByteString], out: &mut Vec<ConsumerRecord>) {
        if ids.is_empty() {
            return;
        }
        ids.iter().flat_map(gone).for_each(|record| self.put(record, out));
        self.drop_patterns(out);
        self.bump(self.facts.hash, out);
    }

    /// Begins a new epoch: who is to have what has to be worked out anew.
    pub(super) fn bump(&mut self, hash: i64, out: &mut Vec<ConsumerRecord>) {
        let next = self.facts.epoch.checked_add(1).unwrap_or(1);
        self.put(ConsumerRecord::Group(Some((next, hash))), out);
    }

    /// Notes that a member was heard of.
    pub(super) fn heard(&mut self, id: &ByteString, now: Now) {
        let Some(member) = self.facts.members.get(id) else { return };
        let session = match &member.wants.classic {
            Some(classic) => classic.session_timeout_ms,
            None => self.config.session_timeout_ms,
        };
        let session = now.after(i64::from(session));
        let new = Patience { session, rebalance: None, sync: None };
        self.patience.entry(id.clone()).or_insert(new).session = session;
    }

    /// Sets how long a member may take to give up what it is to, if there is something.
    pub(super) fn await_revocation(&mut self, id: &ByteString, now: Now) {
        let Some(member) = self.facts.members.get(id) else { return };
        let awaited = member.has.state == MemberState::UnrevokedPartitions;
        let deadline = self.rebalance_deadline(id, now).filter(|_| awaited);
        if let Some(patience) = self.patience.get_mut(id) {
            patience.rebalance = deadline.map(|deadline| patience.rebalance.unwrap_or(deadline));
        }
    }

    /// Until when a member that is asked for something now has to do it.
    pub(super) fn rebalance_deadline(&self, id: &ByteString, now: Now) -> Option<i64> {
        let member = self.facts.members.get(id)?;
        Some(now.after(i64::from(member.wants.rebalance_timeout_ms.max(0))))
    }

    fn forget_name(&mut self, id: &ByteString) {
        let Some(member) = self.facts.members.get(id) else { return };
        if let Some(instance) = &member.wants.instance_id
            && self.statics.get(instance) == Some(id)
        {
            self.statics.remove(instance);
        }
    }

    fn own(&mut self, id: &ByteString, has: Current) {
        let Some(member) = self.facts.members.get_mut(id) else { return };
        for place in member.has.assigned.keys().chain(member.has.revoking.keys()) {
            if self.owners.get(place) == Some(id) {
                self.owners.remove(place);
            }
        }
        for place in has.assigned.keys().chain(has.revoking.keys()) {
            self.owners.insert(*place, id.clone());
        }
        member.has = has;
    }
}

/// The records that say that a member is gone.
fn gone(id: &ByteString) -> [ConsumerRecord; 3] {
    [
        ConsumerRecord::Current(id.clone(), None),
        ConsumerRecord::Target(id.clone(), None),
        ConsumerRecord::Member(id.clone(), None),
    ]
}
