//! Which broker coordinates a group, and asking it, again where coordinators move.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::super::super::connection::Connection;
use super::super::super::coordinator;
use super::super::super::error::ClientError;
use super::super::super::handle::Lane;
use super::super::Admin;
use super::{PerGroup, refused};
use crate::base::ErrorCode;

impl Admin {
    /// The node that coordinates each group. A group needs not exist to have a coordinator.
    ///
    /// # Errors
    /// Per group where nobody answers, or what the broker refused.
    pub async fn find_coordinators(&self, groups: &[String]) -> PerGroup<i32> {
        self.by_coordinator(groups, |_, node, groups| async move {
            Ok(groups.into_iter().map(|group| (group, Ok(node))).collect())
        })
        .await
    }

    /// Has `ask` ask each coordinator for its groups, until every group has its answer, in the order asked. What passes
    /// is tried again within `api_timeout`, with a coordinator that is looked up anew.
    pub(super) async fn by_coordinator<T, F>(
        &self,
        groups: &[String],
        ask: impl Fn(Arc<Connection>, i32, Vec<String>) -> F,
    ) -> PerGroup<T>
    where
        F: Future<Output = Result<PerGroup<T>, ClientError>>,
    {
        let give_up_at = Instant::now() + self.client.config().api_timeout;
        let mut done: BTreeMap<String, Result<T, ClientError>> = BTreeMap::new();
        let mut left = groups.to_vec();
        left.sort_unstable();
        left.dedup();
        let mut failures = 0;
        while !left.is_empty() {
            let (answered, again): (Vec<_>, Vec<_>) = self
                .ask_once(&left, &ask)
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
            left = again.into_iter().map(|(group, _)| group).collect();
        }
        // A group that was named twice is answered once.
        groups.iter().filter_map(|group| done.remove_entry(group)).collect()
    }

    /// One round: an answer or a failure for each of the groups.
    async fn ask_once<T, F>(
        &self,
        groups: &[String],
        ask: &impl Fn(Arc<Connection>, i32, Vec<String>) -> F,
    ) -> PerGroup<T>
    where
        F: Future<Output = Result<PerGroup<T>, ClientError>>,
    {
        let mut out = Vec::new();
        let mut led: BTreeMap<i32, Vec<String>> = BTreeMap::new();
        for (group, found) in coordinator::look_up(&self.client, groups).await {
            match found {
                Ok(node) => led.entry(node).or_default().push(group),
                Err(cause) => out.push((group, Err(cause))),
            }
        }
        for (node, groups) in led {
            let told = match self.client.broker(node, Lane::General).await {
                Ok(connection) => ask(connection, node, groups.clone()).await,
                Err(cause) => Err(cause.into()),
            };
            match told {
                Ok(told) => {
                    let mut told: BTreeMap<String, _> = told.into_iter().collect();
                    out.extend(groups.into_iter().map(|group| {
                        let silent = "the coordinator did not speak of it";
                        let none = || Err(refused(&group, ErrorCode::UnknownServerError, silent));
                        let answer = told.remove(&group).unwrap_or_else(none);
                        (group, answer)
                    }));
                }
                Err(cause) => out.extend(groups.into_iter().map(|g| (g, Err(cause.clone())))),
            }
        }
        out
    }
}
