//! The brokers that coordinate groups and transactions. A member looks up its own once, again after that said that it is not the
//! one, or fell silent; so does a transactional producer.

use std::sync::Arc;

use bytestring::ByteString;
use parking_lot::Mutex;

use super::connection::Connection;
use super::error::ClientError;
use super::handle::{Client, Lane};
use crate::base::ErrorCode;
use crate::wire::find_coordinator::FindCoordinatorRequest;

/// What is coordinated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A group, by its id.
    Group,
    /// Transactions, by their transactional id.
    Transaction,
}

impl Kind {
    fn key_type(self) -> i8 {
        match self {
            Kind::Group => 0,
            Kind::Transaction => 1,
        }
    }

    /// `Ok` for NONE, else what was refused about this key.
    pub(super) fn checked(
        self,
        key: &str,
        code: i16,
        message: Option<&str>,
    ) -> Result<(), ClientError> {
        ClientError::check(code, message.filter(|text| !text.is_empty()), || self.named(key))
    }

    /// A refusal in our own words.
    pub(super) fn refused(self, key: &str, code: ErrorCode, message: &str) -> ClientError {
        ClientError::Refused { what: self.named(key), code, message: Some(message.to_owned()) }
    }

    fn named(self, key: &str) -> String {
        match self {
            Kind::Group => format!("group {key}"),
            Kind::Transaction => format!("transactional id {key}"),
        }
    }
}

/// From this version of FindCoordinator on several keys are looked up at once (KIP-699).
const BATCHED: i16 = 4;

/// Per key asked for, what came of it.
pub(super) type PerKey<T> = Vec<(String, Result<T, ClientError>)>;

/// Where one coordinator is, as far as is known.
#[derive(Debug)]
pub(super) struct Coordinator {
    kind: Kind,
    key: ByteString,
    known: Mutex<Option<i32>>,
}

impl Coordinator {
    pub(super) fn of(kind: Kind, key: ByteString) -> Coordinator {
        Coordinator { kind, key, known: Mutex::default() }
    }

    /// Whether it is this one's.
    pub(super) fn is_of(&self, key: &str) -> bool {
        *self.key == *key
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
            None => find(client, self.kind, &self.key).await?,
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

async fn find(client: &Client, kind: Kind, key: &str) -> Result<i32, ClientError> {
    let found = look_up(client, kind, &[key.to_owned()]).await.pop();
    let unnamed = || kind.refused(key, ErrorCode::CoordinatorNotAvailable, "nobody was named");
    found.map_or_else(|| Err(unnamed()), |(_, found)| found)
}

/// Asks any broker once which nodes coordinate these, in the order asked.
pub(super) async fn look_up(client: &Client, kind: Kind, keys: &[String]) -> PerKey<i32> {
    let found = async {
        let connection = client.any_broker().await?;
        if connection.version::<FindCoordinatorRequest>()? >= BATCHED {
            return look_up_all(client, &connection, kind, keys).await;
        }
        let mut found = Vec::new();
        for key in keys {
            found.push((key.clone(), look_up_one(client, &connection, kind, key).await?));
        }
        Ok(found)
    };
    let found: Result<PerKey<i32>, ClientError> = found.await;
    found.unwrap_or_else(|cause| keys.iter().map(|key| (key.clone(), Err(cause.clone()))).collect())
}

async fn look_up_all(
    client: &Client,
    connection: &Arc<Connection>,
    kind: Kind,
    keys: &[String],
) -> Result<PerKey<i32>, ClientError> {
    let request = FindCoordinatorRequest {
        key_type: kind.key_type(),
        coordinator_keys: keys.iter().map(|key| key.as_str().into()).collect(),
        ..FindCoordinatorRequest::default()
    };
    let answer = connection.call(&request, client.config().request_timeout).await?;
    let found = keys.iter().map(|key| {
        let told = answer.coordinators.iter().find(|told| *told.key == **key);
        let node = match told {
            Some(told) => kind
                .checked(key, told.error_code, told.error_message.as_deref())
                .map(|()| told.node_id),
            None => {
                let message = "the broker named no coordinator";
                Err(kind.refused(key, ErrorCode::CoordinatorNotAvailable, message))
            }
        };
        (key.clone(), node)
    });
    Ok(found.collect())
}

async fn look_up_one(
    client: &Client,
    connection: &Arc<Connection>,
    kind: Kind,
    key: &str,
) -> Result<Result<i32, ClientError>, ClientError> {
    let request = FindCoordinatorRequest {
        key: key.into(),
        key_type: kind.key_type(),
        ..FindCoordinatorRequest::default()
    };
    let told = connection.call(&request, client.config().request_timeout).await?;
    let found = kind.checked(key, told.error_code, told.error_message.as_deref());
    Ok(found.map(|()| told.node_id))
}
