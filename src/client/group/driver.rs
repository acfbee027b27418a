//! The task that keeps a member in its group: does what [`Member::step`] says, and tells it what came of it.
//!
//! [`Member::step`]: super::member::Member::step

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::error::ClientError;
use super::super::handle::Lane;
use super::Shared;
use super::assignor::{Assignor, Shares};
use super::lead::{self, Lead};
use super::member::Step;
use super::requests::{self, Identity, Joining};
use crate::base::ErrorCode;
use crate::wire::join_group::{JoinGroupRequest, JoinGroupResponse};
use crate::wire::leave_group::LeaveGroupRequest;

/// What a coordinator may take to end a rebalance beyond its bound, as Kafka's consumer counts it.
const GRACE: Duration = Duration::from_secs(5);

/// The longest that a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(5);

/// Runs until the member has left.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut pictures = shared.client.watch();
    let (mut lead, mut failures): (Option<Lead>, u32) = (None, 0);
    loop {
        let step = {
            let mut state = shared.state.lock();
            // Without knowing its topics nobody can join.
            match (state.member.step(Instant::now()), &state.topics) {
                (Step::Join, None) => Step::Wait(Instant::now() + Duration::from_secs(1)),
                (step, _) => step,
            }
        };
        let asked = match step {
            Step::Join => join(&shared, &mut lead, failures).await,
            Step::Heartbeat => heartbeat(&shared, failures).await,
            Step::Leave => {
                leave(&shared).await;
                Ok(())
            }
            Step::Wait(until) => {
                tokio::select! {
                    () = shared.membership.notified() => {}
                    () = tokio::time::sleep_until(until) => {}
                    Ok(()) = pictures.changed() => {}
                }
                let cluster = pictures.borrow_and_update().clone();
                look_after_topics(&shared, lead.as_ref(), &cluster);
                continue;
            }
            Step::Done => return,
        };
        failures = match asked {
            Ok(()) => 0,
            Err(cause) => {
                tracing::debug!(%cause, "the group's coordinator");
                failures + 1
            }
        };
        shared.events.notify_one();
        shared.bookkeeping.notify_one();
    }
}

/// A leader shares out anew when its topics change.
fn look_after_topics(
    shared: &Shared,
    lead: Option<&Lead>,
    cluster: &super::super::cluster::Cluster,
) {
    let Some(lead) = lead else { return };
    if lead.is_outdated(cluster) {
        shared.state.lock().member.wants_rebalance();
        shared.membership.notify_one();
    } else if lead.misses_topics() {
        shared.client.refresh();
    }
}

/// Joins, leads if it is to, and gets its share.
async fn join(shared: &Shared, lead: &mut Option<Lead>, failures: u32) -> Result<(), ClientError> {
    let request = {
        let mut state = shared.state.lock();
        let Some(owned) = state.member.on_join() else { return Ok(()) };
        let topics = state.topics.clone().unwrap_or_default();
        let joining = Joining {
            topics: &topics,
            owned: &owned,
            last_share: &state.member.last_share,
            rack: &shared.client.config().client_rack,
        };
        requests::join(&shared.identity(&state.member), &shared.config.group, &joining)
    };
    *lead = None;
    let tried = async {
        match join_group(shared, &request).await? {
            Some(answer) => sync_group(shared, answer, lead).await,
            None => Ok(()),
        }
    };
    let tried = tokio::select! {
        tried = tried => tried,
        () = closing(shared) => return Ok(()),
    };
    settle(shared, tried, failures)
}

/// Returns once the program closes.
async fn closing(shared: &Shared) {
    while !shared.state.lock().member.is_closing() {
        shared.membership.notified().await;
    }
}

/// `None` where the member is to try again under the id that it was given.
async fn join_group(
    shared: &Shared,
    request: &JoinGroupRequest,
) -> Result<Option<JoinGroupResponse>, ClientError> {
    let connection = shared.coordinator.connection(&shared.client, shared.lane).await?;
    let within = shared.config.group.max_poll_interval + GRACE;
    let timeout = within.max(shared.client.config().request_timeout);
    let answer = connection.call(request, timeout).await?;
    let code = ErrorCode::from_wire(answer.error_code);
    let mut state = shared.state.lock();
    if code == ErrorCode::MemberIdRequired {
        state.member.on_named(answer.member_id);
        return Ok(None);
    }
    ClientError::check(answer.error_code, None, || "joining".into())?;
    state.member.on_joined(answer.member_id.clone(), answer.generation_id);
    Ok(Some(answer))
}

