//! What must hold of a log after it was opened.

use std::collections::BTreeMap;

use bytes::Bytes;
use klog::base::{Millis, Offset};
use klog::log::{Log, ReadError, TimedOffset};
use klog::record::{records, split_batches};

use crate::history::Stood;
use crate::world::{FOLDER, World, partition};

/// All batches from the one that holds `from` on.
pub fn read(log: &Log, from: i64) -> Result<Vec<Stood>, ReadError> {
    let slice = log.slice(Offset::new(from), log.end(), usize::MAX, true)?;
    let mut out = Vec::new();
    for part in &slice.slices {
        for batch in split_batches(part.read().expect("a slice is readable")) {
            let batch = batch.expect("a slice has whole batches");
            batch.check_crc().expect("a batch that is served has a right checksum");
            out.push(Stood { batch });
        }
    }
    Ok(out)
}

impl World {
    /// Holds what was recovered to the model, and the model to what was recovered from there on.
    pub fn check_recovered(&mut self) {
        let running = self.running.as_ref().expect("it runs");
        let (start, end) = (running.log.start().get(), running.log.end().get());
        assert!(end >= self.history.synced, "synced up to {}, ends at {end}", self.history.synced);
        assert!(
            (self.history.checkpointed_start..=self.history.start).contains(&start),
            "starts at {start}, not in {}..={}",
            self.history.checkpointed_start,
            self.history.start
        );
        let durable = running.log.recovery_point().get();
        let promised = self.config.flush_messages == 1;
        assert!(durable == end || !promised, "all that is served is durable");
        let found = read(&running.log, start).expect("a recovered log is readable");
        let before = self.history.stood.len();
        self.match_batches(&found, start, end);
        self.counts.lost_batches += before.saturating_sub(self.history.stood.len()) as u64;
        self.history.failed.clear();
        self.history.start = start;
        self.history.synced = self.history.synced.max(durable);
        self.check_epochs(&found);
        self.check_producers(start);
        self.resume_transactions();
        self.check_transactions();
        self.check_indexes(&found, start, end);
        self.check_index_files();
    }

    /// What is there is what was appended, byte for byte and without a gap, or at its end a batch whose append failed.
    fn match_batches(&mut self, found: &[Stood], start: i64, end: i64) {
        let mut next = found.first().map_or(end, Stood::base);
        assert!(next <= start || next == end, "nothing stands at the start, {start}");
        self.history.stood.retain(|stood| stood.last() < end);
        let known: BTreeMap<i64, Stood> =
            self.history.stood.iter().map(|stood| (stood.base(), stood.clone())).collect();
        for (at, stood) in found.iter().enumerate() {
            assert_eq!(stood.base(), next, "offsets are dense");
            next = stood.last() + 1;
            if known.get(&stood.base()) != Some(stood) {
                let is_last = at + 1 == found.len();
                let failed = self.history.failed.contains(stood);
                assert!(is_last && failed, "offset {} was never appended so", stood.base());
                self.history.stood.retain(|other| other.last() < stood.base());
                self.history.stood.push(stood.clone());
            }
        }
        assert_eq!(next, end, "the log ends where its last batch does");
    }

    fn check_epochs(&self, found: &[Stood]) {
        let log = &self.running.as_ref().expect("it runs").log;
        for stood in found {
            let at = Offset::new(stood.base().max(log.start().get()));
            let epoch = log.epoch_of(at).map(|epoch| epoch.get());
            assert_eq!(epoch, Some(stood.batch.header().partition_leader_epoch), "epoch at {at}");
        }
        if let Some(last) = found.last() {
            let latest = log.latest_epoch().map(|epoch| epoch.get());
            assert_eq!(latest, Some(last.batch.header().partition_leader_epoch));
        }
    }

