//! Members of the classic protocol, in groups of either.

use std::sync::Arc;

use bytestring::ByteString;
use tokio::sync::oneshot;

use super::timer::forget_if_nothing;
use super::{Coordinated, keep};
use crate::base::ErrorCode;
use crate::broker::node::Node;
use crate::group::{AnyGroup, Group, Join, Joined, Leaving, Sync, Synced};

impl Node {
    /// A JoinGroup; its answer comes through the channel.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID where somebody claims to be a member of no group.
    pub fn join_group(
        self: &Arc<Node>,
        id: &ByteString,
        join: Join,
    ) -> Result<oneshot::Receiver<Joined>, ErrorCode> {
        let (now, join) = (self.group_now(), keep::join(join));
        let found = match join.member_id.is_empty() {
            true => self.groups.find_or_make(id, now),
            false => self.groups.find(id).ok_or(ErrorCode::UnknownMemberId)?,
        };
        let (answer, answered) = oneshot::channel();
        let ticket = self.groups.next_ticket();
        let (asked_as, member_id) = (join.member_id.clone(), join.member_id.clone());
        let (mut answer, topics) = (Some(answer), self.group_topics());
        let (joined, written) = self.drive(&found, |coordinated, asked| {
            if coordinated.dead {
                return Some(Joined::failed(ErrorCode::CoordinatorNotAvailable, member_id));
            }
            if let Err(code) = self.write(coordinated) {
                return Some(Joined::failed(code, member_id));
            }
            self.leave_consumers(coordinated);
            match &mut coordinated.group {
                AnyGroup::Consumer(group) => {
                    let bounds = &self.groups.config;
                    Some(group.join(join, bounds, &topics, now, &mut asked.records))
                }
                AnyGroup::Classic(group) => {
                    coordinated.joins.extend(answer.take().map(|answer| (ticket, answer)));
                    group.join(join, ticket, now, &mut asked.effects);
                    None
                }
            }
        });
        if let Some((answer, joined)) = answer.zip(joined) {
            let failed = |code| Joined::failed(code, asked_as);
            // Whoever asked may be gone.
            let _ = answer.send(written.map_or_else(failed, |_| joined));
        }
        forget_if_nothing(self, id, &found);
        Ok(answered)
    }

    /// A SyncGroup; its answer comes through the channel.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID where there is no such group.
    pub fn sync_group(
        self: &Arc<Node>,
        id: &ByteString,
        sync: Sync,
    ) -> Result<oneshot::Receiver<Synced>, ErrorCode> {
        let now = self.group_now();
        let found = self.groups.find(id).ok_or(ErrorCode::UnknownMemberId)?;
        let (answer, answered) = oneshot::channel();
        let ticket = self.groups.next_ticket();
        let (topics, sync) = (self.group_topics(), keep::sync(sync));
        // A share is handed out only once it is stored: there is nothing to write now.
        let _ = self.drive(&found, |coordinated, asked| match &mut coordinated.group {
            AnyGroup::Consumer(group) => drop(answer.send(group.sync(&sync, &topics, now))),
            AnyGroup::Classic(group) => {
                coordinated.syncs.insert(ticket, answer);
                group.sync(sync, ticket, now, &mut asked.effects);
            }
        });
        Ok(answered)
    }

    /// A Heartbeat.
    ///
    /// # Errors
    /// As [`Group::heartbeat`].
    pub fn group_heartbeat(
        self: &Arc<Node>,
        id: &ByteString,
        member: &ByteString,
        instance: Option<&ByteString>,
        generation: i32,
    ) -> Result<(), ErrorCode> {
        let found = self.groups.find(id).ok_or(ErrorCode::UnknownMemberId)?;
        let (now, topics) = (self.group_now(), self.group_topics());
        let (done, written) =
            self.drive(&found, |coordinated, asked| match &mut coordinated.group {
                AnyGroup::Classic(group) => group.heartbeat(member, instance, generation, now),
                AnyGroup::Consumer(group) => {
                    let records = &mut asked.records;
                    group.classic_heartbeat(member, instance, generation, &topics, now, records)
                }
            });
        written.and(done)
    }

    /// Members leave a group; tells of each how that went.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID where there is no such group.
    pub fn leave_group(
        self: &Arc<Node>,
        id: &ByteString,
        who: &[Leaving],
    ) -> Result<Vec<Result<(), ErrorCode>>, ErrorCode> {
        let now = self.group_now();
        let found = self.groups.find(id).ok_or(ErrorCode::UnknownMemberId)?;
        let (left, written) =
            self.drive(&found, |coordinated, asked| match &mut coordinated.group {
                AnyGroup::Classic(group) => {
                    who.iter().map(|who| group.leave(who, now, &mut asked.effects)).collect()
                }
                AnyGroup::Consumer(group) => {
                    who.iter().map(|who| group.classic_leave(who, &mut asked.records)).collect()
                }
            });
        written.map(|_| left)
    }

    /// A consumer group without members is a classic one to who joins it by that protocol.
    fn leave_consumers(&self, coordinated: &mut Coordinated) {
        let AnyGroup::Consumer(group) = &coordinated.group else { return };
        if !group.is_empty() {
            return;
        }
        let classic = Group::new(group.id().clone(), self.groups.config, self.group_now());
        let tombstones = coordinated.tombstones();
        coordinated.unwritten.extend(tombstones);
        coordinated.group = AnyGroup::Classic(classic);
    }
}
