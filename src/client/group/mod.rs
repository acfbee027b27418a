//! Reads topics as a member of a consumer group, by the classic protocol.
//!
//! A task of its own joins, heartbeats and rejoins, whatever the program does; another one fetches and commits offsets. The program
//! polls: for records, and for what happens to its partitions. A revocation is the program's to answer: it goes through when the
//! program polls again, so whatever it does until then (finish what it began, store, commit) is done while the partitions are still its own.

pub mod assignor;
mod commit;
mod driver;
mod lead;
mod member;
#[cfg(test)]
mod member_tests;
mod offsets;
mod place;
#[cfg(test)]
mod random_tests;
mod requests;
mod subscription;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use self::subscription::Subscription;

use self::member::{Event, Manners, Member};
use self::offsets::Offsets;
use super::committed::CommittedOffset;
use super::config::ConsumerConfig;
use super::consumer::{Consumer, Key, Start};
use super::coordinator::{Coordinator, Kind};
use super::error::{ConsumeError, GroupError};
use super::handle::{Client, Lane};
use super::producer::transaction::GroupMetadata;
use super::record::{ConsumedRecord, StartAt};
use crate::base::TopicName;

/// A consumer that shares its topics with the other members of its group. Methods take `&self`; one `poll` at a time.
#[derive(Debug)]
pub struct GroupConsumer {
    shared: Arc<Shared>,
    stop: CancellationToken,
    membership: tokio::task::JoinHandle<()>,
}

/// What a poll brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polled {
    /// Records; none if none came in time.
    Records(Vec<ConsumedRecord>),
    /// These partitions are read from now on, beside those there are, each from where the group had read to: `None` is nowhere
    /// yet, and `auto.offset.reset` decides. [`GroupConsumer::seek`] goes elsewhere. The list is empty where a rebalance brought nothing.
    Assigned(Vec<(TopicName, i32, Option<CommittedOffset>)>),
    /// These are given up by the next poll. Until then they are the program's own: it may commit.
    Revoked(Vec<(TopicName, i32)>),
    /// These were given up already, and others may have read on: what was not committed will be read again.
    Lost(Vec<(TopicName, i32)>),
}

/// What the tasks and the program share.
#[derive(Debug)]
struct Shared {
    client: Client,
    config: ConsumerConfig,
    consumer: Consumer,
    coordinator: Coordinator,
    /// Of this member alone.
    lane: Lane,
    subscription: Subscription,
    state: Mutex<State>,
    /// Held for as long as a commit takes: the newest offsets win.
    committing: tokio::sync::Mutex<()>,
    /// The membership has something to do.
    membership: Notify,
    /// Offsets are to be fetched or committed.
    bookkeeping: Notify,
    /// The program has something to hear.
    events: Notify,
}

#[derive(Debug)]
struct State {
    member: Member,
    offsets: Offsets,
    /// The topics subscribed to; `None` until a pattern has met the cluster.
    topics: Option<BTreeSet<TopicName>>,
    /// A commit was asked for that nobody waits for.
    commit_soon: bool,
}

impl Drop for GroupConsumer {
    fn drop(&mut self) {
        self.stop.cancel();
        self.shared.client.close_lane(self.shared.lane);
    }
}

/// Ends a poll, also one that is dropped half-way.
struct Polling<'a>(&'a Shared);

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        self.0.state.lock().member.on_polled(Instant::now());
    }
}

