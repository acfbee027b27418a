//! Asking coordinators, again where they move.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::super::connection::Connection;
use super::super::coordinator::{self, Kind, PerKey};
use super::super::error::ClientError;
use super::super::handle::Lane;
use super::Admin;
use crate::base::ErrorCode;

impl Admin {
    /// Has `ask` ask each coordinator for its keys, until every key has its answer, in the order asked. What passes
    /// is tried again within `api_timeout`, with a coordinator that is looked up anew.
    pub(super) async fn by_coordinator_of<T, F>(
        &self,
        kind: Kind,
        keys: &[String],
        ask: impl Fn(Arc<Connection>, i32, Vec<String>) -> F,
    ) -> PerKey<T>
    where
        F: Future<Output = Result<PerKey<T>, ClientError>>,
    {
        let give_up_at = Instant::now() + self.client.config().api_timeout;
        let mut done: BTreeMap<String, Result<T, ClientError>> = BTreeMap::new();
        let mut left = keys.to_vec();
        left.sort_unstable();
        left.dedup();
        let mut failures = 0;
        while !left.is_empty() {
            let (answered, again): (Vec<_>, Vec<_>) = self
                .ask_once(kind, &left, &ask)
                .await
                .into_iter()
                .partition(|(_, told)| !told.as_ref().is_err_and(ClientError::retriable));
            done.extend(answered);
            let Some(cause) = again.first().and_then(|(_, told)| told.as_ref().err().cloned())
            else {
                break;
            };
            self.client.refresh();
            if !self.client.pause_before_retry(&cause, &mut failures, give_up_at).await {
                done.extend(again);
                break;
            }
            left = again.into_iter().map(|(key, _)| key).collect();
        }
        // A key that was named twice is answered once.
        keys.iter().filter_map(|key| done.remove_entry(key)).collect()
    }

    /// One round: an answer or a failure for each of the keys.
    async fn ask_once<T, F>(
        &self,
        kind: Kind,
        keys: &[String],
        ask: &impl Fn(Arc<Connection>, i32, Vec<String>) -> F,
    ) -> PerKey<T>
    where
        F: Future<Output = Result<PerKey<T>, ClientError>>,
    {
        let mut out = Vec::new();
        let mut led: BTreeMap<i32, Vec<String>> = BTreeMap::new();
        for (key, found) in coordinator::look_up(&self.client, kind, keys).await {
            match found {
                Ok(node) => led.entry(node).or_default().push(key),
                Err(cause) => out.push((key, Err(cause))),
            }
        }
        for (node, keys) in led {
            let told = match self.client.broker(node, Lane::General).await {
                Ok(connection) => ask(connection, node, keys.clone()).await,
                Err(cause) => Err(cause.into()),
            };
            match told {
                Ok(told) => {
                    let mut told: BTreeMap<String, _> = told.into_iter().collect();
                    out.extend(keys.into_iter().map(|key| {
                        let silent = "the coordinator did not speak of it";
                        let none =
                            || Err(kind.refused(&key, ErrorCode::UnknownServerError, silent));
                        let answer = told.remove(&key).unwrap_or_else(none);
                        (key, answer)
                    }));
                }
                Err(cause) => out.extend(keys.into_iter().map(|key| (key, Err(cause.clone())))),
            }
        }
        out
    }
}
