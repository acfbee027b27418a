//! How far consumer groups are behind, in records and in time. Costs a look into the log for each partition with lag whose
//! group has moved since the last time, up to a bound.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytestring::ByteString;

use crate::base::{Millis, Offset, TopicId};
use crate::broker::groups::Place;
use crate::broker::node::Node;
use crate::broker::partition::Partition;
use crate::broker::partitions::{Slot, TopicLogs};

/// So many batches are looked up at once at most, and for so long.
const LOOK_UPS: usize = 20_000;
const LOOK_UP_TIME: Duration = Duration::from_secs(2);

/// A group and a topic that it reads.
pub type Pair = (ByteString, ByteString);

/// How far a group is behind in a topic.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Lag {
    /// Records of all partitions together.
    pub records: u64,
    /// The most ms of any partition.
    pub ms: u64,
}

impl Lag {
    /// Both together.
    pub fn add(&mut self, other: Lag) {
        self.records += other.records;
        self.ms = self.ms.max(other.ms);
    }
}

/// When the records were appended that groups are to read next.
type Times = HashMap<(TopicId, i32, Offset), Option<Millis>>;

/// What is remembered from one survey to the next: who stands still is looked up once.
#[derive(Debug, Default)]
pub struct Memory {
    times: Times,
    /// The group to begin with: the first that was not looked at in full the last time.
    begin: usize,
}

/// All groups at one time.
#[derive(Debug, Default)]
pub struct Survey {
    /// How many are in which state.
    pub states: BTreeMap<&'static str, u64>,
    /// Members of all.
    pub members: u64,
    /// How far they are behind.
    pub lags: BTreeMap<Pair, Lag>,
    /// Partitions with lag of which is not known since when.
    pub unknown: u64,
}

/// Looks at all groups. Blocking.
pub fn survey(node: &Node, memory: &mut Memory) -> Survey {
    let mut survey = Survey::default();
    let mut clock = Watch {
        now: node.now(),
        left: LOOK_UPS,
        until: Instant::now() + LOOK_UP_TIME,
        known: std::mem::take(&mut memory.times),
        seen: Times::new(),
    };
    let mut groups = node.groups.all();
    let begin = memory.begin.checked_rem(groups.len()).unwrap_or(0);
    groups.rotate_left(begin);
    let mut cut_short = None;
    for (at, found) in groups.into_iter().enumerate() {
        let (id, committed): (ByteString, Vec<(Place, i64)>) = {
            let coordinated = found.lock();
            *survey.states.entry(coordinated.group.state_name()).or_default() += 1;
            survey.members += coordinated.group.member_count() as u64;
            let offsets = coordinated.offsets.iter();
            let offsets = offsets.map(|(place, kept)| (place.clone(), kept.offset));
            (coordinated.group.id().clone(), offsets.collect())
        };
        for of_topic in committed.chunk_by(|((one, _), _), ((other, _), _)| one == other) {
            let name = &of_topic[0].0.0;
            let Some(topic) = node.partitions.topic(name) else { continue };
            let mut lag = Lag::default();
            for ((_, partition), offset) in of_topic {
                let Some(partition) = online(&topic, *partition) else { continue };
                match clock.lag(&topic, partition, *offset) {
                    (records, Some(ms)) => lag.add(Lag { records, ms }),
                    (records, None) => {
                        survey.unknown += 1;
                        lag.records += records;
                    }
                }
            }
            survey.lags.insert((id.clone(), name.clone()), lag);
        }
        if clock.is_spent() {
            cut_short.get_or_insert(begin + at);
        }
    }
    *memory = Memory { times: clock.seen, begin: cut_short.unwrap_or(0) };
    survey
}

fn online(topic: &TopicLogs, partition: i32) -> Option<&Arc<Partition>> {
    match topic.slots.get(usize::try_from(partition).ok()?)? {
        Slot::Online(partition) => Some(partition),
        Slot::Offline(_) => None,
    }
}

/// Finds out since when records wait, within bounds.
struct Watch {
    now: Millis,
    left: usize,
    until: Instant,
    known: Times,
    seen: Times,
}

impl Watch {
    /// Records from `committed` to the end, and since how many ms the first of them that is still there waits; `None` if that
    /// is not known.
    fn lag(
        &mut self,
        topic: &TopicLogs,
        partition: &Partition,
        committed: i64,
    ) -> (u64, Option<u64>) {
        let log = partition.log();
        let (start, end) = (log.start(), log.end());
        drop(log);
        let records = u64::try_from(end.get().saturating_sub(committed)).unwrap_or(0);
        if records == 0 {
            return (0, Some(0));
        }
        let from = Offset::from_wire(committed).unwrap_or_default().max(start);
        let key = (topic.id, partition.id.partition.get(), from);
        let time = match self.known.get(&key) {
            Some(time) => *time,
            None if self.is_spent() => return (records, None),
            None => {
                self.left -= 1;
                let Ok(time) = partition.log().time_at(from) else { return (records, None) };
                time
            }
        };
        self.seen.insert(key, time);
        let waits = time.map(|time| u64::try_from(self.now.0.saturating_sub(time.0)).unwrap_or(0));
        (records, waits)
    }

    fn is_spent(&self) -> bool {
        self.left == 0 || Instant::now() >= self.until
    }
}
