//! Where the group had read to in partitions that are new to a member.

use std::collections::BTreeMap;

use super::super::committed;
use super::super::error::ClientError;
use super::super::handle::Lane;
use super::Shared;
use crate::base::ErrorCode;

/// Fetches what the group committed of the partitions that are new.
///
/// # Errors
/// What stood in the way of one or all; what came is taken.
pub(super) async fn place(shared: &Shared) -> Result<(), ClientError> {
    let wanted = shared.state.lock().member.unplaced();
    if wanted.is_empty() {
        return Ok(());
    }
    let connection = shared.coordinator.connection(&shared.client, Lane::General).await?;
    let group = shared.config.group.id.as_deref().unwrap_or_default().into();
    let timeout = shared.client.config().request_timeout;
    let answer = committed::fetch(&connection, &[group], Some(&wanted), true, timeout).await?;
    let refused = |code: ErrorCode| {
        shared.coordinator.heed(code);
        ClientError::Refused { what: "fetching committed offsets".into(), code, message: None }
    };
    let group = answer.into_iter().next().unwrap_or_default();
    ErrorCode::from_wire(group.error_code).ok().map_err(refused)?;
    let mut told: BTreeMap<_, _> = committed::told(group.topics).into_iter().collect();
    let mut failed = Ok(());
    let mut state = shared.state.lock();
    for key in wanted {
        match told.remove(&key).unwrap_or(Err(ErrorCode::CoordinatorNotAvailable)) {
            Ok(committed) => state.member.on_committed(&key, committed),
            Err(code) => failed = Err(refused(code)),
        }
    }
    failed
}
