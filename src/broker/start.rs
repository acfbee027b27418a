//! Starting and stopping.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::aside::Aside;
use super::counts::Counts;
use super::directories::{self, Opened};
use super::groups::Groups;
use super::loggers::Loggers;
use super::metrics::Metrics;
use super::node::Node;
use super::partitions::Partitions;
use super::producer_ids::ProducerIds;
use super::sessions::Sessions;
use super::txns::Transactions;
use super::{background, connection, groups, txns};
use crate::base::TopicId;
use crate::config::{BrokerConfig, Listener as Address};
use crate::log::{LogDirError, META_PROPERTIES_FILE, MetaProperties, StorageError};
use crate::meta::records::nodes::{BrokerEndpoint, RegisterBrokerRecord};
use crate::meta::{fence_broker, register_broker, take_leadership};
use crate::net::{BindError, Budget, Limits, Listener, Seldom, Shares, raise_limit, share};
use crate::os::Os;
use crate::quorum::{MetadataStore, Single, StartError as MetadataError, SubmitError};

/// Why a broker does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A log directory cannot be used.
    #[error(transparent)]
    Dir(#[from] LogDirError),
    /// The directories belong to different clusters or nodes.
    #[error("{folder} belongs to node {node_id} of cluster {cluster_id}, not to node {wanted_node} of cluster {wanted_cluster}", folder = folder.display())]
    Foreign {
        /// The directory.
        folder: PathBuf,
        /// Whose it is.
        node_id: i32,
        /// Whose it is.
        cluster_id: String,
        /// Who wanted it.
        wanted_node: i32,
        /// Who wanted it.
        wanted_cluster: String,
    },
    /// It holds partitions, but does not say whose it is.
    #[error("{file} is missing, though {folder} holds {partitions} partitions", file = folder.join(META_PROPERTIES_FILE).display(), folder = folder.display())]
    Unnamed {
        /// The directory.
        folder: PathBuf,
        /// How many have a folder there, the metadata log's included.
        partitions: usize,
        /// What could be written there if there is no copy: the cluster's id is that of the other directories, or drawn.
        properties: MetaProperties,
    },
    /// There are partitions, but no metadata log that says whose they are.
    #[error("the metadata log is gone: there is none in {folder}, though {holder} holds {partitions} partitions", folder = folder.display(), holder = holder.display())]
    NoMetadata {
        /// Where it should be.
        folder: PathBuf,
        /// A log directory with partitions.
        holder: PathBuf,
        /// How many there are in it.
        partitions: usize,
    },
    /// The metadata cannot be loaded.
    #[error("the metadata cannot be loaded")]
    Metadata(#[from] MetadataError),
    /// The broker could not be registered.
    #[error("this broker cannot be registered")]
    Register(#[from] SubmitError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The address for metrics cannot be listened on.
    #[error("no metrics can be served")]
    Metrics(#[source] BindError),
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A running broker.
#[derive(Debug)]
pub struct Broker {
    node: Arc<Node>,
    store: Arc<Single>,
    addresses: Vec<SocketAddr>,
    metrics: Option<Metrics>,
    accepting: CancellationToken,
    connections: TaskTracker,
}

impl Broker {
    /// Opens, recovers, registers, listens. Once it returns, connections are served. Clients may change the levels of `loggers`.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left behind then but the lock's file.
    pub async fn start(
        mut config: BrokerConfig,
        os: Os,
        loggers: Loggers,
    ) -> Result<Broker, StartError> {
        fit_descriptors(&mut config);
        let limits = Limits::new(config.max_connections, config.max_connections_per_ip);
        let listeners: Vec<Listener> = config
            .listeners
            .iter()
            .map(|address| {
                Listener::bind(&address.host, address.port, config.backlog, limits.clone())
            })
            .collect::<Result<_, _>>()?;
        let addresses: Vec<SocketAddr> =
            listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        let metrics = Metrics::start(&config, &os).await.map_err(StartError::Metrics)?;
        let opened = tokio::task::spawn_blocking({
            let (config, os) = (config.clone(), os.clone());
            move || directories::open(&config, &os)
        });
        let Opened { dirs, dir_ids, unopened_dirs, cluster_id, store } = match opened.await {
            Ok(opened) => opened?,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        let store = Arc::new(store);
        register(&config, &os, &store, &addresses, &dir_ids).await?;
        let node = Arc::new(Node {
            partitions: Partitions::new(dirs, dir_ids, config.topic.clone())?,
            groups: Groups::new(&config),
            transactions: Transactions::default(),
            producer_ids: ProducerIds::new(config.producer_ids_per_second),
            sessions: Sessions::new(config.fetch_sessions, os.clone()),
            requests: Budget::new(usize::try_from(config.queued_request_bytes).ok()),
            aside: Aside::new(),
            limits,
            counts: Counts::new(),
            lines: Seldom::default(),
            config,
            os,
            cluster_id,
            unopened_dirs,
            store: store.clone(),
            loggers,
            dirty: Default::default(),
            checking: Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)),
            stopping: CancellationToken::new(),
        });
        let begun = Instant::now();
        super::defaults::tell_unused(&node.config, &node.image());
        node.follow_metadata().await;
        node.partitions.set_strays_aside();
        flush_recovered(&node);
        tell_recovery(&node, begun.elapsed());
        checkpoint(&node).await;
        txns::load(&node, groups::load(&node));
        background::start(&node);
        let broker = Broker {
            node,
            store,
            addresses,
            metrics,
            accepting: CancellationToken::new(),
            connections: TaskTracker::new(),
        };
        listeners.into_iter().for_each(|listener| broker.accept_from(listener));
        if let Some(metrics) = &broker.metrics {
            metrics.serving(&broker.node);
        }
        Ok(broker)
    }

    fn accept_from(&self, listener: Listener) {
        let (node, stop, connections) =
            (self.node.clone(), self.accepting.clone(), self.connections.clone());
        self.connections.spawn(async move {
            loop {
                let connection = tokio::select! {
                    () = stop.cancelled() => return,
                    connection = listener.accept() => connection,
                };
                connections.spawn(connection::serve(node.clone(), connection, stop.clone()));
                // A flood of connections is taken one by one, between what those that are there ask for.
                tokio::task::yield_now().await;
            }
        });
    }

    /// Where connections are accepted, in the order of `listeners`.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where metrics are served, if they are.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(Metrics::address)
    }

    /// Stops: accepts nothing more, answers what is parked, makes all logs durable and marks the directories as clean.
    ///
    /// # Errors
    /// The disk failed; the next start recovers.
    pub async fn shutdown(self) -> Result<(), StorageError> {
        if let Some(metrics) = &self.metrics {
            metrics.stopping().await;
        }
        self.node.stopping.cancel();
        self.accepting.cancel();
        self.connections.close();
        let patience = Duration::from_secs(5);
        if tokio::time::timeout(patience, self.connections.wait()).await.is_err() {
            tracing::warn!("some answers could not be sent in time");
        }
        self.node.aside.stop().await;
        let (node, store, metrics) = (self.node, self.store, self.metrics);
        // A Kafka that starts on this directory next would take a live registration for another broker's.
        let id = node.config.node_id;
        if let Err(error) = store.submit(Box::new(move |image| Ok(fence_broker(image, id)))).await {
            tracing::warn!(%error, "the metadata does not say that this broker stopped");
        }
        let closed = tokio::task::spawn_blocking(move || close(&node, &store)).await;
        if let Some(metrics) = metrics {
            metrics.stop().await;
        }
        match closed {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}

/// Takes no more connections and holds no more files open than there are descriptors.
fn fit_descriptors(config: &mut BrokerConfig) {
    let limit = raise_limit();
    let wanted = Shares { connections: config.max_connections, files: config.open_files };
    let shares = share(limit, wanted);
    if shares != wanted {
        tracing::info!(
            limit,
            connections = shares.connections,
            open_files = shares.files,
            "the process may have few file descriptors: fewer connections and open files than configured (ulimit -n, LimitNOFILE)"
        );
    }
    (config.max_connections, config.open_files) = (shares.connections, shares.files);
}

/// An operator wants to know what a crash has cost.
fn tell_recovery(node: &Node, took: Duration) {
    let recovery = node.partitions.recovery();
    if recovery.partitions > 0 {
        tracing::info!(
            partitions = recovery.partitions,
            checked_bytes = recovery.checked_bytes,
            cut_bytes = recovery.cut_bytes,
            cut_whole_batches = recovery.cut_batches,
            rebuilt_files = recovery.rebuilt,
            ?took,
            "recovered: the last stop was not clean"
        );
    }
}

/// What was recovered and is served before it is on disk gets there as all that waits does.
fn flush_recovered(node: &Node) {
    for partition in node.partitions.opened() {
        let waits = partition.log().unflushed() > 0;
        if waits {
            node.mark_dirty(&partition);
        }
    }
}

/// What was recovered and is on disk need not be recovered again; and what the checkpoints say of topics that are gone must not be taken for
/// those that get their names.
async fn checkpoint(node: &Arc<Node>) {
    let node = node.clone();
    if let Err(panic) = tokio::task::spawn_blocking(move || node.partitions.checkpoint()).await {
        std::panic::resume_unwind(panic.into_panic());
    }
}

async fn register(
    config: &BrokerConfig,
    os: &Os,
    store: &Single,
    addresses: &[SocketAddr],
    dir_ids: &[TopicId],
) -> Result<(), SubmitError> {
    let advertised: Vec<Address> = if config.advertised_listeners.is_empty() {
        // A port of 0 was replaced by one that is free.
        let with_port = |(listener, bound): (&Address, &SocketAddr)| Address {
            port: bound.port(),
            ..listener.clone()
        };
        config.listeners.iter().zip(addresses).map(with_port).collect()
    } else {
        config.advertised_listeners.clone()
    };
    let endpoint = |listener: &Address| BrokerEndpoint {
        name: listener.name.as_str().into(),
        host: listener.host.as_str().into(),
        port: listener.port,
        security_protocol: 0,
        ..Default::default()
    };
    let broker = RegisterBrokerRecord {
        broker_id: config.node_id,
        incarnation_id: TopicId(os.random_id()),
        broker_epoch: store.status().high_watermark,
        end_points: advertised.iter().map(endpoint).collect(),
        fenced: false,
        log_dirs: dir_ids.to_vec(),
        ..Default::default()
    };
    let id = config.node_id;
    store
        .submit(Box::new(move |image| {
            let mut records = register_broker(broker);
            records.extend(take_leadership(image, id));
            Ok(records)
        }))
        .await
}

fn close(node: &Node, store: &Single) -> Result<(), StorageError> {
    for partition in node.partitions.opened() {
        let mut log = partition.log();
        if !log.is_offline()
            && let Err(error) = log.close()
        {
            drop(log);
            partition.fail(&error);
        }
    }
    store.stop();
    // Nobody reads them any more, and a Kafka would miss their indexes at its start.
    node.partitions.remove_doomed(i64::MAX);
    let image = node.image();
    let own = image.brokers().find(|broker| broker.broker_id == node.config.node_id);
    let epoch = own.map_or(-1, |broker| broker.broker_epoch);
    // What is offline, or where the checkpoints could not be written, was not stopped cleanly.
    node.partitions.checkpoint().iter().try_for_each(|dir| dir.mark_clean(epoch))
}
