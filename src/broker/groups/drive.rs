//! Changes a group, and carries out what comes of it: what must survive is written before anybody is answered.

use std::sync::Arc;

use parking_lot::Mutex;

use super::Coordinated;
use crate::base::ErrorCode;
use crate::broker::coordinator_topic::Durable;
use crate::broker::node::Node;
use crate::group::{AnyGroup, ConsumerRecord, Effect, Entry};

/// What changing a group asks for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Of a classic group.
    pub effects: Vec<Effect>,
    /// Of a consumer group.
    pub records: Vec<ConsumerRecord>,
}

impl Node {
    /// Changes a group, and carries out what comes of it. The second value tells whether what it asked to be written was, and from when
    /// on that may be answered for.
    pub(super) fn drive<T>(
        self: &Arc<Node>,
        found: &Arc<Mutex<Coordinated>>,
        change: impl FnOnce(&mut Coordinated, &mut Asked) -> T,
    ) -> (T, Result<Durable, ErrorCode>) {
        let mut asked = Asked::default();
        let mut coordinated = found.lock();
        let result = change(&mut coordinated, &mut asked);
        let Asked { mut effects, records } = asked;
        let id = coordinated.group.id().clone();
        let entries = records.into_iter().map(|record| Entry::Consumer(id.clone(), record));
        coordinated.unwritten.extend(entries);
        effects.extend(self.downgrade(&mut coordinated));
        let written = self.write(&mut coordinated);
        self.carry_out(&mut coordinated, effects);
        let next = coordinated.group.next_deadline().unwrap_or(i64::MAX);
        if next < coordinated.armed {
            coordinated.armed = next;
            self.groups.timer.arm(next, id);
        }
        (result, written)
    }

    /// Makes a consumer group a classic one again, if only members of the classic protocol are left.
    fn downgrade(&self, coordinated: &mut Coordinated) -> Option<Effect> {
        let AnyGroup::Consumer(group) = &coordinated.group else { return None };
        if !group.is_to_downgrade(&self.groups.config) {
            return None;
        }
        let topics = self.group_topics();
        let classic = group.downgrade(self.groups.config, &topics, self.group_now());
        tracing::info!(group = %group.id(), "its members all speak the classic protocol again");
        let tombstones = coordinated.tombstones();
        coordinated.unwritten.extend(tombstones);
        coordinated.group = AnyGroup::Classic(classic);
        Some(Effect::Store)
    }

    /// Writes what has to be, also what could not be written before. Nobody is answered for what was not.
    pub(super) fn write(&self, coordinated: &mut Coordinated) -> Result<Durable, ErrorCode> {
        let id = coordinated.group.id().clone();
        let durable = self.store_entries(&id, &coordinated.unwritten)?;
        coordinated.stored |= !coordinated.unwritten.is_empty();
        // A list that was long once would stay so for as long as the group is there.
        coordinated.unwritten = Vec::new();
        Ok(durable)
    }

    fn carry_out(&self, coordinated: &mut Coordinated, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                // Whoever asked may be gone.
                Effect::Joined(ticket, joined) => {
                    coordinated.joins.remove(&ticket).map(|answer| answer.send(joined).ok());
                }
                Effect::Synced(ticket, synced) => {
                    coordinated.syncs.remove(&ticket).map(|answer| answer.send(synced).ok());
                }
                Effect::Store => self.store(coordinated),
            }
        }
    }

    fn store(&self, coordinated: &mut Coordinated) {
        let AnyGroup::Classic(group) = &coordinated.group else { return };
        let id = group.id().clone();
        let record = Entry::Group(id.clone(), Some(group.to_record()));
        let stored = self.store_entries(&id, &[record]);
        coordinated.stored |= stored.is_ok();
        let mut more = Vec::new();
        if let AnyGroup::Classic(group) = &mut coordinated.group {
            group.stored(stored.map(drop), self.group_now(), &mut more);
        }
        self.carry_out(coordinated, more);
    }
}
