//! Fetch (key 1), v4 to v18. Whole batches as they stand in the files, never decoded. One byte budget for the whole response;
//! the first batch is sent even if larger (KIP-74). v7 sessions (KIP-227), v9 leader epochs (KIP-320), v12 flexible,
//! v13 topic ids. Too little data: parked until `min_bytes` are there or `max_wait_ms` has passed. A client that claims to
//! be a replica is refused per partition.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::before_read::{Before, Todo, prepare};
use super::target;
use crate::base::{ErrorCode, LeaderEpoch, Offset, TopicId};
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::partition::{Partition, Waiter};
use crate::broker::reply::{Answer, Reply};
use crate::broker::sessions::{Key, Plan, Told, Wanted};
use crate::log::{Aborted, LogSlice, ReadError};
use crate::wire::Records;
use crate::wire::fetch::{
    AbortedTransaction, EpochEndOffset, FetchRequest, FetchResponse, FetchableTopicResponse,
    PartitionData,
};

/// A fetch of more partitions than this is served aside: it takes milliseconds.
const MANY: usize = 500;

/// What a fetch asks for, besides the partitions.
#[derive(Clone, Copy, Debug)]
struct Terms {
    version: i16,
    read_committed: bool,
    replica: bool,
    max_bytes: usize,
    min_bytes: usize,
    deadline: Instant,
    /// Whether what the page cache had lost was read again: the disk is waited for no second time.
    is_warm: bool,
}

/// What was found of one partition.
struct Found {
    key: Key,
    told_before: Option<Told>,
    data: PartitionData,
    slice: LogSlice,
}

pub fn handle(call: Call<FetchRequest>) -> Reply<FetchResponse> {
    let Call { node, version, request, origin, .. } = call;
    let max_bytes =
        usize::try_from(request.max_bytes).unwrap_or(0).min(node.config.fetch_max_bytes);
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let terms = Terms {
        version,
        read_committed: request.isolation_level == 1,
        replica: request.replica_id >= 0 || request.replica_state.replica_id >= 0,
        max_bytes,
        min_bytes: usize::try_from(request.min_bytes).unwrap_or(0).min(max_bytes),
        deadline: Instant::now() + wait,
        is_warm: false,
    };
    let plan = match plan(&node, version, &request) {
        Ok(plan) => plan,
        Err(code) => {
            return Reply::ready(FetchResponse {
                error_code: code.to_wire(),
                ..Default::default()
            });
        }
    };
    let many = plan.partitions.len() > MANY;
    let serve = move || {
        let (found, first) = collect(&node, &plan, &terms);
        if first.is_empty()
            && (is_enough(&found, &terms) || wait.is_zero() || plan.partitions.is_empty())
        {
            return Reply::Ready(answer(&node, &plan, found, &terms));
        }
        Reply::later(park(node, Arc::new(plan), terms))
    };
    if many && !origin.aside { Reply::Aside(Box::new(serve)) } else { serve() }
}

async fn park(node: Arc<Node>, plan: Arc<Plan>, mut terms: Terms) -> Answer<FetchResponse> {
    let waiter = Arc::new(Waiter::default());
    let mut unreadable = false;
    let all = || (0..plan.partitions.len()).collect::<Vec<usize>>();
    let mut places = all();
    let mut sizes = vec![0; places.len()];
    let mut total = 0;
    loop {
        // First registered, then looked: nothing that is appended in between is missed. Only what woke it is looked at: an
        // append to one of many partitions costs no more.
        let mut is_news = false;
        for place in std::mem::take(&mut places) {
            let (key, wanted, _) = &plan.partitions[place];
            if let Ok(partition) = find(&node, key) {
                partition.wait(&waiter, place);
            }
            match read(&node, key, wanted, &terms, terms.max_bytes, true) {
                Ok((data, slice)) => {
                    total = total - std::mem::replace(&mut sizes[place], slice.bytes) + slice.bytes;
                    is_news |= diverges(&data);
                }
                Err(_) => is_news = true,
            }
        }
        let late = Instant::now() >= terms.deadline || node.stopping.is_cancelled();
        if late || is_news || total >= terms.min_bytes.max(1) {
            let (found, first) = collect_all(&node, &plan, &terms).await;
            if !first.is_empty() && !unreadable {
                unreadable = !prepare(&node, first).await;
                terms.is_warm = true;
                places = all();
                continue;
            }
            if late || unreadable || is_enough(&found, &terms) {
                return answer(&node, &plan, found, &terms);
            }
        }
        tokio::select! {
            woken_by = waiter.woken() => places = woken_by,
            () = tokio::time::sleep_until(terms.deadline) => {}
            () = node.stopping.cancelled() => {}
        }
    }
}

