//! Offsets: fetched for partitions that are new, committed for those that are read. One commit at a time, always of the newest.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::committed::{self, CommittedOffset, GroupOffsets};
use super::super::consumer::Key;
use super::super::error::{ClientError, GroupError};
use super::super::handle::Lane;
use super::Shared;
use super::place::place;
use super::requests::{self, Identity};
use crate::base::ErrorCode;

/// Runs until the consumer is dropped: fetches what is missing, commits at intervals and on demand.
pub(super) async fn keep_books(shared: Arc<Shared>) {
    let interval = shared.config.group.auto_commit;
    let mut commit_at = interval.map(|every| Instant::now() + every);
    let (mut retry_at, mut failures) = (None, 0);
    loop {
        let wake_at = [commit_at, retry_at].into_iter().flatten().min();
        tokio::select! {
            () = shared.bookkeeping.notified() => {}
            () = sleep_until(wake_at) => {}
        }
        if retry_at.is_none_or(|at| at <= Instant::now()) {
            (retry_at, failures) = match place(&shared).await {
                Ok(()) => (None, 0),
                Err(cause) => {
                    tracing::debug!(%cause, "cannot fetch committed offsets");
                    shared.end_if_refused(&cause);
                    (Some(shared.retry_at(failures)), failures + 1)
                }
            };
            shared.events.notify_one();
        }
        let due = commit_at.is_some_and(|at| at <= Instant::now());
        let asked = std::mem::take(&mut shared.state.lock().commit_soon);
        if due || asked {
            commit_at = interval.map(|every| Instant::now() + every);
            // Not for long: offsets of new partitions may be waited for.
            let within = shared.client.config().request_timeout.min(Duration::from_secs(5));
            if let Err(cause) = commit(&shared, within).await {
                tracing::warn!(%cause, "offsets are not committed; the next commit tries again");
            }
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// What became of a try to commit.
enum Tried {
    Done,
    /// It passes.
    Again(GroupError),
    /// It does not.
    Failed(GroupError),
}

/// Commits what is stored and is not committed, again while that fails in ways that pass.
pub(super) async fn commit(shared: &Shared, within: Duration) -> Result<(), GroupError> {
    let give_up_at = Instant::now() + within;
    let _one_at_a_time = shared.committing.lock().await;
    let mut failures = 0;
    loop {
        let (dirty, who) = {
            let state = shared.state.lock();
            (state.offsets.dirty(), shared.identity(&state.member))
        };
        if dirty.is_empty() {
            return Ok(());
        }
        if who.generation < 0 {
            return Err(GroupError::NotMember);
        }
        let cause = match try_commit(shared, &dirty, &who).await {
            Tried::Done => return Ok(()),
            Tried::Failed(cause) => return Err(cause),
            Tried::Again(cause) => cause,
        };
        let retry_at = shared.retry_at(failures);
        failures += 1;
        if retry_at >= give_up_at || shared.client.is_closed() {
            return Err(cause);
        }
        tokio::time::sleep_until(retry_at).await;
    }
}

async fn try_commit(shared: &Shared, dirty: &GroupOffsets, who: &Identity) -> Tried {
    let answered = async {
        let connection = shared.coordinator.connection(&shared.client, Lane::General).await?;
        let request = requests::commit(who, dirty);
        let timeout = shared.client.config().request_timeout;
        Ok::<_, ClientError>(committed::commit(&connection, &request, timeout).await?)
    };
    let answer = match answered.await {
        Ok(answer) => answer,
        Err(cause) => {
            shared.coordinator.forget();
            let again = cause.retriable();
            return if again { Tried::Again(cause.into()) } else { Tried::Failed(cause.into()) };
        }
    };
    let codes: BTreeMap<(&str, i32), ErrorCode> = committed::codes(&answer)
        .map(|(topic, partition, code)| ((topic, partition), ErrorCode::from_wire(code)))
        .collect();
    let mut tried = Tried::Done;
    for (key, at) in dirty {
        let code = codes.get(&(key.0.as_str(), key.1)).copied();
        match shared.on_code(key, at, code.unwrap_or(ErrorCode::UnknownServerError), who) {
            Tried::Done => {}
            failed @ Tried::Failed(_) => return failed,
            again @ Tried::Again(_) => tried = again,
        }
    }
    tried
}

impl Shared {
    /// Without its offsets a share is of no use: what is refused for good ends the member, and the program hears of it.
    fn end_if_refused(&self, cause: &ClientError) {
        if let Some(code) = cause.code().filter(|_| !cause.retriable()) {
            self.state.lock().member.on_refused(code, Instant::now());
            self.membership.notify_one();
        }
    }

    /// What the coordinator says of one partition's offset.
    fn on_code(&self, key: &Key, at: &CommittedOffset, code: ErrorCode, who: &Identity) -> Tried {
        use ErrorCode as E;
        let (topic, partition) = key.clone();
        let refused = GroupError::Offset { topic, partition, code };
        let mut state = self.state.lock();
        match code {
            E::None => {
                state.offsets.on_committed(key, at);
                Tried::Done
            }
            E::UnknownTopicOrPartition => {
                tracing::info!(topic = &*key.0, partition = key.1, "nothing to commit: it is gone");
                state.offsets.drop_stored(key);
                Tried::Done
            }
            // A rebalance goes on, and where it has gone on already the new generation will do.
            E::RebalanceInProgress => Tried::Again(refused),
            _ if self.identity(&state.member) != *who => Tried::Again(refused),
            // A cooperative member commits while it joins: the generation may be there already, and only our answer is not.
            E::IllegalGeneration if state.member.is_joining() => Tried::Again(refused),
            E::UnknownMemberId | E::IllegalGeneration | E::FencedInstanceId => {
                state.member.on_refused(code, Instant::now());
                self.membership.notify_one();
                self.events.notify_one();
                Tried::Failed(GroupError::NotMember)
            }
            code if code.is_retriable() => {
                self.coordinator.heed(code);
                Tried::Again(refused)
            }
            _ => Tried::Failed(refused),
        }
    }
}