async fn sync_group(
    shared: &Shared,
    joined: JoinGroupResponse,
    lead: &mut Option<Lead>,
) -> Result<(), ClientError> {
    let mut shares = Shares::new();
    if joined.leader == joined.member_id {
        let chosen = joined.protocol_name.as_deref().unwrap_or_default();
        let assignor = Assignor::named(chosen).ok_or_else(|| ClientError::Refused {
            what: format!("the group chose the assignor {chosen:?}"),
            code: ErrorCode::InconsistentGroupProtocol,
            message: None,
        })?;
        let (given, leading) = lead::share_out(&shared.client, assignor, joined.members).await;
        *lead = Some(leading);
        // A leader that came back as the static member that it was changes nothing (KIP-814).
        if !joined.skip_assignment {
            shares = given;
        }
    }
    let who = shared.identity(&shared.state.lock().member);
    let request = requests::sync(&who, joined.protocol_name, shares);
    let connection = shared.coordinator.connection(&shared.client, shared.lane).await?;
    let within = shared.config.group.max_poll_interval + GRACE;
    let timeout = within.max(shared.client.config().request_timeout);
    let answer = connection.call(&request, timeout).await?;
    ClientError::check(answer.error_code, None, || "getting a share".into())?;
    let share = requests::share(answer.assignment).ok_or_else(|| ClientError::Refused {
        what: "the leader's assignment cannot be read".into(),
        code: ErrorCode::InconsistentGroupProtocol,
        message: None,
    })?;
    let mut state = shared.state.lock();
    tracing::debug!(generation = who.generation, partitions = share.len(), "joined");
    state.member.on_synced(share, Instant::now());
    Ok(())
}

async fn heartbeat(shared: &Shared, failures: u32) -> Result<(), ClientError> {
    let request = requests::heartbeat(&shared.identity(&shared.state.lock().member));
    let tried = async {
        let connection = shared.coordinator.connection(&shared.client, shared.lane).await?;
        let timeout =
            shared.client.config().request_timeout.min(shared.config.group.session_timeout);
        let answer = connection.call(&request, timeout).await?;
        ClientError::check(answer.error_code, None, || "heartbeat".into())?;
        shared.state.lock().member.on_heartbeat();
        Ok(())
    };
    let tried = tokio::select! {
        tried = tried => tried,
        () = closing(shared) => return Ok(()),
    };
    settle(shared, tried, failures)
}

/// Tells the member of a failure; what is no failure but an answer to go on from is none for the caller either.
fn settle(
    shared: &Shared,
    tried: Result<(), ClientError>,
    failures: u32,
) -> Result<(), ClientError> {
    let Err(cause) = tried else { return Ok(()) };
    let retry_at = shared.retry_at(failures);
    let mut state = shared.state.lock();
    match cause.code() {
        Some(code) => {
            shared.coordinator.heed(code);
            state.member.on_refused(code, retry_at);
            match code {
                ErrorCode::RebalanceInProgress => Ok(()),
                _ => Err(cause),
            }
        }
        None => {
            shared.coordinator.forget();
            state.member.on_silence(retry_at);
            Err(cause)
        }
    }
}

/// Says goodbye, so that the others need not wait for the session's end.
async fn leave(shared: &Shared) {
    let who = shared.identity(&shared.state.lock().member);
    let said = async {
        // Apart from a join that may be waiting.
        let connection = shared.coordinator.connection(&shared.client, Lane::General).await?;
        let version = connection.version_up_to::<LeaveGroupRequest>(i16::MAX)?;
        let request = requests::leave(&who, version);
        let answer = connection.call_at(&request, version, GOODBYE).await?;
        ClientError::check(answer.error_code, None, || "leaving".into())
    };
    let said = tokio::time::timeout(GOODBYE, said).await;
    if !matches!(said, Ok(Ok(()))) {
        tracing::debug!(?said, "left without a goodbye: the session has to end first");
    }
    shared.state.lock().member.on_left();
}

impl Shared {
    pub(super) fn identity(&self, member: &super::member::Member) -> Identity {
        let group = &self.config.group;
        Identity {
            group_id: group.id.as_deref().unwrap_or_default().into(),
            member_id: member.id.clone(),
            instance_id: group.instance_id.as_deref().map(Into::into),
            generation: member.generation,
        }
    }
}
