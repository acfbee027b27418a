//! From the classic protocol to the new one and back, while members are at work (KIP-848).

use bytestring::ByteString;

use super::classic_member::share;
use super::member::{ClassicPart, Current, MemberState, Subscription};
use super::names::by_id;
use super::{ConsumerConfig, ConsumerGroup, ConsumerRecord, MigrationPolicy, Refused, Topics};
use crate::base::ErrorCode;
use crate::group::classic::Group;
use crate::group::member::Member as ClassicMember;
use crate::group::protocol::{Assignment, CONSUMER, Places, Subscription as Said};
use crate::group::records::GroupRecord;
use crate::group::{GroupConfig, Now, StoredMember};

impl ConsumerGroup {
    /// The consumer group that a classic one becomes when the first member of the new protocol comes: the others keep what they have.
    ///
    /// # Errors
    /// GROUP_ID_NOT_FOUND where the policy, or what its members are, forbids that: to the newcomer there is no consumer group of that id.
    pub fn upgrade(
        group: &Group,
        config: ConsumerConfig,
        topics: &dyn Topics,
        now: Now,
        out: &mut Vec<ConsumerRecord>,
    ) -> Result<ConsumerGroup, Refused> {
        let refuse = |why: &str| {
            let message = format!(
                "Group {} is not a consumer group, and cannot become one: {why}.",
                group.id
            );
            Err(Refused::new(ErrorCode::GroupIdNotFound, message))
        };
        let allowed =
            matches!(config.migration, MigrationPolicy::Bidirectional | MigrationPolicy::Upgrade);
        let has_members = !group.members.is_empty();
        if has_members && !allowed {
            return refuse("the migration policy forbids that while it has members");
        }
        if has_members && group.protocol_type.as_deref() != Some(CONSUMER) {
            return refuse("its members are no consumers");
        }
        if group.members.len() >= config.max_size {
            return refuse("it has too many members");
        }
        let mut upgraded = ConsumerGroup::new(group.id.clone(), config);
        let epoch = group.generation.max(0);
        for member in group.members.values() {
            let Some((wants, assigned)) = heritage(group, member) else {
                return refuse("what a member said or has cannot be read");
            };
            let target = by_id(&assigned, topics);
            let places = target.iter().flat_map(|(topic, numbers)| {
                numbers.iter().map(move |number| ((*topic, *number), epoch))
            });
            let has = Current {
                epoch,
                previous_epoch: epoch,
                state: MemberState::Stable,
                assigned: places.collect(),
                revoking: Default::default(),
            };
            let id = &member.id;
            upgraded.put(ConsumerRecord::Member(id.clone(), Some(wants)), out);
            upgraded.put(ConsumerRecord::Target(id.clone(), Some(target)), out);
            upgraded.put(ConsumerRecord::Current(id.clone(), Some(has)), out);
            upgraded.heard(id, now);
        }
        if epoch == 0 {
            return Ok(upgraded); // There was nothing.
        }
        let hash = upgraded.facts.hash;
        upgraded.put(ConsumerRecord::Group(Some((epoch, hash))), out);
        upgraded.put(ConsumerRecord::TargetEpoch(Some((epoch, now.wall_ms))), out);
        Ok(upgraded)
    }

    /// Whether it is to become a classic group again: its last member of the new protocol is gone, others are left.
    pub fn is_to_downgrade(&self, bounds: &GroupConfig) -> bool {
        let allowed = matches!(
            self.config.migration,
            MigrationPolicy::Bidirectional | MigrationPolicy::Downgrade
        );
        allowed
            && !self.is_empty()
            && self.facts.members.len() <= bounds.max_size
            && self.facts.members.values().all(|member| member.wants.classic.is_some())
    }

    /// The classic group that it becomes; its members are asked to join again.
    pub fn downgrade(&self, bounds: GroupConfig, topics: &dyn Topics, now: Now) -> Group {
        let protocol = self.common_protocol();
        let members = self.facts.members.iter().map(|(id, member)| {
            let (metadata, assignment) = share(member, &protocol, topics);
            let wants = &member.wants;
            let classic = wants.classic.clone().unwrap_or_default();
            let mut stored = ClassicMember {
                id: id.clone(),
                instance_id: wants.instance_id.clone(),
                client_id: wants.client_id.clone(),
                host: wants.host.clone(),
                rebalance_timeout_ms: wants.rebalance_timeout_ms,
                session_timeout_ms: classic.session_timeout_ms,
                protocols: vec![(protocol.clone(), metadata)],
                assignment,
                deadline: 0,
                joining: None,
                syncing: None,
            };
            stored.heard(now);
            StoredMember::of(&stored, &protocol)
        });
        let record = GroupRecord {
            protocol_type: CONSUMER.into(),
            generation: self.facts.epoch,
            protocol: Some(protocol.clone()),
            leader: self.facts.members.keys().next().cloned(),
            state_since: now.wall_ms,
            members: members.collect(),
        };
        let mut group = Group::load(self.id.clone(), bounds, &record, now);
        group.prepare_rebalance(now, &mut Vec::new()); // Nobody waits for an answer of it yet.
        group
    }

    /// The first protocol of a member that all can do.
    fn common_protocol(&self) -> ByteString {
        let all: Vec<&ClassicPart> = self
            .facts
            .members
            .values()
            .filter_map(|member| member.wants.classic.as_ref())
            .collect();
        let by_all = |name: &&ByteString| {
            all.iter().all(|one| one.protocols.iter().any(|(can, _)| can == *name))
        };
        let first = all.first().into_iter().flat_map(|one| &one.protocols).map(|(name, _)| name);
        first.into_iter().find(by_all).cloned().unwrap_or_default()
    }
}

/// What a member of a classic group wants and has.
fn heritage(group: &Group, member: &ClassicMember) -> Option<(Subscription, Places)> {
    let protocol = group.protocol.as_ref().or_else(|| Some(&member.protocols.first()?.0))?;
    let said = Said::read(member.metadata(protocol)).ok()?;
    let wants = Subscription {
        instance_id: member.instance_id.clone(),
        rack_id: said.rack_id,
        client_id: member.client_id.clone(),
        host: member.host.clone(),
        topics: said.topics,
        pattern: None,
        rebalance_timeout_ms: member.rebalance_timeout_ms,
        assignor: None,
        classic: Some(ClassicPart {
            session_timeout_ms: member.session_timeout_ms,
            protocols: member.protocols.clone(),
        }),
    };
    Some((wants, Assignment::read(member.assignment.clone()).ok()?.partitions))
}