    /// Each producer's last five batches are known; of those below the start of the log, some may be forgotten.
    fn check_producers(&mut self, start: i64) {
        let log = &self.running.as_ref().expect("it runs").log;
        let wanted = self.history.remembered();
        let known: BTreeMap<i64, (i16, Vec<(i32, i64)>)> = log
            .producers()
            .map(|(id, producer)| {
                let batches = producer.batches.iter().map(|it| (it.last_sequence, it.last_offset));
                (id, (producer.epoch, batches.collect()))
            })
            .collect();
        for (id, (epoch, batches)) in &wanted {
            for batch in batches.iter().filter(|(_, offset)| *offset >= start) {
                let there = known.get(id).is_some_and(|it| it.0 == *epoch && it.1.contains(batch));
                assert!(there, "producer {id}: {batch:?} of epoch {epoch} is not in {known:?}");
            }
        }
        for (id, (epoch, batches)) in &known {
            for batch in batches {
                let there = wanted.get(id).is_some_and(|it| it.0 == *epoch && it.1.contains(batch));
                let forgotten = batch.1 < start;
                assert!(there || forgotten, "producer {id}: {batch:?} is not in {wanted:?}");
            }
        }
        for producer in &mut self.producers {
            match known.get(&producer.id).filter(|it| it.0 == producer.epoch && !it.1.is_empty()) {
                Some((_, batches)) => {
                    producer.next_sequence = batches[batches.len() - 1].0 + 1;
                    producer.sent.retain(|(produced, offset)| {
                        let header = produced.batch.header();
                        let last = offset + i64::from(header.last_offset_delta);
                        batches.contains(&(header.last_sequence(), last))
                    });
                }
                None => {
                    (producer.epoch, producer.next_sequence) = (producer.epoch + 1, 0);
                    producer.sent.clear();
                }
            }
        }
    }

    /// Every offset and timestamp is found where a walk over all records finds it.
    fn check_indexes(&mut self, found: &[Stood], start: i64, end: i64) {
        let log = &mut self.running.as_mut().expect("it runs").log;
        let step = ((end - start) / 25).max(1) as usize;
        for offset in (start..end).step_by(step) {
            let slice = log.slice(Offset::new(offset), log.end(), 1, true).expect("readable");
            let bytes: Bytes = slice.slices[0].read().expect("readable");
            let stood = Stood::new(bytes);
            assert!((stood.base()..=stood.last()).contains(&offset), "offset {offset}");
        }
        let mut all = Vec::new();
        for stood in found {
            for record in records(&stood.batch, 1 << 20).expect("records") {
                let record = record.expect("a record");
                all.push((record.offset, record.timestamp));
            }
        }
        for _ in 0..if all.is_empty() { 0 } else { 5 } {
            let wanted = all[self.rng.below(all.len())].1 + self.rng.below(3) as i64 - 1;
            let scanned = all.iter().find(|(offset, time)| *time >= wanted && *offset >= start);
            let indexed = by_time(log, Millis(wanted)).expect("readable");
            let indexed = indexed.map(|it| (it.offset.get(), it.timestamp.0));
            assert_eq!(indexed, scanned.copied(), "by timestamp {wanted}");
        }
    }

    /// The index files of sealed segments, entry by entry: recovery trusts them from now on.
    fn check_index_files(&self) {
        let prefix = format!("{FOLDER}/{}/", partition());
        let files = self.sim.disk.files();
        let inside: BTreeMap<&str, &Vec<u8>> = files
            .iter()
            .filter_map(|(path, bytes)| Some((path.strip_prefix(&prefix)?, bytes)))
            .collect();
        let logs: Vec<&str> = inside.keys().filter_map(|name| name.strip_suffix(".log")).collect();
        for base in &logs[..logs.len().saturating_sub(1)] {
            let file = |suffix: &str| inside.get(format!("{base}{suffix}").as_str());
            let bytes = Bytes::from(file(".log").expect("listed").to_vec());
            let base: i64 = base.parse().expect("a number");
            let (mut ends, mut youngest, mut position) = (BTreeMap::new(), Vec::new(), 0u32);
            for batch in split_batches(bytes) {
                let batch = batch.expect("a sealed segment has whole batches");
                ends.insert(position, (batch.header().last_offset() - base) as u32);
                let before = youngest.last().map_or(-1, |(_, time)| *time);
                youngest.push((
                    batch.header().last_offset() - base,
                    batch.header().max_timestamp.max(before),
                ));
                position += batch.size_in_bytes() as u32;
            }
            let index = file(".index").expect("a sealed segment has an index");
            for entry in index.chunks(8) {
                let (offset, position) = (be32(&entry[..4]), be32(&entry[4..]));
                assert_eq!(ends.get(&position), Some(&offset), "segment {base}: index entry");
            }
            let times = file(".timeindex").expect("a sealed segment has a time index");
            for entry in times.chunks(12) {
                let time = i64::from(be32(&entry[..4])) << 32 | i64::from(be32(&entry[4..8]));
                let offset = i64::from(be32(&entry[8..]));
                let at = youngest.iter().find(|(last, _)| *last >= offset);
                assert_eq!(at.map(|it| it.1), Some(time), "segment {base}: entry for {offset}");
            }
            let last = times
                .chunks(12)
                .last()
                .map(|entry| i64::from(be32(&entry[..4])) << 32 | i64::from(be32(&entry[4..8])));
            assert_eq!(last, youngest.last().map(|it| it.1), "segment {base}: the youngest record");
        }
    }

