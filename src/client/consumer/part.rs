//! Where a consumer stands in one partition.

use std::collections::VecDeque;

use tokio::time::{Duration, Instant};

use super::super::cluster::Topic;
use super::super::config::{ConsumerConfig, Isolation};
use super::super::error::ConsumeError;
use super::super::record::{ConsumedRecord, StartAt};
use super::super::trouble::Trouble;
use super::decode::Chunk;
use super::session::Key;
use crate::base::TopicId;

/// What a partition needs before it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// An offset, found by a ListOffsets.
    Find(StartAt),
    /// To be told whether the log that it read is still there (KIP-320).
    Validate,
    /// A seek: it has no position, and the reset policy names none.
    Nowhere,
    /// Nothing.
    Read,
}

/// One partition.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) phase: Phase,
    /// Whether a lookup is under way.
    pub(super) asked: bool,
    /// The offset that `poll` returns next.
    pub(super) position: Option<i64>,
    /// The epoch of the last record that `poll` returned.
    pub(super) read_epoch: Option<i32>,
    pub(super) fetch_from: i64,
    /// Epoch of the last batch fetched; −1 for none.
    pub(super) last_epoch: i32,
    /// The leader's epoch under which the position was found good.
    pub(super) leader_epoch: i32,
    pub(super) topic_id: TopicId,
    pub(super) paused: bool,
    /// Answers to what was asked before a seek are of another generation.
    pub(super) generation: u64,
    pub(super) chunks: VecDeque<Chunk>,
    pub(super) buffered: usize,
    pub(super) retry_at: Option<Instant>,
    pub(super) unknown_since: Option<Instant>,
    pub(super) trouble: Trouble,
    pub(super) ends: Ends,
}

/// A partition's bounds, as the last fetch told them; −1 where none has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The first offset there is.
    pub log_start: i64,
    /// One past the last record that every replica has.
    pub high_watermark: i64,
    /// One past the last record of a transaction that is decided.
    pub last_stable: i64,
}

impl Part {
    pub(super) fn new(start: StartAt, generation: u64) -> Part {
        let offset = match start {
            StartAt::Offset(offset) => Some(offset.max(0)),
            _ => None,
        };
        Part {
            phase: offset.map_or(Phase::Find(start), |_| Phase::Read),
            asked: false,
            position: offset,
            read_epoch: None,
            fetch_from: offset.unwrap_or(0),
            last_epoch: -1,
            leader_epoch: -1,
            topic_id: TopicId::ZERO,
            paused: false,
            generation,
            chunks: VecDeque::new(),
            buffered: 0,
            retry_at: None,
            unknown_since: None,
            trouble: Trouble::default(),
            ends: Ends { log_start: -1, high_watermark: -1, last_stable: -1 },
        }
    }

    /// Whether the last fetch saw nothing beyond what is fetched.
    pub(super) fn at_end(&self, config: &ConsumerConfig) -> bool {
        let end = match config.isolation {
            Isolation::ReadUncommitted => self.ends.high_watermark,
            Isolation::ReadCommitted => self.ends.last_stable,
        };
        end >= 0 && self.fetch_from >= end
    }

    /// Reads what is buffered; returns the bytes freed.
    pub(super) fn read(
        &mut self,
        key: &Key,
        most: usize,
        config: &ConsumerConfig,
        out: &mut Vec<ConsumedRecord>,
    ) -> Result<usize, ConsumeError> {
        let mut freed = 0;
        while let Some(chunk) = self.chunks.front_mut() {
            let position = self.position.get_or_insert(0);
            let left = most.saturating_sub(out.len());
            let before = out.len();
            let done = left != 0 && chunk.read(key, position, left, config, out)?;
            self.read_epoch = out[before..].last().map_or(self.read_epoch, |r| r.leader_epoch);
            if !done {
                break;
            }
            freed += chunk.bytes;
            self.buffered -= chunk.bytes;
            self.chunks.pop_front();
        }
        Ok(freed)
    }

    pub(super) fn on_topic(
        &mut self,
        key: &Key,
        topic: &Topic,
        config: &ConsumerConfig,
        generation: u64,
    ) -> Option<ConsumeError> {
        let recreated = !self.topic_id.is_zero() && self.topic_id != topic.id;
        self.topic_id = topic.id;
        let epoch = topic.partitions.get(key.1 as usize).map_or(-1, |p| p.leader_epoch);
        let changed = epoch > self.leader_epoch;
        if recreated {
            self.leader_epoch = epoch;
            return self.reset(key, config, generation);
        }
        if changed {
            self.leader_epoch = epoch;
            if self.phase == Phase::Read && self.last_epoch >= 0 && self.last_epoch < epoch {
                (self.phase, self.asked, self.generation) = (Phase::Validate, false, generation);
            }
        }
        None
    }

    /// Goes where the policy says; the error, where it says nowhere.
    pub(super) fn reset(
        &mut self,
        key: &Key,
        config: &ConsumerConfig,
        generation: u64,
    ) -> Option<ConsumeError> {
        self.chunks.clear();
        self.buffered = 0;
        self.generation = generation;
        self.asked = false;
        self.last_epoch = -1;
        let Some(start) = config.offset_reset.start() else {
            let (topic, partition) = key.clone();
            self.retry_at = Some(Instant::now() + Duration::from_secs(1));
            let offset = self.position.unwrap_or(-1);
            return Some(ConsumeError::OffsetOutOfRange { topic, partition, offset });
        };
        tracing::info!(topic = &*key.0, partition = key.1, ?start, "position reset");
        self.phase = Phase::Find(start);
        None
    }
}
