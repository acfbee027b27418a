//! One partition's way from its queue to its leader, and what answers do to it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::cluster::Cluster;
use super::super::config::{Acks, ProducerConfig};
use super::super::connection::Connection;
use super::super::entropy::backoff;
use super::super::error::{ClientError, ConnectionError, ProduceError};
use super::super::handle::Client;
use super::super::trouble::Trouble;
use super::delivery::Landed;
use super::exchange::{self, Sent, Verdict};
use super::queue::{Batch, Queue};
use super::sender::{Event, Sender, active_lanes};
use super::transaction::Drops;
use super::window::{BatchId, Identity, Window};
use super::{Shared, split};
use crate::base::ErrorCode;
use crate::wire::init_producer_id::InitProducerIdRequest;
use crate::wire::produce::{PartitionProduceResponse, ProduceRequest, ProduceResponse};

/// One partition, as the sender sees it.
pub(super) struct Lane {
    pub(super) queue: Arc<Queue>,
    pub(super) window: Window<Batch>,
    pub(super) used_id: Option<i64>,
    retry_at: Option<Instant>,
    failures: u32,
    pub(super) last_error: Option<Arc<ClientError>>,
    trouble: Trouble,
}

impl Lane {
    pub(super) fn new(queue: Arc<Queue>, config: &ProducerConfig) -> Lane {
        // Without idempotence a batch in flight bars the next, lest a retry be overtaken.
        let many = config.idempotent || config.may_reorder;
        let in_flight = if many { config.max_in_flight } else { 1 };
        let window = match config.transactional_id {
            Some(_) => Window::transactional(in_flight),
            None => Window::new(config.idempotent, in_flight),
        };
        let trouble = Trouble::default();
        Lane {
            queue,
            window,
            used_id: None,
            retry_at: None,
            failures: 0,
            last_error: None,
            trouble,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.window.is_empty() && self.queue.is_empty()
    }

    pub(super) fn due_at(&self, config: &ProducerConfig) -> Option<Instant> {
        self.retry_at.or_else(|| self.queue.due_at(config))
    }

    /// Whether a batch can be sent now; takes one from the queue if none waits.
    pub(super) fn has_ready(&mut self, now: Instant, shared: &Shared, all_up_to: u64) -> bool {
        if self.retry_at.is_some_and(|at| at > now) {
            return false;
        }
        self.retry_at = None;
        if self.window.has_room() && self.window.waiting().next().is_none() {
            self.take(now, shared, all_up_to);
        }
        if let Some(transaction) = &shared.transaction
            && !(self.window.waiting().next().is_some()
                && transaction.admits(&self.queue, &mut self.window))
        {
            return false;
        }
        self.window.peek().is_some()
    }

    fn take(&mut self, now: Instant, shared: &Shared, all_up_to: u64) {
        let Some(batch) = self.queue.take(now, &shared.config, all_up_to) else { return };
        match batch.unbuilt {
            None => {
                let count = batch.count;
                self.window.push(batch, count);
            }
            Some(_) => {
                shared.finish(batch, Err(self.refusal(ErrorCode::UnsupportedCompressionType, None)))
            }
        }
    }

    fn refusal(&self, code: ErrorCode, message: Option<String>) -> ProduceError {
        let (topic, partition) = (self.queue.topic.clone(), self.queue.partition);
        ProduceError::Refused { topic, partition, code, message }
    }

    /// It is tried again; if that lasts, whoever waits is told once.
    fn refused(&mut self, shared: &Shared, cause: Arc<ClientError>) {
        if self.trouble.is_news(Instant::now(), Duration::MAX) {
            tracing::warn!("{cause}, trying on");
        }
        self.delay(&shared.client, cause);
    }

    fn delay(&mut self, client: &Client, cause: Arc<ClientError>) {
        let (base, max) = (client.config().retry_backoff, client.config().retry_backoff_max);
        self.retry_at = Some(Instant::now() + backoff(base, max, self.failures));
        self.failures += 1;
        self.last_error = Some(cause);
    }

    fn on_partition(&mut self, id: BatchId, told: &PartitionProduceResponse, shared: &Shared) {
        let (code, verdict) = exchange::verdict(told);
        let message = told.error_message.as_ref().map(ToString::to_string);
        let trouble = |queue: &Queue| {
            let what = format!("{}[{}]", queue.topic, queue.partition);
            Arc::new(ClientError::Refused { what, code, message: message.clone() })
        };
        // The batches behind a lost one fail so, which is no news of what is the matter with that.
        let follows = code == ErrorCode::OutOfOrderSequenceNumber && !self.window.is_first(id);
        match verdict {
            Verdict::Written(landed) => {
                self.failures = 0;
                if self.trouble.is_over() {
                    let queue = &self.queue;
                    tracing::warn!("{}[{}] can be written to again", queue.topic, queue.partition);
                }
                if let Some(batch) = self.window.written(id) {
                    shared.finish(batch, Ok(landed));
                }
            }
            Verdict::TooLarge => self.split(id, shared, code, message),
            // Else its sequence is of no use, and with it the transaction.
            Verdict::OutOfSequence if shared.transaction.is_some() && follows => {
                self.window.refused(id);
            }
            Verdict::OutOfSequence if shared.config.idempotent && shared.transaction.is_none() => {
                // Sent again at once, as a rule. Not for ever in a tight loop.
                let cause = if follows { self.last_error.take() } else { None };
                let cause = cause.unwrap_or_else(|| trouble(&self.queue));
                match self.window.in_flight(id).is_some_and(|batch| batch.attempts > 3) {
                    true => self.delay(&shared.client, cause),
                    false => self.last_error = Some(cause),
                }
                self.window.out_of_sequence(id);
            }
            Verdict::Refused { stale } => {
                if stale {
                    shared.client.refresh();
                }
                self.refused(shared, trouble(&self.queue));
                self.window.refused(id);
                self.limit_retries(shared);
            }
            Verdict::Lost => {
                self.refused(shared, trouble(&self.queue));
                self.window.lost(id);
                self.limit_retries(shared);
            }
            Verdict::Failed | Verdict::OutOfSequence => {
                if let Some(batch) = self.window.failed(id) {
                    shared.finish(batch, Err(self.refusal(code, message)));
                }
            }
        }
    }

    /// Fails batches that were sent again as often as `retries` allows.
    fn limit_retries(&mut self, shared: &Shared) {
        let retries = shared.config.retries;
        for (batch, sent) in self.window.give_up(|batch| batch.attempts > retries) {
            let cause = self.timed_out(shared, sent);
            shared.finish(batch, Err(cause));
        }
    }

    fn timed_out(&self, shared: &Shared, sent: bool) -> ProduceError {
        ProduceError::TimedOut {
            topic: self.queue.topic.clone(),
            partition: self.queue.partition,
            after: shared.config.delivery_timeout,
            sent,
            last: self.last_error.clone(),
        }
    }

    fn split(&mut self, id: BatchId, shared: &Shared, code: ErrorCode, message: Option<String>) {
        let Some(batch) = self.window.in_flight(id) else {
            self.window.split(id, Vec::new());
            return;
        };
        match split::halves(batch, &shared.config) {
            Some((first, second)) => {
                let parts = [first, second].map(|half| (half.count, half));
                shared.count_split(&parts[1].1);
                self.window.split(id, parts.into_iter().map(|(n, half)| (half, n)).collect());
            }
            None => {
                if let Some(batch) = self.window.failed(id) {
                    shared.finish(batch, Err(self.refusal(code, message)));
                }
            }
        }
    }
}

impl Sender {
    /// Sends one request with a batch of each lane that has one; false if none has.
    pub(super) fn send_one(
        &mut self,
        broker: i32,
        connection: &Arc<Connection>,
        lanes: &[usize],
        cluster: &Cluster,
        now: Instant,
    ) -> bool {
        let version = match &self.shared.transaction {
            Some(transaction) => transaction.produce_version(connection),
            None => connection.version::<ProduceRequest>().ok(),
        };
        let Some(version) = version else { return false };
        let (mut batches, mut bytes) = (Vec::new(), 0);
        let all_up_to = self.shared.all_up_to();
        let mut by_name = false;
        for index in lanes {
            let Some(lane) = self.lanes.get_mut(index) else { continue };
            if !lane.has_ready(now, &self.shared, all_up_to) {
                continue;
            }
            let size = lane.window.peek().map_or(0, |batch| batch.bytes.len());
            if bytes > 0 && bytes + size > self.shared.config.max_request_bytes {
                continue;
            }
            let Some((sending, batch)) = lane.window.take() else { continue };
            batch.bytes = exchange::stamped(std::mem::take(&mut batch.bytes), sending.producer);
            batch.attempts += 1;
            bytes += size;
            let topic = lane.queue.topic.clone();
            let topic_id = cluster.topic(&topic).map(|t| t.id).unwrap_or_default();
            by_name |= topic_id.is_zero();
            let partition = lane.queue.partition;
            let sent = Sent { lane: *index, batch: sending.id, topic, topic_id, partition };
            batches.push((sent, batch.bytes.clone()));
        }
        if batches.is_empty() {
            return false;
        }
        let version = if by_name { version.min(exchange::BY_ID - 1) } else { version };
        let config = &self.shared.config;
        let (acks, timeout) = (config.acks, config.request_timeout);
        let transactional_id = config.transactional_id.as_deref();
        let (request, sent) = exchange::request(transactional_id, acks, timeout, batches);
        self.post(broker, connection, version, request, sent);
        true
    }

