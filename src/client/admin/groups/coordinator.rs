//! Which broker coordinates a group.

use std::sync::Arc;

use super::super::super::connection::Connection;
use super::super::super::coordinator::Kind;
use super::super::super::error::ClientError;
use super::super::Admin;
use super::PerGroup;

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

    /// Has `ask` ask each coordinator for its groups: [`Admin::by_coordinator_of`].
    pub(super) async fn by_coordinator<T, F>(
        &self,
        groups: &[String],
        ask: impl Fn(Arc<Connection>, i32, Vec<String>) -> F,
    ) -> PerGroup<T>
    where
        F: Future<Output = Result<PerGroup<T>, ClientError>>,
    {
        self.by_coordinator_of(Kind::Group, groups, ask).await
    }
}
