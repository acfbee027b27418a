//! What a transactional producer's machine asks for, and what it is told.

use super::super::super::super::committed::GroupOffsets;
use super::super::super::super::consumer::Key;
use super::super::super::super::error::ClientError;
use super::super::super::window::Identity;
use super::super::GroupMetadata;
use super::super::refusal::Api;
use crate::base::ErrorCode;

/// Which of the two protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Protocol {
    /// The client announces what a transaction is to reach.
    Announced,
    /// Brokers take note of it.
    Noted,
}

/// What the cluster can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Abilities {
    pub(in super::super) protocol: Protocol,
    /// Whether InitProducerId raises a producer's epoch (KIP-360).
    pub(in super::super) raises_epochs: bool,
}

/// The request that is due.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Step {
    /// Take the transactional id; or with `current` raise its epoch.
    Init { current: Option<Identity> },
    /// Announce partitions.
    AddPartitions { who: Identity, partitions: Vec<Key> },
    /// Announce a group.
    AddOffsets { who: Identity, group: GroupMetadata },
    /// Offsets that count once the transaction is committed.
    CommitOffsets { who: Identity, group: GroupMetadata, offsets: GroupOffsets },
    /// The end.
    End { who: Identity, commit: bool },
}

impl Step {
    pub(super) fn api(&self) -> Api {
        match self {
            Step::Init { .. } => Api::Init,
            Step::AddPartitions { .. } => Api::AddPartitions,
            Step::AddOffsets { .. } => Api::AddOffsets,
            Step::CommitOffsets { .. } => Api::CommitOffsets,
            Step::End { .. } => Api::End,
        }
    }

    pub(super) fn what(&self) -> &'static str {
        match self {
            Step::Init { .. } => "InitProducerId",
            Step::AddPartitions { .. } => "AddPartitionsToTxn",
            Step::AddOffsets { .. } => "AddOffsetsToTxn",
            Step::CommitOffsets { .. } => "TxnOffsetCommit",
            Step::End { .. } => "EndTxn",
        }
    }
}

/// What came of a request.
#[derive(Clone, Debug)]
pub(in super::super) enum Told {
    /// An answer: its codes, and who the producer is from now on, if it says so.
    Answer { codes: Vec<ErrorCode>, identity: Option<Identity> },
    /// None: it may have been done or not.
    Lost,
    /// It cannot be asked for.
    Impossible(ClientError),
}

/// What follows an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Then {
    /// The next step.
    Go,
    /// The same again, after a pause.
    Pause,
    /// The same again, after a pause, at whoever is the coordinator then.
    FindAgain,
}

/// Which batches the sender is to drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super::super) enum Drops {
    /// None.
    None,
    /// Those that were never sent, or are certainly not written and cannot be any more.
    Unsent,
    /// All.
    All,
}
