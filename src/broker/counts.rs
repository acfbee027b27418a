//! What the broker counts of its connections and requests. Nothing here looks anything up by name, or waits for anybody.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use super::dispatch::SERVED;
use crate::base::{Counter, Durations, ErrorCode, Level, Sharded};
use crate::net::FrameError;
use crate::os::Chunk;
use crate::wire::Fields;

/// One more than the largest key of an API that is served.
const KEYS: usize = keys();

/// One more than the largest error code that is counted by itself; -1 is the first.
const CODES: usize = 160;

const fn keys() -> usize {
    let (mut at, mut keys) = (0, 0);
    while at < SERVED.len() {
        let key = SERVED[at].api.key as usize;
        keys = if key >= keys { key + 1 } else { keys };
        at += 1;
    }
    keys
}

/// All that is counted.
#[derive(Debug)]
pub struct Counts {
    apis: Sharded<Apis>,
    /// Error codes in answers, by API and code.
    errors: Box<[Counter]>,
    closings: [Counter; Closing::ALL.len()],
}

/// By key.
#[derive(Debug)]
struct Apis([Api; KEYS]);

impl Default for Apis {
    fn default() -> Apis {
        Apis(std::array::from_fn(|_| Api::default()))
    }
}

/// The requests of one API that one shard counted.
#[derive(Debug, Default)]
pub struct Api {
    /// From when they were read to when their answers were there.
    pub took: Durations,
    /// Their frames.
    pub request_bytes: Counter,
    /// Their answers.
    pub response_bytes: Counter,
    /// Those whose answers are being waited for.
    pub parked: Level,
}

/// Why a connection ended, or a request was not answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closing {
    /// The peer closed it between two requests.
    ByPeer,
    /// Nothing came for `connections.max.idle.ms`.
    Idle,
    /// The socket failed, or the peer went away in the middle of something.
    Lost,
    /// What came is no request that is served.
    Refused,
    /// A request took too long to arrive, or an answer to leave.
    Slow,
    /// Other requests held all of `queued.max.request.bytes`.
    Crowded,
}

impl Closing {
    /// Every reason, with its name.
    pub const ALL: [(Closing, &'static str); 6] = [
        (Closing::ByPeer, "by_peer"),
        (Closing::Idle, "idle"),
        (Closing::Lost, "lost"),
        (Closing::Refused, "refused"),
        (Closing::Slow, "slow"),
        (Closing::Crowded, "crowded"),
    ];
}

impl From<&FrameError> for Closing {
    fn from(error: &FrameError) -> Closing {
        match error {
            FrameError::Length { .. } => Closing::Refused,
            FrameError::Cut | FrameError::Socket(_) => Closing::Lost,
            FrameError::Slow { .. } => Closing::Slow,
            FrameError::Crowded { .. } => Closing::Crowded,
            FrameError::Idle => Closing::Idle,
        }
    }
}

/// A request that was read and is not answered yet.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    key: usize,
    bytes: usize,
    /// When it was read.
    pub at: Instant,
}

/// A request whose answer is waited for, until it is dropped.
#[derive(Debug)]
pub struct Parked {
    counts: Arc<Counts>,
    begun: Begun,
}

impl Counts {
    /// Nothing yet.
    pub fn new() -> Arc<Counts> {
        Arc::new(Counts {
            apis: Sharded::new(available_parallelism().map_or(1, usize::from)),
            errors: (0..KEYS * CODES).map(|_| Counter::default()).collect(),
            closings: Default::default(),
        })
    }

    /// A frame was read.
    pub fn begin(frame: &[u8]) -> Begun {
        let key = frame.first_chunk().map_or(-1, |key| i16::from_be_bytes(*key));
        // What is not served is refused, and never counted as answered.
        let key = usize::try_from(key).unwrap_or(0).min(KEYS - 1);
        Begun { key, bytes: frame.len() + size_of::<i32>(), at: Instant::now() }
    }

    /// A request was answered by so many bytes, 0 if it wants none.
    pub fn answered(&self, begun: Begun, took: Duration, bytes: usize) {
        let api = &self.apis.here().0[begun.key];
        api.took.note(took);
        api.request_bytes.add(begun.bytes as u64);
        api.response_bytes.add(bytes as u64);
    }

