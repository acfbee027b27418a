//! What the log is put to between two crashes.

use std::collections::VecDeque;

use klog::base::{LeaderEpoch, Offset};
use klog::log::{AppendError, Log, Offsets};
use klog::os::Clock as _;
use klog::os::sim::Latency;
use klog::record::BatchProducer;

use crate::batches::{self, Produced};
use crate::history::Stood;
use crate::world::{World, partition};

/// An idempotent producer, as it knows itself.
#[derive(Debug)]
pub struct Producer {
    pub id: i64,
    pub epoch: i16,
    pub next_sequence: i32,
    /// Its last batches and where they were appended, newest last.
    pub sent: VecDeque<(Produced, i64)>,
}

impl World {
    /// Some work; ends early when the power does.
    pub fn work(&mut self) {
        for _ in 0..10 + self.rng.below(40) {
            if !self.sim.disk.has_power() {
                return;
            }
            let what = self.rng.below(100);
            self.step(what);
        }
    }

    /// The same on a disk that works.
    pub fn work_calmly(&mut self, steps: usize) {
        for _ in 0..steps {
            let what = self.rng.below(92);
            self.step(what);
        }
    }

    fn step(&mut self, what: usize) {
        match what {
            0..=19 => self.append_plain(),
            20..=39 => self.append_idempotent(),
            40..=59 => self.work_in_a_transaction(),
            60..=66 => self.repeat_a_batch(),
            67..=76 => self.flush(),
            77..=80 => drop(self.checkpoint()),
            81..=83 => self.roll(),
            84..=87 => self.retain(),
            88..=89 => self.delete_records(),
            90..=91 => self.epoch = LeaderEpoch::new(self.epoch.get() + 1),
            92..=93 => self.break_disk(),
            94 => self.slow_disk(),
            95 => self.check_transactions(),
            _ => self.check_reads(),
        }
    }

    fn append_plain(&mut self) {
        let none = BatchProducer { id: -1, epoch: -1, base_sequence: -1 };
        let now = self.sim.clock.now();
        let produced = batches::random(&mut self.rng, none, now);
        self.append(&produced);
    }

    fn append_idempotent(&mut self) {
        if self.producers.len() < 3 {
            let id = 100 + self.producers.len() as i64;
            let sent = VecDeque::new();
            self.producers.push(Producer { id, epoch: 0, next_sequence: 0, sent });
        }
        let at = self.rng.below(self.producers.len());
        if self.rng.chance(30) {
            let producer = &mut self.producers[at];
            (producer.epoch, producer.next_sequence) = (producer.epoch + 1, 0);
            producer.sent.clear();
        }
        let producer = &self.producers[at];
        let (id, epoch, base_sequence) = (producer.id, producer.epoch, producer.next_sequence);
        let options = BatchProducer { id, epoch, base_sequence };
        let now = self.sim.clock.now();
        let produced = batches::random(&mut self.rng, options, now);
        if let Some(offset) = self.append(&produced) {
            let producer = &mut self.producers[at];
            producer.next_sequence += produced.batch.header().record_count;
            producer.sent.push_back((produced, offset));
            if producer.sent.len() > 5 {
                producer.sent.pop_front();
            }
        }
    }

    /// A producer sends one of its last five batches again: it must be known, at the offset that it had.
    fn repeat_a_batch(&mut self) {
        let Some(running) = &mut self.running else { return };
        let remembered = self.history.remembered();
        let known = |(produced, _): &&(Produced, i64)| {
            let header = produced.batch.header();
            let batches = remembered.get(&header.producer_id).map(|it| &it.1);
            batches.is_some_and(|it| it.iter().any(|(last, _)| *last == header.last_sequence()))
        };
        let sent: Vec<&(Produced, i64)> =
            self.producers.iter().flat_map(|producer| &producer.sent).filter(known).collect();
        if sent.is_empty() || running.log.is_offline() {
            return;
        }
        let (produced, offset) = sent[self.rng.below(sent.len())];
        let now = self.sim.clock.now();
        let placed = running.log.append(&produced.batch, &produced.checked, self.epoch, now);
        let placed = placed.expect("a batch that is known touches no disk");
        assert!(placed.duplicate, "a repeated batch was appended again");
        assert_eq!(placed.base_offset.get(), *offset, "a repeated batch has another offset");
        self.counts.duplicates += 1;
    }

