//! One connection to one broker: requests pipelined, answers in order, versions agreed on at the start.
//!
//! A request is put in line at once, so that the order of calls is the order on the wire; its answer is a future.
//! An answer that is late, out of order or not Kafka's ends the connection for all who wait on it: what the broker
//! did with their requests is then unknown to them.

mod frames;
mod setup;

use std::collections::HashMap;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::config::ClientConfig;
use super::error::ConnectionError;
use crate::wire::Request;

pub(super) use setup::connect;

/// A request on its way to the socket.
struct Outgoing {
    pieces: Vec<Bytes>,
    then: Then,
}

/// What follows once a request is written.
enum Then {
    /// Its answer.
    Answer(Awaiting),
    /// Nothing; the sender is told that it is written.
    Written(oneshot::Sender<()>),
}

/// A request sent whose answer has not come.
struct Awaiting {
    correlation_id: i32,
    answer: oneshot::Sender<Bytes>,
    _permit: Option<OwnedSemaphorePermit>,
}

/// Requests sent, in order; `None` once the connection has ended.
type Line = Arc<Mutex<Option<VecDeque<Awaiting>>>>;

/// One connection; shared by all who use its broker.
#[derive(Debug)]
pub(super) struct Connection {
    address: String,
    client_id: ByteString,
    versions: HashMap<i16, (i16, i16)>,
    /// The cluster's `transaction.version` when this was opened; 0 where there is none.
    transaction_version: i16,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    in_flight: Arc<Semaphore>,
    next_correlation_id: AtomicI32,
    end: Arc<End>,
}

/// How a connection ends: once, with one cause.
#[derive(Debug)]
struct End {
    token: CancellationToken,
    cause: OnceLock<ConnectionError>,
}

impl End {
    fn with(&self, cause: ConnectionError) {
        let _ = self.cause.set(cause); // the first cause stays
        self.token.cancel();
    }
}

/// The answer to a request, to come.
pub(super) struct Answer<R> {
    answer: oneshot::Receiver<Bytes>,
    connection: Arc<Connection>,
    version: i16,
    _request: PhantomData<fn() -> R>,
}

impl Connection {
    /// Takes a connected socket into use; no version is known yet.
    fn start(stream: tokio::net::TcpStream, address: String, config: &ClientConfig) -> Connection {
        let (outgoing, requests) = mpsc::unbounded_channel();
        let end = Arc::new(End { token: CancellationToken::new(), cause: OnceLock::new() });
        let line: Line = Arc::new(Mutex::new(Some(VecDeque::new())));
        let (read, write) = stream.into_split();
        let reader = frames::Reader {
            read,
            address: address.clone(),
            line: line.clone(),
            end: end.clone(),
            max_bytes: config.max_response_bytes,
            max_idle: config.max_idle,
        };
        tokio::spawn(reader.run());
        tokio::spawn(frames::write_all(write, requests, line, end.clone(), address.clone()));
        Connection {
            address,
            client_id: config.client_id.as_str().into(),
            versions: HashMap::new(),
            transaction_version: 0,
            outgoing,
            in_flight: Arc::new(Semaphore::new(config.max_in_flight.max(1))),
            next_correlation_id: AtomicI32::new(0),
            end,
        }
    }

    /// Where it leads.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Whether requests can still be sent.
    pub(super) fn is_open(&self) -> bool {
        !self.end.token.is_cancelled()
    }

    /// The level of the feature `transaction.version` that the cluster had settled on when this was opened (KIP-890).
    pub(super) fn transaction_version(&self) -> i16 {
        self.transaction_version
    }

    /// The highest version of `R` that both sides have, at most `cap`.
    ///
    /// # Errors
    /// `Unsupported` where there is none.
    pub(super) fn version_up_to<R: Request>(&self, cap: i16) -> Result<i16, ConnectionError> {
        let ours = R::API.versions;
        self.versions
            .get(&R::API.key)
            .map(|(min, max)| ((*min).max(ours.min), (*max).min(ours.max).min(cap)))
            .and_then(|(low, high)| (low <= high).then_some(high))
            .ok_or_else(|| ConnectionError::Unsupported {
                address: self.address.clone(),
                api: R::API.name,
            })
    }

    /// The highest version of `R` that both sides have.
    ///
    /// # Errors
    /// `Unsupported` where there is none.
    pub(super) fn version<R: Request>(&self) -> Result<i16, ConnectionError> {
        self.version_up_to::<R>(i16::MAX)
    }

