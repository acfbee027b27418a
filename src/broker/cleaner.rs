//! Compaction in the background: `log.cleaner.threads` cleaners, each with the log that needs it most, none with the same; all
//! together read and write at most `log.cleaner.io.max.bytes.per.second`.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::node::Node;
use super::partition::Partition;
use crate::base::{TopicPartition, with_causes};
use crate::log::{CleanError, CleanLimits, Filth, Mapped, ReadError, StorageError, Taken};

/// How long a cleaner that has to wait for its rate sleeps at most before it looks whether the broker stops.
const NAP: Duration = Duration::from_millis(100);

/// What the cleaners share.
#[derive(Debug, Default)]
struct Shared {
    /// Logs that are being compacted: by name, since a deleted topic's successor has the same folder.
    busy: Mutex<HashSet<TopicPartition>>,
    /// Partitions that could not be compacted; told once, and left alone until the next start or until the topic is made anew.
    unfit: Mutex<Vec<Arc<Partition>>>,
    rate: Mutex<Option<Instant>>,
}

/// Starts the cleaners; they end when the broker stops.
pub fn start(node: &Arc<Node>) {
    if !node.config.cleaner_enable {
        return;
    }
    let shared = Arc::new(Shared::default());
    for _ in 0..node.config.cleaner_threads {
        tokio::spawn(run(node.clone(), shared.clone()));
    }
}

async fn run(node: Arc<Node>, shared: Arc<Shared>) {
    let backoff = Duration::from_millis(u64::try_from(node.config.cleaner_backoff_ms).unwrap_or(0));
    loop {
        let (worker, all) = (node.clone(), shared.clone());
        let found = tokio::task::spawn_blocking(move || clean_filthiest(&worker, &all)).await;
        let found = found.unwrap_or_else(|error| {
            tracing::error!(%error, "bug: compaction failed");
            false
        });
        let pause = if found { Duration::ZERO } else { backoff.max(Duration::from_millis(1)) };
        tokio::select! {
            () = node.stopping.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Compacts the log that needs it most. Returns whether there was one.
fn clean_filthiest(node: &Node, shared: &Shared) -> bool {
    let Some((partition, filth)) = pick(node, shared) else { return false };
    let done = clean(node, shared, &partition, &filth);
    shared.busy.lock().remove(&partition.id);
    match done {
        Ok(()) => true,
        Err(CleanError::Stopped) => false,
        // A full disk passes: it is tried again after a while.
        Err(CleanError::Storage(error)) if error.is_no_room() => {
            partition.dir.set_full(true);
            false
        }
        Err(error) => {
            if partition.is_deleted() {
                return false;
            }
            let error = match &error {
                CleanError::Storage(error) => with_causes(error),
                other => other.to_string(),
            };
            tracing::error!(partition = %partition.id, %error, "partition is not compacted any more until klog is restarted; it is \
                served as before, and so is the rest of the node");
            shared.unfit.lock().push(partition);
            true
        }
    }
}

fn pick(node: &Node, shared: &Shared) -> Option<(Arc<Partition>, Filth)> {
    let now = node.now();
    let mut unfit = shared.unfit.lock();
    unfit.retain(|partition| !partition.is_deleted());
    let mut busy = shared.busy.lock();
    let mut best: Option<(Arc<Partition>, Filth)> = None;
    for partition in node.partitions.online() {
        let known = unfit.iter().any(|other| Arc::ptr_eq(other, &partition));
        if known || busy.contains(&partition.id) || partition.dir.is_offline() {
            continue;
        }
        let cleaned = partition.dir.cleaned_to(&partition.id);
        let found = {
            let log = partition.log();
            let fit = log.config().compact && !log.is_offline() && !partition.is_deleted();
            if fit { log.filth(cleaned, now) } else { Ok(None) }
        };
        match found {
            Ok(Some(filth)) if filth.due => {
                if best.as_ref().is_none_or(|(_, other)| filth.ratio > other.ratio) {
                    best = Some((partition, filth));
                }
            }
            Ok(_) => {}
            Err(error) => partition.read_failed(&error),
        }
    }
    if let Some((partition, _)) = &best {
        busy.insert(partition.id.clone());
    }
    best
}

fn clean(
    node: &Node,
    shared: &Shared,
    partition: &Arc<Partition>,
    filth: &Filth,
) -> Result<(), CleanError> {
    let rate = node.config.cleaner_bytes_per_second;
    let mut pace = |bytes: u64| {
        shared.wait_for(bytes as f64 / rate, || node.stopping.is_cancelled());
        !node.stopping.is_cancelled() && !partition.is_deleted()
    };
    if !check_first(partition, &mut pace)? {
        return Err(CleanError::Stopped);
    }
    let now = node.now();
    let plan = {
        let log = partition.log();
        if partition.is_deleted() {
            return Err(CleanError::Stopped);
        }
        match log.clean_plan(filth, now) {
            Ok(plan) => plan,
            Err(ReadError::Storage(error)) => return Err(error.into()),
            // All is checked: nothing else is met.
            Err(_) => return Err(CleanError::Stopped),
        }
    };
    let threads = node.config.cleaner_threads.max(1) as u64;
    let limits = CleanLimits {
        map_bytes: node.config.cleaner_dedupe_bytes / threads,
        load_factor: node.config.cleaner_load_factor,
    };
    let mut mapped = plan.map(&limits, &mut pace)?;
    for group in plan.groups(&mapped) {
        let Some(cleaned) = plan.clean(&group, &mut mapped, &mut pace)? else { continue };
        let mut log = partition.log();
        // Another topic may have its folder by now.
        let taken = match partition.is_deleted() {
            true => Ok(Taken::Outdated),
            false => log.take_over(&cleaned, now),
        };
        drop(log);
        if taken.inspect_err(|error| partition.fail(error))? == Taken::Outdated {
            plan.discard(&cleaned);
            return Err(CleanError::Stopped);
        }
    }
    note(partition, &mapped)
}

fn note(partition: &Partition, mapped: &Mapped) -> Result<(), CleanError> {
    if partition.is_deleted() {
        return Err(CleanError::Stopped);
    }
    Ok(partition.dir.set_cleaned_to(&partition.id, mapped.end())?)
}

/// What stood on disk before this start is checked before it is written anew: else damage would get a right checksum. Returns false
/// if that took the partition offline, or the broker stops.
fn check_first(
    partition: &Partition,
    pace: &mut dyn FnMut(u64) -> bool,
) -> Result<bool, StorageError> {
    loop {
        let next = partition.log().next_check();
        let check = match next {
            Ok(Some(check)) => check,
            Ok(None) => return Ok(true),
            Err(ReadError::Storage(error)) => return Err(error),
            Err(error) => {
                partition.read_failed(&error);
                return Ok(false);
            }
        };
        if !pace(check.bytes()) {
            return Ok(false);
        }
        match partition.check(&check) {
            Ok(()) => {}
            Err(ReadError::Storage(error)) => return Err(error),
            Err(_) => return Ok(false),
        }
    }
}

impl Shared {
    /// Waits until so many seconds' worth of bytes may be read or written, or `stop` says so.
    fn wait_for(&self, seconds: f64, stop: impl Fn() -> bool) {
        let Ok(takes) = Duration::try_from_secs_f64(seconds) else { return };
        let due = {
            let mut rate = self.rate.lock();
            let begin = rate.map_or_else(Instant::now, |free| free.max(Instant::now()));
            *rate = begin.checked_add(takes);
            begin
        };
        while let Some(left) = due.checked_duration_since(Instant::now()).filter(|_| !stop()) {
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(NAP));
        }
    }
}
