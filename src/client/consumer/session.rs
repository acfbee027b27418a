//! Fetch sessions (KIP-227): after a first full request a broker is only told what changed. Pure.

use std::collections::BTreeMap;

use crate::base::{ErrorCode, TopicId, TopicName};
use crate::wire::fetch::{FetchPartition, FetchRequest, FetchTopic, ForgottenTopic};

/// What is asked of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) topic_id: TopicId,
    pub(super) fetch_offset: i64,
    pub(super) leader_epoch: i32,
    pub(super) last_epoch: i32,
    pub(super) max_bytes: i32,
}

/// A partition, by name.
pub(in crate::client) type Key = (TopicName, i32);

/// One broker's session.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// 0: none yet.
    id: i32,
    /// 0: the next request is full.
    epoch: i32,
    /// What the broker believes that we want.
    known: BTreeMap<Key, Wanted>,
}

impl Session {
    /// Adds to `request` what tells the broker that exactly `wanted` is wanted.
    pub(super) fn describe(&mut self, wanted: BTreeMap<Key, Wanted>, request: &mut FetchRequest) {
        (request.session_id, request.session_epoch) = (self.id, self.epoch);
        for (key, want) in &wanted {
            if self.epoch == 0 || self.known.get(key) != Some(want) {
                add(request, key, want);
            }
        }
        if self.epoch != 0 {
            for (key, gone) in &self.known {
                // A recreated topic's old id is forgotten under that id.
                if wanted.get(key).is_none_or(|want| want.topic_id != gone.topic_id) {
                    forget(request, key, gone.topic_id);
                }
            }
        }
        self.known = wanted;
    }

    /// Reads the answer's top: whether the session goes on.
    ///
    /// # Errors
    /// The code, where the whole answer is of no use; the next request is then full.
    pub(super) fn answered(&mut self, error_code: i16, session_id: i32) -> Result<(), ErrorCode> {
        if let Err(code) = ErrorCode::from_wire(error_code).ok() {
            self.reset();
            return Err(code);
        }
        if session_id == 0 {
            self.reset(); // the broker has no room for a session: every request is full
        } else {
            self.id = session_id;
            self.epoch = if self.epoch == i32::MAX { 1 } else { self.epoch + 1 };
        }
        Ok(())
    }

    /// Forgets the session: its connection broke, or the broker did.
    pub(super) fn reset(&mut self) {
        *self = Session::default();
    }

    /// Makes the next request name this partition again: its answer was not used.
    pub(super) fn repeat(&mut self, key: &Key) {
        if let Some(known) = self.known.get_mut(key) {
            known.fetch_offset = -1;
        }
    }
}

fn add(request: &mut FetchRequest, key: &Key, want: &Wanted) {
    let partition = FetchPartition {
        partition: key.1,
        current_leader_epoch: want.leader_epoch,
        fetch_offset: want.fetch_offset,
        last_fetched_epoch: want.last_epoch,
        log_start_offset: -1,
        partition_max_bytes: want.max_bytes,
        ..FetchPartition::default()
    };
    match request.topics.last_mut().filter(|t| t.topic_id == want.topic_id && *t.topic == *key.0) {
        Some(topic) => topic.partitions.push(partition),
        None => request.topics.push(FetchTopic {
            topic: key.0.as_str().into(),
            topic_id: want.topic_id,
            partitions: vec![partition],
            ..FetchTopic::default()
        }),
    }
}

fn forget(request: &mut FetchRequest, key: &Key, topic_id: TopicId) {
    let gone = &mut request.forgotten_topics_data;
    match gone.last_mut().filter(|t| t.topic_id == topic_id && *t.topic == *key.0) {
        Some(topic) => topic.partitions.push(key.1),
        None => gone.push(ForgottenTopic {
            topic: key.0.as_str().into(),
            topic_id,
            partitions: vec![key.1],
            ..ForgottenTopic::default()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(offsets: &[(i32, i64)]) -> BTreeMap<Key, Wanted> {
        let topic = TopicName::new("t").unwrap();
        let want = |fetch_offset| Wanted {
            topic_id: TopicId([1; 16]),
            fetch_offset,
            leader_epoch: 0,
            last_epoch: -1,
            max_bytes: 1,
        };
        offsets.iter().map(|(p, o)| ((topic.clone(), *p), want(*o))).collect()
    }

    fn told(session: &mut Session, offsets: &[(i32, i64)]) -> (i32, Vec<(i32, i64)>, Vec<i32>) {
        let mut request = FetchRequest::default();
        session.describe(wanted(offsets), &mut request);
        let named = request.topics.iter().flat_map(|t| &t.partitions);
        let named = named.map(|p| (p.partition, p.fetch_offset)).collect();
        let gone = request.forgotten_topics_data.iter().flat_map(|t| t.partitions.clone());
        (request.session_epoch, named, gone.collect())
    }

    #[test]
    fn after_the_first_request_only_changes_are_told() {
        let mut session = Session::default();
        assert_eq!(told(&mut session, &[(0, 5), (1, 7)]), (0, vec![(0, 5), (1, 7)], vec![]));
        session.answered(0, 99).unwrap();
        assert_eq!(told(&mut session, &[(0, 6), (1, 7)]), (1, vec![(0, 6)], vec![]));
        session.answered(0, 99).unwrap();
        assert_eq!(told(&mut session, &[(1, 7)]), (2, vec![], vec![0]));
    }

    #[test]
    fn a_lost_session_begins_anew() {
        let mut session = Session::default();
        told(&mut session, &[(0, 5)]);
        session.answered(0, 99).unwrap();
        let lost = ErrorCode::FetchSessionIdNotFound;
        assert_eq!(session.answered(lost.to_wire(), 0), Err(lost));
        assert_eq!(told(&mut session, &[(0, 5)]), (0, vec![(0, 5)], vec![]));
    }

    #[test]
    fn a_broker_without_room_for_sessions_is_always_told_all() {
        let mut session = Session::default();
        told(&mut session, &[(0, 5)]);
        session.answered(0, 0).unwrap();
        assert_eq!(told(&mut session, &[(0, 5)]), (0, vec![(0, 5)], vec![]));
    }
}
