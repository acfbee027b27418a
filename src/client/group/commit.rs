//! Offsets: fetched for partitions that are new, committed for those that are read. One commit at a time, always of the newest.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::consumer::Key;
use super::super::error::{ClientError, GroupError};
use super::super::handle::Lane;
use super::Shared;
use super::member::Committed;
use super::place::place;
use super::requests::Identity;
use crate::base::ErrorCode;
use crate::wire::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};

/// Topics go by name up to this version of OffsetCommit.
const BY_NAME: i16 = 9;

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

async fn try_commit(shared: &Shared, dirty: &BTreeMap<Key, Committed>, who: &Identity) -> Tried {
    let answered = async {
        let connection = shared.coordinator.connection(&shared.client, Lane::General).await?;
        let version = connection.version_up_to::<OffsetCommitRequest>(BY_NAME)?;
        let request = commit_request(dirty, who);
        let timeout = shared.client.config().request_timeout;
        Ok::<_, ClientError>(connection.call_at(&request, version, timeout).await?)
    };
    let answer = match answered.await {
        Ok(answer) => answer,
        Err(cause) => {
            shared.coordinator.forget();
            let again = cause.retriable();
            return if again { Tried::Again(cause.into()) } else { Tried::Failed(cause.into()) };
        }
    };
    let mut codes = BTreeMap::new();
    for topic in &answer.topics {
        for partition in &topic.partitions {
            let code = ErrorCode::from_wire(partition.error_code);
            codes.insert((&*topic.name, partition.partition_index), code);
        }
    }
    let mut tried = Tried::Done;
    for (key, at) in dirty {
        let code = codes.get(&(key.0.as_str(), key.1)).copied();
        match shared.on_code(key, *at, code.unwrap_or(ErrorCode::UnknownServerError), who) {
            Tried::Done => {}
            failed @ Tried::Failed(_) => return failed,
            again @ Tried::Again(_) => tried = again,
        }
    }
    tried
}

impl Shared {
    /// What the coordinator says of one partition's offset.
    fn on_code(&self, key: &Key, at: Committed, code: ErrorCode, who: &Identity) -> Tried {
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
            E::UnknownMemberId | E::IllegalGeneration | E::FencedInstanceId => {
                state.member.on_refused(code, Instant::now());
                self.membership.notify_one();
                self.events.notify_one();
                Tried::Failed(GroupError::NotMember)
            }
            code if code.is_retriable() => {
                self.coordinator.is_elsewhere(code);
                Tried::Again(refused)
            }
            _ => Tried::Failed(refused),
        }
    }
}

fn commit_request(dirty: &BTreeMap<Key, Committed>, who: &Identity) -> OffsetCommitRequest {
    let mut topics: Vec<OffsetCommitRequestTopic> = Vec::new();
    for ((topic, partition), at) in dirty {
        let one = OffsetCommitRequestPartition {
            partition_index: *partition,
            committed_offset: at.offset,
            committed_leader_epoch: at.leader_epoch.unwrap_or(-1),
            ..Default::default()
        };
        match topics.last_mut().filter(|last| *last.name == **topic) {
            Some(last) => last.partitions.push(one),
            None => topics.push(OffsetCommitRequestTopic {
                name: topic.as_str().into(),
                partitions: vec![one],
                ..Default::default()
            }),
        }
    }
    OffsetCommitRequest {
        group_id: who.group_id.clone(),
        generation_id_or_member_epoch: who.generation,
        member_id: who.member_id.clone(),
        group_instance_id: who.instance_id.clone(),
        topics,
        ..Default::default()
    }
}
