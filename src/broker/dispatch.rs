//! The one list of what is served. ApiVersions is derived from it, so that nothing unhandled is advertised.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;

use super::node::Node;
use super::reply::{Answer, Reply, frame};
use super::{handlers, quirks};
use crate::base::Cursor;
use crate::os::Chunk;
use crate::wire::{Api, DecodeError, EncodeError, Opening, Request, decode_client_id};

/// A request with what its handler may know of where it came from.
#[derive(Debug)]
pub struct Call<R> {
    /// The node.
    pub node: Arc<Node>,
    /// Where it came from.
    pub origin: Origin,
    /// What the client calls itself.
    pub client_id: Option<ByteString>,
    /// The request's version.
    pub version: i16,
    /// The request.
    pub request: R,
}

/// Where a request came from, and where it is served.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// Who asks.
    pub peer: SocketAddr,
    /// Whether it is served aside already, where it may take long.
    pub aside: bool,
}

/// An answer that is being worked out.
pub type Later = Pin<Box<dyn Future<Output = Result<Vec<Chunk>, EncodeError>> + Send>>;

/// A frame, admitted.
pub enum Admitted {
    /// Its answer.
    Ready(Vec<Chunk>),
    /// Its answer, later.
    Later(Later),
    /// It has none.
    Silent,
    /// It takes long: to be served aside before anything else of the connection is.
    Aside(Work),
}

/// What is left to do of a request that takes long.
pub type Work = Box<dyn FnOnce() -> Result<Admitted, Refusal> + Send>;

/// Why the connection is closed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No such API, or not in this version.
    #[error(
        "API {key} version {version} is not served; the versions that are stand in ApiVersions"
    )]
    NotServed {
        /// The API's key.
        key: i16,
        /// The version asked for.
        version: i16,
    },
    /// A long request of an API that has no need of it.
    #[error(
        "a request of API {key} with {size} bytes; without records, at most {WITHOUT_RECORDS_AT_MOST} are taken"
    )]
    TooLarge {
        /// The API's key.
        key: i16,
        /// The request's length in bytes.
        size: usize,
    },
    /// The request is not what it claims to be.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// The handler made a response that its version cannot carry.
    #[error("bug: {0}")]
    Encode(#[from] EncodeError),
    /// The handler closes the connection.
    #[error("request refused")]
    Closed,
    /// The broker has stopped.
    #[error("the broker stops")]
    Stopped,
}

/// The longest request that carries no records: 100,000 partitions take half of it, and its lists may take many times
/// its length in memory.
const WITHOUT_RECORDS_AT_MOST: usize = 8 << 20;

type Handle = fn(&Arc<Node>, Origin, Opening, Bytes) -> Result<Admitted, Refusal>;

/// An API as it is served.
#[derive(Clone, Copy)]
pub struct Served {
    /// The API.
    pub api: Api,
    /// The first version that is served.
    pub min: i16,
    /// The last version that is served.
    pub max: i16,
    /// The first version that is advertised.
    pub advertised_min: i16,
    handle: Handle,
}

/// Declares what is served: the message, the versions, in brackets the first version that is advertised if not that, and the
/// handler.
macro_rules! serve {
    ($($module:ident::$request:ident, $min:literal..=$max:literal $(, advertised from $from:literal)?;)*) => {
        /// Everything that is served, by key.
        pub const SERVED: &[Served] = &[$(Served {
            api: crate::wire::$module::$request::API,
            min: $min,
            max: $max,
            advertised_min: serve!(@from $min $($from)?),
            handle: |node, origin, opening, rest| {
                admit::<crate::wire::$module::$request>(node, origin, opening, rest, handlers::$module::handle)
            },
        },)*];
    };
    (@from $min:literal) => { $min };
    (@from $min:literal $from:literal) => { $from };
}

