//! The one task that sends a producer's batches: to each leader up to five requests at a time, many partitions in
//! each, at most one batch of each partition.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::connection::Connection;
use super::super::error::{ClientError, ConnectionError};
use super::super::handle::Lane as Purpose;
use super::Shared;
use super::exchange::Sent;
use super::lane::Lane;
use super::window::Identity;
use crate::wire::produce::ProduceResponse;

/// How often batches are looked over for those whose time is up.
const EXPIRY_INTERVAL: Duration = Duration::from_millis(100);

/// The task's state; nobody else touches it.
pub(super) struct Sender {
    pub(super) shared: Arc<Shared>,
    pub(super) lanes: HashMap<usize, Lane>,
    /// Lanes with anything to do.
    pub(super) active: BTreeSet<usize>,
    pub(super) peers: HashMap<i32, Peer>,
    pub(super) identity: Option<Identity>,
    asking_identity: bool,
    identity_failures: u32,
    next_expiry: Instant,
    pub(super) events: mpsc::UnboundedSender<Event>,
    incoming: mpsc::UnboundedReceiver<Event>,
}

/// One broker, as the sender sees it.
#[derive(Default)]
pub(super) struct Peer {
    pub(super) connection: Option<Arc<Connection>>,
    connecting: bool,
    pub(super) in_flight: usize,
}

/// What other tasks report.
pub(super) enum Event {
    /// A connection was opened, or not.
    Connected(i32, Result<Arc<Connection>, ConnectionError>),
    /// A request was answered (None: acks=0, written), or its connection broke.
    Answered {
        broker: i32,
        version: i16,
        sent: Vec<Sent>,
        answer: Result<Option<ProduceResponse>, ConnectionError>,
    },
    /// The cluster gave a producer id, or not.
    Identified(Result<Identity, ClientError>),
}

impl Sender {
    pub(super) fn new(shared: Arc<Shared>) -> Sender {
        let (events, incoming) = mpsc::unbounded_channel();
        Sender {
            shared,
            lanes: HashMap::new(),
            active: BTreeSet::new(),
            peers: HashMap::new(),
            identity: None,
            asking_identity: false,
            identity_failures: 0,
            next_expiry: Instant::now() + EXPIRY_INTERVAL,
            events,
            incoming,
        }
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut pictures = self.shared.client.watch();
        let mut stopped = pin!(stop.cancelled());
        loop {
            let wake_at = self.pump();
            tokio::select! {
                () = &mut stopped => break,
                () = self.shared.news.notified() => {}
                Some(event) = self.incoming.recv() => {
                    self.on_event(event);
                    while let Ok(event) = self.incoming.try_recv() {
                        self.on_event(event);
                    }
                }
                Ok(()) = pictures.changed() => {
                    pictures.borrow_and_update();
                    self.shared.grow_topics();
                }
                () = sleep_until(wake_at) => {}
            }
        }
        self.abandon();
    }

    /// Does all that can be done now; returns when there will be more.
    fn pump(&mut self) -> Option<Instant> {
        let now = Instant::now();
        for queue in std::mem::take(&mut *self.shared.inbox.lock()) {
            queue.listed.store(false, Ordering::Release);
            self.active.insert(queue.lane);
            let config = &self.shared.config;
            self.lanes.entry(queue.lane).or_insert_with(|| Lane::new(queue, config));
        }
        self.drop_useless();
        if now >= self.next_expiry {
            self.expire(now);
            self.next_expiry = now + EXPIRY_INTERVAL;
        }
        self.dispatch(now);
        if self.identify() {
            self.dispatch(now);
        }
        let lanes = &self.lanes;
        self.active.retain(|lane| lanes.get(lane).is_some_and(|lane| !lane.is_idle()));
        self.wake_at(now)
    }

    /// Sends what may be sent, broker by broker.
    fn dispatch(&mut self, now: Instant) {
        let cluster = self.shared.client.cluster();
        let mut by_leader: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
        let (mut leaderless, all_up_to) = (false, self.shared.all_up_to());
        for index in &self.active {
            let Some(lane) = self.lanes.get_mut(index) else { continue };
            if !lane.has_ready(now, &self.shared, all_up_to) {
                continue;
            }
            match cluster.leader(&lane.queue.topic, lane.queue.partition) {
                Some((leader, _)) => by_leader.entry(leader).or_default().push(*index),
                None => leaderless = true,
            }
        }
        if leaderless {
            self.shared.client.refresh();
        }
        for (leader, lanes) in by_leader {
            self.connect(leader);
            let Some(connection) = self.usable(leader) else { continue };
            while self
                .peers
                .get(&leader)
                .is_some_and(|p| p.in_flight < self.shared.config.max_in_flight)
            {
                if !self.send_one(leader, &connection, &lanes, &cluster, now) {
                    break;
                }
            }
        }
    }