    /// Opened again at once, or after a power cut, the log is the same, and recovery has nothing left to do. What recovery left to the next
    /// flush, a power cut may take.
    pub fn check_second_recovery(&mut self) {
        let ends = |world: &World| {
            let log = &world.running.as_ref().expect("it runs").log;
            let open = log.open_transactions().map(|(id, it)| (id, it.transaction_start));
            (log.start(), log.end(), log.latest_epoch(), open.collect::<Vec<_>>())
        };
        let (before, was) = (self.sim.disk.files(), ends(self));
        let durable = self.running.as_ref().is_some_and(|it| it.log.unflushed() == 0);
        self.counts.flushed_later += u64::from(!durable);
        self.running = None;
        let cut = durable && self.rng.chance(500);
        if cut {
            let seed = self.rng.next_u64();
            self.sim.disk.crash(seed);
            self.counts.crashes += 1;
        } else {
            self.sim.disk.kill();
        }
        let opened = self.open();
        let Ok((running, recovered)) = opened else { panic!("{:?}", opened.err()) };
        self.running = Some(running);
        assert_eq!(recovered.cut_bytes, 0, "a second recovery cuts");
        assert_eq!(ends(self), was, "a second recovery ends elsewhere");
        self.check_transactions();
        let after = self.sim.disk.files();
        // The mark of a failed fsync warns of the page cache, and may go with it; so may what a failed checkpoint left
        // aside. Index entries may be as true and lie elsewhere.
        let passing = |path: &String| path.ends_with("klog-fsync-failed") || path.ends_with(".tmp");
        let kept = |path: &&String| !(path.ends_with("index") || cut && passing(path));
        self.check_index_files();
        for path in before.keys().chain(after.keys()).filter(kept) {
            assert_eq!(before.get(path), after.get(path), "{path} changed (power cut: {cut})");
        }
    }

    /// A stretch of the running log is what was appended.
    pub fn check_reads(&mut self) {
        let Some(running) = &self.running else { return };
        let (start, end) = (running.log.start().get(), running.log.end().get());
        // Once an fsync has failed, what was not durable may be gone from the page cache too.
        if start == end || running.log.is_offline() {
            return;
        }
        let from = start + self.rng.below((end - start) as usize) as i64;
        match read(&running.log, from) {
            Ok(found) => {
                let wanted: Vec<&Stood> =
                    self.history.stood.iter().filter(|stood| stood.last() >= from).collect();
                assert_eq!(found.iter().collect::<Vec<_>>(), wanted, "from {from}");
            }
            Err(ReadError::Storage(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Looks up a timestamp as a broker does: what has to be checked first is.
fn by_time(log: &mut Log, timestamp: Millis) -> Result<Option<TimedOffset>, ReadError> {
    loop {
        match log.offset_for_timestamp(timestamp) {
            Err(ReadError::Unchecked(check)) => log.checked(check.run()?)?,
            found => return found,
        }
    }
}

fn be32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
