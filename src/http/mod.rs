//! Rank 2. Pages for whoever watches a node: a small HTTP/1 server, for GET and HEAD only, that strangers cannot make large or
//! slow. It knows sockets and pages, not what stands in them.
//!
//! [`Server::bind`] listens, [`Server::run`] asks a [`Site`] for pages until it is told to stop. A connection carries one
//! request of at most 16 KiB and ends within 10 s, whatever its peer does; of 16 at once the oldest makes room for the next one.
//! It never reads a request's body.

mod connection;
mod stream;

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// Connections at once. A page takes milliseconds, so the oldest of so many is somebody slow.
const CONNECTIONS: usize = 16;

/// What is answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// The status code.
    pub status: u16,
    /// The media type of the text.
    pub content_type: &'static str,
    /// The text.
    pub text: Bytes,
}

impl Page {
    /// A line of plain text.
    pub fn plain(status: u16, line: &str) -> Page {
        let content_type = "text/plain; charset=utf-8";
        Page { status, content_type, text: format!("{line}\n").into() }
    }
}

/// What pages there are.
pub trait Site: Send + Sync + 'static {
    /// The page at `path`, in one of the media types of `accept` if it can be; `None` if there is none.
    fn page(
        self: Arc<Self>,
        path: String,
        accept: String,
    ) -> impl Future<Output = Option<Page>> + Send;
}

/// A socket that pages are asked for on.
#[derive(Debug)]
pub struct Server {
    socket: TcpListener,
}

impl Server {
    /// Listens on `host:port`; an empty host is all addresses, port 0 one that is free.
    ///
    /// # Errors
    /// As the system says.
    pub async fn bind(host: &str, port: u16) -> io::Result<Server> {
        let host = if host.is_empty() { "0.0.0.0" } else { host };
        Ok(Server { socket: TcpListener::bind((host, port)).await? })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// As the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Answers until it is stopped; connections that are open then are cut.
    pub async fn run<S: Site>(self, site: Arc<S>, stop: CancellationToken) {
        let mut connections = JoinSet::new();
        let mut by_age: VecDeque<AbortHandle> = VecDeque::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = self.socket.accept() => accepted,
            };
            while connections.try_join_next().is_some() {}
            by_age.retain(|connection| !connection.is_finished());
            match accepted {
                Ok((stream, _)) => {
                    if by_age.len() >= CONNECTIONS
                        && let Some(oldest) = by_age.pop_front()
                    {
                        oldest.abort();
                    }
                    by_age.push_back(connections.spawn(connection::serve(stream, site.clone())));
                }
                Err(error) => {
                    // Out of descriptors, as a rule: a short rest lets others close theirs.
                    tracing::debug!(%error, "accepting an HTTP connection failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}
