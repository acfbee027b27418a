//! A quorum of one: `__cluster_metadata-0` on this node's disk. A thread of its own owns the log; whatever waits together is
//! made durable together.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use super::snapshot::{self, BATCH_AT_MOST, Content, SnapshotId, of_the_quorum};
use super::{Decide, MetadataStore, Status, SubmitError, metadata_partition, state};
use crate::base::{BrokerId, LeaderEpoch, Millis, Offset, TopicId, with_causes};
use crate::config::TopicConfig;
use crate::log::{AppendError, Log, LogDir, OpenError, ReadError, StorageError};
use crate::meta::records::cluster::FeatureLevelRecord;
use crate::meta::{FEATURES, Image, METADATA_VERSION_FEATURE, MetadataRecord, ReplayError};
use crate::os::Os;
use crate::record::control::{ControlRecord, LeaderChange};
use crate::record::{
    Batch, BatchBuilder, BatchError, BatchOptions, BatchProducer, BuildError, Checked, records,
    split_batches,
};

/// So many decisions share one fdatasync at most.
const TOGETHER: usize = 256;

/// Why the metadata store cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something in it is not what was written. Nothing was changed.
    #[error("the metadata in {path} is damaged: {detail}", path = path.display())]
    Damaged {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Other nodes have a say in it.
    #[error(
        "the metadata in {path} belongs to a quorum of nodes {voters:?}; klog takes over a Kafka that is its own and only controller (remove the others from the quorum first: kafka-metadata-quorum.sh remove-controller)", path = path.display()
    )]
    Voters {
        /// The folder.
        path: PathBuf,
        /// The voters' ids.
        voters: Vec<i32>,
    },
    /// The records do not make sense together, or are of a cluster that is too new.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// Its log cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its log cannot be written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// A batch could not be made.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The metadata store of a single node.
#[derive(Debug)]
pub struct Single {
    image: Arc<ArcSwap<Image>>,
    changes: watch::Receiver<u64>,
    commands: Mutex<Option<mpsc::Sender<Command>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    os: Os,
    node: BrokerId,
    directory_id: TopicId,
    epoch: i32,
    end: Arc<AtomicI64>,
}

struct Command {
    decide: Decide,
    reply: oneshot::Sender<Result<(), SubmitError>>,
}

