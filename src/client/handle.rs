//! What producers, consumers and admins share: connections by broker and purpose, and the picture of the cluster.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::cluster::{Cluster, Topic};
use super::config::ClientConfig;
use super::connection::Connection;
use super::entropy::{backoff, random_u32};
use super::error::{ClientError, ConnectionError};
use super::link::Link;
use super::refresh;
use crate::base::{ErrorCode, TopicName};
use crate::wire::Request;

/// How long a broker may take to hear of a topic that another one has created.
const LAG: Duration = Duration::from_secs(3);

/// What a connection is for. Each purpose has its own, so that a fetch that waits at the broker holds up nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// Metadata and admin.
    General,
    /// Produce.
    Produce,
    /// Fetch.
    Fetch,
    /// JoinGroup, SyncGroup, Heartbeat of the member with this number: a join may wait for minutes, and nobody else's
    /// heartbeat may wait behind it.
    Member(u32),
}

/// A client of one cluster. Cheap to clone; all clones share connections and metadata, and the last one to go
/// closes them.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
    _alive: Arc<CloseOnDrop>,
}

/// Stops the refreshing task once no `Client` is left.
#[derive(Debug)]
struct CloseOnDrop(CancellationToken);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// The state behind a [`Client`].
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: ClientConfig,
    links: Mutex<HashMap<(i32, Lane), Arc<Link>>>,
    /// Members of groups that there were so far.
    members: AtomicU32,
    seeds: Vec<Arc<Link>>,
    pub(super) cluster: watch::Sender<Arc<Cluster>>,
    /// The topics that somebody is interested in.
    pub(super) wanted: Mutex<BTreeSet<TopicName>>,
    pub(super) refresh_wanted: Notify,
    /// Why the last refresh failed; None after a success.
    pub(super) refresh_failed: Mutex<Option<ClientError>>,
    closed: CancellationToken,
}

impl Client {
    /// Connects to the first bootstrap address that answers, and learns of the brokers. More than one round over the
    /// addresses is made, within `api_timeout`.
    ///
    /// # Errors
    /// `Unreachable`, with what the last address did; at once where all of them speak another protocol.
    pub async fn connect(config: ClientConfig) -> Result<Client, ClientError> {
        let closed = CancellationToken::new();
        let seeds = config.bootstrap.iter().map(|a| Arc::new(Link::new(a.clone()))).collect();
        let shared = Arc::new(Shared {
            config,
            links: Mutex::default(),
            members: AtomicU32::new(0),
            seeds,
            cluster: watch::Sender::new(Arc::default()),
            wanted: Mutex::default(),
            refresh_wanted: Notify::new(),
            refresh_failed: Mutex::default(),
            closed: closed.clone(),
        });
        let give_up_at = Instant::now() + shared.config.api_timeout;
        let mut failures = 0;
        while let Err(cause) = refresh::once(&shared).await {
            let (base, max) = (shared.config.retry_backoff, shared.config.retry_backoff_max);
            let pause = backoff(base, max, failures);
            failures += 1;
            if !cause.retriable() || cause.is_foreign() || Instant::now() + pause >= give_up_at {
                return Err(cause);
            }
            tokio::time::sleep(pause).await;
        }
        tokio::spawn(refresh::run(shared.clone(), closed.clone()));
        Ok(Client { shared, _alive: Arc::new(CloseOnDrop(closed)) })
    }

    /// What it was told.
    pub fn config(&self) -> &ClientConfig {
        &self.shared.config
    }

    /// What the cluster calls itself.
    pub fn cluster_id(&self) -> Option<String> {
        self.cluster().cluster_id.clone()
    }

    /// Closes every connection; whatever is under way fails with `Closed`.
    pub fn close(&self) {
        self.shared.closed.cancel();
        for link in self.shared.links.lock().values().chain(&self.shared.seeds) {
            link.close();
        }
    }

    /// The latest picture.
    pub(super) fn cluster(&self) -> Arc<Cluster> {
        self.shared.cluster.borrow().clone()
    }

