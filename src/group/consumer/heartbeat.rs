//! ConsumerGroupHeartbeat: the one request by which members join, stay, say what they read and have, learn what to give up and what
//! they get, and leave.

use std::collections::BTreeSet;

use bytestring::ByteString;

use super::member::Subscription;
use super::{ConsumerGroup, ConsumerRecord, Refused, Topics};
use crate::base::ErrorCode;
use crate::group::assignor::{Assignor, Partitions};
use crate::group::{Now, pattern};

/// The epoch of who leaves for good.
const LEAVE: i32 = -1;
/// The epoch of a static member that leaves and will be back.
pub(super) const LEAVE_STATIC: i32 = -2;

/// A ConsumerGroupHeartbeat; `None` where the member says that something is as before.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Beat {
    /// Who it is.
    pub member_id: ByteString,
    /// Its epoch; 0: it joins, -1: it leaves, -2: it leaves and will be back.
    pub epoch: i32,
    /// Its static name.
    pub instance_id: Option<ByteString>,
    /// Its rack.
    pub rack_id: Option<ByteString>,
    /// How long it may take to give partitions up.
    pub rebalance_timeout_ms: Option<i32>,
    /// The topics that it reads.
    pub topics: Option<BTreeSet<ByteString>>,
    /// A regular expression over topics that it reads as well.
    pub pattern: Option<ByteString>,
    /// The assignor that it wants.
    pub assignor: Option<ByteString>,
    /// What it has.
    pub owned: Option<Partitions>,
    /// What its client calls itself.
    pub client_id: ByteString,
    /// Where it connects from.
    pub host: ByteString,
}

/// The answer to a [`Beat`].
#[derive(Clone, PartialEq, Debug)]
pub struct Beaten {
    /// Who it is.
    pub member_id: ByteString,
    /// Its epoch.
    pub epoch: i32,
    /// What it may read, if it has to be told.
    pub assignment: Option<Partitions>,
}

impl ConsumerGroup {
    /// Takes a heartbeat. What is in `out` has to be stored before it is answered, also if it is refused.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH: the member gives up all it has, and joins again. INVALID_REQUEST, UNSUPPORTED_ASSIGNOR,
    /// INVALID_REGULAR_EXPRESSION, GROUP_MAX_SIZE_REACHED, UNRELEASED_INSTANCE_ID, FENCED_INSTANCE_ID: it may not be a member so.
    pub fn heartbeat(
        &mut self,
        beat: Beat,
        topics: &dyn Topics,
        now: Now,
        out: &mut Vec<ConsumerRecord>,
    ) -> Result<Beaten, Refused> {
        self.check(&beat)?;
        if beat.epoch < 0 {
            return self.leave(&beat, now, out);
        }
        let came = self.admit(&beat, out)?;
        let id = &beat.member_id;
        let changed = self.subscribe(&beat, out) || came;
        self.advance(id, changed, beat.owned.as_ref(), beat.is_full(), topics, now, out)
    }

    /// Follows the topics, works the targets out, takes the member a step further.
    #[expect(clippy::too_many_arguments, reason = "it is one step, shared by both protocols")]
    pub(super) fn advance(
        &mut self,
        id: &ByteString,
        changed: bool,
        owned: Option<&Partitions>,
        tell: bool,
        topics: &dyn Topics,
        now: Now,
        out: &mut Vec<ConsumerRecord>,
    ) -> Result<Beaten, Refused> {
        self.follow_topics(changed, topics, now, out);
        self.retarget(topics, now, out);
        let had = self.partitions_of(id);
        self.reconcile(id, owned, topics, out)?;
        self.heard(id, now);
        self.await_revocation(id, now);
        let has = self.partitions_of(id);
        let epoch = self.facts.members.get(id).map_or(0, |member| member.has.epoch);
        let assignment = (tell || has != had).then_some(has);
        Ok(Beaten { member_id: id.clone(), epoch, assignment })
    }

    fn partitions_of(&self, id: &ByteString) -> Partitions {
        self.facts.members.get(id).map(|member| member.has.partitions()).unwrap_or_default()
    }

