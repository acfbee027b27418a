//! The brokers that coordinate groups. A member looks up its own once, again after that said that it is not the one, or fell
//! silent.

use std::sync::Arc;

use bytestring::ByteString;
use parking_lot::Mutex;

use super::connection::Connection;
use super::error::ClientError;
use super::handle::{Client, Lane};
use crate::base::ErrorCode;
use crate::wire::find_coordinator::FindCoordinatorRequest;

/// The key type of groups.
const GROUP: i8 = 0;
/// From this version of FindCoordinator on several keys are looked up at once (KIP-699).
const BATCHED: i16 = 4;

/// Per group asked for, what came of it.
pub(super) type PerGroup<T> = Vec<(String, Result<T, ClientError>)>;

/// Where a group's coordinator is, as far as is known.
#[derive(Debug)]
pub(super) struct Coordinator {
    group: ByteString,
    known: Mutex<Option<i32>>,
}

impl Coordinator {
    pub(super) fn of(group: ByteString) -> Coordinator {
        Coordinator { group, known: Mutex::default() }
    }

    /// A usable connection to it.
    ///
    /// # Errors
    /// What stood in the way; whether that passes says [`ClientError::retriable`].
    pub(super) async fn connection(
        &self,
        client: &Client,
        lane: Lane,
    ) -> Result<Arc<Connection>, ClientError> {
        let known = *self.known.lock();
        let id = match known {
            Some(id) => id,
            None => find(client, &self.group).await?,
        };
        *self.known.lock() = Some(id);
        match client.broker(id, lane).await {
            Ok(connection) => Ok(connection),
            Err(cause) => {
                // It may be new to our picture of the cluster, or gone.
                self.forget();
                client.refresh();
                Err(cause.into())
            }
        }
    }

    /// Looks it up anew when it is needed next.
    pub(super) fn forget(&self) {
        *self.known.lock() = None;
    }

    /// Forgets it, if `code` says that it is not, or not any more, the coordinator.
    pub(super) fn heed(&self, code: ErrorCode) {
        if matches!(code, ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable) {
            self.forget();
        }
    }
}

async fn find(client: &Client, group: &str) -> Result<i32, ClientError> {
    let found = look_up(client, &[group.to_owned()]).await.pop();
    let unnamed = || refused(group, ErrorCode::CoordinatorNotAvailable, "nobody was named");
    found.map_or_else(|| Err(unnamed()), |(_, found)| found)
}

/// Asks any broker once which nodes coordinate these groups, in the order asked.
pub(super) async fn look_up(client: &Client, groups: &[String]) -> PerGroup<i32> {
    let found = async {
        let connection = client.any_broker().await?;
        if connection.version::<FindCoordinatorRequest>()? >= BATCHED {
            return look_up_all(client, &connection, groups).await;
        }
        let mut found = Vec::new();
        for group in groups {
            found.push((group.clone(), look_up_one(client, &connection, group).await?));
        }
        Ok(found)
    };
    let found: Result<PerGroup<i32>, ClientError> = found.await;
    found.unwrap_or_else(|cause| {
        groups.iter().map(|group| (group.clone(), Err(cause.clone()))).collect()
    })
}

async fn look_up_all(
    client: &Client,
    connection: &Arc<Connection>,
    groups: &[String],
) -> Result<PerGroup<i32>, ClientError> {
    let request = FindCoordinatorRequest {
        key_type: GROUP,
        coordinator_keys: groups.iter().map(|group| group.as_str().into()).collect(),
        ..FindCoordinatorRequest::default()
    };
    let answer = connection.call(&request, client.config().request_timeout).await?;
    let found = groups.iter().map(|group| {
        let told = answer.coordinators.iter().find(|told| *told.key == **group);
        let node = match told {
            Some(told) => checked(group, told.error_code, told.error_message.as_deref())
                .map(|()| told.node_id),
            None => {
                let message = "the broker named no coordinator";
                Err(refused(group, ErrorCode::CoordinatorNotAvailable, message))
            }
        };
        (group.clone(), node)
    });
    Ok(found.collect())
}

async fn look_up_one(
    client: &Client,
    connection: &Arc<Connection>,
    group: &str,
) -> Result<Result<i32, ClientError>, ClientError> {
    let request = FindCoordinatorRequest {
        key: group.into(),
        key_type: GROUP,
        ..FindCoordinatorRequest::default()
    };
    let told = connection.call(&request, client.config().request_timeout).await?;
    let found = checked(group, told.error_code, told.error_message.as_deref());
    Ok(found.map(|()| told.node_id))
}

/// `Ok` for NONE, else what was refused about this group.
pub(super) fn checked(group: &str, code: i16, message: Option<&str>) -> Result<(), ClientError> {
    ClientError::check(code, message.filter(|text| !text.is_empty()), || format!("group {group}"))
}

/// A refusal in our own words.
pub(super) fn refused(group: &str, code: ErrorCode, message: &str) -> ClientError {
    ClientError::Refused { what: format!("group {group}"), code, message: Some(message.to_owned()) }
}
