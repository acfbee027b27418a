//! The task that asks ahead: looks at the state, asks each leader for what its partitions need, feeds answers back.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::cluster::Cluster;
use super::super::error::{ClientError, ConsumeError};
use super::super::handle::Lane;
use super::super::offsets::{self, EARLIEST, LATEST, isolation_level};
use super::super::record::StartAt;
use super::Shared;
use super::part::{Ends, Phase};
use super::session::{Key, Session, Wanted};
use super::state::Fetched;
use crate::base::ErrorCode;
use crate::wire::Records;
use crate::wire::fetch::{FetchRequest, FetchResponse, PartitionData};
use crate::wire::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};

/// Topics go by id from this version of Fetch on.
const FETCH_BY_ID: i16 = 13;
/// A partition that met an error that passes is asked for again after so long.
const RETRY: Duration = Duration::from_millis(100);

/// One broker's session, and whether a fetch is under way there.
#[derive(Default)]
struct Peer {
    session: Arc<Mutex<Session>>,
    busy: Arc<Mutex<bool>>,
}

/// Runs until the consumer is dropped.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut pictures = shared.client.watch();
    let mut peers: HashMap<i32, Peer> = HashMap::new();
    let mut stopped = pin!(stop.cancelled());
    loop {
        let wake_at = step(&shared, &mut peers, &stop);
        tokio::select! {
            () = &mut stopped => return,
            () = shared.askable.notified() => {}
            Ok(()) = pictures.changed() => { pictures.borrow_and_update(); }
            () = tokio::time::sleep_until(wake_at) => {}
        }
    }
}

/// Asks for all that can be asked for now; returns when to look again.
fn step(shared: &Arc<Shared>, peers: &mut HashMap<i32, Peer>, stop: &CancellationToken) -> Instant {
    let now = Instant::now();
    let cluster = shared.client.cluster();
    let mut state = shared.state.lock();
    if state.on_cluster(&cluster, &shared.config, now) {
        shared.client.refresh();
    }
    if !state.errors.is_empty() {
        shared.readable.notify_one();
    }
    let mut lookups: BTreeMap<i32, Vec<(Key, u64, Phase, i32)>> = BTreeMap::new();
    let mut wake_at = now + Duration::from_secs(1);
    for (key, part) in &mut state.parts {
        if let Some(at) = part.retry_at.filter(|at| *at > now) {
            wake_at = wake_at.min(at);
            continue;
        }
        let Some((leader, _)) = cluster.leader(&key.0, key.1) else { continue };
        if matches!(part.phase, Phase::Find(_) | Phase::Validate) && !part.asked {
            part.asked = true;
            let lookup = (key.clone(), part.generation, part.phase, part.last_epoch);
            lookups.entry(leader).or_default().push(lookup);
        }
    }
    for broker in cluster.brokers.keys() {
        let peer = peers.entry(*broker).or_default();
        let mut busy = peer.busy.lock();
        if *busy {
            continue;
        }
        let wanted = state.fetchable(*broker, &cluster, &shared.config, now);
        if !wanted.is_empty() {
            *busy = true;
            let fetch = fetch(shared.clone(), *broker, wanted, peer.session.clone());
            let (shared, busy, stop) = (shared.clone(), peer.busy.clone(), stop.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = fetch => {}
                    () = stop.cancelled() => {}
                }
                *busy.lock() = false;
                shared.askable.notify_one();
            });
        }
    }
    drop(state);
    for (leader, lookups) in lookups {
        let shared = shared.clone();
        tokio::spawn(async move {
            look_up(&shared, leader, lookups).await;
            shared.askable.notify_one();
            shared.readable.notify_one();
        });
    }
    wake_at
}

