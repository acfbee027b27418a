//! Fetch sessions (KIP-227): what a consumer reads is remembered, so that it need not say it again with every fetch.

use std::collections::{BTreeMap, HashMap};

use bytestring::ByteString;
use parking_lot::Mutex;

use crate::base::{ErrorCode, TopicId};
use crate::os::Os;

/// How a session names a partition: by topic name up to Fetch 12, by topic id from 13 on.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Key {
    /// The topic's name; empty where its id is used.
    pub topic: ByteString,
    /// The topic's id; zero where its name is used.
    pub topic_id: TopicId,
    /// The partition.
    pub partition: i32,
}

/// What a consumer wants of a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// From which offset on.
    pub offset: i64,
    /// The leader epoch that it knows of; -1 if it does not say.
    pub leader_epoch: i32,
    /// The epoch of the last record that it read; -1 if it does not say.
    pub last_epoch: i32,
    /// At most so many bytes.
    pub max_bytes: i32,
}

/// What was last told of a partition: it is told again only if something is new.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Told {
    /// The high watermark.
    pub high_watermark: i64,
    /// The start of the log.
    pub log_start: i64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    wanted: Wanted,
    told: Option<Told>,
}

/// One session. Its partitions are served in turn, so that the first ones do not starve the rest.
#[derive(Debug)]
struct Session {
    epoch: i32,
    partitions: BTreeMap<u64, (Key, Entry)>,
    places: HashMap<Key, u64>,
    next_place: u64,
    used: u64,
}

/// The most partitions that one session remembers; a larger fetch goes without one.
const PARTITIONS_AT_MOST: usize = 100_000;
/// The most that all sessions together remember: beyond it the least recently used are forgotten.
const PARTITIONS_IN_ALL: usize = 1_000_000;

/// All sessions.
#[derive(Debug)]
pub struct Sessions {
    slots: usize,
    os: Os,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    by_id: HashMap<i32, Session>,
    clock: u64,
}

/// What a fetch reads.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// The session that it belongs to; 0 if to none.
    pub session_id: i32,
    /// The partitions, in the order in which they are served; with what was last told of each.
    pub partitions: Vec<(Key, Wanted, Option<Told>)>,
    /// Whether only what is new is told.
    pub incremental: bool,
}

impl Sessions {
    /// Remembers at most `slots` sessions.
    pub fn new(slots: usize, os: Os) -> Sessions {
        Sessions { slots, os, state: Mutex::default() }
    }

    /// How many are remembered.
    pub fn count(&self) -> usize {
        self.state.lock().by_id.len()
    }

    /// Finds out what a fetch reads. `epoch` 0 asks for a new session, -1 for none.
    ///
    /// # Errors
    /// FETCH_SESSION_ID_NOT_FOUND if it was forgotten; INVALID_FETCH_SESSION_EPOCH if a request was lost or repeated.
    pub fn plan(
        &self,
        session_id: i32,
        epoch: i32,
        wanted: Vec<(Key, Wanted)>,
        forgotten: &[Key],
    ) -> Result<Plan, ErrorCode> {
        let mut state = self.state.lock();
        state.clock += 1;
        if epoch <= 0 {
            state.by_id.remove(&session_id);
            let fits = epoch == 0
                && !wanted.is_empty()
                && wanted.len() <= PARTITIONS_AT_MOST
                && self.slots > 0;
            let session_id = if fits { self.remember(&mut state, &wanted) } else { 0 };
            let partitions = wanted.into_iter().map(|(key, wanted)| (key, wanted, None)).collect();
            return Ok(Plan { session_id, partitions, incremental: false });
        }
        let clock = state.clock;
        let session = state.by_id.get_mut(&session_id).ok_or(ErrorCode::FetchSessionIdNotFound)?;
        if session.epoch != epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        session.epoch = if epoch == i32::MAX { 1 } else { epoch + 1 };
        session.used = clock;
        forgotten.iter().for_each(|key| session.forget(key));
        for (key, wanted) in &wanted {
            session.want(key, *wanted);
        }
        if session.partitions.len() > PARTITIONS_AT_MOST {
            // The client begins anew with all of them, and gets no session.
            state.by_id.remove(&session_id);
            return Err(ErrorCode::FetchSessionIdNotFound);
        }
        let partitions = session
            .partitions
            .values()
            .map(|(key, entry)| (key.clone(), entry.wanted, entry.told))
            .collect();
        state.make_room(self.slots, 0, session_id);
        Ok(Plan { session_id, partitions, incremental: true })
    }