    fn usable(&self, broker: i32) -> Option<Arc<Connection>> {
        self.peers.get(&broker)?.connection.as_ref().filter(|c| c.is_open()).cloned()
    }

    /// Opens a connection in the background, if there is none and nobody is about it.
    fn connect(&mut self, broker: i32) {
        let peer = self.peers.entry(broker).or_default();
        if peer.connecting || peer.connection.as_ref().is_some_and(|c| c.is_open()) {
            return;
        }
        peer.connecting = true;
        peer.connection = None;
        let (client, events) = (self.shared.client.clone(), self.events.clone());
        tokio::spawn(async move {
            let connected = client.broker(broker, Purpose::Produce).await;
            let _ = events.send(Event::Connected(broker, connected));
        });
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Connected(broker, connected) => {
                let peer = self.peers.entry(broker).or_default();
                peer.connecting = false;
                match connected {
                    Ok(connection) => peer.connection = Some(connection),
                    Err(cause) => {
                        self.shared.client.refresh(); // it may have moved, or another leads
                        self.note_trouble(broker, &Arc::new(cause.into()));
                    }
                }
            }
            Event::Answered { broker, version, sent, answer } => {
                if let Some(peer) = self.peers.get_mut(&broker) {
                    peer.in_flight = peer.in_flight.saturating_sub(1);
                }
                self.on_answer(version, sent, answer);
            }
            Event::Identified(Ok(identity)) => {
                (self.asking_identity, self.identity_failures) = (false, 0);
                self.identity = Some(identity);
            }
            Event::Identified(Err(cause)) => {
                self.asking_identity = false;
                self.identity_failures += 1;
                self.on_no_identity(cause);
            }
        }
    }

    /// Remembers, for those whose time runs out, what stood in the way.
    fn note_trouble(&mut self, broker: i32, cause: &Arc<ClientError>) {
        let cluster = self.shared.client.cluster();
        for lane in active_lanes(&mut self.lanes, &self.active) {
            let leader = cluster.leader(&lane.queue.topic, lane.queue.partition);
            if leader.is_none_or(|(leader, _)| leader == broker) {
                lane.last_error = Some(cause.clone());
            }
        }
    }

    /// Gives lanes their producer id; asks the cluster for one where it is needed. True if any lane got one.
    fn identify(&mut self) -> bool {
        if !self.shared.config.idempotent || self.shared.transaction.is_some() {
            return false;
        }
        let (mut needed, mut given) = (false, false);
        for lane in active_lanes(&mut self.lanes, &self.active) {
            if !lane.window.needs_identity() {
                continue;
            }
            match self.identity.filter(|identity| lane.used_id != Some(identity.id)) {
                Some(identity) => {
                    lane.used_id = Some(identity.id);
                    lane.window.set_identity(identity);
                    given = true;
                }
                None => needed = true,
            }
        }
        if needed && !self.asking_identity {
            self.asking_identity = true;
            let (client, events) = (self.shared.client.clone(), self.events.clone());
            tokio::spawn(async move {
                let _ = events.send(Event::Identified(super::lane::new_identity(&client).await));
            });
        }
        given
    }

    /// When something is due that no event announces.
    fn wake_at(&self, now: Instant) -> Option<Instant> {
        let config = &self.shared.config;
        let lanes = self.active.iter().filter_map(|i| self.lanes.get(i));
        let due = lanes.filter_map(|lane| lane.due_at(config)).filter(|at| *at > now).min();
        let expiry = (!self.active.is_empty()).then_some(self.next_expiry);
        due.into_iter().chain(expiry).min()
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The lanes with anything to do.
pub(super) fn active_lanes<'a>(
    lanes: &'a mut HashMap<usize, Lane>,
    active: &'a BTreeSet<usize>,
) -> impl Iterator<Item = &'a mut Lane> {
    lanes.iter_mut().filter(|(index, _)| active.contains(index)).map(|(_, lane)| lane)
}
