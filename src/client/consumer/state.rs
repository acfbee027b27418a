//! Where a consumer stands in each of its partitions. Pure: what to ask of whom comes out, answers go in.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::{Duration, Instant};

use super::super::cluster::{Cluster, Topic};
use super::super::config::{ConsumerConfig, OffsetReset};
use super::super::error::{ClientError, ConsumeError};
use super::super::record::{ConsumedRecord, StartAt};
use super::decode::Chunk;
use super::part::{Ends, Part, Phase};
use super::session::{Key, Wanted};
use crate::base::ErrorCode;
use crate::record::split_fetched;

/// How long a partition may be unknown to the cluster before the program hears of it.
const UNKNOWN_FOR: Duration = Duration::from_secs(5);

/// All partitions of one consumer.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) parts: BTreeMap<Key, Part>,
    pub(super) errors: VecDeque<ConsumeError>,
    /// Bytes fetched and not yet read.
    pub(super) buffered: usize,
    generation: u64,
    /// Which partition is read first by the next poll, so that none starves.
    turn: usize,
}

/// Where to start, and the epoch of the record before that, if it is known: the log may have been truncated since (KIP-320).
#[derive(Clone, Copy, Debug)]
pub(in crate::client) struct Start {
    /// None is nowhere until a seek; `poll` returns the error.
    pub(in crate::client) at: Option<StartAt>,
    pub(in crate::client) epoch: Option<i32>,
}

/// What a fetch brought of one partition.
pub(super) struct Fetched {
    pub(super) records: Bytes,
    pub(super) aborted: Vec<(i64, i64)>,
    pub(super) ends: Ends,
}

impl State {
    /// Replaces the whole assignment.
    pub(super) fn assign(&mut self, partitions: impl IntoIterator<Item = (Key, StartAt)>) {
        self.parts.clear();
        self.buffered = 0;
        for (key, at) in partitions {
            self.add(key, Start { at: Some(at), epoch: None });
        }
    }

    /// Adds a partition, or starts it anew.
    pub(super) fn add(&mut self, key: Key, start: Start) {
        self.remove(&key);
        let mut part = Part::new(start.at.unwrap_or(StartAt::Latest), self.next_generation());
        if start.at.is_none() {
            part.phase = Phase::Nowhere;
        }
        part.read_epoch = start.epoch;
        part.last_epoch = start.epoch.unwrap_or(-1);
        self.parts.insert(key, part);
    }

    /// Lets go of a partition.
    pub(super) fn remove(&mut self, key: &Key) {
        let freed = self.parts.remove(key).map_or(0, |part| part.buffered);
        self.buffered -= freed;
    }

