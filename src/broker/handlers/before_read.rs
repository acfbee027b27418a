//! What has to be done before a partition is read, where the disk may be waited for.

use std::sync::Arc;

use crate::broker::node::Node;
use crate::broker::partition::Partition;
use crate::log::{Check, Cold};

/// What has to be done before a partition is read.
pub enum Before {
    /// It was not checked since the start.
    Check(Arc<Partition>, Box<Check>),
    /// It is not in the page cache.
    Load(Cold),
}

impl Before {
    /// How many bytes will be read then, about.
    pub fn bytes(&self) -> usize {
        match self {
            Before::Check(_, check) => usize::try_from(check.bytes()).unwrap_or(usize::MAX),
            Before::Load(cold) => cold.bytes(),
        }
    }

    /// Blocking. Damage takes the partition offline, which the next look finds. Returns whether it can be read.
    fn run(&self) -> bool {
        match self {
            Before::Check(partition, check) => {
                partition.check(check).is_ok() || partition.is_damaged()
            }
            Before::Load(cold) => {
                cold.load();
                true
            }
        }
    }
}

/// The same of several partitions.
pub type Todo = Vec<Before>;

/// Does what has to be done first, where the disk may be waited for. Returns whether all can be read.
pub async fn prepare(node: &Node, todo: Todo) -> bool {
    let checks = todo.iter().any(|first| matches!(first, Before::Check(..)));
    let _turn = if checks { node.checking.acquire().await.ok() } else { None };
    let run = move || todo.iter().all(Before::run);
    tokio::task::spawn_blocking(run).await.unwrap_or(false)
}
