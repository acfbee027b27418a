//! One topic's queues, and the partition to which its unkeyed records now go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::{ArcSwap, Guard};

use super::super::cluster::Cluster;
use super::super::entropy::random_u32;
use super::queue::Queue;
use crate::base::TopicName;

/// A topic as the producer knows it.
#[derive(Debug)]
pub(super) struct Topic {
    name: TopicName,
    /// By partition; only ever grows.
    queues: ArcSwap<Vec<Arc<Queue>>>,
    sticky: AtomicUsize,
}

impl Topic {
    pub(super) fn new(name: TopicName) -> Topic {
        let sticky = AtomicUsize::new(random_u32() as usize);
        Topic { name, queues: ArcSwap::default(), sticky }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn queues(&self) -> Guard<Arc<Vec<Arc<Queue>>>> {
        self.queues.load()
    }

    /// Makes queues up to `count` partitions; `lanes` counts them over all topics. One caller at a time.
    pub(super) fn grow(&self, count: usize, lanes: &AtomicUsize) {
        let mut queues: Vec<Arc<Queue>> = self.queues.load().to_vec();
        for partition in queues.len()..count {
            let lane = lanes.fetch_add(1, Ordering::Relaxed);
            queues.push(Arc::new(Queue::new(self.name.clone(), partition as i32, lane)));
        }
        self.queues.store(Arc::new(queues));
    }

    /// The partition that unkeyed records now go to.
    pub(super) fn sticky(&self, count: usize) -> usize {
        self.sticky.load(Ordering::Relaxed) % count
    }

    /// Chooses another at random, one with a leader if there is such a one.
    pub(super) fn unstick(&self, cluster: &Cluster, count: usize) -> usize {
        let start = random_u32() as usize % count;
        let led = |at: &usize| cluster.leader(&self.name, *at as i32).is_some();
        let chosen = (0..count).map(|step| (start + step) % count).find(led).unwrap_or(start);
        self.sticky.store(chosen, Ordering::Relaxed);
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_is_taken_in_its_turn() {
        let topic = Topic::new(TopicName::new("t").unwrap());
        topic.grow(4, &AtomicUsize::new(0));
        let mut seen = [0; 4];
        for _ in 0..400 {
            let chosen = topic.unstick(&Cluster::default(), 4);
            assert_eq!(topic.sticky(4), chosen);
            seen[chosen] += 1;
        }
        assert!(seen.iter().all(|n| *n > 40), "{seen:?}");
    }
}