/// [`collect`], aside where it is much.
async fn collect_all(node: &Arc<Node>, plan: &Arc<Plan>, terms: &Terms) -> (Vec<Found>, Todo) {
    if plan.partitions.len() <= MANY {
        return collect(node, plan, terms);
    }
    let (for_all, plan, terms) = (node.clone(), plan.clone(), *terms);
    node.aside.run(move || collect(&for_all, &plan, &terms)).await.unwrap_or_default()
}

fn is_enough(found: &[Found], terms: &Terms) -> bool {
    let bytes: usize = found.iter().map(|found| found.slice.bytes).sum();
    bytes >= terms.min_bytes.max(1)
        || found.iter().any(|found| found.data.error_code != 0 || diverges(&found.data))
}

fn diverges(data: &PartitionData) -> bool {
    data.diverging_epoch != EpochEndOffset::default()
}

fn plan(node: &Node, version: i16, request: &FetchRequest) -> Result<Plan, ErrorCode> {
    let key = |topic: &bytestring::ByteString, id: TopicId, partition: i32| {
        if version >= 13 {
            Key { topic: Default::default(), topic_id: id, partition }
        } else {
            Key { topic: topic.clone(), topic_id: TopicId::ZERO, partition }
        }
    };
    let mut wanted = Vec::new();
    for topic in &request.topics {
        wanted.extend(topic.partitions.iter().map(|partition| {
            let terms = Wanted {
                offset: partition.fetch_offset,
                leader_epoch: partition.current_leader_epoch,
                last_epoch: partition.last_fetched_epoch,
                max_bytes: partition.partition_max_bytes,
            };
            (key(&topic.topic, topic.topic_id, partition.partition), terms)
        }));
    }
    if wanted.len() > 1 {
        // A partition that stands twice is fetched once.
        let mut seen = HashSet::with_capacity(wanted.len());
        wanted.retain(|(key, _): &(Key, Wanted)| seen.insert(key.clone()));
    }
    let forgotten: Vec<Key> = request
        .forgotten_topics_data
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|at| key(&topic.topic, topic.topic_id, *at)))
        .collect();
    let (id, epoch) =
        if version >= 7 { (request.session_id, request.session_epoch) } else { (0, -1) };
    node.sessions.plan(id, epoch, wanted, &forgotten)
}

fn find(node: &Node, key: &Key) -> Result<Arc<Partition>, ErrorCode> {
    let topic = if key.topic_id.is_zero() {
        node.partitions.topic(&key.topic)
    } else {
        node.partitions.topic_by_id(key.topic_id)
    };
    target::partition(topic.as_ref(), key.partition, unknown(key))
}

/// What is answered where there is no such topic.
fn unknown(key: &Key) -> ErrorCode {
    if key.topic_id.is_zero() {
        ErrorCode::UnknownTopicOrPartition
    } else {
        ErrorCode::UnknownTopicId
    }
}

/// What there is of every partition, and what has to be done first.
fn collect(node: &Node, plan: &Plan, terms: &Terms) -> (Vec<Found>, Todo) {
    let mut todo = Vec::new();
    let mut left = terms.max_bytes;
    let mut nothing_yet = true;
    let mut out = Vec::with_capacity(plan.partitions.len());
    for (key, wanted, told_before) in &plan.partitions {
        let found = read(node, key, wanted, terms, left, nothing_yet);
        let (data, slice) = match found {
            Ok(found) => found,
            Err(NotRead::Refused(code)) => (failed(key.partition, code), LogSlice::default()),
            Err(NotRead::Yet(first)) => {
                left = left.saturating_sub(first.bytes());
                nothing_yet = false;
                todo.push(first);
                (failed(key.partition, ErrorCode::KafkaStorageError), LogSlice::default())
            }
        };
        left = left.saturating_sub(slice.bytes);
        nothing_yet &= slice.bytes == 0;
        out.push(Found { key: key.clone(), told_before: *told_before, data, slice });
    }
    (out, todo)
}

/// Why nothing was read of a partition.
enum NotRead {
    Refused(ErrorCode),
    /// This has to be done first.
    Yet(Before),
}

impl From<ErrorCode> for NotRead {
    fn from(code: ErrorCode) -> NotRead {
        NotRead::Refused(code)
    }
}