/// One fetch from one broker.
async fn fetch(
    shared: Arc<Shared>,
    broker: i32,
    wanted: BTreeMap<Key, Wanted>,
    session: Arc<Mutex<Session>>,
) {
    let by_name = wanted.values().any(|want| want.topic_id.is_zero());
    let config = &shared.config;
    let max_wait = config.fetch_max_wait;
    let mut request = FetchRequest {
        replica_id: -1,
        max_wait_ms: i32::try_from(max_wait.as_millis()).unwrap_or(i32::MAX),
        min_bytes: config.fetch_min_bytes,
        max_bytes: config.fetch_max_bytes,
        isolation_level: isolation_level(config.isolation),
        rack_id: shared.client.config().client_rack.as_str().into(),
        ..FetchRequest::default()
    };
    let answered = async {
        let connection = shared.client.broker(broker, Lane::Fetch).await?;
        let cap = if by_name { FETCH_BY_ID - 1 } else { i16::MAX };
        let version = connection.version_up_to::<FetchRequest>(cap)?;
        session.lock().describe(wanted.clone(), &mut request);
        let timeout = shared.client.config().request_timeout + max_wait;
        Ok::<_, ClientError>((connection.call_at(&request, version, timeout).await?, version))
    };
    match answered.await {
        Ok((answer, version)) => on_answer(&shared, &wanted, &session, answer, version),
        Err(cause) => {
            tracing::debug!(broker, %cause, "fetch failed");
            session.lock().reset();
            shared.client.refresh();
            let mut state = shared.state.lock();
            for key in wanted.keys() {
                state.delay(key, Instant::now() + RETRY);
            }
        }
    }
}

fn on_answer(
    shared: &Shared,
    wanted: &BTreeMap<Key, Wanted>,
    session: &Mutex<Session>,
    answer: FetchResponse,
    version: i16,
) {
    if let Err(code) = session.lock().answered(answer.error_code, answer.session_id) {
        tracing::debug!(%code, "fetch session begins anew");
        return;
    }
    let by_id = version >= FETCH_BY_ID;
    for topic in answer.responses {
        for data in topic.partitions {
            let partition = data.partition_index;
            let asked = wanted.iter().find(|(key, want)| {
                key.1 == partition
                    && if by_id { want.topic_id == topic.topic_id } else { *key.0 == *topic.topic }
            });
            if let Some((key, want)) = asked {
                on_partition(shared, session, key, want, data);
            }
        }
    }
    shared.readable.notify_one();
}

fn on_partition(
    shared: &Shared,
    session: &Mutex<Session>,
    key: &Key,
    want: &Wanted,
    data: PartitionData,
) {
    use ErrorCode as E;
    let code = E::from_wire(data.error_code);
    let mut state = shared.state.lock();
    match code {
        E::None => {
            let aborted = data.aborted_transactions.unwrap_or_default();
            let records = match data.records {
                Some(Records::Bytes(bytes)) => bytes,
                _ => bytes::Bytes::new(),
            };
            let fetched = Fetched {
                records,
                aborted: aborted.iter().map(|a| (a.first_offset, a.producer_id)).collect(),
                ends: Ends {
                    log_start: data.log_start_offset,
                    high_watermark: data.high_watermark,
                    last_stable: data.last_stable_offset,
                },
            };
            state.on_fetched(key, want, fetched);
        }
        E::OffsetOutOfRange => state.on_out_of_range(key, want, &shared.config),
        code if code.is_retriable() && code != E::CorruptMessage => {
            session.lock().repeat(key);
            state.refused(key, Some(code), Instant::now() + RETRY);
            shared.client.refresh();
        }
        code => {
            let (topic, partition) = key.clone();
            state.errors.push_back(ConsumeError::Refused { topic, partition, code });
            state.delay(key, Instant::now() + Duration::from_secs(1));
            session.lock().repeat(key);
        }
    }
}

/// Offsets to be found and positions to be validated, at one leader.
async fn look_up(shared: &Shared, leader: i32, lookups: Vec<(Key, u64, Phase, i32)>) {
    let (find, validate): (Vec<_>, Vec<_>) =
        lookups.iter().partition(|(_, _, phase, _)| matches!(phase, Phase::Find(_)));
    let found = find_offsets(shared, leader, &find).await;
    settle(shared, &find, found);
    let validated = check_epochs(shared, leader, &validate).await;
    settle(shared, &validate, validated);
}

/// After a failure of the whole request all are tried again.
fn settle(shared: &Shared, lookups: &[&(Key, u64, Phase, i32)], done: Result<(), ClientError>) {
    let Err(cause) = done else { return };
    tracing::debug!(%cause, "lookup failed");
    shared.client.refresh();
    let mut state = shared.state.lock();
    for (key, ..) in lookups {
        state.delay(key, Instant::now() + RETRY);
    }
    if !cause.retriable() {
        state.errors.push_back(cause.into());
    }
}