impl GroupConsumer {
    /// Joins the group that `config.group.id` names. The first polls bring no records until a share has come.
    ///
    /// # Errors
    /// `NoGroup` if it names none.
    pub fn new(
        client: &Client,
        config: ConsumerConfig,
        subscription: Subscription,
    ) -> Result<GroupConsumer, GroupError> {
        let group = &config.group;
        let id = group.id.clone().filter(|id| !id.is_empty()).ok_or(GroupError::NoGroup)?;
        let manners = Manners {
            cooperative: group.assignors.iter().all(|assignor| assignor.is_cooperative()),
            is_static: group.instance_id.is_some(),
            heartbeat_interval: group.heartbeat_interval,
            max_poll_interval: group.max_poll_interval,
        };
        let state = State {
            member: Member::new(manners, Instant::now()),
            offsets: Offsets::default(),
            topics: subscription.named(),
            commit_soon: false,
        };
        let shared = Arc::new(Shared {
            client: client.clone(),
            consumer: Consumer::new(client, config.clone()),
            coordinator: Coordinator::of(Kind::Group, id.into()),
            lane: client.member_lane(),
            config,
            subscription,
            state: Mutex::new(state),
            committing: tokio::sync::Mutex::default(),
            membership: Notify::new(),
            bookkeeping: Notify::new(),
            events: Notify::new(),
        });
        let stop = CancellationToken::new();
        let membership = tokio::spawn(until(stop.clone(), driver::run(shared.clone())));
        tokio::spawn(until(stop.clone(), commit::keep_books(shared.clone())));
        tokio::spawn(until(stop.clone(), subscription::watch(shared.clone())));
        Ok(GroupConsumer { shared, stop, membership })
    }

    /// Up to `max_poll_records` records, or what happened to the partitions; no records after `max_wait`.
    ///
    /// Ask again within `max.poll.interval.ms`, or the partitions go to others. With `enable.auto.offset.store` (the default) a
    /// poll stores what the ones before it returned, for the next commit.
    ///
    /// # Errors
    /// `Group` where the group wants this member no more: that stays so. Else what stands in the way of one partition; the next poll goes on.
    pub async fn poll(&self, max_wait: Duration) -> Result<Polled, ConsumeError> {
        let give_up_at = Instant::now() + max_wait;
        let polling = self.begin_poll().await;
        loop {
            let event = polling.0.events.notified();
            if let Some(polled) = self.next_event()? {
                return Ok(polled);
            }
            let left = give_up_at.saturating_duration_since(Instant::now());
            tokio::select! {
                records = self.shared.consumer.poll(left) => return records.map(Polled::Records),
                () = event => {}
            }
        }
    }