    fn remember(&self, state: &mut State, wanted: &[(Key, Wanted)]) -> i32 {
        state.make_room(self.slots - 1, wanted.len(), 0);
        let id = loop {
            let mut bytes = [0; 4];
            self.os.entropy.fill(&mut bytes);
            let id = i32::from_be_bytes(bytes) & i32::MAX;
            if id != 0 && !state.by_id.contains_key(&id) {
                break id;
            }
        };
        let mut session = Session {
            epoch: 1,
            partitions: BTreeMap::new(),
            places: HashMap::new(),
            next_place: 0,
            used: state.clock,
        };
        for (key, wanted) in wanted {
            session.want(key, *wanted);
        }
        state.by_id.insert(id, session);
        id
    }

    /// Notes what was told of each partition; those that had records go to the end of the turn.
    pub fn told(&self, session_id: i32, told: &[(Key, Told, bool)]) {
        let mut state = self.state.lock();
        let Some(session) = state.by_id.get_mut(&session_id) else { return };
        for (key, news, had_records) in told {
            let Some(place) = session.places.get(key).copied() else { continue };
            if let Some((_, entry)) = session.partitions.get_mut(&place) {
                entry.told = Some(*news);
            }
            if *had_records {
                session.move_last(place);
            }
        }
    }
}

impl State {
    /// Forgets the least recently used sessions, but not `but`, until there are at most `slots`, and `more` partitions can
    /// be remembered.
    fn make_room(&mut self, slots: usize, more: usize, but: i32) {
        let mut partitions: usize =
            self.by_id.values().map(|session| session.partitions.len()).sum();
        while self.by_id.len() > slots || partitions + more > PARTITIONS_IN_ALL {
            let others = self.by_id.iter().filter(|(id, _)| **id != but);
            let Some((oldest, _)) = others.min_by_key(|(_, session)| session.used) else { return };
            let forgotten = self.by_id.remove(&{ *oldest });
            partitions -= forgotten.map_or(0, |session| session.partitions.len());
        }
    }
}

impl Session {
    fn want(&mut self, key: &Key, wanted: Wanted) {
        if let Some(place) = self.places.get(key) {
            if let Some((_, entry)) = self.partitions.get_mut(place) {
                entry.wanted = wanted;
            }
            return;
        }
        // A copy: a slice would keep the whole request in memory for as long as the session lives.
        let key = Key { topic: ByteString::from(&*key.topic), ..*key };
        self.places.insert(key.clone(), self.next_place);
        self.partitions.insert(self.next_place, (key, Entry { wanted, told: None }));
        self.next_place += 1;
    }

    fn forget(&mut self, key: &Key) {
        if let Some(place) = self.places.remove(key) {
            self.partitions.remove(&place);
        }
    }

