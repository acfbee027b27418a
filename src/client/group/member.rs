//! A member of a group by the classic protocol: when it joins, what it claims, what it was given and has to give up. Pure.
//!
//! What the program was told that it has (`told`) and what the coordinator gave (`target`) part company at each rebalance. The
//! difference reaches the program as [`Event`]s, and nothing that it has to give up is given up before it said so: by asking for
//! the next event.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytestring::ByteString;
use tokio::time::Instant;

use super::super::committed::CommittedOffset;
use super::super::consumer::Key;
use crate::base::ErrorCode;

/// Longer than any member waits for anything.
const LONG: Duration = Duration::from_secs(3600);

/// The first heartbeat of a generation comes after this part of the interval, the next ones after twice as long each, up to the interval.
const EAGERNESS: u32 = 32;
/// But not sooner: members that come one by one should not find a rebalance for each of them.
const SOONEST: Duration = Duration::from_millis(20);

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// JoinGroup, then SyncGroup.
    Join,
    /// Heartbeat.
    Heartbeat,
    /// LeaveGroup.
    Leave,
    /// Nothing until then, or until something changes.
    Wait(Instant),
    /// Nothing any more.
    Done,
}

/// What changed for the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// These are its own from now on, beside what it has; none at all where a rebalance brought nothing new.
    Assigned(Vec<(Key, Option<CommittedOffset>)>),
    /// It has to give these up: until it asks for the next event it may still commit them.
    Revoked(BTreeSet<Key>),
    /// Others may read these already.
    Lost(BTreeSet<Key>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// To join, once nothing stands in the way.
    Unjoined,
    /// JoinGroup or SyncGroup is under way.
    Joining,
    /// A member with a share.
    Stable,
    /// Of no group until the program polls again.
    Away,
    /// Refused for good.
    Failed,
    /// Has left, or is about to.
    Closing,
}

/// How a member behaves.
#[derive(Clone, Debug)]
pub(super) struct Manners {
    /// Whether it keeps its partitions through a rebalance (KIP-429).
    pub(super) cooperative: bool,
    /// Whether it has a name of its own and so stays a member over a restart (KIP-345).
    pub(super) is_static: bool,
    pub(super) heartbeat_interval: Duration,
    pub(super) max_poll_interval: Duration,
}

/// One member.
#[derive(Debug)]
pub(super) struct Member {
    manners: Manners,
    phase: Phase,
    /// Empty until the coordinator gave one.
    pub(super) id: ByteString,
    /// −1 outside of a generation.
    pub(super) generation: i32,
    target: BTreeSet<Key>,
    told: BTreeSet<Key>,
    /// Of `told`, what the program must give up.
    revoking: BTreeSet<Key>,
    /// Whether the program knows of that.
    handed: bool,
    lost: BTreeSet<Key>,
    /// What was committed of the partitions that the program is yet to be told of.
    committed: BTreeMap<Key, Option<CommittedOffset>>,
    /// A new share is to be announced, even if it adds nothing.
    announce: bool,
    rejoin: bool,
    claimed: BTreeSet<Key>,
    /// The last share and its generation: what a sticky assignor goes by.
    pub(super) last_share: (i32, BTreeSet<Key>),
    polled_at: Instant,
    polling: bool,
    retry_at: Option<Instant>,
    heartbeat_at: Instant,
    /// The wait between the last heartbeat and the next.
    pace: Duration,
    /// The code that ended it.
    pub(super) failed: Option<ErrorCode>,
}

impl Member {
    pub(super) fn new(manners: Manners, now: Instant) -> Member {
        Member {
            pace: manners.heartbeat_interval,
            manners,
            phase: Phase::Unjoined,
            id: ByteString::new(),
            generation: -1,
            target: BTreeSet::new(),
            told: BTreeSet::new(),
            revoking: BTreeSet::new(),
            handed: false,
            lost: BTreeSet::new(),
            committed: BTreeMap::new(),
            announce: false,
            rejoin: false,
            claimed: BTreeSet::new(),
            last_share: (-1, BTreeSet::new()),
            polled_at: now,
            polling: false,
            retry_at: None,
            heartbeat_at: now,
            failed: None,
        }
    }