    /// What was revoked is stored, committed and let go of, as far as that is this client's business.
    async fn begin_poll(&self) -> Polling<'_> {
        let shared = &*self.shared;
        if shared.config.group.auto_store {
            self.store_all();
        }
        if shared.state.lock().member.is_giving_up() && shared.config.group.auto_commit.is_some() {
            let committed = commit::commit(shared, shared.client.config().api_timeout).await;
            if let Err(cause) = committed {
                tracing::warn!(%cause, "what was revoked is not committed; others will read it again");
            }
        }
        let mut state = shared.state.lock();
        let waited_for = state.member.waits_for_poll();
        let given_up = state.member.on_poll();
        state.offsets.forget(&given_up);
        drop(state);
        // Most polls change nothing, and waking the membership for each costs a tenth of the rate of small records.
        if waited_for {
            shared.consumer.remove(&given_up);
            shared.membership.notify_one();
        }
        Polling(shared)
    }

    fn next_event(&self) -> Result<Option<Polled>, ConsumeError> {
        let shared = &*self.shared;
        let mut state = shared.state.lock();
        let Some(event) = state.member.next_event() else {
            let failed = state.member.failed;
            return failed.map_or(Ok(None), |code| Err(shared.refused(code).into()));
        };
        let list = |keys: BTreeSet<Key>| keys.into_iter().collect();
        Ok(Some(match event {
            Event::Revoked(keys) => Polled::Revoked(list(keys)),
            Event::Lost(keys) => {
                state.offsets.forget(&keys);
                drop(state);
                shared.consumer.remove(&keys);
                Polled::Lost(list(keys))
            }
            Event::Assigned(added) => {
                state.offsets.begin(&added);
                drop(state);
                let reset = shared.config.offset_reset.start();
                shared
                    .consumer
                    .add(added.iter().map(|(key, at)| (key.clone(), start(at.as_ref(), reset))));
                let told = added.into_iter().map(|((topic, partition), at)| (topic, partition, at));
                Polled::Assigned(told.collect())
            }
        }))
    }

    /// Stores for the next commit that everything was processed which polls have returned.
    pub fn store_all(&self) {
        let positions = self.shared.consumer.positions();
        let mut state = self.shared.state.lock();
        for (key, offset, leader_epoch) in positions {
            state.store(key, CommittedOffset { leader_epoch, ..CommittedOffset::at(offset) });
        }
    }

    /// Stores for the next commit that a partition was processed up to, not including, `upto.offset`. Without effect where the
    /// partition is not (any more) this member's.
    pub fn store(&self, topic: &TopicName, partition: i32, upto: CommittedOffset) {
        self.shared.state.lock().store((topic.clone(), partition), upto);
    }

    /// Commits what is stored, and waits for the answer.
    ///
    /// # Errors
    /// `NotMember` where the partitions may have gone to others; `Offset` where one is refused; `Client` where no answer came in time.
    pub async fn commit(&self) -> Result<(), GroupError> {
        commit::commit(&self.shared, self.shared.client.config().api_timeout).await
    }

    /// Commits what is stored, soon; a failure is logged, and tried again by the next commit.
    pub fn commit_soon(&self) {
        self.shared.state.lock().commit_soon = true;
        self.shared.bookkeeping.notify_one();
    }

    /// Commits what is stored, if commits are automatic, and leaves the group; a static member stays until its session ends.
    ///
    /// # Errors
    /// As [`Self::commit`]; the group is left all the same.
    pub async fn close(mut self) -> Result<(), GroupError> {
        let shared = &*self.shared;
        if shared.config.group.auto_store {
            self.store_all();
        }
        let committed = match shared.config.group.auto_commit {
            Some(_) => commit::commit(shared, shared.client.config().api_timeout).await,
            None => Ok(()),
        };
        shared.state.lock().member.close();
        shared.membership.notify_one();
        let _ = (&mut self.membership).await; // Whether it could say goodbye changes nothing here.
        committed
    }

    /// Goes on elsewhere in a partition that was assigned. The group hears of it with the next commit.
    ///
    /// # Errors
    /// `NotAssigned`.
    pub fn seek(&self, topic: &TopicName, partition: i32, to: StartAt) -> Result<(), ConsumeError> {
        self.shared.consumer.seek(topic, partition, to)
    }

    /// Who this member is now, for offsets that are committed as part of a transaction: `TransactionalProducer::send_offsets`. To be
    /// asked for anew after each rebalance. Offsets that go this way are not to be committed by the consumer too:
    /// `config.group.auto_commit` is `None` then.
    pub fn group_metadata(&self) -> GroupMetadata {
        let identity = self.shared.identity(&self.shared.state.lock().member);
        GroupMetadata {
            group_id: identity.group_id.to_string(),
            generation: identity.generation,
            member_id: identity.member_id.to_string(),
            instance_id: identity.instance_id.map(|id| id.to_string()),
        }
    }

    /// The partitions' reader: positions, ends, pausing. Its assignment is the group's.
    pub fn reader(&self) -> &Consumer {
        &self.shared.consumer
    }
}

impl State {
    fn store(&mut self, key: Key, upto: CommittedOffset) {
        if self.member.has(&key) {
            self.offsets.store(key, upto);
        }
    }
}

impl Shared {
    fn refused(&self, code: crate::base::ErrorCode) -> GroupError {
        let group = self.config.group.id.clone().unwrap_or_default();
        GroupError::Refused { group, code }
    }

    /// A failure that passes: when to try again.
    fn retry_at(&self, failures: u32) -> Instant {
        let config = self.client.config();
        let pause =
            super::entropy::backoff(config.retry_backoff, config.retry_backoff_max, failures);
        Instant::now() + pause
    }
}

fn start(committed: Option<&CommittedOffset>, reset: Option<StartAt>) -> Start {
    match committed {
        Some(at) => Start { at: Some(StartAt::Offset(at.offset)), epoch: at.leader_epoch },
        None => Start { at: reset, epoch: None },
    }
}

async fn until(stop: CancellationToken, task: impl Future<Output = ()>) {
    tokio::select! {
        () = task => {}
        () = stop.cancelled() => {}
    }
}
