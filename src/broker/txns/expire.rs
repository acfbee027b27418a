//! What happens because of time: transactions that take too long are aborted, ids that nobody used for long are forgotten.

use std::sync::Arc;
use std::time::Duration;

use super::finish::finish_undone;
use crate::broker::node::Node;

/// How often is looked for transactions whose markers could not all be written.
const UNDONE_TICK: Duration = Duration::from_millis(500);

/// Starts the task that looks after transactions until the broker stops.
pub fn start(node: &Arc<Node>) {
    let node = node.clone();
    let period = u64::try_from(node.config.transaction_abort_interval_ms).unwrap_or(u64::MAX);
    let mut overdue = tokio::time::interval(Duration::from_millis(period));
    // Not a sleep in the loop: one that begins anew with each turn would never end beside a shorter period.
    let mut undone = tokio::time::interval(UNDONE_TICK);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = node.stopping.cancelled() => return,
                _ = overdue.tick() => abort_overdue(&node).await,
                _ = undone.tick() => finish_undone(&node).await,
            }
        }
    });
}

/// Aborts transactions that are open for longer than their producers allowed.
async fn abort_overdue(node: &Arc<Node>) {
    let now = node.now().0;
    for (id, found) in node.transactions.all() {
        {
            let mut coordinated = found.lock();
            let Some(known) = coordinated.known.as_ref().filter(|known| known.is_overdue(now))
            else {
                continue;
            };
            let fenced = known.fence(node.transaction_version(), now);
            let (producer_id, timeout_ms) = (known.producer_id, known.timeout_ms);
            if node.keep_transaction(&id, &mut coordinated, fenced).is_err() {
                continue; // It was logged; the next turn tries again.
            }
            tracing::info!(transactional_id = %id, producer_id, timeout_ms, "aborts a transaction that took too long");
        }
        node.finish_transaction(&id).await;
    }
}

/// Forgets transactional ids that were not used for `transactional.id.expiration.ms`. Blocking.
pub fn forget_expired(node: &Arc<Node>) {
    let now = node.now().0;
    for (id, found) in node.transactions.all() {
        let mut coordinated = found.lock();
        let expired = match &coordinated.known {
            Some(known) => known.is_expired(now, node.config.transactional_id_expiration_ms),
            None => continue,
        };
        if !expired || node.write_transaction(&id, None).is_err() {
            continue;
        }
        coordinated.dead = true;
        drop(coordinated);
        node.transactions.by_id.write().remove(&id);
        tracing::debug!(transactional_id = %id, "forgot a transactional id");
    }
}
