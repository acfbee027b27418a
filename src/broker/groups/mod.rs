//! The coordinator of groups: drives the machines of the `group` room with requests and time, keeps what must survive in
//! `__consumer_offsets`, and rebuilds them from there at start.
//!
//! Each group has a lock of its own, never held over an `.await`. A request that has to wait holds the receiving end of a
//! channel; the group's effects fill it.

mod classic;
mod consumer;
mod drive;
mod keep;
mod load;
mod offsets;
mod store;
mod timer;
mod topics;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytestring::ByteString;
use parking_lot::{Mutex, RwLock};
use tokio::sync::oneshot;

use super::coordinator_topic::{CoordinatorTopic, Loading};
use super::node::Node;
use crate::base::ErrorCode;
use crate::config::BrokerConfig;
use crate::group::{
    AnyGroup, Assignor, CommittedOffsets, ConsumerConfig, Entry, Group, GroupConfig, Joined,
    MigrationPolicy, Now, Synced, Ticket,
};
use timer::Timer;
use topics::Seen;

pub use keep::text as keep_text;
pub use load::load;
pub use offsets::{Commit, Place};
pub use timer::{expire, run};

/// The longest group id that is taken: it has to fit a record's key beside a topic's name.
const ID_AT_MOST: usize = 32_000;

/// All groups that this node coordinates.
pub struct Groups {
    config: GroupConfig,
    consumers: ConsumerConfig,
    by_id: RwLock<HashMap<ByteString, Arc<Mutex<Coordinated>>>>,
    tickets: AtomicU64,
    started: Instant,
    loading: RwLock<Loading>,
    /// The groups with offsets that a transaction may still commit, by partition of `__consumer_offsets` and producer id.
    pending: Mutex<HashMap<(i32, i64), HashSet<ByteString>>>,
    timer: Timer,
    seen: Seen,
}

impl std::fmt::Debug for Groups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Groups").field("count", &self.by_id.read().len()).finish_non_exhaustive()
    }
}

/// One group, its offsets, and who waits for it.
pub struct Coordinated {
    /// Its members.
    pub group: AnyGroup,
    /// How far it has read.
    pub offsets: CommittedOffsets,
    joins: HashMap<Ticket, oneshot::Sender<Joined>>,
    syncs: HashMap<Ticket, oneshot::Sender<Synced>>,
    /// When the timer looks after it next; `i64::MAX`: not at all.
    armed: i64,
    /// Whether `__consumer_offsets` has a record of its members.
    stored: bool,
    /// What it is already, and could not be written yet.
    unwritten: Vec<Entry>,
    /// Whether it was deleted: who found it before has to look for it again.
    dead: bool,
}

impl Coordinated {
    fn new(group: AnyGroup) -> Coordinated {
        Coordinated {
            group,
            offsets: CommittedOffsets::default(),
            joins: HashMap::new(),
            syncs: HashMap::new(),
            armed: i64::MAX,
            stored: false,
            unwritten: Vec::new(),
            dead: false,
        }
    }
}

impl Coordinated {
    /// What is to be written so that nothing of its members is left.
    fn tombstones(&self) -> Vec<Entry> {
        let id = self.group.id();
        match &self.group {
            AnyGroup::Classic(_) => vec![Entry::Group(id.clone(), None)],
            AnyGroup::Consumer(group) => {
                let records = group.to_tombstones().into_iter();
                records.map(|record| Entry::Consumer(id.clone(), record)).collect()
            }
        }
    }
}

impl Groups {
    /// No groups yet.
    pub fn new(config: &BrokerConfig) -> Groups {
        let named = config.consumer_assignors.iter().copied();
        Groups {
            config: GroupConfig {
                min_session_timeout_ms: config.group_min_session_ms,
                max_session_timeout_ms: config.group_max_session_ms,
                initial_rebalance_delay_ms: config.group_initial_delay_ms,
                max_size: config.group_max_size,
            },
            consumers: ConsumerConfig {
                session_timeout_ms: config.consumer_session_ms,
                heartbeat_interval_ms: config.consumer_heartbeat_ms,
                max_size: config.consumer_max_size,
                assignors: named.filter_map(Assignor::named).collect(),
                migration: match config.consumer_migration {
                    "upgrade" => MigrationPolicy::Upgrade,
                    "downgrade" => MigrationPolicy::Downgrade,
                    "disabled" => MigrationPolicy::Disabled,
                    _ => MigrationPolicy::Bidirectional,
                },
            },
            by_id: RwLock::default(),
            tickets: AtomicU64::new(0),
            started: Instant::now(),
            loading: RwLock::default(),
            pending: Mutex::default(),
            timer: Timer::default(),
            seen: Seen::default(),
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
        let id = &keep::text(id);
        let mut by_id = self.by_id.write();
        let made = || {
            let group = Group::new(id.clone(), self.config, now);
            Arc::new(Mutex::new(Coordinated::new(AnyGroup::Classic(group))))
        };
        by_id.entry(id.clone()).or_insert_with(made).clone()
    }

    /// A group has nothing pending of a transaction after all.
    fn forget_pending(&self, key: (i32, i64), id: &ByteString) {
        let mut pending = self.pending.lock();
        if let Some(groups) = pending.get_mut(&key) {
            groups.remove(id);
            if groups.is_empty() {
                pending.remove(&key);
            }
        }
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
        if id.len() > ID_AT_MOST {
            return Err(ErrorCode::InvalidGroupId);
        }
        let partition = self
            .home_of(CoordinatorTopic::Offsets, id)
            .ok_or(ErrorCode::CoordinatorNotAvailable)?;
        self.groups.loading.read().check(partition)
    }

    /// Whether the groups of a partition of `__consumer_offsets` are being loaded yet.
    pub fn is_loading_groups(&self, partition: i32) -> bool {
        self.groups.loading.read().is_pending(partition)
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
        entries.extend(coordinated.tombstones());
        self.store_entries(id, &entries)?;
        coordinated.dead = true;
        // Never both locks at once: the timer takes them the other way round.
        drop(coordinated);
        self.groups.by_id.write().remove(id);
        Ok(())
    }
}