async fn find_offsets(
    shared: &Shared,
    leader: i32,
    lookups: &[&(Key, u64, Phase, i32)],
) -> Result<(), ClientError> {
    if lookups.is_empty() {
        return Ok(());
    }
    let connection = shared.client.broker(leader, Lane::General).await?;
    let isolation = shared.config.isolation;
    let (mut first, mut second) = (BTreeMap::new(), BTreeMap::new());
    for (key, _, phase, _) in lookups {
        let Phase::Find(start) = phase else { continue };
        match start {
            StartAt::Earliest | StartAt::Offset(_) => first.insert(key.clone(), EARLIEST),
            StartAt::Latest => first.insert(key.clone(), LATEST),
            StartAt::Timestamp(at) => {
                second.insert(key.clone(), LATEST);
                first.insert(key.clone(), at.0.max(0))
            }
            StartAt::Last(_) => {
                second.insert(key.clone(), EARLIEST);
                first.insert(key.clone(), LATEST)
            }
        };
    }
    let found = offsets::ask(&shared.client, &connection, &first, isolation).await?;
    let more = match second.is_empty() {
        true => BTreeMap::new(),
        false => offsets::ask(&shared.client, &connection, &second, isolation).await?,
    };
    let mut state = shared.state.lock();
    for (key, generation, phase, _) in lookups {
        let (one, other) = (found.get(key), more.get(key));
        let failed = one.into_iter().chain(other).map(|f| f.error).find(|code| !code.is_none());
        let offset = match (phase, one, other) {
            (Phase::Find(StartAt::Last(n)), Some(end), Some(start)) => {
                Some((end.offset - n).max(start.offset))
            }
            // No record so late: the end.
            (_, Some(one), Some(end)) if one.offset < 0 => Some(end.offset),
            (_, Some(one), _) => Some(one.offset),
            _ => None,
        };
        match (failed, offset) {
            (None, Some(offset)) => state.on_found(key, *generation, offset.max(0)),
            (Some(code), _) if !code.is_retriable() => {
                let (topic, partition) = key.clone();
                state.errors.push_back(ConsumeError::Refused { topic, partition, code });
                state.delay(key, Instant::now() + Duration::from_secs(1));
            }
            (failed, _) => {
                state.refused(key, failed, Instant::now() + RETRY);
                shared.client.refresh();
            }
        }
    }
    Ok(())
}

/// Asks where the epochs that were read end now (KIP-320).
async fn check_epochs(
    shared: &Shared,
    leader: i32,
    lookups: &[&(Key, u64, Phase, i32)],
) -> Result<(), ClientError> {
    if lookups.is_empty() {
        return Ok(());
    }
    let cluster = shared.client.cluster();
    let connection = shared.client.broker(leader, Lane::General).await?;
    let mut request = OffsetForLeaderEpochRequest { replica_id: -1, ..Default::default() };
    for (key, _, _, last_epoch) in lookups {
        let partition = OffsetForLeaderPartition {
            partition: key.1,
            current_leader_epoch: epoch_of(&cluster, key),
            leader_epoch: *last_epoch,
            ..Default::default()
        };
        match request.topics.last_mut().filter(|t| *t.topic == *key.0) {
            Some(topic) => topic.partitions.push(partition),
            None => request.topics.push(OffsetForLeaderTopic {
                topic: key.0.as_str().into(),
                partitions: vec![partition],
                ..Default::default()
            }),
        }
    }
    let answer = connection.call(&request, shared.client.config().request_timeout).await?;
    let mut state = shared.state.lock();
    for (key, generation, _, _) in lookups {
        let told = answer.topics.iter().filter(|t| *t.topic == *key.0);
        let told = told.flat_map(|t| &t.partitions).find(|p| p.partition == key.1);
        match told.map(|p| (ErrorCode::from_wire(p.error_code), p.end_offset)) {
            Some((ErrorCode::None, end)) => {
                state.on_validated(key, *generation, end, &shared.config);
            }
            told => {
                state.refused(key, told.map(|(code, _)| code), Instant::now() + RETRY);
                shared.client.refresh();
            }
        }
    }
    Ok(())
}

fn epoch_of(cluster: &Cluster, key: &Key) -> i32 {
    cluster.leader(&key.0, key.1).map_or(-1, |(_, epoch)| epoch)
}