impl Single {
    /// Opens the metadata log in `dir`, whose id is `directory_id`, or begins it; this node leads in a new epoch from here on.
    /// Whenever `snapshot_bytes` were appended, a snapshot is written.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(
        os: &Os,
        dir: &LogDir,
        directory_id: TopicId,
        node: BrokerId,
        snapshot_bytes: u64,
    ) -> Result<Single, StartError> {
        let partition = metadata_partition();
        let config = Arc::new(TopicConfig {
            segment_bytes: 64 << 20,
            retention_ms: -1,
            delete: false,
            ..TopicConfig::default()
        });
        let (log, recovered) = dir.open_metadata_log(&partition, TopicId::METADATA, config)?;
        if recovered.cut_bytes > 0 {
            tracing::warn!(bytes = recovered.cut_bytes, "cut the torn tail of the metadata log");
        }
        let mut owner = Owner {
            os: os.clone(),
            log,
            epoch: LeaderEpoch::ZERO,
            image: Image::default(),
            quorum: Vec::new(),
            since: 0,
            snapshot_bytes,
            is_full: false,
        };
        owner.load()?;
        let unborn = owner.bootstrap(dir)?;
        owner.lead(node, unborn)?;
        let image = Arc::new(ArcSwap::from_pointee(owner.image.clone()));
        let (changed, changes) = watch::channel(0);
        let (sender, commands) = mpsc::channel();
        let end = Arc::new(AtomicI64::new(owner.log.end().get()));
        let epoch = owner.epoch.get();
        let shared = Shared { image: image.clone(), changed, end: end.clone() };
        let thread = std::thread::Builder::new()
            .name("metadata".into())
            .spawn(move || owner.run(&commands, &shared))
            .map_err(StorageError::at("start a thread for", dir.folder()))?;
        Ok(Single {
            image,
            changes,
            commands: Mutex::new(Some(sender)),
            thread: Mutex::new(Some(thread)),
            os: os.clone(),
            node,
            directory_id,
            epoch,
            end,
        })
    }

    /// Answers what was submitted, closes the log and ends the thread. Blocking.
    pub fn stop(&self) {
        self.commands.lock().take();
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Single {
    fn drop(&mut self) {
        self.stop();
    }
}

impl MetadataStore for Single {
    fn image(&self) -> Arc<Image> {
        self.image.load_full()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    fn submit(
        &self,
        decide: Decide,
    ) -> Pin<Box<dyn Future<Output = Result<(), SubmitError>> + Send>> {
        let (reply, answer) = oneshot::channel();
        let sent = match &*self.commands.lock() {
            Some(commands) => commands.send(Command { decide, reply }).is_ok(),
            None => false,
        };
        Box::pin(async move {
            if !sent {
                return Err(SubmitError::Stopped);
            }
            answer.await.unwrap_or(Err(SubmitError::Stopped))
        })
    }

    fn status(&self) -> Status {
        Status {
            leader_id: self.node.get(),
            leader_directory_id: self.directory_id,
            leader_epoch: self.epoch,
            high_watermark: self.end.load(Ordering::Acquire),
            at_ms: self.os.clock.now().0,
        }
    }
}

struct Shared {
    image: Arc<ArcSwap<Image>>,
    changed: watch::Sender<u64>,
    end: Arc<AtomicI64>,
}

/// What the thread owns.
struct Owner {
    os: Os,
    log: Log,
    epoch: LeaderEpoch,
    image: Image,
    /// The quorum's protocol version and voters, as Kafka wrote them.
    quorum: Vec<ControlRecord>,
    /// Bytes appended since the last snapshot.
    since: u64,
    /// After how many there is another one.
    snapshot_bytes: u64,
    /// The last change found no room, which was said.
    is_full: bool,
}

impl Owner {
    fn run(mut self, commands: &mpsc::Receiver<Command>, shared: &Shared) {
        let mut failed: Option<Arc<str>> = None;
        while let Ok(first) = commands.recv() {
            let rest = std::iter::from_fn(|| commands.try_recv().ok()).take(TOGETHER - 1);
            let group: Vec<Command> = std::iter::once(first).chain(rest).collect();
            if let Some(why) = &failed {
                for command in group {
                    let _ = command.reply.send(Err(SubmitError::Failed(why.clone())));
                }
                continue;
            }
            failed = self.commit(group, shared);
        }
        if let Err(error) = self.log.close() {
            tracing::error!(error = %with_causes(&error), "closing the metadata log failed");
        }
    }

    /// Decides, writes and publishes a group of commands. Returns why the store can go on no more.
    fn commit(&mut self, group: Vec<Command>, shared: &Shared) -> Option<Arc<str>> {
        let mut committed = Vec::new();
        let mut failure = None;
        for command in group {
            match (command.decide)(&self.image) {
                Err(refused) => {
                    let _ = command.reply.send(Err(refused.into()));
                }
                Ok(records) if failure.is_none() => match self.append(&records) {
                    // It was taken back whole: what is deleted elsewhere makes room for the next try.
                    Err(StartError::Append(AppendError::Storage(error)))
                        if error.is_no_room() && !self.log.is_offline() =>
                    {
                        let error = with_causes(&error);
                        // Who is refused tries again, each second or so.
                        if !std::mem::replace(&mut self.is_full, true) {
                            tracing::error!(error, "there is no room for a change of metadata");
                        }
                        let why = format!("there is no room: {error}");
                        let _ = command.reply.send(Err(SubmitError::Failed(why.into())));
                    }
                    done => {
                        self.is_full = false;
                        committed.push(command.reply);
                        failure = done.err();
                    }
                },
                Ok(_) => committed.push(command.reply),
            }
        }
        failure = failure.or_else(|| self.flush().err());
        if let Some(error) = failure {
            tracing::error!(error = %with_causes(&error), "the metadata log failed: no change of metadata is possible until a restart");
            let why: Arc<str> = error.to_string().into();
            for reply in committed {
                let _ = reply.send(Err(SubmitError::Failed(why.clone())));
            }
            return Some(why);
        }
        shared.end.store(self.log.end().get(), Ordering::Release);
        shared.image.store(Arc::new(self.image.clone()));
        shared.changed.send_modify(|count| *count += 1);
        for reply in committed {
            let _ = reply.send(Ok(()));
        }
        if self.since > self.snapshot_bytes
            && let Err(error) = self.snapshot()
        {
            tracing::error!(error = %with_causes(&error), "writing a snapshot of the metadata failed; the log is kept");
        }
        None
    }

    /// Appends records as one batch: all of them count, or none.
    fn append(&mut self, records: &[MetadataRecord]) -> Result<(), StartError> {
        if records.is_empty() {
            return Ok(());
        }
        let now = self.os.clock.now();
        let mut next = self.image.clone();
        let mut builder = BatchBuilder::new(BatchOptions::default());
        for record in records {
            next.replay(record)?;
            let value = record.encode().map_err(|error| self.damaged(error.to_string()))?;
            builder.append(now.0, None, Some(&value), [])?;
        }
        self.append_batch(builder.build()?, now)?;
        self.image = next;
        Ok(())
    }

    fn append_batch(&mut self, bytes: Bytes, now: Millis) -> Result<(), StartError> {
        self.since += bytes.len() as u64;
        let batch = Batch::new(bytes).map_err(|error| self.damaged(error.to_string()))?;
        let checked = Checked { max_timestamp: now, decompressed_bytes: batch.size_in_bytes() };
        self.log.append(&batch, &checked, self.epoch, now)?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StartError> {
        if let Some(plan) = self.log.flush_plan()? {
            plan.run()?;
            self.log.flushed(plan.up_to());
        }
        Ok(())
    }

    fn damaged(&self, detail: String) -> StartError {
        StartError::Damaged { path: self.log.folder().into(), detail }
    }

    /// Builds the image from the newest snapshot and what the log has above it.
    fn load(&mut self) -> Result<(), StartError> {
        let folder = self.log.folder().to_path_buf();
        let mut from = self.log.start();
        if let Some(id) = snapshot::newest(&*self.os.disk, &folder)? {
            let content = snapshot::read(&*self.os.disk, &id.path(&folder))?;
            content.records.iter().try_for_each(|record| self.image.replay(record))?;
            content.quorum.into_iter().for_each(|control| self.note_quorum(control));
            let end = Offset::from_wire(id.end_offset).unwrap_or_default();
            if end > self.log.end() {
                return Err(
                    self.damaged(format!("its log ends at {}, below its snapshot", self.log.end()))
                );
            }
            from = from.max(end);
        } else if from > Offset::ZERO {
            return Err(self.damaged(format!("its log begins at {from}, but there is no snapshot")));
        }
        self.log.check_all()?;
        while from < self.log.end() {
            let slice = self.log.slice(from, self.log.end(), 4 << 20, true)?;
            for part in &slice.slices {
                let bytes = part.read().map_err(StorageError::at("read", &folder))?;
                for batch in split_batches(bytes) {
                    let damaged = |error: BatchError| self.damaged(error.to_string());
                    let batch = batch.map_err(damaged)?;
                    batch.check_crc().map_err(damaged)?;
                    self.replay(&batch, from)?;
                    self.since += batch.size_in_bytes() as u64;
                    from = Offset::new(batch.header().last_offset().max(0)).plus(1);
                }
            }
        }
        Ok(())
    }

    fn note_quorum(&mut self, control: ControlRecord) {
        if of_the_quorum(&control) {
            let kind = std::mem::discriminant(&control);
            self.quorum.retain(|known| std::mem::discriminant(known) != kind);
            self.quorum.push(control);
        }
    }

    fn replay(&mut self, batch: &Batch, from: Offset) -> Result<(), StartError> {
        let folder = self.log.folder().to_path_buf();
        let damaged = |detail: String| StartError::Damaged { path: folder.clone(), detail };
        for record in records(batch, BATCH_AT_MOST).map_err(|error| damaged(error.to_string()))? {
            let record = record.map_err(|error| damaged(error.to_string()))?;
            if record.offset < from.get() {
                continue;
            }
            if batch.header().is_control() {
                let control = ControlRecord::parse(record.key.as_ref(), record.value.as_ref())
                    .map_err(|error| damaged(format!("offset {}: {error}", record.offset)))?;
                self.note_quorum(control);
                continue;
            }
            let value = record.value.unwrap_or_default();
            let record = MetadataRecord::decode(value)
                .map_err(|error| damaged(format!("offset {}: {error}", record.offset)))?;
            self.image.replay(&record)?;
        }
        Ok(())
    }

    /// What a Kafka that was formatted and never started wants its metadata log to begin with.
    fn bootstrap(&self, dir: &LogDir) -> Result<Vec<MetadataRecord>, StartError> {
        let path = dir.folder().join("bootstrap.checkpoint");
        let there = self.os.disk.read(&path).map_err(StorageError::at("read", &path))?.is_some();
        if !there || !self.image.features().is_empty() {
            return Ok(Vec::new());
        }
        Ok(snapshot::read(&*self.os.disk, &path)?.records)
    }

    fn kraft_version(&self) -> i16 {
        let version = |control: &ControlRecord| match control {
            ControlRecord::KraftVersion { version } => Some(*version),
            _ => None,
        };
        self.quorum.iter().find_map(version).unwrap_or(0)
    }

    /// Takes office in the next epoch, if nobody else has a say; a fresh log gets its feature level, or what `bootstrap` says.
    fn lead(&mut self, node: BrokerId, bootstrap: Vec<MetadataRecord>) -> Result<(), StartError> {
        for control in &self.quorum {
            if let ControlRecord::Voters(voters) = control
                && voters.iter().map(|voter| voter.id).ne([node.get()])
            {
                let voters = voters.iter().map(|voter| voter.id).collect();
                return Err(StartError::Voters { path: self.log.folder().into(), voters });
            }
        }
        let version = self.kraft_version().min(1);
        let path = self.log.folder().join("quorum-state");
        let known = state::read_epoch(&*self.os.disk, &path)?;
        let newest = self.log.latest_epoch().map_or(0, LeaderEpoch::get).max(known);
        self.epoch = LeaderEpoch::new(newest.max(0) + 1);
        state::write(&*self.os.disk, &path, node.get(), self.epoch.get(), version)?;
        let now = self.os.clock.now();
        // Kafka reads this record in version 0 whatever it says it is, also with kraft.version 1.
        let voters = vec![(node.get(), TopicId::ZERO)];
        let change = LeaderChange {
            version: 0,
            leader_id: node.get(),
            voters: voters.clone(),
            granting_voters: voters,
        };
        let bytes = ControlRecord::LeaderChange(change).batch(
            0,
            self.epoch.get(),
            now,
            BatchProducer::NONE,
        )?;
        self.append_batch(bytes, now)?;
        self.append(&bootstrap)?;
        if !self.image.features().contains_key(METADATA_VERSION_FEATURE) {
            let features = FEATURES.map(|(name, _, highest)| {
                let name = name.into();
                FeatureLevelRecord { name, feature_level: highest, ..Default::default() }.into()
            });
            self.append(&features)?;
        }
        self.flush()
    }

    /// Writes the image down, and lets go of the log below it.
    fn snapshot(&mut self) -> Result<(), StartError> {
        let now = self.os.clock.now();
        let id = SnapshotId { end_offset: self.log.end().get(), epoch: self.epoch.get() };
        let path = id.path(self.log.folder());
        let content = Content { quorum: self.quorum.clone(), records: self.image.to_records() };
        snapshot::write(&*self.os.disk, &path, self.epoch.get(), &content, now)?;
        self.log.roll()?;
        self.log.delete_records(self.log.end(), now)?;
        self.log.remove_doomed(now)?;
        self.since = 0;
        Ok(())
    }
}

#[cfg(test)]
#[path = "single_tests.rs"]
mod tests;
