//! Reads records from partitions that the program names.
//!
//! One task per consumer asks ahead: to each leader one fetch at a time, into a buffer bounded in bytes. [`poll`]
//! takes from that buffer; decompressing and checking happen there, on the caller's thread. Positions are exact: the
//! next offset to be returned, moved past gaps and markers, so that the end is reached also where it holds no record.
//!
//! [`poll`]: Consumer::poll

mod decode;
mod driver;
mod part;
mod patience;
mod session;
mod state;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use part::Ends;
pub(super) use session::Key;
pub(super) use state::Start;

use self::patience::Patience;
use self::state::State;
use super::config::ConsumerConfig;
use super::error::{ClientError, ConsumeError};
use super::handle::Client;
use super::record::{ConsumedRecord, StartAt};
use crate::base::TopicName;

/// Reads partitions. Methods take `&self`; only one `poll` at a time makes sense.
#[derive(Debug)]
pub struct Consumer {
    shared: Arc<Shared>,
    patience: Patience,
    stop: CancellationToken,
}

/// What `poll` and the fetching task share.
#[derive(Debug)]
struct Shared {
    client: Client,
    config: ConsumerConfig,
    state: Mutex<State>,
    /// There is something to read.
    readable: Notify,
    /// There is something to ask for.
    askable: Notify,
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Consumer {
    /// A consumer without partitions.
    pub fn new(client: &Client, config: ConsumerConfig) -> Consumer {
        let shared = Arc::new(Shared {
            client: client.clone(),
            config,
            state: Mutex::default(),
            readable: Notify::new(),
            askable: Notify::new(),
        });
        let stop = CancellationToken::new();
        tokio::spawn(driver::run(shared.clone(), stop.clone()));
        Consumer { shared, patience: Patience::default(), stop }
    }

    /// Reads these partitions from now on, and no others.
    pub fn assign(&self, partitions: &[(TopicName, i32, StartAt)]) {
        for (topic, _, _) in partitions {
            self.shared.client.want(topic);
        }
        let parts = partitions.iter().map(|(t, p, start)| ((t.clone(), *p), *start));
        self.shared.state.lock().assign(parts);
        self.shared.askable.notify_one();
    }

    /// Reads these too; those of them that are read already start anew.
    pub(super) fn add(&self, partitions: impl IntoIterator<Item = (Key, Start)>) {
        let mut state = self.shared.state.lock();
        for (key, start) in partitions {
            self.shared.client.want(&key.0);
            state.add(key, start);
        }
        drop(state);
        self.shared.askable.notify_one();
    }

    /// Reads these no more; what was fetched ahead is dropped.
    pub(super) fn remove<'a>(&self, partitions: impl IntoIterator<Item = &'a Key>) {
        let mut state = self.shared.state.lock();
        partitions.into_iter().for_each(|key| state.remove(key));
        drop(state);
        self.shared.askable.notify_one();
    }

    /// Where each partition stands that has a position: the next offset to be returned, and the epoch of the record before it, if it
    /// is known.
    pub(super) fn positions(&self) -> Vec<(Key, i64, Option<i32>)> {
        let state = self.shared.state.lock();
        let placed = state
            .parts
            .iter()
            .filter_map(|(key, part)| Some((key.clone(), part.position?, part.read_epoch)));
        placed.collect()
    }

    /// Goes on elsewhere in a partition; what was fetched ahead is dropped.
    ///
    /// # Errors
    /// `NotAssigned`.
    pub fn seek(&self, topic: &TopicName, partition: i32, to: StartAt) -> Result<(), ConsumeError> {
        let key = (topic.clone(), partition);
        if !self.shared.state.lock().seek(&key, to) {
            return Err(ConsumeError::NotAssigned { topic: key.0, partition });
        }
        self.shared.askable.notify_one();
        Ok(())
    }

    /// Returns no records of these until they are resumed; what was fetched ahead is kept.
    pub fn pause(&self, partitions: &[(TopicName, i32)]) {
        self.set_paused(partitions, true);
    }

    /// Goes on with these.
    pub fn resume(&self, partitions: &[(TopicName, i32)]) {
        self.set_paused(partitions, false);
    }

    fn set_paused(&self, partitions: &[(TopicName, i32)], paused: bool) {
        let mut state = self.shared.state.lock();
        for key in partitions {
            if let Some(part) = state.parts.get_mut(key) {
                part.paused = paused;
            }
        }
        drop(state);
        self.shared.askable.notify_one();
        self.shared.readable.notify_one();
    }

    /// Up to `max_poll_records` records, as soon as there are any; none after `max_wait`, and none earlier where a
    /// position moved past markers or gaps only. Per partition in order of offset.
    ///
    /// # Errors
    /// What stands in the way of one partition; the others are not affected, and the next `poll` goes on.
    pub async fn poll(&self, max_wait: Duration) -> Result<Vec<ConsumedRecord>, ConsumeError> {
        let give_up_at = Instant::now() + max_wait;
        let mut out = Vec::new();
        loop {
            let readable = self.shared.readable.notified();
            let moved = {
                let most = self.shared.config.max_poll_records;
                self.shared.state.lock().take(most, &self.shared.config, &mut out)?
            };
            if moved || !out.is_empty() {
                self.shared.askable.notify_one();
                return Ok(out);
            }
            if self.shared.client.is_closed() {
                return Err(ClientError::Closed.into());
            }
            tokio::select! {
                biased;
                () = readable => {}
                () = self.patience.until(give_up_at) => return Ok(out),
            }
        }
    }

    /// The offset that is returned next; None until it is known, or if the partition is not assigned.
    pub fn position(&self, topic: &TopicName, partition: i32) -> Option<i64> {
        self.shared.state.lock().parts.get(&(topic.clone(), partition))?.position
    }

    /// The partition's bounds as the last fetch told them; None before.
    pub fn ends(&self, topic: &TopicName, partition: i32) -> Option<Ends> {
        let state = self.shared.state.lock();
        let ends = state.parts.get(&(topic.clone(), partition))?.ends;
        (ends.high_watermark >= 0).then_some(ends)
    }

    /// Bytes fetched ahead; at most `prefetch_bytes` and what one fetch brings.
    pub fn buffered_bytes(&self) -> usize {
        self.shared.state.lock().buffered
    }
}
