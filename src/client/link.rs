//! The way to one address: at most one connection, opened when it is needed, again after a backoff when it broke.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex as SyncMutex;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::config::ClientConfig;
use super::connection::{Connection, connect};
use super::entropy::backoff;
use super::error::ConnectionError;
use super::trouble::Trouble;

/// An address and, while it is open, the connection to it.
#[derive(Debug)]
pub(super) struct Link {
    address: String,
    /// Whether whoever waits hears of an outage: one line for a broker is enough.
    tells: bool,
    open: SyncMutex<Option<Arc<Connection>>>,
    /// Held while connecting, so that one caller does and the others wait for it.
    opening: Mutex<Failures>,
}

#[derive(Debug, Default)]
struct Failures {
    count: u32,
    retry_at: Option<Instant>,
    /// Only of one that was open before: who connects at first waits for the outcome.
    trouble: Option<Trouble>,
}

impl Link {
    pub(super) fn new(address: String) -> Link {
        Link { address, tells: false, open: SyncMutex::default(), opening: Mutex::default() }
    }

    /// One for records, whose outages are told.
    pub(super) fn for_records(address: String) -> Link {
        Link { tells: true, ..Link::new(address) }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The connection, opened if there is none; after a failure not before the backoff is over.
    ///
    /// # Errors
    /// What stood in the way.
    pub(super) async fn connection(
        &self,
        config: &ClientConfig,
    ) -> Result<Arc<Connection>, ConnectionError> {
        if let Some(connection) = self.usable() {
            return Ok(connection);
        }
        let mut failures = self.opening.lock().await;
        if let Some(connection) = self.usable() {
            return Ok(connection);
        }
        if let Some(at) = failures.retry_at {
            tokio::time::sleep_until(at).await;
        }
        match connect(&self.address, config).await {
            Ok(connection) => {
                if failures.trouble.as_mut().is_some_and(Trouble::is_over) {
                    tracing::warn!("{} answers again", self.address);
                }
                let trouble = self.tells.then(Trouble::default);
                *failures = Failures { trouble, ..Failures::default() };
                *self.open.lock() = Some(connection.clone());
                tracing::debug!(address = self.address, "connected");
                Ok(connection)
            }
            Err(cause) => {
                let (base, max) = (config.reconnect_backoff, config.reconnect_backoff_max);
                let pause = backoff(base, max, failures.count);
                failures.count += 1;
                failures.retry_at = Some(Instant::now() + pause);
                tracing::debug!(address = self.address, %cause, "cannot connect");
                let trouble = failures.trouble.as_mut();
                if trouble.is_some_and(|trouble| trouble.is_news(Instant::now(), Duration::MAX)) {
                    tracing::warn!("{cause}, trying on");
                }
                Err(cause)
            }
        }
    }

    fn usable(&self) -> Option<Arc<Connection>> {
        self.open.lock().as_ref().filter(|c| c.is_open()).cloned()
    }

    /// Ends the connection; a later call opens another.
    pub(super) fn close(&self) {
        if let Some(connection) = self.open.lock().take() {
            connection.close();
        }
    }
}
