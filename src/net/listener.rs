//! Accepts connections.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use super::Connection;
use super::limits::Limits;
use super::seldom::Seldom;

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct BindError {
    /// The address.
    pub address: String,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// A socket that connections come in by.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    limits: Arc<Limits>,
    /// Whether one more refusal is written to the log.
    lines: Seldom,
}

impl Listener {
    /// Listens on `host:port`; an empty host is all addresses, port 0 one that is free.
    ///
    /// # Errors
    /// The address, and what the system said.
    pub fn bind(
        host: &str,
        port: u16,
        backlog: i32,
        limits: Arc<Limits>,
    ) -> Result<Listener, BindError> {
        let host = if host.is_empty() { "0.0.0.0" } else { host };
        let failed = |source| BindError { address: format!("{host}:{port}"), source };
        let socket = bind(host, port, backlog).map_err(failed)?;
        Ok(Listener { socket, limits, lines: Seldom::default() })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// As the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The next connection within the limits. Those beyond are closed, with a line in the log.
    pub async fn accept(&self) -> Connection {
        loop {
            match self.socket.accept().await {
                Ok((stream, peer)) => match self.limits.admit(peer.ip()) {
                    Ok(permit) => {
                        if let Err(error) = stream.set_nodelay(true) {
                            tracing::debug!(%peer, %error, "no TCP_NODELAY");
                        }
                        return Connection { stream, peer, _permit: permit };
                    }
                    Err(too_many) => {
                        if let Some(left_out) = self.lines.allow() {
                            tracing::warn!(%peer, %too_many, left_out, "connection refused");
                        }
                    }
                },
                Err(error) => {
                    // Out of descriptors, as a rule: a short rest lets others close theirs.
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

fn bind(host: &str, port: u16, backlog: i32) -> io::Result<TcpListener> {
    let address = (host, port).to_socket_addrs()?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    TcpListener::from_std(socket.into())
}