    /// A request's answer has to be waited for.
    pub fn park(self: &Arc<Counts>, begun: Begun) -> Parked {
        self.apis.here().0[begun.key].parked.up();
        Parked { counts: self.clone(), begun }
    }

    /// Takes note of the errors in an answer.
    pub fn errors_in(&self, key: i16, response: &impl Fields) {
        let key = usize::try_from(key).unwrap_or(0).min(KEYS - 1);
        response.error_codes(&mut |code| {
            if code != 0 {
                let code = usize::try_from(code + 1).unwrap_or(0).min(CODES - 1);
                self.errors[key * CODES + code].bump();
            }
        });
    }

    /// A connection ended.
    pub fn closed(&self, why: Closing) {
        self.closings[why as usize].bump();
    }

    /// How many connections ended for this reason.
    pub fn closings(&self, why: Closing) -> u64 {
        self.closings[why as usize].get()
    }

    /// What all shards counted of an API.
    pub fn of(&self, key: i16) -> impl Iterator<Item = &Api> {
        let key = usize::try_from(key).unwrap_or(0).min(KEYS - 1);
        self.apis.all().map(move |apis| &apis.0[key])
    }

    /// The error codes in answers of an API, and how often each stood there.
    pub fn errors(&self, key: i16) -> impl Iterator<Item = (ErrorCode, u64)> {
        let first = usize::try_from(key).unwrap_or(0).min(KEYS - 1) * CODES;
        let codes = self.errors[first..first + CODES].iter().enumerate();
        codes
            .filter(|(_, count)| count.get() > 0)
            .map(|(code, count)| (ErrorCode::from_wire(code as i16 - 1), count.get()))
    }
}

impl Parked {
    /// The answer is there.
    pub fn answered(self, chunks: &[Chunk]) {
        self.counts.answered(self.begun, self.begun.at.elapsed(), length(chunks));
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        self.counts.apis.here().0[self.begun.key].parked.down();
    }
}

/// How many bytes an answer has.
pub fn length(chunks: &[Chunk]) -> usize {
    chunks.iter().map(Chunk::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::fetch::{FetchResponse, FetchableTopicResponse, PartitionData};

    #[test]
    fn every_error_in_an_answer_is_counted_by_its_code() {
        let counts = Counts::new();
        let partition = |error_code| PartitionData { error_code, ..Default::default() };
        let topic = FetchableTopicResponse {
            partitions: vec![partition(1), partition(0), partition(1), partition(-1)],
            ..Default::default()
        };
        counts.errors_in(
            1,
            &FetchResponse { error_code: 70, responses: vec![topic], ..Default::default() },
        );
        let seen: Vec<_> = counts.errors(1).map(|(code, count)| (code.to_wire(), count)).collect();
        assert_eq!(seen, [(-1, 1), (1, 2), (70, 1)]);
        assert_eq!(counts.errors(0).count(), 0);
    }

    #[test]
    fn a_request_is_parked_until_it_is_answered_or_given_up() {
        let counts = Counts::new();
        let parked = || counts.of(1).map(|api| api.parked.get()).sum::<i64>();
        let begun = Counts::begin(&[0, 1, 0, 4]);
        let (first, second) = (counts.park(begun), counts.park(begun));
        assert_eq!(parked(), 2);
        first.answered(&[Chunk::Bytes(vec![0; 10].into())]);
        drop(second);
        assert_eq!(parked(), 0);
        let bytes = |of: fn(&Api) -> &Counter| counts.of(1).map(|api| of(api).get()).sum::<u64>();
        assert_eq!((bytes(|api| &api.request_bytes), bytes(|api| &api.response_bytes)), (8, 10));
        assert_eq!(counts.of(1).map(|api| api.took.get().count()).sum::<u64>(), 1);
    }

    #[test]
    fn every_code_that_is_known_has_a_place_of_its_own() {
        let mut places = ErrorCode::ALL.iter().map(|code| usize::try_from(code.to_wire() + 1));
        assert!(places.all(|place| place.is_ok_and(|place| place < CODES)));
        for (at, (why, _)) in Closing::ALL.iter().enumerate() {
            assert_eq!(*why as usize, at);
        }
    }
}
