//! The scrub: what stood on disk before this start and nobody asked for is checked too, at a bounded rate, so that damage is
//! found before it is needed. Once all is checked it ends: what is written later comes from this process.

use std::sync::Arc;
use std::time::Duration;

use super::node::Node;
use super::partition::Partition;

/// Starts it, unless `klog.scrub.bytes.per.second` is 0; it ends when the broker stops.
pub fn start(node: &Arc<Node>) {
    let rate = node.config.scrub_bytes_per_second;
    if rate > 0 {
        tokio::spawn(run(node.clone(), rate));
    }
}

async fn run(node: Arc<Node>, bytes_per_second: u64) {
    let mut total = 0;
    for partition in node.partitions.online() {
        loop {
            let worker = partition.clone();
            let step = tokio::task::spawn_blocking(move || step(&worker)).await;
            let Ok(Some(bytes)) = step else { break };
            total += bytes;
            let pause = Duration::from_secs_f64(bytes as f64 / bytes_per_second as f64);
            tokio::select! {
                () = node.stopping.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
    tracing::debug!(bytes = total, "all that stood on disk at the start is checked");
}

/// Checks one stretch. Returns how many bytes it has; `None` once there is none left, or damage took the partition offline.
fn step(partition: &Partition) -> Option<u64> {
    let next = partition.log().next_check();
    match next {
        Ok(Some(check)) => partition.check(&check).is_ok().then(|| check.bytes()),
        Ok(None) => None,
        Err(error) => {
            partition.read_failed(&error);
            None
        }
    }
}
