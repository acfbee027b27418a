//! What a node says of itself over HTTP (`klog.metrics.listener`): `/metrics` for Prometheus, `/healthz` for whoever decides
//! whether to send it clients.
//!
//! Counting is done where things happen, in plain counters; here they are gathered and written out, when somebody asks. One
//! scrape at a time is made, on the blocking pool; its cost is bounded, as the number of its series is.

mod groups;
mod health;
mod lag;
mod logs;
mod process;
mod requests;
mod sheet;
mod shown;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, prometheus_text, text};
use prometheus_client::registry::Registry;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::node::Node;
use crate::base::TopicName;
use crate::config::BrokerConfig;
use crate::http::{Page, Server, Site};
use crate::net::BindError;
use crate::os::Os;
use health::State;
use sheet::Sheet;
use shown::Shown;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The pages of a node, served from before it opens its directories until it has stopped.
#[derive(Debug)]
pub struct Metrics {
    pages: Arc<Pages>,
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
    stop: DropGuard,
}

/// What the pages are made from.
#[derive(Debug)]
struct Pages {
    node: OnceLock<Weak<Node>>,
    state: AtomicU8,
    started_ms: i64,
    /// One scrape at a time, and what it has to know of the one before.
    scraping: Mutex<Memory>,
}

/// What scrapes remember.
#[derive(Debug)]
struct Memory {
    topics: Shown<TopicName>,
    groups: groups::Memory,
}

impl Metrics {
    /// Listens where the configuration says; `None` if it says nothing.
    ///
    /// # Errors
    /// The address, and what the system said.
    pub async fn start(config: &BrokerConfig, os: &Os) -> Result<Option<Metrics>, BindError> {
        let Some(listener) = &config.metrics_listener else { return Ok(None) };
        let failed = |source| BindError { address: listener.address(), source };
        let server = Server::bind(&listener.host, listener.port).await.map_err(failed)?;
        let address = server.local_addr().map_err(failed)?;
        let pages = Arc::new(Pages {
            node: OnceLock::new(),
            state: AtomicU8::new(State::Starting as u8),
            started_ms: os.clock.now().0,
            scraping: Mutex::new(Memory {
                topics: Shown::new(config.metrics_max_topics),
                groups: groups::Memory::new(config.metrics_max_groups),
            }),
        });
        let stop = CancellationToken::new();
        let task = tokio::spawn(server.run(pages.clone(), stop.clone()));
        tracing::info!("metrics are served on http://{address}/metrics, health on /healthz");
        Ok(Some(Metrics { pages, address, task, stop: stop.drop_guard() }))
    }

    /// Where they are served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The node serves from now on.
    pub fn serving(&self, node: &Arc<Node>) {
        let _ = self.pages.node.set(Arc::downgrade(node));
        self.pages.state.store(State::Serving as u8, Ordering::Release);
    }

    /// The node stops: it is looked at no more once this returns.
    pub async fn stopping(&self) {
        self.pages.state.store(State::Stopping as u8, Ordering::Release);
        let pages = self.pages.clone();
        let _ = tokio::task::spawn_blocking(move || drop(pages.scraping.lock())).await;
    }

    /// Serves no more.
    pub async fn stop(self) {
        drop(self.stop);
        let _ = self.task.await;
    }
}

impl Pages {
    fn state(&self) -> State {
        State::from(self.state.load(Ordering::Acquire))
    }

    /// The node, while it serves.
    fn node(&self) -> Option<Arc<Node>> {
        match self.state() {
            State::Serving => self.node.get()?.upgrade(),
            State::Starting | State::Stopping => None,
        }
    }

    fn health(&self) -> health::Health {
        health::of(self.state(), self.node().as_deref())
    }

    /// All metrics as text. Blocking.
    fn scrape(self: Arc<Pages>, openmetrics: bool) -> Page {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Scrape(self)));
        let mut out = String::new();
        let (written, content_type) = if openmetrics {
            (text::encode(&mut out, &registry), OPENMETRICS)
        } else {
            (prometheus_text::encode(&mut out, &registry), prometheus_text::CONTENT_TYPE)
        };
        match written {
            Ok(()) => Page { status: 200, content_type, text: out.into() },
            Err(_) => Page::plain(500, "bug: the metrics could not be written"),
        }
    }
}

impl Site for Pages {
    async fn page(self: Arc<Pages>, path: String, accept: String) -> Option<Page> {
        match path.as_str() {
            "/healthz" => Some(self.health().page()),
            "/metrics" => {
                let openmetrics = accept.contains("application/openmetrics-text");
                let scrape = tokio::task::spawn_blocking(move || self.scrape(openmetrics));
                Some(scrape.await.unwrap_or_else(|_| Page::plain(500, "bug: the scrape failed")))
            }
            _ => None,
        }
    }
}

/// One scrape.
#[derive(Debug)]
struct Scrape(Arc<Pages>);

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let pages = &self.0;
        let memory = &mut *pages.scraping.lock();
        let mut sheet = Sheet::new(encoder);
        process::write(&mut sheet, pages.started_ms)?;
        sheet.gauge(
            "klog_healthy",
            "Whether /healthz says that the node serves: 1 or 0",
            u64::from(pages.health().is_well()),
        )?;
        // Until it serves, there is nothing more to tell.
        let Some(node) = pages.node() else { return Ok(()) };
        requests::write(&mut sheet, &node)?;
        logs::write(&mut sheet, &node, &mut memory.topics)?;
        groups::write(&mut sheet, &node, &mut memory.groups)
    }
}