fn failed(partition_index: i32, code: ErrorCode) -> PartitionData {
    PartitionData {
        partition_index,
        error_code: code.to_wire(),
        high_watermark: -1,
        records: Some(Records::Bytes(Default::default())),
        ..Default::default()
    }
}

fn read(
    node: &Node,
    key: &Key,
    wanted: &Wanted,
    terms: &Terms,
    left: usize,
    nothing_yet: bool,
) -> Result<(PartitionData, LogSlice), NotRead> {
    let partition = find(node, key)?;
    if terms.replica {
        return Err(ErrorCode::NotLeaderOrFollower.into());
    }
    target::check_epoch(&partition, wanted.leader_epoch)?;
    let log = partition.log();
    if partition.is_deleted() {
        return Err(unknown(key).into());
    }
    let (end, stable) = (log.end(), log.last_stable_offset());
    let mut data = PartitionData {
        partition_index: key.partition,
        high_watermark: end.get(),
        last_stable_offset: stable.get(),
        log_start_offset: log.start().get(),
        records: Some(Records::Bytes(Default::default())),
        ..Default::default()
    };
    let from = Offset::from_wire(wanted.offset).ok_or(ErrorCode::OffsetOutOfRange)?;
    if terms.version >= 12
        && let Some(last) = LeaderEpoch::from_wire(wanted.last_epoch)
    {
        let (epoch, ended) =
            log.epoch_end(last).map_or((-1, -1), |(epoch, end)| (epoch.get(), end.get()));
        if epoch != last.get() || ended < from.get() {
            data.diverging_epoch =
                EpochEndOffset { epoch, end_offset: ended, ..Default::default() };
            return Ok((data, LogSlice::default()));
        }
    }
    let max_bytes = usize::try_from(wanted.max_bytes).unwrap_or(0).min(left);
    // Who reads what is committed sees nothing beyond the first transaction that is open.
    let bound = if terms.read_committed { stable } else { end };
    if !terms.is_warm
        && let Some(cold) = log.cold(from, max_bytes)
    {
        return Err(NotRead::Yet(Before::Load(cold)));
    }
    let slice = log.slice(from, bound, max_bytes, nothing_yet);
    let slice = slice.and_then(|slice| {
        if terms.read_committed {
            let aborted = |found: Aborted| AbortedTransaction {
                producer_id: found.producer_id,
                first_offset: found.first_offset,
                ..Default::default()
            };
            let found = log.aborted(from, &slice)?;
            data.aborted_transactions = Some(found.into_iter().map(aborted).collect());
        }
        Ok(slice)
    });
    drop(log);
    match slice {
        Ok(slice) => Ok((data, slice)),
        Err(ReadError::Unchecked(check)) => {
            Err(NotRead::Yet(Before::Check(partition.clone(), check)))
        }
        Err(error) => {
            partition.read_failed(&error);
            Err(error.code().into())
        }
    }
}

fn answer(node: &Node, plan: &Plan, found: Vec<Found>, terms: &Terms) -> Answer<FetchResponse> {
    let mut told = Vec::with_capacity(found.len());
    let mut slots = Vec::new();
    let mut responses: Vec<FetchableTopicResponse> = Vec::new();
    for Found { key, told_before, mut data, slice } in found {
        let news = Told { high_watermark: data.high_watermark, log_start: data.log_start_offset };
        let has_records = slice.bytes > 0;
        let is_news =
            has_records || data.error_code != 0 || diverges(&data) || told_before != Some(news);
        if plan.session_id != 0 {
            told.push((key.clone(), news, has_records));
        }
        if plan.incremental && !is_news {
            continue;
        }
        if has_records {
            data.records = Some(Records::Slot { index: slots.len(), len: slice.bytes });
            slots.push(slice.slices.into_vec());
        }
        match responses
            .last_mut()
            .filter(|topic| topic.topic == key.topic && topic.topic_id == key.topic_id)
        {
            Some(topic) => topic.partitions.push(data),
            None => responses.push(FetchableTopicResponse {
                topic: key.topic,
                topic_id: key.topic_id,
                partitions: vec![data],
                ..Default::default()
            }),
        }
    }
    if !told.is_empty() {
        node.sessions.told(plan.session_id, &told);
    }
    debug_assert!(terms.version >= 7 || plan.session_id == 0);
    let response = FetchResponse { session_id: plan.session_id, responses, ..Default::default() };
    Answer { response, slots }
}
