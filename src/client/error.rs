//! What can go wrong, with the fields that a program needs to decide, and a hint needs to help.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::producer::transaction::{ErrorClass, TransactionError};
use crate::base::{ErrorCode, TopicName};

/// Why a connection is of no use, or has ceased to be.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectionError {
    /// The host name has no address of the family asked for.
    #[error("{address} has no address")]
    Resolve {
        /// As it was given.
        address: String,
        /// What the resolver said.
        #[source]
        cause: Option<Arc<io::Error>>,
    },
    /// TCP could not connect.
    #[error("cannot connect to {address}")]
    Connect {
        /// As it was given.
        address: String,
        /// What the system said.
        #[source]
        cause: Arc<io::Error>,
    },
    /// Connecting, or agreeing on versions, took too long.
    #[error("{address} {} within {after:?}", if *.connected { "took the connection, but did not answer" } else { "could not be connected to" })]
    SetupTimedOut {
        /// As it was given.
        address: String,
        /// The bound.
        after: Duration,
        /// Whether there was a connection.
        connected: bool,
    },
    /// Whoever listens there speaks another protocol.
    #[error("{address} is no Kafka listener: it answers in {protocol}")]
    Foreign {
        /// As it was given.
        address: String,
        /// Which one.
        protocol: &'static str,
    },
    /// Reading or writing failed.
    #[error("the connection to {address} broke")]
    Broken {
        /// As it was given.
        address: String,
        /// What the system said.
        #[source]
        cause: Arc<io::Error>,
    },
    /// The other side closed it, or we did since it was idle.
    #[error("the connection to {address} was closed")]
    Closed {
        /// As it was given.
        address: String,
    },
    /// An answer did not come in time; the connection is given up.
    #[error("{address} did not answer {api} within {after:?}")]
    TimedOut {
        /// As it was given.
        address: String,
        /// The request's name.
        api: &'static str,
        /// The bound.
        after: Duration,
    },
    /// What came is not Kafka's protocol; the connection is given up.
    #[error("{address} does not speak Kafka's protocol: {detail}")]
    Protocol {
        /// As it was given.
        address: String,
        /// What was wrong.
        detail: String,
    },
    /// The broker and klog have no version of this request in common.
    #[error("{address} serves no version of {api} that klog knows")]
    Unsupported {
        /// As it was given.
        address: String,
        /// The request's name.
        api: &'static str,
    },
}

impl ConnectionError {
    /// Whether another try, or another broker, may succeed.
    pub fn retriable(&self) -> bool {
        !matches!(self, ConnectionError::Unsupported { .. })
    }
}

/// Why an operation failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClientError {
    /// None of the known brokers answers.
    #[error("no broker answers at {addresses}")]
    Unreachable {
        /// All that were tried.
        addresses: String,
        /// What the last one did.
        #[source]
        cause: Option<ConnectionError>,
    },
    /// A broker's connection failed.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// The operation took longer than its bound, with all its retries.
    #[error("{what} was not done within {after:?}")]
    TimedOut {
        /// What was being done.
        what: &'static str,
        /// The bound.
        after: Duration,
        /// What the last try met.
        #[source]
        last: Option<Arc<ClientError>>,
    },
    /// The broker refused.
    #[error("{what}: {code}{}", Detail(message))]
    Refused {
        /// What was being done, or to which topic.
        what: String,
        /// The broker's code.
        code: ErrorCode,
        /// The broker's words.
        message: Option<String>,
    },
    /// The cluster has no such topic.
    #[error("topic {topic} does not exist")]
    UnknownTopic {
        /// Its name.
        topic: TopicName,
    },
    /// The topic has no such partition.
    #[error("topic {topic} has no partition {partition}; it has {count}")]
    UnknownPartition {
        /// The topic.
        topic: TopicName,
        /// The partition asked for.
        partition: i32,
        /// How many it has.
        count: usize,
    },
    /// The client was closed.
    #[error("the client is closed")]
    Closed,
}

/// Appends what the broker said, if it said anything.
struct Detail<'a>(&'a Option<String>);

impl fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(text) if !text.is_empty() => write!(f, ": {text}"),
            _ => Ok(()),
        }
    }
}

impl ClientError {
    /// Whether the same operation may succeed later.
    pub fn retriable(&self) -> bool {
        match self {
            ClientError::Connection(cause) => cause.retriable(),
            ClientError::Refused { code, .. } => code.is_retriable(),
            ClientError::Unreachable { .. } | ClientError::TimedOut { .. } => true,
            ClientError::UnknownTopic { .. } => true,
            ClientError::UnknownPartition { .. } | ClientError::Closed => false,
        }
    }

    /// Whether nobody was reached but who speaks another protocol.
    pub(super) fn is_foreign(&self) -> bool {
        matches!(
            self,
            ClientError::Unreachable { cause: Some(ConnectionError::Foreign { .. }), .. }
        )
    }

    /// The broker's code, where a broker refused.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            ClientError::Refused { code, .. } => Some(*code),
            ClientError::TimedOut { last: Some(last), .. } => last.code(),
            _ => None,
        }
    }

    /// `Ok` for NONE, else `Refused`.
    pub(super) fn check(
        code: i16,
        message: Option<&str>,
        what: impl FnOnce() -> String,
    ) -> Result<(), ClientError> {
        ErrorCode::from_wire(code).ok().map_err(|code| ClientError::Refused {
            what: what(),
            code,
            message: message.map(str::to_owned),
        })
    }
}

