//! The way to one address: at most one connection, opened when it is needed, again after a backoff when it broke.

use std::sync::Arc;

use parking_lot::Mutex as SyncMutex;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::config::ClientConfig;
use super::connection::{Connection, connect};
use super::entropy::backoff;
use super::error::ConnectionError;

/// An address and, while it is open, the connection to it.
#[derive(Debug)]
pub(super) struct Link {
    address: String,
    open: SyncMutex<Option<Arc<Connection>>>,
    /// Held while connecting, so that one caller does and the others wait for it.
    opening: Mutex<Failures>,
}

#[derive(Debug, Default)]
struct Failures {
    count: u32,
    retry_at: Option<Instant>,
}

impl Link {
    pub(super) fn new(address: String) -> Link {
        Link { address, open: SyncMutex::default(), opening: Mutex::default() }
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
                *failures = Failures::default();
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
