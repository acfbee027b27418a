//! Where the group had read to in partitions that are new to a member.

use std::collections::{BTreeMap, BTreeSet};

use bytestring::ByteString;

use super::super::consumer::Key;
use super::super::error::ClientError;
use super::super::handle::Lane;
use super::Shared;
use super::member::Committed;
use crate::base::{ErrorCode, TopicName};
use crate::wire::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
    OffsetFetchResponse,
};

/// Topics go by name up to this version of OffsetFetch.
const BY_NAME: i16 = 9;
/// Groups are asked for as a list from this version on.
const GROUPS: i16 = 8;
/// From this version on offsets of open transactions can be waited for (KIP-447).
const STABLE: i16 = 7;

/// What a coordinator told: of all, or of each partition its error, offset and epoch.
type Told = BTreeMap<Key, (i16, i64, i32)>;

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
    let version = connection.version_up_to::<OffsetFetchRequest>(BY_NAME)?;
    let group_id = shared.config.group.id.as_deref().unwrap_or_default().into();
    let request = request(group_id, &wanted, version);
    let timeout = shared.client.config().request_timeout;
    let answer = connection.call_at(&request, version, timeout).await?;
    let check = |code: i16| {
        shared.coordinator.is_elsewhere(ErrorCode::from_wire(code));
        ClientError::check(code, None, || "fetching committed offsets".into())
    };
    let (code, told) = told(answer);
    check(code)?;
    let mut failed = Ok(());
    let mut state = shared.state.lock();
    for key in wanted {
        let missing = (ErrorCode::UnknownServerError.to_wire(), -1, -1);
        let (code, offset, epoch) = told.get(&key).copied().unwrap_or(missing);
        match check(code) {
            Ok(()) => {
                let leader_epoch = Some(epoch).filter(|epoch| *epoch >= 0);
                let committed = Committed { offset, leader_epoch };
                state.member.on_committed(&key, (offset >= 0).then_some(committed));
            }
            Err(cause) => failed = Err(cause),
        }
    }
    failed
}

fn request(group_id: ByteString, wanted: &BTreeSet<Key>, version: i16) -> OffsetFetchRequest {
    let require_stable = version >= STABLE;
    let mut topics: BTreeMap<ByteString, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in wanted {
        topics.entry(topic.as_str().into()).or_default().push(*partition);
    }
    if version < GROUPS {
        let topic = |(name, partition_indexes)| OffsetFetchRequestTopic {
            name,
            partition_indexes,
            ..Default::default()
        };
        let topics = Some(topics.into_iter().map(topic).collect());
        return OffsetFetchRequest { group_id, topics, require_stable, ..Default::default() };
    }
    let topic = |(name, partition_indexes)| OffsetFetchRequestTopics {
        name,
        partition_indexes,
        ..Default::default()
    };
    let topics = Some(topics.into_iter().map(topic).collect());
    let group = OffsetFetchRequestGroup { group_id, topics, ..Default::default() };
    OffsetFetchRequest { groups: vec![group], require_stable, ..Default::default() }
}

/// The code of the whole answer, and what stands in it.
fn told(answer: OffsetFetchResponse) -> (i16, Told) {
    let mut told = Told::new();
    let mut put = |name: &str, partition, one| {
        if let Ok(topic) = TopicName::new(name) {
            told.insert((topic, partition), one);
        }
    };
    let mut code = answer.error_code;
    for topic in &answer.topics {
        for p in &topic.partitions {
            let one = (p.error_code, p.committed_offset, p.committed_leader_epoch);
            put(&topic.name, p.partition_index, one);
        }
    }
    for group in &answer.groups {
        code = group.error_code;
        for topic in &group.topics {
            for p in &topic.partitions {
                let one = (p.error_code, p.committed_offset, p.committed_leader_epoch);
                put(&topic.name, p.partition_index, one);
            }
        }
    }
    (code, told)
}
