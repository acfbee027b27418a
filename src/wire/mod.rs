//! Rank 1. The Kafka protocol's messages: each is declared once, by `message!`, and from that declaration come its
//! struct, its encoder, its decoder and a schema that tests compare with Kafka's own definitions.
//!
//! One module per API, with the names of Kafka's definitions. A frame enters through [`Opening::decode`], then
//! [`decode_client_id`], then [`Request::decode`]; it leaves through [`Request::encode_response`] as [`Piece`]s.
//! Pure: no I/O. Records stay opaque and are never copied; every length is held against the bytes that are left before
//! anything is allocated.

mod encoder;
mod error;
pub(crate) mod field;
mod header;
mod input;
pub(crate) mod macros;
mod message;
mod records;
mod schema;
pub(crate) mod tags;
#[cfg(test)]
mod tests;
mod value;

pub mod add_offsets_to_txn;
pub mod add_partitions_to_txn;
pub mod alter_configs;
pub mod api_versions;
pub mod consumer_group_describe;
pub mod consumer_group_heartbeat;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_groups;
pub mod delete_records;
pub mod delete_topics;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_groups;
pub mod describe_log_dirs;
pub mod describe_producers;
pub mod describe_quorum;
pub mod describe_topic_partitions;
pub mod describe_transactions;
pub mod elect_leaders;
pub mod end_txn;
pub mod fetch;
pub mod find_coordinator;
pub mod heartbeat;
pub mod incremental_alter_configs;
pub mod init_producer_id;
pub mod join_group;
pub mod leave_group;
pub mod list_config_resources;
pub mod list_groups;
pub mod list_offsets;
pub mod list_partition_reassignments;
pub mod list_transactions;
pub mod metadata;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod offset_for_leader_epoch;
pub mod produce;
pub mod sync_group;
pub mod txn_offset_commit;
pub mod update_features;
pub mod write_txn_markers;

pub use crate::base::TopicId as Uuid;
pub use encoder::{Encoder, Piece};
pub use error::Located;
pub use error::{DecodeError, EncodeError, Fault};
pub use header::{
    Opening, decode_client_id, decode_response_header, encode_request_header,
    encode_response_header,
};
pub use input::Input;
pub(crate) use macros::message;
pub use message::{Fields, Request};
pub use records::Records;
pub use schema::{Api, Field, Schema, StoredRecord, Type, Versions};
pub use tags::UnknownTags;
pub use value::{Nullable, Unfit, Unreadable, Value, Wire};

/// Calls the given macro with every request that klog knows: what goes through all messages starts here.
#[macro_export]
macro_rules! for_every_request {
    ($callback:ident) => {
        $callback! {
            $crate::wire::add_offsets_to_txn::AddOffsetsToTxnRequest,
            $crate::wire::add_partitions_to_txn::AddPartitionsToTxnRequest,
            $crate::wire::alter_configs::AlterConfigsRequest,
            $crate::wire::api_versions::ApiVersionsRequest,
            $crate::wire::consumer_group_describe::ConsumerGroupDescribeRequest,
            $crate::wire::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest,
            $crate::wire::create_partitions::CreatePartitionsRequest,
            $crate::wire::create_topics::CreateTopicsRequest,
            $crate::wire::delete_groups::DeleteGroupsRequest,
            $crate::wire::delete_records::DeleteRecordsRequest,
            $crate::wire::delete_topics::DeleteTopicsRequest,
            $crate::wire::describe_cluster::DescribeClusterRequest,
            $crate::wire::describe_configs::DescribeConfigsRequest,
            $crate::wire::describe_groups::DescribeGroupsRequest,
            $crate::wire::describe_log_dirs::DescribeLogDirsRequest,
            $crate::wire::describe_producers::DescribeProducersRequest,
            $crate::wire::describe_quorum::DescribeQuorumRequest,
            $crate::wire::describe_topic_partitions::DescribeTopicPartitionsRequest,
            $crate::wire::describe_transactions::DescribeTransactionsRequest,
            $crate::wire::elect_leaders::ElectLeadersRequest,
            $crate::wire::end_txn::EndTxnRequest,
            $crate::wire::fetch::FetchRequest,
            $crate::wire::find_coordinator::FindCoordinatorRequest,
            $crate::wire::heartbeat::HeartbeatRequest,
            $crate::wire::incremental_alter_configs::IncrementalAlterConfigsRequest,
            $crate::wire::init_producer_id::InitProducerIdRequest,
            $crate::wire::join_group::JoinGroupRequest,
            $crate::wire::leave_group::LeaveGroupRequest,
            $crate::wire::list_config_resources::ListConfigResourcesRequest,
            $crate::wire::list_groups::ListGroupsRequest,
            $crate::wire::list_offsets::ListOffsetsRequest,
            $crate::wire::list_partition_reassignments::ListPartitionReassignmentsRequest,
            $crate::wire::list_transactions::ListTransactionsRequest,
            $crate::wire::metadata::MetadataRequest,
            $crate::wire::offset_commit::OffsetCommitRequest,
            $crate::wire::offset_delete::OffsetDeleteRequest,
            $crate::wire::offset_fetch::OffsetFetchRequest,
            $crate::wire::offset_for_leader_epoch::OffsetForLeaderEpochRequest,
            $crate::wire::produce::ProduceRequest,
            $crate::wire::sync_group::SyncGroupRequest,
            $crate::wire::txn_offset_commit::TxnOffsetCommitRequest,
            $crate::wire::update_features::UpdateFeaturesRequest,
            $crate::wire::write_txn_markers::WriteTxnMarkersRequest,
        }
    };
}
