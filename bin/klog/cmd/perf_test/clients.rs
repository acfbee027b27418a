//! A client per producer or consumer: each has connections of its own, as programs do that know nothing of each other.

use klog::client::{Client, ClientConfig};

use crate::connect;
use crate::exit::Ended;
use crate::signals::Signals;

/// Connects so many clients.
///
/// # Errors
/// If no broker answers in time, or a signal comes first.
pub async fn connect(
    config: &ClientConfig,
    count: u16,
    signals: &mut Signals,
) -> anyhow::Result<Vec<Client>> {
    until_signal(signals, async {
        let mut clients = Vec::with_capacity(count.into());
        for _ in 0..count {
            clients.push(connect::connect(config.clone()).await?);
        }
        Ok(clients)
    })
    .await
}

/// Does what comes before the load; a signal ends it.
///
/// # Errors
/// What it met, or the signal.
pub async fn until_signal<T>(
    signals: &mut Signals,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::select! {
        done = work => done,
        kind = signals.stop() => Err(Ended::Signal(kind).into()),
    }
}