    fn check(&self, beat: &Beat) -> Result<(), Refused> {
        let invalid = |message: &str| Err(Refused::new(ErrorCode::InvalidRequest, message));
        if is_blank(&beat.member_id) {
            return invalid("MemberId can't be empty.");
        }
        if beat.instance_id.as_deref().is_some_and(is_blank) {
            return invalid("InstanceId can't be empty.");
        }
        if beat.rack_id.as_deref().is_some_and(is_blank) {
            return invalid("RackId can't be empty.");
        }
        match beat.epoch {
            0 => {
                if beat.rebalance_timeout_ms.is_none() {
                    return invalid("RebalanceTimeoutMs must be provided in first request.");
                }
                if beat.owned.as_ref().is_none_or(|owned| !owned.is_empty()) {
                    return invalid("TopicPartitions must be empty when (re-)joining.");
                }
                if beat.topics.is_none() && beat.pattern.is_none() {
                    return invalid(
                        "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.",
                    );
                }
            }
            LEAVE_STATIC if beat.instance_id.is_none() => {
                return invalid("InstanceId can't be null.");
            }
            LEAVE | LEAVE_STATIC => {}
            ..LEAVE_STATIC => return invalid("MemberEpoch is invalid."),
            _ => {}
        }
        if let Some(name) = beat.assignor.as_deref()
            && !self.config.assignors.iter().any(|assignor| assignor.name() == name)
        {
            let names: Vec<&str> = self.config.assignors.iter().map(|one| one.name()).collect();
            let message = format!(
                "ServerAssignor {name} is not supported. Supported assignors: {}.",
                names.join(", ")
            );
            return Err(Refused::new(ErrorCode::UnsupportedAssignor, message));
        }
        self.check_pattern(beat)
    }

    fn check_pattern(&self, beat: &Beat) -> Result<(), Refused> {
        let Some(text) = beat.pattern.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(());
        };
        if self.facts.patterns.contains_key(text) {
            return Ok(());
        }
        pattern::compile(text).map(drop).map_err(|error| {
            let message = format!(
                "SubscribedTopicRegex `{text}` is not a valid regular expression: {error}."
            );
            Refused::new(ErrorCode::InvalidRegularExpression, message)
        })
    }

    /// Takes what the member says of itself; tells whether it reads other topics than before.
    fn subscribe(&mut self, beat: &Beat, out: &mut Vec<ConsumerRecord>) -> bool {
        // Somebody new said nothing before.
        let (member, nothing) = (self.facts.members.get(&beat.member_id), Subscription::default());
        let before = member.map_or(&nothing, |member| &member.wants);
        let mut wants = before.clone();
        wants.client_id = beat.client_id.clone();
        wants.host = beat.host.clone();
        let new = |new: &Option<ByteString>, old: &mut Option<ByteString>| {
            if new.is_some() {
                old.clone_from(new);
            }
        };
        new(&beat.instance_id, &mut wants.instance_id);
        new(&beat.rack_id, &mut wants.rack_id);
        new(&beat.assignor, &mut wants.assignor);
        new(&beat.pattern, &mut wants.pattern);
        wants.rebalance_timeout_ms =
            beat.rebalance_timeout_ms.unwrap_or(wants.rebalance_timeout_ms);
        if let Some(topics) = &beat.topics {
            wants.topics.clone_from(topics);
        }
        // It speaks the new protocol now, whatever it spoke before.
        wants.classic = None;
        if wants == *before && member.is_some() {
            return false;
        }
        let reads_others = wants.topics != before.topics
            || wants.pattern() != before.pattern()
            || wants.assignor.as_deref().and_then(Assignor::named)
                != before.assignor.as_deref().and_then(Assignor::named);
        self.put(ConsumerRecord::Member(beat.member_id.clone(), Some(wants)), out);
        self.drop_patterns(out);
        reads_others
    }
}

impl Beat {
    /// Whether the member says all of itself, and so wants to be told all: it joins, or an answer was lost.
    fn is_full(&self) -> bool {
        let all = self.rebalance_timeout_ms.is_some()
            && (self.topics.is_some() || self.pattern.is_some())
            && self.owned.is_some();
        self.epoch == 0 || all
    }
}

/// Whether nothing stands in a text, as Java's `trim` sees it.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|letter| letter <= ' ')
}
