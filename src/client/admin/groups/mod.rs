//! Groups: which there are, who is in them, how far they have read; changing and deleting what they committed.
//!
//! Each call finds the groups' coordinators, asks each for all of its groups at once, and answers per group. While a
//! coordinator moves or loads (COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR) it is looked up and
//! asked again, within `api_timeout`. What changes something is safe to repeat, and is repeated after a lost connection.

mod commit;
mod coordinator;
mod describe;
mod list;
mod offsets;
#[cfg(test)]
mod scripted;
#[cfg(test)]
mod tests;

pub use describe::{GroupDescription, GroupMember, Share};
pub use list::{GroupListing, GroupState, GroupType};

use super::super::committed::GroupOffsets;
use super::super::coordinator::{Kind, PerKey};
use super::super::error::ClientError;
use super::Admin;
use crate::base::ErrorCode;
use crate::wire::delete_groups::DeleteGroupsRequest;

/// Per group asked for, what came of it.
type PerGroup<T> = PerKey<T>;

/// `Ok` for NONE, else what was refused about this group.
fn checked(group: &str, code: i16, message: Option<&str>) -> Result<(), ClientError> {
    Kind::Group.checked(group, code, message)
}

/// A refusal in our own words.
fn refused(group: &str, code: ErrorCode, message: &str) -> ClientError {
    Kind::Group.refused(group, code, message)
}

impl Admin {
    /// Deletes groups and all that they committed; they must have no members (KIP-229).
    ///
    /// # Errors
    /// Per group what its coordinator refused: `NON_EMPTY_GROUP`, `GROUP_ID_NOT_FOUND` among others.
    pub async fn delete_groups(&self, groups: &[String]) -> PerGroup<()> {
        let timeout = self.client.config().request_timeout;
        self.by_coordinator(groups, |connection, _, groups| async move {
            let request = DeleteGroupsRequest {
                groups_names: groups.iter().map(|group| group.as_str().into()).collect(),
                ..DeleteGroupsRequest::default()
            };
            let answer = connection.call(&request, timeout).await?;
            let told = answer.results.into_iter().map(|told| {
                let group = told.group_id.to_string();
                let result = checked(&group, told.error_code, None);
                (group, result)
            });
            Ok(told.collect())
        })
        .await
    }
}