    fn move_last(&mut self, place: u64) {
        if let Some((key, entry)) = self.partitions.remove(&place) {
            self.places.insert(key.clone(), self.next_place);
            self.partitions.insert(self.next_place, (key, entry));
            self.next_place += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(partition: i32) -> Key {
        Key { topic: ByteString::from_static("t"), topic_id: TopicId::ZERO, partition }
    }

    const WANTED: Wanted = Wanted { offset: 5, leader_epoch: -1, last_epoch: -1, max_bytes: 1 };

    fn names(plan: &Plan) -> Vec<i32> {
        plan.partitions.iter().map(|(key, _, _)| key.partition).collect()
    }

    #[test]
    fn a_session_remembers_adds_and_forgets() {
        let sessions = Sessions::new(2, Os::real());
        let first = sessions.plan(0, 0, vec![(key(0), WANTED), (key(1), WANTED)], &[]).unwrap();
        assert!(!first.incremental && first.session_id != 0);
        let id = first.session_id;
        assert_eq!(names(&sessions.plan(id, 1, vec![], &[]).unwrap()), [0, 1]);
        assert_eq!(
            names(&sessions.plan(id, 2, vec![(key(2), WANTED)], &[key(0)]).unwrap()),
            [1, 2]
        );
        assert_eq!(sessions.plan(id, 2, vec![], &[]), Err(ErrorCode::InvalidFetchSessionEpoch));
        let gone = sessions.plan(id, -1, vec![(key(0), WANTED)], &[]).unwrap();
        assert_eq!(gone.session_id, 0);
        assert_eq!(sessions.plan(id, 3, vec![], &[]), Err(ErrorCode::FetchSessionIdNotFound));
    }

    #[test]
    fn a_flood_of_sessions_pushes_out_the_oldest() {
        let sessions = Sessions::new(2, Os::real());
        let ids: Vec<i32> = (0..3)
            .map(|_| sessions.plan(0, 0, vec![(key(0), WANTED)], &[]).unwrap().session_id)
            .collect();
        assert_eq!(sessions.plan(ids[0], 1, vec![], &[]), Err(ErrorCode::FetchSessionIdNotFound));
        assert!(sessions.plan(ids[2], 1, vec![], &[]).is_ok());
    }

    #[test]
    fn sessions_that_remember_too_much_are_forgotten() {
        let sessions = Sessions::new(1000, Os::real());
        let many = |from: i32| {
            (from..from + PARTITIONS_AT_MOST as i32).map(|at| (key(at), WANTED)).collect::<Vec<_>>()
        };
        let ids: Vec<i32> =
            (0..11).map(|_| sessions.plan(0, 0, many(0), &[]).unwrap().session_id).collect();
        assert_eq!(sessions.plan(ids[0], 1, vec![], &[]), Err(ErrorCode::FetchSessionIdNotFound));
        assert!(sessions.plan(ids[1], 1, vec![], &[]).is_ok());
        // One that grows beyond the bound is forgotten, and is too large for a new one.
        let grown = sessions.plan(ids[1], 2, vec![(key(-1), WANTED)], &[]);
        assert_eq!(grown, Err(ErrorCode::FetchSessionIdNotFound));
        let all = [many(0), vec![(key(-1), WANTED)]].concat();
        assert_eq!(sessions.plan(0, 0, all, &[]).unwrap().session_id, 0);
    }

    #[test]
    fn a_session_holds_no_part_of_the_request_that_made_it() {
        let request = bytes::Bytes::from(vec![b't'; 1000]);
        let topic = ByteString::try_from(request.slice(..1)).unwrap();
        let sessions = Sessions::new(2, Os::real());
        let wanted = vec![(Key { topic, ..key(0) }, WANTED)];
        assert_ne!(sessions.plan(0, 0, wanted, &[]).unwrap().session_id, 0);
        assert!(request.is_unique(), "the session holds the request");
    }

    #[test]
    fn who_had_records_waits_for_the_others_turn() {
        let sessions = Sessions::new(2, Os::real());
        let wanted = vec![(key(0), WANTED), (key(1), WANTED), (key(2), WANTED)];
        let id = sessions.plan(0, 0, wanted, &[]).unwrap().session_id;
        let told = Told { high_watermark: 1, log_start: 0 };
        sessions.told(id, &[(key(0), told, true), (key(1), told, false)]);
        let plan = sessions.plan(id, 1, vec![], &[]).unwrap();
        assert_eq!(names(&plan), [1, 2, 0]);
        assert_eq!(plan.partitions[0].2, Some(told));
    }
}
