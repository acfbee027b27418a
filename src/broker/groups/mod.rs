//! The coordinator of consumer groups: drives the machines of the `group` room with requests and time, keeps what must survive in
//! `__consumer_offsets`, and rebuilds them from there at start.
//!
//! Each group has a lock of its own, never held over an `.await`. A request that has to wait holds the receiving end of a
//! channel; the group's effects fill it.

mod load;
mod offsets;
mod store;
mod timer;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytestring::ByteString;
use parking_lot::{Mutex, RwLock};
use tokio::sync::oneshot;

use super::node::Node;
use crate::base::ErrorCode;
use crate::config::BrokerConfig;
use crate::group::{
    CommittedOffsets, Effect, Entry, Group, GroupConfig, Join, Joined, Leaving, Now, Sync, Synced,
    Ticket,
};
use load::Loading;
use timer::Timer;

pub use load::load;
pub use offsets::{Commit, Place};
pub use timer::{expire, run};

/// The longest group id that is taken: it has to fit a record's key beside a topic's name.
const ID_AT_MOST: usize = 32_000;

/// All groups that this node coordinates.
pub struct Groups {
    config: GroupConfig,
    by_id: RwLock<HashMap<ByteString, Arc<Mutex<Coordinated>>>>,
    tickets: AtomicU64,
    started: Instant,
    loading: RwLock<Loading>,
    timer: Timer,
}

impl std::fmt::Debug for Groups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Groups").field("count", &self.by_id.read().len()).finish_non_exhaustive()
    }
}

/// One group, its offsets, and who waits for it.
pub struct Coordinated {
    /// Its members.
    pub group: Group,
    /// How far it has read.
    pub offsets: CommittedOffsets,
    joins: HashMap<Ticket, oneshot::Sender<Joined>>,
    syncs: HashMap<Ticket, oneshot::Sender<Synced>>,
    /// When the timer looks after it next; `i64::MAX`: not at all.
    armed: i64,
    /// Whether `__consumer_offsets` has a record of its members.
    stored: bool,
}

impl Coordinated {
    fn new(group: Group) -> Coordinated {
        Coordinated {
            group,
            offsets: CommittedOffsets::default(),
            joins: HashMap::new(),
            syncs: HashMap::new(),
            armed: i64::MAX,
            stored: false,
        }
    }
}

impl Groups {
    /// No groups yet.
    pub fn new(config: &BrokerConfig) -> Groups {
        Groups {
            config: GroupConfig {
                min_session_timeout_ms: config.group_min_session_ms,
                max_session_timeout_ms: config.group_max_session_ms,
                initial_rebalance_delay_ms: config.group_initial_delay_ms,
                max_size: config.group_max_size,
            },
            by_id: RwLock::default(),
            tickets: AtomicU64::new(0),
            started: Instant::now(),
            loading: RwLock::default(),
            timer: Timer::default(),
        }
    }

    /// A group, if there is one.
    pub fn find(&self, id: &ByteString) -> Option<Arc<Mutex<Coordinated>>> {
        self.by_id.read().get(id).cloned()
    }

    /// All groups.
    pub fn all(&self) -> Vec<Arc<Mutex<Coordinated>>> {
        self.by_id.read().values().cloned().collect()
    }

    fn find_or_make(&self, id: &ByteString, now: Now) -> Arc<Mutex<Coordinated>> {
        if let Some(found) = self.find(id) {
            return found;
        }
        let mut by_id = self.by_id.write();
        let made =
            || Arc::new(Mutex::new(Coordinated::new(Group::new(id.clone(), self.config, now))));
        by_id.entry(id.clone()).or_insert_with(made).clone()
    }

    fn next_ticket(&self) -> Ticket {
        Ticket(self.tickets.fetch_add(1, Ordering::Relaxed))
    }
}

impl Node {
    /// The time, as groups count it.
    pub fn group_now(&self) -> Now {
        let steady = self.groups.started.elapsed().as_millis();
        Now { steady_ms: i64::try_from(steady).unwrap_or(i64::MAX), wall_ms: self.now().0 }
    }