    /// What to do now.
    pub(super) fn step(&mut self, now: Instant) -> Step {
        let poll_by = self.polled_at + self.manners.max_poll_interval;
        if matches!(self.phase, Phase::Unjoined | Phase::Stable) && !self.polling && now >= poll_by
        {
            tracing::warn!(
                after = ?self.manners.max_poll_interval,
                "no poll for max.poll.interval.ms: leaving the group until the next one",
            );
            self.lose();
            self.phase = Phase::Away;
        }
        let idle = match self.polling {
            true => now + LONG,
            false => poll_by,
        };
        match self.phase {
            // A static member's partitions wait for it until its session ends.
            Phase::Away if self.manners.is_static => Step::Wait(now + LONG),
            Phase::Closing if self.manners.is_static => Step::Done,
            Phase::Away | Phase::Closing if !self.id.is_empty() => Step::Leave,
            Phase::Closing => Step::Done,
            Phase::Away | Phase::Failed | Phase::Joining => Step::Wait(now + LONG),
            Phase::Unjoined | Phase::Stable => match self.retry_at.filter(|at| *at > now) {
                Some(at) => Step::Wait(at),
                None => self.step_as_member(now, idle),
            },
        }
    }

    fn step_as_member(&mut self, now: Instant, idle: Instant) -> Step {
        if self.phase == Phase::Stable && self.rejoin && self.revoking.is_empty() {
            self.phase = Phase::Unjoined;
        }
        if self.phase == Phase::Unjoined {
            if !self.manners.cooperative && !self.told.is_empty() && !self.handed {
                self.revoking.clone_from(&self.told);
            }
            if self.manners.cooperative || self.told.is_empty() {
                return Step::Join;
            }
        }
        if self.generation < 0 {
            return Step::Wait(idle);
        }
        if now < self.heartbeat_at {
            return Step::Wait(self.heartbeat_at.min(idle));
        }
        self.pace = (self.pace * 2).min(self.manners.heartbeat_interval);
        self.heartbeat_at = now + self.pace;
        Step::Heartbeat
    }

    /// A join begins; what it claims to have. `None` where there is nothing to join for any more: since [`Step::Join`] the program
    /// may have closed it.
    pub(super) fn on_join(&mut self) -> Option<BTreeSet<Key>> {
        if self.phase != Phase::Unjoined {
            return None;
        }
        self.phase = Phase::Joining;
        self.rejoin = false;
        if !self.manners.cooperative {
            self.target.clear();
            self.committed.clear();
            self.announce = false;
        }
        self.claimed = self.told.union(&self.target).cloned().collect();
        Some(self.claimed.clone())
    }

    /// Whether an answer to a join or a sync is waited for.
    pub(super) fn is_joining(&self) -> bool {
        self.phase == Phase::Joining
    }

    /// The coordinator made it a member of a generation; its share is to come.
    pub(super) fn on_joined(&mut self, id: ByteString, generation: i32) {
        (self.id, self.generation) = (id, generation);
    }

    /// The coordinator wants the member to come back under this id (KIP-394).
    pub(super) fn on_named(&mut self, id: ByteString) {
        self.id = id;
        self.back_to(Phase::Unjoined);
    }

    /// Its share has come.
    pub(super) fn on_synced(&mut self, share: BTreeSet<Key>, now: Instant) {
        // A rebalance is likeliest soon after another one: members come together, and what a cooperative one gives up goes to others by
        // the next. Who asks soon learns of it soon.
        let interval = self.manners.heartbeat_interval;
        self.pace = (interval / EAGERNESS).max(SOONEST).min(interval);
        self.heartbeat_at = now + self.pace;
        self.retry_at = None;
        self.committed.retain(|key, _| share.contains(key));
        self.last_share = (self.generation, share.clone());
        if self.manners.cooperative {
            let known =
                if self.handed { std::mem::take(&mut self.revoking) } else { BTreeSet::new() };
            self.revoking = self.told.difference(&share).cloned().chain(known).collect();
            // What was taken from us goes to others by a rebalance of its own.
            self.rejoin |= self.claimed.difference(&share).next().is_some();
        }
        self.target = share;
        self.announce = true;
        self.back_to(Phase::Stable);
    }

