//! One Produce request: many partitions' batches to one broker, and what its answer says of each.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::super::config::Acks;
use super::delivery::Landed;
use super::window::{BatchId, Identity};
use crate::base::{ErrorCode, TopicId, TopicName};
use crate::record::{BatchHeader, HEADER_LEN};
use crate::wire::Records;
use crate::wire::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse,
    TopicProduceData,
};

/// From this version on topics go by id.
pub(super) const BY_ID: i16 = 13;

/// A batch in a request.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) lane: usize,
    pub(super) batch: BatchId,
    pub(super) topic: TopicName,
    pub(super) topic_id: TopicId,
    pub(super) partition: i32,
}

/// From this version on brokers take note of the partitions that a transaction reaches (KIP-890).
pub(super) const NOTED: i16 = 12;

/// The request for batches of distinct partitions.
pub(super) fn request(
    transactional_id: Option<&str>,
    acks: Acks,
    timeout: Duration,
    batches: Vec<(Sent, Bytes)>,
) -> (ProduceRequest, Vec<Sent>) {
    let mut topics: Vec<TopicProduceData> = Vec::new();
    let mut sent = Vec::with_capacity(batches.len());
    for (batch, records) in batches {
        let data = PartitionProduceData {
            index: batch.partition,
            records: Some(Records::Bytes(records)),
            ..Default::default()
        };
        match topics.iter_mut().rev().find(|t| *t.name == *batch.topic) {
            Some(topic) => topic.partition_data.push(data),
            None => topics.push(TopicProduceData {
                name: batch.topic.as_str().into(),
                topic_id: batch.topic_id,
                partition_data: vec![data],
                ..Default::default()
            }),
        }
        sent.push(batch);
    }
    let acks = match acks {
        Acks::None => 0,
        Acks::Leader => 1,
        Acks::All => -1,
    };
    let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let transactional_id = transactional_id.map(Into::into);
    let request = ProduceRequest {
        transactional_id,
        acks,
        timeout_ms,
        topic_data: topics,
        ..Default::default()
    };
    (request, sent)
}

/// What the answer says of one batch; None if it says nothing.
pub(super) fn find<'a>(
    answer: &'a ProduceResponse,
    sent: &Sent,
    version: i16,
) -> Option<&'a PartitionProduceResponse> {
    let named = |name: &str, id: TopicId| match version >= BY_ID {
        true => id == sent.topic_id,
        false => name == &*sent.topic,
    };
    let topic = answer.responses.iter().find(|t| named(&t.name, t.topic_id))?;
    topic.partition_responses.iter().find(|p| p.index == sent.partition)
}

/// What is to be done about a batch.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// It is written.
    Written(Landed),
    /// Too large for the topic: to be split.
    TooLarge,
    /// Not in the sequence that the broker wants.
    OutOfSequence,
    /// Not written, and may be later. With `stale`, our picture of the cluster may be.
    Refused { stale: bool },
    /// Perhaps written.
    Lost,
    /// Will never be written.
    Failed,
}

/// Reads one partition's answer.
pub(super) fn verdict(answer: &PartitionProduceResponse) -> (ErrorCode, Verdict) {
    use ErrorCode as E;
    let code = E::from_wire(answer.error_code);
    let verdict = match code {
        E::None => Verdict::Written(Landed {
            base_offset: Some(answer.base_offset).filter(|o| *o >= 0),
            log_append_time: Some(answer.log_append_time_ms).filter(|t| *t >= 0),
        }),
        E::DuplicateSequenceNumber => {
            Verdict::Written(Landed { base_offset: None, log_append_time: None })
        }
        E::MessageTooLarge | E::RecordListTooLarge => Verdict::TooLarge,
        E::OutOfOrderSequenceNumber | E::UnknownProducerId | E::InvalidProducerEpoch => {
            Verdict::OutOfSequence
        }
        E::NotEnoughReplicasAfterAppend | E::RequestTimedOut | E::NetworkException => Verdict::Lost,
        E::NotLeaderOrFollower
        | E::LeaderNotAvailable
        | E::UnknownTopicOrPartition
        | E::UnknownTopicId
        | E::InconsistentTopicId
        | E::FencedLeaderEpoch
        | E::KafkaStorageError
        | E::ReplicaNotAvailable => Verdict::Refused { stale: true },
        other if other.is_retriable() => Verdict::Refused { stale: false },
        _ => Verdict::Failed,
    };
    (code, verdict)
}

/// The batch with another producer, epoch and sequence; its checksum made anew. Copies only what others hold too.
pub(super) fn stamped(batch: Bytes, producer: Option<(Identity, i32)>) -> Bytes {
    let Ok(mut header) = BatchHeader::parse(&batch) else { return batch };
    let (id, epoch, sequence) = match producer {
        Some((identity, sequence)) => (identity.id, identity.epoch, sequence),
        None => (-1, -1, -1),
    };
    if (header.producer_id, header.producer_epoch, header.base_sequence) == (id, epoch, sequence) {
        return batch;
    }
    (header.producer_id, header.producer_epoch, header.base_sequence) = (id, epoch, sequence);
    let mut bytes = batch.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
    bytes[..HEADER_LEN].copy_from_slice(&header.to_bytes());
    header.crc = crc32c::crc32c(&bytes[CRC_COVERS_FROM..]);
    bytes[..HEADER_LEN].copy_from_slice(&header.to_bytes());
    bytes.freeze()
}

/// The checksum covers a batch from its attributes on.
const CRC_COVERS_FROM: usize = 21;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchBuilder, BatchOptions, check_crc};

    #[test]
    fn a_restamped_batch_is_sound_and_says_who_wrote_it() {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.append(1, None, Some(b"v"), []).unwrap();
        let batch = builder.build().unwrap();
        for producer in [Some((Identity { id: 9, epoch: 2 }, 77)), None] {
            let stamped = stamped(batch.clone(), producer);
            check_crc(&stamped).unwrap();
            let header = BatchHeader::parse(&stamped).unwrap();
            let wanted = producer.map_or((-1, -1, -1), |(i, s)| (i.id, i.epoch, s));
            assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), wanted);
        }
    }

    #[test]
    fn only_what_was_certainly_not_written_counts_as_refused() {
        let of = |code: ErrorCode| {
            verdict(&PartitionProduceResponse {
                error_code: code.to_wire(),
                ..PartitionProduceResponse::default()
            })
            .1
        };
        assert_eq!(of(ErrorCode::NotEnoughReplicas), Verdict::Refused { stale: false });
        assert_eq!(of(ErrorCode::NotEnoughReplicasAfterAppend), Verdict::Lost);
        assert_eq!(of(ErrorCode::NotLeaderOrFollower), Verdict::Refused { stale: true });
        assert_eq!(of(ErrorCode::InvalidRecord), Verdict::Failed);
        assert_eq!(of(ErrorCode::UnknownProducerId), Verdict::OutOfSequence);
    }
}