    fn next_generation(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    /// Moves one partition; false if it is not assigned.
    pub(super) fn seek(&mut self, key: &Key, to: StartAt) -> bool {
        let generation = self.next_generation();
        let Some(part) = self.parts.get_mut(key) else { return false };
        let nowhere = |e: &ConsumeError| matches!(e, ConsumeError::NoOffset { topic, partition } if (topic, partition) == (&key.0, &key.1));
        self.errors.retain(|error| !nowhere(error));
        self.buffered -= part.buffered;
        let (paused, ends) = (part.paused, part.ends);
        *part = Part { paused, ends, ..Part::new(to, generation) };
        true
    }

    /// Up to `most` records that are there; whether any position moved.
    ///
    /// # Errors
    /// The first of the errors that came up; the partitions go on where they can.
    pub(super) fn take(
        &mut self,
        most: usize,
        config: &ConsumerConfig,
        out: &mut Vec<ConsumedRecord>,
    ) -> Result<bool, ConsumeError> {
        let mut moved = false;
        let count = self.parts.len();
        let order: Vec<Key> = {
            let ready = self.parts.iter().filter(|(_, p)| !p.paused && !p.chunks.is_empty());
            ready.map(|(key, _)| key.clone()).collect()
        };
        let first = if order.is_empty() { 0 } else { self.turn % order.len() };
        self.turn = if count == 0 { 0 } else { self.turn.wrapping_add(1) };
        for key in order[first..].iter().chain(&order[..first]) {
            if out.len() >= most {
                break;
            }
            let Some(part) = self.parts.get_mut(key) else { continue };
            let before = part.position;
            let read = part.read(key, most, config, out);
            moved |= part.position != before;
            match read {
                Ok(freed) => self.buffered -= freed,
                Err(cause) => {
                    self.buffered -= std::mem::take(&mut part.buffered);
                    part.chunks.clear();
                    part.fetch_from = part.position.unwrap_or(part.fetch_from);
                    part.generation = self.generation + 1;
                    self.generation += 1;
                    part.retry_at = Some(Instant::now() + Duration::from_secs(1));
                    self.errors.push_back(cause);
                }
            }
        }
        match self.errors.pop_front() {
            Some(cause) if out.is_empty() => Err(cause),
            Some(cause) => {
                self.errors.push_front(cause); // after what was read before it
                Ok(moved)
            }
            None => Ok(moved),
        }
    }

    /// What a broker is to be asked for now; empty parts of the answer mean "nothing".
    pub(super) fn fetchable(
        &mut self,
        broker: i32,
        cluster: &Cluster,
        config: &ConsumerConfig,
        now: Instant,
    ) -> BTreeMap<Key, Wanted> {
        let mut wanted = BTreeMap::new();
        let mut room = config.prefetch_bytes.saturating_sub(self.buffered);
        let per_part = config.partition_max_bytes as usize;
        let led = |key: &Key| cluster.leader(&key.0, key.1).is_some_and(|(id, _)| id == broker);
        // While a partition waits to be read, one at its end is not asked for: the broker would hold the answer
        // until it has something, and the first could not be fetched when it is read.
        let mut parts = self.parts.iter();
        let held = parts.any(|(key, part)| !part.paused && part.buffered >= per_part && led(key));
        for (key, part) in &self.parts {
            let ready = part.phase == Phase::Read
                && !part.paused
                && part.buffered < per_part
                && !(held && part.at_end(config))
                && part.retry_at.is_none_or(|at| at <= now);
            let led = led(key);
            // At least one partition is fetched, or nothing would ever move.
            if !ready || !led || (room == 0 && part.buffered > 0) {
                continue;
            }
            room = room.saturating_sub(per_part);
            let want = Wanted {
                topic_id: part.topic_id,
                fetch_offset: part.fetch_from,
                leader_epoch: part.leader_epoch,
                last_epoch: -1,
                max_bytes: config.partition_max_bytes,
            };
            wanted.insert(key.clone(), want);
        }
        wanted
    }

    /// Looks at a new picture of the cluster: leaders that changed, topics that were recreated or are gone.
    pub(super) fn on_cluster(
        &mut self,
        cluster: &Cluster,
        config: &ConsumerConfig,
        now: Instant,
    ) -> bool {
        let mut unknown = false;
        let keys: Vec<Key> = self.parts.keys().cloned().collect();
        for key in keys {
            let generation = self.next_generation();
            let Some(part) = self.parts.get_mut(&key) else { continue };
            if part.phase == Phase::Nowhere && part.retry_at.is_none_or(|at| at <= now) {
                part.retry_at = Some(now + Duration::from_secs(1));
                let (topic, partition) = key.clone();
                self.errors.push_back(ConsumeError::NoOffset { topic, partition });
            }
            let topic = cluster.topic(&key.0).filter(|t| t.error.is_none());
            let exists = topic.is_some_and(|t| (0..t.partitions.len() as i32).contains(&key.1));
            match topic.filter(|_| exists) {
                Some(topic) => {
                    part.unknown_since = None;
                    let buffered = part.buffered;
                    let error = part.on_topic(&key, topic, config, generation);
                    self.buffered -= buffered - part.buffered;
                    self.errors.extend(error);
                    if cluster.leader(&key.0, key.1).is_none() {
                        unknown = true;
                        if part.trouble.is_news(now, UNKNOWN_FOR) {
                            tracing::warn!("{}[{}] has no leader, trying on", key.0, key.1);
                        }
                    }
                }
                None => {
                    unknown = true;
                    let since = *part.unknown_since.get_or_insert(now);
                    if now >= since + UNKNOWN_FOR {
                        part.unknown_since = Some(now);
                        self.errors.push_back(not_there(&key, topic));
                    }
                }
            }
        }
        unknown
    }

    /// Takes what a fetch brought, unless a seek came between.
    pub(super) fn on_fetched(&mut self, key: &Key, asked: &Wanted, fetched: Fetched) {
        let Some(part) = self.parts.get_mut(key) else { return };
        if part.phase != Phase::Read
            || part.fetch_from != asked.fetch_offset
            || part.topic_id != asked.topic_id
        {
            return;
        }
        part.ends = fetched.ends;
        part.retry_at = None;
        if part.trouble.is_over() {
            tracing::warn!("{}[{}] can be read again", key.0, key.1);
        }
        let mut next = part.fetch_from;
        for batch in split_fetched(fetched.records.clone()) {
            let Ok(batch) = batch else { break }; // `read` will say what is wrong
            next = next.max(batch.header().last_offset().saturating_add(1));
            part.last_epoch = batch.header().partition_leader_epoch;
        }
        if fetched.records.is_empty() {
            return;
        }
        if next == part.fetch_from {
            // Nothing whole, or nothing new: `read` says what is wrong with it; do not ask in a tight loop.
            part.retry_at = Some(Instant::now() + Duration::from_millis(100));
        }
        part.fetch_from = next;
        let chunk = Chunk::new(fetched.records, fetched.aborted);
        part.buffered += chunk.bytes;
        self.buffered += chunk.bytes;
        part.chunks.push_back(chunk);
    }

    /// The offset that a fetch asked for is not in the log.
    pub(super) fn on_out_of_range(&mut self, key: &Key, asked: &Wanted, config: &ConsumerConfig) {
        let generation = self.next_generation();
        let Some(part) = self.parts.get_mut(key) else { return };
        let unread = !part.chunks.is_empty();
        if part.fetch_from != asked.fetch_offset || part.phase != Phase::Read || unread {
            return; // what was fetched before is read first; then it is asked again
        }
        self.errors.extend(part.reset(key, config, generation));
    }

    /// The answer to a lookup of an offset.
    pub(super) fn on_found(&mut self, key: &Key, generation: u64, offset: i64) {
        let Some(part) = self.parts.get_mut(key) else { return };
        if part.generation == generation {
            part.asked = false;
            part.phase = Phase::Read;
            (part.position, part.fetch_from) = (Some(offset), offset);
            part.retry_at = None;
        }
    }

    /// The answer to a validation: where the log of the epoch that was read ends now.
    pub(super) fn on_validated(
        &mut self,
        key: &Key,
        generation: u64,
        end: i64,
        config: &ConsumerConfig,
    ) {
        let next_generation = self.next_generation();
        let Some(part) = self.parts.get_mut(key) else { return };
        if part.generation != generation {
            return;
        }
        part.asked = false;
        part.phase = Phase::Read;
        let position = part.position.unwrap_or(0);
        if end < 0 || end >= part.fetch_from {
            return;
        }
        self.buffered -= std::mem::take(&mut part.buffered);
        part.chunks.clear();
        part.generation = next_generation;
        part.last_epoch = -1;
        if end >= position {
            part.fetch_from = position; // only what was prefetched is gone
            return;
        }
        (part.position, part.fetch_from) = (Some(end), end);
        if config.offset_reset == OffsetReset::Error {
            let (topic, partition) = key.clone();
            let cause =
                ConsumeError::Truncated { topic, partition, offset: position, diverges_at: end };
            self.errors.push_back(cause);
        }
    }

    /// The leader refused it, or told nothing of it, as it does while something is the matter: says so once if that lasts.
    pub(super) fn refused(&mut self, key: &Key, code: Option<ErrorCode>, until: Instant) {
        let Some(part) = self.parts.get_mut(key) else { return };
        if part.trouble.is_news(Instant::now(), UNKNOWN_FOR) {
            let why = code.map_or_else(String::new, |code| format!(": {code}"));
            tracing::warn!("{}[{}] cannot be read, trying on{why}", key.0, key.1);
        }
        self.delay(key, until);
    }

    /// Tries this partition again later.
    pub(super) fn delay(&mut self, key: &Key, until: Instant) {
        if let Some(part) = self.parts.get_mut(key) {
            part.asked = false;
            part.retry_at = Some(until);
        }
    }
}

fn not_there(key: &Key, topic: Option<&Arc<Topic>>) -> ConsumeError {
    let topic_name = key.0.clone();
    ConsumeError::Client(match topic {
        None => ClientError::UnknownTopic { topic: topic_name },
        Some(topic) => {
            let count = topic.partitions.len();
            ClientError::UnknownPartition { topic: topic_name, partition: key.1, count }
        }
    })
}