    /// The coordinator refused a join, a sync, a heartbeat or a commit.
    pub(super) fn on_refused(&mut self, code: ErrorCode, retry_at: Instant) {
        use ErrorCode as E;
        match code {
            E::RebalanceInProgress => self.back_to(Phase::Unjoined),
            E::UnknownMemberId | E::IllegalGeneration => {
                self.lose();
                if code == E::UnknownMemberId {
                    self.id = ByteString::new();
                }
                self.back_to(Phase::Unjoined);
            }
            code if code.is_retriable() => self.on_silence(retry_at),
            code => {
                self.lose();
                self.failed = Some(code);
                self.back_to(Phase::Failed);
            }
        }
    }

    /// No answer to a join, a sync or a heartbeat: again after a while.
    pub(super) fn on_silence(&mut self, retry_at: Instant) {
        self.retry_at = Some(retry_at);
        self.heartbeat_at = retry_at;
        if self.phase == Phase::Joining {
            self.phase = Phase::Unjoined;
        }
    }

    /// A heartbeat was answered well.
    pub(super) fn on_heartbeat(&mut self) {
        self.retry_at = None;
    }

    /// It has left, or there was nobody to tell.
    pub(super) fn on_left(&mut self) {
        self.id = ByteString::new();
        self.generation = -1;
    }

    /// Joins again as soon as it can: the topics changed.
    pub(super) fn wants_rebalance(&mut self) {
        self.rejoin = true;
    }

    /// Leaves, unless it is static, and that is all.
    pub(super) fn close(&mut self) {
        self.phase = Phase::Closing;
    }

    /// Whether the next poll gives partitions up.
    pub(super) fn is_giving_up(&self) -> bool {
        self.handed
    }

    /// Whether it is to leave, or has left.
    pub(super) fn is_closing(&self) -> bool {
        self.phase == Phase::Closing
    }

    /// Whether a poll is what it waits for.
    pub(super) fn waits_for_poll(&self) -> bool {
        self.handed || self.phase == Phase::Away
    }

    /// A poll begins: what was to be given up is given up. Returns that.
    pub(super) fn on_poll(&mut self) -> BTreeSet<Key> {
        self.polling = true;
        if self.phase == Phase::Away {
            self.phase = Phase::Unjoined;
        }
        if !self.handed {
            return BTreeSet::new();
        }
        self.handed = false;
        let given = std::mem::take(&mut self.revoking);
        self.told.retain(|key| !given.contains(key));
        given
    }

    /// A poll ends.
    pub(super) fn on_polled(&mut self, now: Instant) {
        (self.polling, self.polled_at) = (false, now);
    }

    /// What the program has to hear next.
    pub(super) fn next_event(&mut self) -> Option<Event> {
        if !self.lost.is_empty() {
            return Some(Event::Lost(std::mem::take(&mut self.lost)));
        }
        if self.handed {
            return None;
        }
        if !self.revoking.is_empty() {
            self.handed = true;
            return Some(Event::Revoked(self.revoking.clone()));
        }
        if !self.announce
            || self.target.difference(&self.told).any(|k| !self.committed.contains_key(k))
        {
            return None;
        }
        self.announce = false;
        let added = std::mem::take(&mut self.committed);
        self.told.extend(added.keys().cloned());
        Some(Event::Assigned(added.into_iter().collect()))
    }

    /// The partitions whose committed offsets it waits for.
    pub(super) fn unplaced(&self) -> BTreeSet<Key> {
        let new = self.target.difference(&self.told);
        new.filter(|key| !self.committed.contains_key(key)).cloned().collect()
    }

    /// What was committed of a partition that it waits for.
    pub(super) fn on_committed(&mut self, key: &Key, committed: Option<CommittedOffset>) {
        if self.target.contains(key) && !self.told.contains(key) {
            self.committed.insert(key.clone(), committed);
        }
    }

    /// Whether the program has this partition.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.told.contains(key)
    }

    /// Whether the program is yet to hear of a loss.
    #[cfg(test)]
    pub(super) fn next_event_is_loss(&self) -> bool {
        !self.lost.is_empty()
    }

    fn back_to(&mut self, phase: Phase) {
        if self.phase != Phase::Closing {
            self.phase = phase;
        }
    }

    /// Nothing is its own any more. What the program was told to give up it still gives up by the next poll.
    fn lose(&mut self) {
        if !self.handed {
            self.revoking.clear();
        }
        let told = std::mem::take(&mut self.told);
        self.lost.extend(told.into_iter().filter(|key| !self.revoking.contains(key)));
        self.target.clear();
        self.committed.clear();
        (self.announce, self.rejoin) = (false, false);
        self.generation = -1;
    }
}
