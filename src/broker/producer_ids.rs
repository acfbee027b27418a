//! Hands out producer ids from blocks that the metadata store reserves (KIP-730).

use std::sync::Arc;

use super::node::Node;
use crate::meta::allocate_producer_ids;
use crate::net::Pace;
use crate::quorum::{SubmitError, submit};

/// How many ids a block has, as Kafka's.
const BLOCK: i64 = 1000;

/// How many an address gets at once before its pace counts: a cluster of clients that starts.
const BURST: u32 = 10_000;

/// The rest of the block at hand.
#[derive(Debug)]
pub struct ProducerIds {
    left: tokio::sync::Mutex<std::ops::Range<i64>>,
    /// How often each address may ask for one.
    pub pace: Pace,
}

impl ProducerIds {
    /// None at hand yet; each address gets so many a second.
    pub fn new(per_second: u32) -> ProducerIds {
        ProducerIds { left: Default::default(), pace: Pace::new(per_second, BURST) }
    }

    /// An id that nobody ever had. Ids of a block that a crash left unused stay so.
    ///
    /// # Errors
    /// As the metadata store says.
    pub async fn next(node: &Arc<Node>) -> Result<i64, SubmitError> {
        // Held over the wait on purpose: all who come meanwhile are served from the same block.
        let mut left = node.producer_ids.left.lock().await;
        if let Some(id) = left.next() {
            return Ok(id);
        }
        let broker = node.config.node_id;
        let first =
            submit(&*node.store, move |image| allocate_producer_ids(image, broker, -1, BLOCK))
                .await?;
        *left = first + 1..first + BLOCK;
        Ok(first)
    }
}