serve! {
    // librdkafka up to 2.11 takes compression away from a broker that does not name Produce 0.
    produce::ProduceRequest, 3..=13, advertised from 0;
    fetch::FetchRequest, 4..=18;
    list_offsets::ListOffsetsRequest, 1..=11;
    metadata::MetadataRequest, 0..=13;
    offset_commit::OffsetCommitRequest, 2..=10;
    offset_fetch::OffsetFetchRequest, 1..=10;
    find_coordinator::FindCoordinatorRequest, 0..=6;
    join_group::JoinGroupRequest, 0..=9;
    heartbeat::HeartbeatRequest, 0..=4;
    leave_group::LeaveGroupRequest, 0..=5;
    sync_group::SyncGroupRequest, 0..=5;
    describe_groups::DescribeGroupsRequest, 0..=6;
    list_groups::ListGroupsRequest, 0..=5;
    api_versions::ApiVersionsRequest, 0..=4;
    create_topics::CreateTopicsRequest, 2..=7;
    delete_topics::DeleteTopicsRequest, 1..=6;
    delete_records::DeleteRecordsRequest, 0..=2;
    init_producer_id::InitProducerIdRequest, 0..=5;
    offset_for_leader_epoch::OffsetForLeaderEpochRequest, 2..=4;
    add_partitions_to_txn::AddPartitionsToTxnRequest, 0..=5;
    add_offsets_to_txn::AddOffsetsToTxnRequest, 0..=4;
    end_txn::EndTxnRequest, 0..=5;
    write_txn_markers::WriteTxnMarkersRequest, 1..=2;
    txn_offset_commit::TxnOffsetCommitRequest, 0..=5;
    describe_configs::DescribeConfigsRequest, 1..=4;
    alter_configs::AlterConfigsRequest, 0..=2;
    describe_log_dirs::DescribeLogDirsRequest, 1..=5;
    create_partitions::CreatePartitionsRequest, 0..=3;
    delete_groups::DeleteGroupsRequest, 0..=2;
    elect_leaders::ElectLeadersRequest, 0..=2;
    incremental_alter_configs::IncrementalAlterConfigsRequest, 0..=1;
    list_partition_reassignments::ListPartitionReassignmentsRequest, 0..=0;
    offset_delete::OffsetDeleteRequest, 0..=0;
    describe_quorum::DescribeQuorumRequest, 0..=2;
    update_features::UpdateFeaturesRequest, 0..=2;
    describe_cluster::DescribeClusterRequest, 0..=2;
    describe_producers::DescribeProducersRequest, 0..=0;
    describe_transactions::DescribeTransactionsRequest, 0..=0;
    list_transactions::ListTransactionsRequest, 0..=2;
    consumer_group_heartbeat::ConsumerGroupHeartbeatRequest, 0..=1;
    consumer_group_describe::ConsumerGroupDescribeRequest, 0..=1;
    list_config_resources::ListConfigResourcesRequest, 0..=1;
    describe_topic_partitions::DescribeTopicPartitionsRequest, 0..=0;
}

/// The API with this key.
pub fn served(key: i16) -> Option<&'static Served> {
    SERVED.iter().find(|served| served.api.key == key)
}

/// Reads a frame and hands it to its handler.
///
/// # Errors
/// Why the connection is to be closed.
pub fn dispatch(node: &Arc<Node>, origin: Origin, bytes: Bytes) -> Result<Admitted, Refusal> {
    let size = bytes.len();
    let mut input = Cursor::new(bytes);
    let opening = Opening::decode(&mut input)?;
    let not_served = Refusal::NotServed { key: opening.api_key, version: opening.api_version };
    let served = served(opening.api_key).ok_or(not_served)?;
    if !(served.min..=served.max).contains(&opening.api_version) {
        if served.api.key == crate::wire::api_versions::ApiVersionsRequest::API.key {
            return Ok(handlers::api_versions::unsupported(opening.correlation_id)?);
        }
        return Err(Refusal::NotServed { key: opening.api_key, version: opening.api_version });
    }
    let key = opening.api_key;
    if size > WITHOUT_RECORDS_AT_MOST && key != crate::wire::produce::ProduceRequest::API.key {
        return Err(Refusal::TooLarge { key, size });
    }
    (served.handle)(node, origin, opening, input.rest().clone())
}

fn admit<R: Request + 'static>(
    node: &Arc<Node>,
    origin: Origin,
    opening: Opening,
    rest: Bytes,
    handler: impl FnOnce(Call<R>) -> Reply<R::Response>,
) -> Result<Admitted, Refusal>
where
    R::Response: Send,
{
    let version = opening.api_version;
    let mut input = Cursor::new(rest);
    let client_id = decode_client_id(R::API.flexible(version), &mut input)?;
    let body = quirks::meant(opening.api_key, version, input.rest().clone());
    let request = R::decode(version, body)?;
    let call = Call { node: node.clone(), origin, client_id, version, request };
    encode::<R>(node, handler(call), version, opening)
}

fn encode<R: Request + 'static>(
    node: &Arc<Node>,
    reply: Reply<R::Response>,
    version: i16,
    opening: Opening,
) -> Result<Admitted, Refusal>
where
    R::Response: Send,
{
    let id = opening.correlation_id;
    let written = move |node: &Node, answer: &Answer<R::Response>| {
        node.counts.errors_in(R::API.key, &answer.response);
        frame::<R>(answer, version, id)
    };
    match reply {
        Reply::Ready(answer) => Ok(Admitted::Ready(written(node, &answer)?)),
        Reply::Later(answer) => {
            let node = node.clone();
            Ok(Admitted::Later(Box::pin(async move { written(&node, &answer.await) })))
        }
        Reply::Aside(work) => {
            let node = node.clone();
            Ok(Admitted::Aside(Box::new(move || encode::<R>(&node, work(), version, opening))))
        }
        Reply::Silent => Ok(Admitted::Silent),
        Reply::Close => Err(Refusal::Closed),
    }
}