    fn post(
        &mut self,
        broker: i32,
        connection: &Arc<Connection>,
        version: i16,
        request: ProduceRequest,
        sent: Vec<Sent>,
    ) {
        if let Some(peer) = self.peers.get_mut(&broker) {
            peer.in_flight += 1;
        }
        let (events, timeout) = (self.events.clone(), self.shared.config.request_timeout);
        let report = move |answer| {
            let _ = events.send(Event::Answered { broker, version, sent, answer });
        };
        if self.shared.config.acks == Acks::None {
            match connection.post_silent(&request, version) {
                Ok(written) => {
                    drop(tokio::spawn(async move { report(written.await.map(|()| None)) }))
                }
                Err(cause) => report(Err(cause)),
            }
            return;
        }
        match connection.post(&request, version) {
            Ok(answer) => drop(tokio::spawn(async move {
                report(answer.within(timeout).await.map(Some));
            })),
            Err(cause) => report(Err(cause)),
        }
    }

    pub(super) fn on_answer(
        &mut self,
        version: i16,
        sent: Vec<Sent>,
        answer: Result<Option<ProduceResponse>, ConnectionError>,
    ) {
        let shared = self.shared.clone();
        if answer.is_err() {
            shared.client.refresh();
        }
        for one in &sent {
            let Some(lane) = self.lanes.get_mut(&one.lane) else { continue };
            match &answer {
                Ok(None) => {
                    let landed = Landed { base_offset: None, log_append_time: None };
                    if let Some(batch) = lane.window.written(one.batch) {
                        shared.finish(batch, Ok(landed));
                    }
                }
                Ok(Some(told)) => match exchange::find(told, one, version) {
                    Some(partition) => lane.on_partition(one.batch, partition, &shared),
                    None => lane.window.lost(one.batch),
                },
                Err(cause) => {
                    lane.delay(&shared.client, Arc::new(cause.clone().into()));
                    lane.window.lost(one.batch);
                    lane.limit_retries(&shared);
                }
            }
        }
    }

