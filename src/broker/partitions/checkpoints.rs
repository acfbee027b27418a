//! The checkpoints of all directories: up to where logs are durable, and where they start.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::{Partitions, Slot};
use crate::base::{Offset, PartitionIndex, TopicPartition};
use crate::log::{LogDir, Offsets};

impl Partitions {
    /// Writes the checkpoints of all directories that are not offline. Returns those where it was done. Blocking.
    pub fn checkpoint(&self) -> Vec<Arc<LogDir>> {
        let mut last = self.checkpointing.lock();
        let mut starts = vec![Offsets::new(); self.dirs.len()];
        for (partition, dir) in self.unopened() {
            starts[dir].insert(partition.clone(), self.dirs[dir].known_start(&partition));
        }
        let opened = self.opened();
        let mut written = Vec::new();
        for (dir, mut starts) in self.dirs.iter().zip(starts).filter(|(dir, _)| !dir.is_offline()) {
            let here = opened.iter().filter(|partition| Arc::ptr_eq(&partition.dir, dir));
            let mut points = Offsets::new();
            for partition in here {
                let mut log = partition.log();
                // What is damaged, or could not be opened, is left out: the next start checks all of it.
                if !partition.is_damaged() {
                    points.insert(partition.id.clone(), log.recovery_point());
                }
                starts.insert(partition.id.clone(), log.bear_out_start());
            }
            starts.retain(|_, start| *start > Offset::ZERO);
            let mut says = DefaultHasher::new();
            (&points, &starts).hash(&mut says);
            let says = says.finish();
            if last.get(dir.folder()) == Some(&says) {
                written.push(dir.clone());
                continue;
            }
            match dir.write_checkpoints(&points, &starts) {
                Ok(()) => {
                    last.insert(dir.folder().into(), says);
                    written.push(dir.clone());
                }
                Err(error) if error.is_no_room() => dir.set_full(true),
                Err(error) => dir.fail(&error),
            }
        }
        written
    }

    /// The partitions whose folder is there but could not be opened.
    fn unopened(&self) -> Vec<(TopicPartition, usize)> {
        let topics = self.by_name.read();
        let mut unopened = Vec::new();
        for topic in topics.values() {
            for (at, slot) in topic.slots.iter().enumerate() {
                if let Slot::Offline(Some(dir)) = slot {
                    let partition = PartitionIndex::new(at as i32);
                    unopened.push((TopicPartition { topic: topic.name.clone(), partition }, *dir));
                }
            }
        }
        unopened
    }
}