    /// Sends a request and waits for its answer, behind at most `max_in_flight` − 1 others.
    ///
    /// # Errors
    /// Any `ConnectionError`; after all but `Unsupported` the connection is closed.
    pub(super) async fn call<R: Request>(
        self: &Arc<Connection>,
        request: &R,
        timeout: Duration,
    ) -> Result<R::Response, ConnectionError> {
        let version = self.version::<R>()?;
        self.call_at(request, version, timeout).await
    }

    /// As [`Self::call`], at a version that the caller chose.
    pub(super) async fn call_at<R: Request>(
        self: &Arc<Connection>,
        request: &R,
        version: i16,
        timeout: Duration,
    ) -> Result<R::Response, ConnectionError> {
        let permit = self.in_flight.clone().acquire_owned().await.map_err(|_| self.ended())?;
        self.send(request, version, Some(permit))?.within(timeout).await
    }

    /// Puts a request in line, whatever is in flight: the caller bounds that.
    pub(super) fn post<R: Request>(
        self: &Arc<Connection>,
        request: &R,
        version: i16,
    ) -> Result<Answer<R>, ConnectionError> {
        self.send(request, version, None)
    }

    /// Puts a request in line to which no answer comes (Produce with acks=0); the future says when it is written.
    pub(super) fn post_silent<R: Request>(
        self: &Arc<Connection>,
        request: &R,
        version: i16,
    ) -> Result<impl Future<Output = Result<(), ConnectionError>> + use<R>, ConnectionError> {
        let pieces = frames::encode(request, version, self.next_id(), &self.client_id)
            .map_err(|detail| self.protocol(detail))?;
        let (written, receiver) = oneshot::channel();
        let then = Then::Written(written);
        self.outgoing.send(Outgoing { pieces, then }).map_err(|_| self.ended())?;
        let connection = self.clone();
        Ok(async move { receiver.await.map_err(|_| connection.ended()) })
    }

    fn send<R: Request>(
        self: &Arc<Connection>,
        request: &R,
        version: i16,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<Answer<R>, ConnectionError> {
        let correlation_id = self.next_id();
        let pieces = frames::encode(request, version, correlation_id, &self.client_id)
            .map_err(|detail| self.protocol(detail))?;
        let (answer, receiver) = oneshot::channel();
        let then = Then::Answer(Awaiting { correlation_id, answer, _permit: permit });
        self.outgoing.send(Outgoing { pieces, then }).map_err(|_| self.ended())?;
        Ok(Answer { answer: receiver, connection: self.clone(), version, _request: PhantomData })
    }

    fn next_id(&self) -> i32 {
        self.next_correlation_id.fetch_add(1, Ordering::Relaxed) & i32::MAX
    }

    fn protocol(&self, detail: String) -> ConnectionError {
        ConnectionError::Protocol { address: self.address.clone(), detail }
    }

    /// Why it ended; for those who find it so.
    fn ended(&self) -> ConnectionError {
        let closed = || ConnectionError::Closed { address: self.address.clone() };
        self.end.cause.get().cloned().unwrap_or_else(closed)
    }

    /// Ends it: all who wait get `Closed`.
    pub(super) fn close(&self) {
        self.end.with(ConnectionError::Closed { address: self.address.clone() });
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}

impl<R: Request> Answer<R> {
    /// Waits for the answer; if it does not come in time the connection is given up, since all later answers would
    /// stand behind it.
    pub(super) async fn within(self, timeout: Duration) -> Result<R::Response, ConnectionError> {
        let (connection, version) = (self.connection.clone(), self.version);
        let frame = self.raw(timeout).await?;
        frames::decode::<R>(frame, version).map_err(|detail| {
            let cause = connection.protocol(detail);
            connection.end.with(cause.clone());
            cause
        })
    }

    /// The same, not decoded: header and body.
    async fn raw(self, timeout: Duration) -> Result<Bytes, ConnectionError> {
        let connection = &self.connection;
        match tokio::time::timeout(timeout, self.answer).await {
            Ok(Ok(frame)) => Ok(frame),
            Ok(Err(_)) => Err(connection.ended()),
            Err(_) => {
                let address = connection.address.clone();
                let api = R::API.name;
                connection.end.with(ConnectionError::TimedOut { address, api, after: timeout });
                Err(connection.ended())
            }
        }
    }
}