    /// Fails what is older than `delivery.timeout.ms`.
    pub(super) fn expire(&mut self, now: Instant) {
        let shared = self.shared.clone();
        let Some(before) = now.checked_sub(shared.config.delivery_timeout) else { return };
        for lane in active_lanes(&mut self.lanes, &self.active) {
            while lane.queue.oldest().is_some_and(|at| at <= before) {
                lane.take(now, &shared, u64::MAX);
            }
            for (batch, sent) in lane.window.give_up(|batch| batch.opened_at <= before) {
                let cause = lane.timed_out(&shared, sent);
                shared.finish(batch, Err(cause));
            }
        }
    }

    /// No producer id: batches wait on if that may pass, else they fail.
    pub(super) fn on_no_identity(&mut self, cause: ClientError) {
        let shared = self.shared.clone();
        for lane in active_lanes(&mut self.lanes, &self.active) {
            if cause.retriable() {
                lane.last_error = Some(Arc::new(cause.clone()));
            } else if lane.window.needs_identity() {
                for (batch, _) in lane.window.give_up(|_| true) {
                    shared.finish(batch, Err(cause.clone().into()));
                }
            }
        }
    }

    /// Drops what an aborted transaction, or a producer that has failed, has no use for.
    pub(super) fn drop_useless(&mut self) {
        let shared = self.shared.clone();
        let Some(drops) = shared.transaction.as_ref().map(|transaction| transaction.drops()) else {
            return;
        };
        if drops == Drops::None {
            return;
        }
        for lane in active_lanes(&mut self.lanes, &self.active) {
            while !lane.queue.is_empty() {
                lane.take(Instant::now(), &shared, u64::MAX);
            }
            let (topic, partition) = (lane.queue.topic.clone(), lane.queue.partition);
            let mut dropped = lane.window.drop_unsent();
            if drops == Drops::All {
                dropped.extend(lane.window.give_up(|_| true).into_iter().map(|(batch, _)| batch));
            }
            for batch in dropped {
                let cause = ProduceError::Aborted { topic: topic.clone(), partition };
                shared.finish(batch, Err(cause));
            }
        }
    }

    /// Fails everything: the producer was dropped.
    pub(super) fn abandon(&mut self) {
        let shared = self.shared.clone();
        shared.memory.close();
        for queue in std::mem::take(&mut *shared.inbox.lock()) {
            self.active.insert(queue.lane);
            self.lanes.entry(queue.lane).or_insert_with(|| Lane::new(queue, &shared.config));
        }
        for lane in self.lanes.values_mut() {
            while !lane.queue.is_empty() {
                lane.take(Instant::now(), &shared, u64::MAX);
            }
            for (batch, _) in lane.window.give_up(|_| true) {
                shared.finish(batch, Err(ProduceError::Closed));
            }
        }
    }
}

/// Asks the cluster for a producer id (KIP-98).
pub(super) async fn new_identity(client: &Client) -> Result<Identity, ClientError> {
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: i32::MAX,
        ..InitProducerIdRequest::default()
    };
    let answer = client.ask_any(&request).await?;
    ClientError::check(answer.error_code, None, || "InitProducerId".into())?;
    Ok(Identity { id: answer.producer_id, epoch: answer.producer_epoch })
}