    /// Sees every new picture.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<Cluster>> {
        self.shared.cluster.subscribe()
    }

    /// Asks for a new picture soon; returns at once.
    pub(super) fn refresh(&self) {
        self.shared.refresh_wanted.notify_one();
    }

    /// Names a topic that pictures are to include from now on.
    pub(super) fn want(&self, topic: &TopicName) {
        let new = self.shared.wanted.lock().insert(topic.clone());
        if new {
            self.refresh();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.shared.closed.is_cancelled()
    }

    /// The topic with its partitions, asking for it until it is there.
    ///
    /// # Errors
    /// `UnknownTopic` or `Refused` where the cluster still says so after `within`, `Unreachable` where nobody answers.
    pub(super) async fn topic(
        &self,
        name: &TopicName,
        within: Duration,
    ) -> Result<Arc<Topic>, ClientError> {
        let mut pictures = self.watch();
        self.want(name);
        let give_up_at = Instant::now() + within;
        // Without creation on demand an unknown topic stays unknown, but for brokers that lag behind.
        let unknown_until = match self.config().allow_auto_create {
            true => give_up_at,
            false => give_up_at.min(Instant::now() + LAG),
        };
        let mut last = None;
        loop {
            let seen = pictures.borrow_and_update().topic(name).cloned();
            match seen {
                Some(topic) if topic.error.is_none() => return Ok(topic),
                Some(topic) => {
                    last = Some(topic_error(name, topic.error));
                    let unknown = topic.error == ErrorCode::UnknownTopicOrPartition;
                    if !topic.error.is_retriable() || (unknown && Instant::now() > unknown_until) {
                        break;
                    }
                    self.refresh();
                }
                None => self.refresh(),
            }
            if self.is_closed() {
                return Err(ClientError::Closed);
            }
            if tokio::time::timeout_at(give_up_at, pictures.changed()).await.is_err() {
                break;
            }
        }
        let failed = self.shared.refresh_failed.lock().clone();
        Err(failed.or(last).unwrap_or_else(|| ClientError::UnknownTopic { topic: name.clone() }))
    }

    /// A usable connection to a broker.
    ///
    /// # Errors
    /// What stood in the way; the next try waits for its backoff.
    pub(super) async fn broker(
        &self,
        id: i32,
        lane: Lane,
    ) -> Result<Arc<Connection>, ConnectionError> {
        self.shared.broker(id, lane).await
    }

    /// A usable connection to any broker: one that is open, else the first that opens.
    ///
    /// # Errors
    /// `Unreachable`.
    pub(super) async fn any_broker(&self) -> Result<Arc<Connection>, ClientError> {
        self.shared.any_broker().await
    }

    /// A lane for one more member.
    pub(super) fn member_lane(&self) -> Lane {
        Lane::Member(self.shared.members.fetch_add(1, Ordering::Relaxed))
    }

    /// Closes a lane's connections: nobody uses them any more.
    pub(super) fn close_lane(&self, lane: Lane) {
        self.shared.links.lock().retain(|(_, of), link| {
            if *of == lane {
                link.close();
            }
            *of != lane
        });
    }

    /// Sends a request to any broker, again while it fails in ways that pass, within `api_timeout`.
    ///
    /// # Errors
    /// What the last try met.
    pub(super) async fn ask_any<R: Request>(
        &self,
        request: &R,
    ) -> Result<R::Response, ClientError> {
        let give_up_at = Instant::now() + self.config().api_timeout;
        let mut failures = 0;
        loop {
            let tried = match self.any_broker().await {
                Ok(connection) => {
                    let answer = connection.call(request, self.config().request_timeout).await;
                    answer.map_err(ClientError::from)
                }
                Err(cause) => Err(cause),
            };
            let cause = match tried {
                Ok(answer) => return Ok(answer),
                Err(cause) => cause,
            };
            if !self.pause_before_retry(&cause, &mut failures, give_up_at).await {
                return Err(cause);
            }
        }
    }

    /// Waits for the backoff; false if there is no sense or no time in another try.
    pub(super) async fn pause_before_retry(
        &self,
        cause: &ClientError,
        failures: &mut u32,
        give_up_at: Instant,
    ) -> bool {
        let (base, max) = (self.config().retry_backoff, self.config().retry_backoff_max);
        let pause = backoff(base, max, *failures);
        *failures += 1;
        if !cause.retriable() || self.is_closed() || Instant::now() + pause >= give_up_at {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}

/// What a topic's error in Metadata means to a program.
pub(super) fn topic_error(topic: &TopicName, code: ErrorCode) -> ClientError {
    match code {
        ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId => {
            ClientError::UnknownTopic { topic: topic.clone() }
        }
        code => {
            let what = format!("topic {topic}");
            ClientError::Refused { what, code, message: None }
        }
    }
}

impl Shared {
    async fn broker(&self, id: i32, lane: Lane) -> Result<Arc<Connection>, ConnectionError> {
        let address = self.cluster.borrow().brokers.get(&id).map(super::cluster::Broker::address);
        let address = address.ok_or_else(|| ConnectionError::Resolve {
            address: format!("broker {id}"),
            cause: None,
        })?;
        let address = self.config.broker_address.clone().unwrap_or(address);
        let link = {
            let mut links = self.links.lock();
            let new = |address: &String| match lane {
                Lane::Produce | Lane::Fetch => Arc::new(Link::for_records(address.clone())),
                Lane::General | Lane::Member(_) => Arc::new(Link::new(address.clone())),
            };
            let link = links.entry((id, lane)).or_insert_with(|| new(&address));
            if link.address() != address {
                link.close(); // the broker moved
                *link = new(&address);
            }
            link.clone()
        };
        self.open(&link).await
    }

    async fn open(&self, link: &Link) -> Result<Arc<Connection>, ConnectionError> {
        tokio::select! {
            opened = link.connection(&self.config) => opened,
            () = self.closed.cancelled() => {
                Err(ConnectionError::Closed { address: link.address().to_owned() })
            }
        }
    }

    /// Known brokers first, from a random one on, then the bootstrap addresses: those may have moved on, or a
    /// wholly new set of brokers may stand behind them (KIP-899).
    pub(super) async fn any_broker(&self) -> Result<Arc<Connection>, ClientError> {
        let mut ids: Vec<i32> = self.cluster.borrow().brokers.keys().copied().collect();
        ids.sort_unstable();
        if !ids.is_empty() {
            let first = random_u32() as usize % ids.len();
            ids.rotate_left(first);
        }
        let (mut last, mut tried) = (None, Vec::new());
        for id in ids {
            match self.broker(id, Lane::General).await {
                Ok(connection) => return Ok(connection),
                Err(cause) => last = Some(cause),
            }
        }
        for seed in &self.seeds {
            tried.push(seed.address().to_owned());
            match self.open(seed).await {
                Ok(connection) => return Ok(connection),
                // What may pass tells more than what will not.
                Err(ConnectionError::Foreign { .. }) if last.is_some() => {}
                Err(cause) => last = Some(cause),
            }
        }
        Err(ClientError::Unreachable { addresses: tried.join(", "), cause: last })
    }
}