    /// Appends; returns the offset, or `None` if it failed.
    fn append(&mut self, produced: &Produced) -> Option<i64> {
        let running = self.running.as_mut()?;
        let now = self.sim.clock.now();
        let end = running.log.end();
        let stood = Stood::new(produced.at(end, self.epoch));
        match running.log.append(&produced.batch, &produced.checked, self.epoch, now) {
            Ok(placed) => {
                assert_eq!((placed.base_offset, placed.duplicate), (end, false));
                self.history.stood.push(stood);
                self.counts.appended += 1;
                Some(end.get())
            }
            Err(AppendError::Storage(_)) => {
                assert_eq!(running.log.end(), end, "a failed append moved the end");
                let offline = running.log.is_offline();
                self.history.failed.push(stood);
                self.counts.failed_appends += 1;
                if offline {
                    self.fail();
                }
                None
            }
            Err(AppendError::Offline { .. }) if running.log.is_offline() => None,
            Err(AppendError::TooLarge { .. }) => None,
            Err(error) => panic!("refused: {error}"),
        }
    }

    /// Flushes as a broker does, with appends while the disk works. A failure takes the directory offline.
    fn flush(&mut self) {
        let Some(running) = &mut self.running else { return };
        if running.log.is_offline() {
            return;
        }
        if self.rng.chance(300) {
            return self.flush_all();
        }
        let plan = match running.log.flush_plan() {
            Ok(Some(plan)) => plan,
            Ok(None) => return,
            Err(_) => return self.fail(),
        };
        self.work_during_a_flush();
        match plan.run() {
            Ok(()) => {
                // What comes now is not covered any more.
                self.work_during_a_flush();
                self.flushed(|log| log.flushed(plan.up_to()));
            }
            Err(_) => self.fail(),
        }
    }

    /// Flushes as a broker does that has many dirty partitions: the file system as a whole.
    fn flush_all(&mut self) {
        let Some(running) = &mut self.running else { return };
        let Some(point) = running.log.flush_point() else { return };
        self.work_during_a_flush();
        match self.running.as_ref().map(|running| running.dir.sync()) {
            Some(Ok(())) => {
                self.work_during_a_flush();
                self.flushed(|log| log.flushed_with_all(&point));
            }
            Some(Err(_)) => self.fail(),
            None => {}
        }
    }

    fn work_during_a_flush(&mut self) {
        for _ in 0..self.rng.below(3) {
            self.append_plain();
        }
        if self.rng.chance(100) {
            self.roll();
        }
    }

    fn flushed(&mut self, note: impl FnOnce(&mut Log)) {
        let Some(running) = &mut self.running else { return };
        note(&mut running.log);
        let durable = running.log.recovery_point().get();
        self.history.synced = self.history.synced.max(durable);
        self.counts.flushes += 1;
    }

    pub fn fail(&mut self) {
        self.counts.failed_flushes += 1;
        if let Some(running) = &mut self.running {
            running.log.take_offline();
            running.dir.fail(&crate::world::failed());
        }
    }

    /// Writes the checkpoints as a broker does. Returns whether that is certain.
    pub fn checkpoint(&mut self) -> bool {
        let Some(running) = &mut self.running else { return false };
        if running.dir.is_offline() {
            return false;
        }
        let (point, start) = (running.log.recovery_point(), running.log.bear_out_start());
        let points = Offsets::from([(partition(), point)]);
        let starts = Offsets::from([(partition(), start)]);
        let written = running.dir.write_checkpoints(&points, &starts).is_ok();
        if written {
            self.history.checkpointed_start = start.get();
        }
        written
    }

    fn roll(&mut self) {
        let Some(running) = &mut self.running else { return };
        if running.log.size_bytes() > 0 && !running.log.is_offline() {
            self.counts.rolls += u64::from(running.log.roll().is_ok());
            if running.log.is_offline() {
                self.fail();
            }
        }
    }

    fn retain(&mut self) {
        let Some(running) = &mut self.running else { return };
        let now = self.sim.clock.now();
        let before = running.log.start();
        let deleted = running.log.enforce_retention(now, usize::MAX);
        drop(running.log.remove_doomed(now));
        self.counts.deleted_segments += deleted.unwrap_or(0) as u64;
        assert!(running.log.start() >= before);
        self.history.start = running.log.start().get();
        if running.log.is_offline() {
            self.fail();
        }
    }

    fn delete_records(&mut self) {
        let Some(running) = &mut self.running else { return };
        let (start, end) = (running.log.start().get(), running.log.end().get());
        let before = start + self.rng.below((end - start) as usize / 2 + 2) as i64;
        drop(running.log.delete_records(Offset::new(before), self.sim.clock.now()));
        self.history.start = running.log.start().get();
        assert!(self.history.start == start || self.history.start == before);
    }

    fn slow_disk(&mut self) {
        let operation_us = self.rng.pick(&[5, 1000, 50_000]);
        self.sim.disk.set_latency(Latency { operation_us, sync_us: 20 * operation_us });
    }
}