    /// Whether this node coordinates a group of this id, and has loaded it.
    ///
    /// # Errors
    /// INVALID_GROUP_ID, COORDINATOR_NOT_AVAILABLE before the topic of the offsets was made, COORDINATOR_LOAD_IN_PROGRESS.
    pub fn check_coordinates(&self, id: &str) -> Result<(), ErrorCode> {
        let sound = id.len() <= ID_AT_MOST;
        if !sound {
            return Err(ErrorCode::InvalidGroupId);
        }
        let partition = self.offsets_partition(id).ok_or(ErrorCode::CoordinatorNotAvailable)?;
        self.groups.loading.read().check(partition)
    }

    /// A JoinGroup; its answer comes through the channel.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID where somebody claims to be a member of no group.
    pub fn join_group(
        self: &Arc<Node>,
        id: &ByteString,
        join: Join,
    ) -> Result<oneshot::Receiver<Joined>, ErrorCode> {
        let now = self.group_now();
        let found = match join.member_id.is_empty() {
            true => self.groups.find_or_make(id, now),
            false => self.groups.find(id).ok_or(ErrorCode::UnknownMemberId)?,
        };
        let (answer, answered) = oneshot::channel();
        let ticket = self.groups.next_ticket();
        self.drive(&found, |coordinated, out| {
            coordinated.joins.insert(ticket, answer);
            coordinated.group.join(join, ticket, now, out);
        });
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
        self.drive(&found, |coordinated, out| {
            coordinated.syncs.insert(ticket, answer);
            coordinated.group.sync(sync, ticket, now, out);
        });
        Ok(answered)
    }

    /// A Heartbeat.
    ///
    /// # Errors
    /// As [`Group::heartbeat`].
    pub fn group_heartbeat(
        &self,
        id: &ByteString,
        member: &ByteString,
        instance: Option<&ByteString>,
        generation: i32,
    ) -> Result<(), ErrorCode> {
        let found = self.groups.find(id).ok_or(ErrorCode::UnknownMemberId)?;
        let mut coordinated = found.lock();
        coordinated.group.heartbeat(member, instance, generation, self.group_now())
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
        Ok(self.drive(&found, |coordinated, out| {
            who.iter().map(|who| coordinated.group.leave(who, now, out)).collect()
        }))
    }

    /// Deletes a group and its offsets.
    ///
    /// # Errors
    /// GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, and what storing that met with.
    pub fn delete_group(self: &Arc<Node>, id: &ByteString) -> Result<(), ErrorCode> {
        let found = self.groups.find(id).ok_or(ErrorCode::GroupIdNotFound)?;
        let mut coordinated = found.lock();
        coordinated.group.kill(self.group_now())?;
        let places = coordinated.offsets.iter().map(|(place, _)| place.clone());
        let mut entries: Vec<Entry> =
            places.map(|place| Entry::Offset(id.clone(), place, None)).collect();
        entries.push(Entry::Group(id.clone(), None));
        self.store_entries(id, &entries)?;
        // Never both locks at once: the timer takes them the other way round.
        drop(coordinated);
        self.groups.by_id.write().remove(id);
        Ok(())
    }

    /// Changes a group, and carries out what comes of it.
    fn drive<T>(
        self: &Arc<Node>,
        found: &Arc<Mutex<Coordinated>>,
        change: impl FnOnce(&mut Coordinated, &mut Vec<Effect>) -> T,
    ) -> T {
        let mut out = Vec::new();
        let mut coordinated = found.lock();
        let result = change(&mut coordinated, &mut out);
        self.carry_out(&mut coordinated, out);
        let next = coordinated.group.next_deadline().unwrap_or(i64::MAX);
        if next < coordinated.armed {
            coordinated.armed = next;
            self.groups.timer.arm(next, coordinated.group.id().clone());
        }
        result
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
                Effect::Store => {
                    let id = coordinated.group.id().clone();
                    let record = Entry::Group(id.clone(), Some(coordinated.group.to_record()));
                    let stored = self.store_entries(&id, &[record]);
                    coordinated.stored |= stored.is_ok();
                    let mut more = Vec::new();
                    let done = stored.map(drop);
                    coordinated.group.stored(done, self.group_now(), &mut more);
                    self.carry_out(coordinated, more);
                }
            }
        }
    }
}