/// Why a record was not delivered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProduceError {
    /// Larger than `max.request.size` or `buffer.memory`.
    #[error("the record has {bytes} bytes, `{limit}` allows {max}")]
    TooLarge {
        /// Its size in a batch of its own.
        bytes: usize,
        /// The bound.
        max: usize,
        /// The property that sets it.
        limit: &'static str,
    },
    /// `send` waited as long as `max.block.ms` says.
    #[error("{what} within {after:?}")]
    Blocked {
        /// What did not come: room in the buffer, or the topic's partitions.
        what: &'static str,
        /// The bound.
        after: Duration,
        /// Why, if it is known.
        #[source]
        cause: Option<ClientError>,
    },
    /// Not acknowledged within `delivery.timeout.ms`.
    #[error("{topic}[{partition}] did not acknowledge the record within {after:?}{}", if *.sent { "; it may have been written" } else { "" })]
    TimedOut {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: i32,
        /// The bound.
        after: Duration,
        /// Whether it was sent at least once.
        sent: bool,
        /// What the last try met.
        #[source]
        last: Option<Arc<ClientError>>,
    },
    /// The broker refused it.
    #[error("{topic}[{partition}] refused the record: {code}{}", Detail(message))]
    Refused {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: i32,
        /// The broker's code.
        code: ErrorCode,
        /// The broker's words.
        message: Option<String>,
    },
    /// A custom partitioner chose a partition that is not there, or the record names one.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It was dropped before it was sent, since its transaction is aborted.
    #[error("{topic}[{partition}] was not sent the record: its transaction is aborted")]
    Aborted {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: i32,
    },
    /// The transaction takes no records.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// The producer was closed before the record was delivered.
    #[error("the producer is closed")]
    Closed,
}

impl ProduceError {
    /// Whether sending the record again may succeed (and may duplicate it, where `sent` says so).
    pub fn retriable(&self) -> bool {
        match self {
            ProduceError::Blocked { .. } | ProduceError::TimedOut { .. } => true,
            ProduceError::Refused { code, .. } => code.is_retriable(),
            ProduceError::Client(cause) => cause.retriable(),
            ProduceError::Transaction(cause) => cause.class() == ErrorClass::Retriable,
            ProduceError::TooLarge { .. } | ProduceError::Aborted { .. } | ProduceError::Closed => {
                false
            }
        }
    }

    /// The broker's code, where a broker refused.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            ProduceError::Refused { code, .. } => Some(*code),
            ProduceError::TimedOut { last: Some(last), .. } => last.code(),
            ProduceError::Client(cause) => cause.code(),
            ProduceError::Transaction(cause) => cause.code(),
            _ => None,
        }
    }
}

/// Why `poll` has no records of a partition.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConsumeError {
    /// The position is outside of the log, and the reset policy is `Error`.
    #[error("{topic}[{partition}] has no offset {offset}")]
    OffsetOutOfRange {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: i32,
        /// The position.
        offset: i64,
    },
    /// Records up to the position are gone that were there: the log was truncated (KIP-320).
    #[error(
        "{topic}[{partition}] was truncated to offset {diverges_at}, before the position {offset}"
    )]
    Truncated {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: i32,
        /// The position.
        offset: i64,
        /// Where the log now differs from what was read.
        diverges_at: i64,
    },
    /// A batch is damaged; seek past it to go on.
    #[error("{topic}[{partition}] has a damaged batch at offset {offset}: {detail}")]
    Corrupt {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: i32,
        /// Where it was read.
        offset: i64,
        /// What is wrong with it.
        detail: String,
    },
    /// The broker refused.
    #[error("{topic}[{partition}] cannot be read: {code}")]
    Refused {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: i32,
        /// The broker's code.
        code: ErrorCode,
    },
    /// The group has committed nothing of the partition, and the reset policy is `Error`.
    #[error("{topic}[{partition}] has no committed offset to start from")]
    NoOffset {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: i32,
    },
    /// The group wants this member no more.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// A partition that is not assigned was named.
    #[error("{topic}[{partition}] is not assigned")]
    NotAssigned {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: i32,
    },
    /// The operation failed.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl ConsumeError {
    /// The broker's code, where a broker refused.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            ConsumeError::Refused { code, .. } => Some(*code),
            ConsumeError::OffsetOutOfRange { .. } => Some(ErrorCode::OffsetOutOfRange),
            ConsumeError::Client(cause) => cause.code(),
            ConsumeError::Group(cause) => cause.code(),
            _ => None,
        }
    }
}

/// Why a consumer is not, or not any more, a member of its group, or why it could not commit.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GroupError {
    /// The config names no group.
    #[error("no group is named")]
    NoGroup,
    /// The coordinator refused for good.
    #[error("group {group}: {code}")]
    Refused {
        /// The group.
        group: String,
        /// The broker's code.
        code: ErrorCode,
    },
    /// The member is out, or was never in: what it wanted to commit may be read by others already.
    #[error("not a member of the group: its partitions may have gone to others")]
    NotMember,
    /// One partition's offset was refused.
    #[error("the offset of {topic}[{partition}] cannot be committed: {code}")]
    Offset {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: i32,
        /// The broker's code.
        code: ErrorCode,
    },
    /// The coordinator could not be asked in time.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl GroupError {
    /// The broker's code, where a broker refused.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            GroupError::Refused { code, .. } | GroupError::Offset { code, .. } => Some(*code),
            GroupError::Client(cause) => cause.code(),
            GroupError::NoGroup | GroupError::NotMember => None,
        }
    }
}
