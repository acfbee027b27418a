//! The broker that coordinates a group: looked up once, again after it said that it is not the one, or fell silent.

use std::sync::Arc;

use bytestring::ByteString;
use parking_lot::Mutex;

use super::connection::Connection;
use super::error::ClientError;
use super::handle::{Client, Lane};
use crate::base::ErrorCode;
use crate::wire::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};

/// Coordinators are asked for as a list from this version of FindCoordinator on (KIP-699).
const BATCHED: i16 = 4;

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

    /// Forgets it, if `code` says that it is not, or not yet, the coordinator; whether it did.
    pub(super) fn is_elsewhere(&self, code: ErrorCode) -> bool {
        use ErrorCode as E;
        let elsewhere = matches!(code, E::NotCoordinator | E::CoordinatorNotAvailable);
        if elsewhere {
            self.forget();
        }
        elsewhere
    }
}

async fn find(client: &Client, group: &ByteString) -> Result<i32, ClientError> {
    let connection = client.any_broker().await?;
    let version = connection.version_up_to::<FindCoordinatorRequest>(i16::MAX)?;
    let request = match version < BATCHED {
        true => FindCoordinatorRequest { key: group.clone(), ..Default::default() },
        false => {
            FindCoordinatorRequest { coordinator_keys: vec![group.clone()], ..Default::default() }
        }
    };
    let timeout = client.config().request_timeout;
    let answer = connection.call_at(&request, version, timeout).await?;
    let what = || format!("finding the coordinator of group {group}");
    let (node_id, code, message) = first(answer).ok_or_else(|| ClientError::Refused {
        what: what(),
        code: ErrorCode::CoordinatorNotAvailable,
        message: None,
    })?;
    ClientError::check(code, message.as_deref(), what)?;
    Ok(node_id)
}

fn first(answer: FindCoordinatorResponse) -> Option<(i32, i16, Option<ByteString>)> {
    match answer.coordinators.into_iter().next() {
        Some(one) => Some((one.node_id, one.error_code, one.error_message)),
        None if answer.node_id >= 0 || answer.error_code != 0 => {
            Some((answer.node_id, answer.error_code, answer.error_message))
        }
        None => None,
    }
}
