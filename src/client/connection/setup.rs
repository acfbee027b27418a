//! From an address to a usable connection: resolve, connect, agree on versions.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::TcpStream;

use super::super::config::{AddressFamily, ClientConfig};
use super::super::error::ConnectionError;
use super::{Connection, frames};
use crate::base::ErrorCode;
use crate::wire::Request;
use crate::wire::api_versions::{ApiVersionsRequest, ApiVersionsResponse};

/// What klog says it is; KIP-511 allows letters, digits, `-` and `.`.
const SOFTWARE_NAME: &str = "klog";

/// Connects to `host:port` and learns which versions are served.
///
/// # Errors
/// Any `ConnectionError`; `SetupTimedOut` after `connect_timeout`.
pub(in crate::client) async fn connect(
    address: &str,
    config: &ClientConfig,
) -> Result<Arc<Connection>, ConnectionError> {
    let connected = AtomicBool::new(false);
    let set_up = async {
        let stream = open(address, config).await?;
        connected.store(true, Ordering::Relaxed);
        let connection = Arc::new(Connection::start(stream, address.to_owned(), config));
        let versions = negotiate(&connection, config).await?;
        let mut connection = Arc::into_inner(connection)
            .ok_or(ConnectionError::Closed { address: address.into() })?;
        connection.versions =
            versions.api_keys.iter().map(|a| (a.api_key, (a.min_version, a.max_version))).collect();
        let settled =
            versions.finalized_features.iter().find(|f| *f.name == *"transaction.version");
        connection.transaction_version = settled.map_or(0, |feature| feature.max_version_level);
        Ok(Arc::new(connection))
    };
    tokio::time::timeout(config.connect_timeout, set_up).await.unwrap_or_else(|_| {
        let (after, connected) = (config.connect_timeout, connected.load(Ordering::Relaxed));
        Err(ConnectionError::SetupTimedOut { address: address.into(), after, connected })
    })
}

/// Tries each of the host's addresses in turn.
async fn open(address: &str, config: &ClientConfig) -> Result<TcpStream, ConnectionError> {
    let resolve = |cause| ConnectionError::Resolve { address: address.into(), cause };
    let found = tokio::net::lookup_host(address).await.map_err(|e| resolve(Some(Arc::new(e))))?;
    let wanted = |a: &SocketAddr| match config.address_family {
        AddressFamily::Any => true,
        AddressFamily::V4 => a.is_ipv4(),
        AddressFamily::V6 => a.is_ipv6(),
    };
    let mut last = resolve(None);
    for socket_address in found.filter(wanted) {
        match TcpStream::connect(socket_address).await {
            Ok(stream) => {
                set_options(&stream, config);
                return Ok(stream);
            }
            Err(cause) => {
                let address = address.into();
                last = ConnectionError::Connect { address, cause: Arc::new(cause) };
            }
        }
    }
    Err(last)
}

/// Options that the system refuses are left as they are: none of them changes what is sent.
fn set_options(stream: &TcpStream, config: &ClientConfig) {
    let socket = socket2::SockRef::from(stream);
    let _ = socket.set_tcp_nodelay(config.nodelay);
    let _ = socket.set_keepalive(config.keepalive);
    if let Some(bytes) = config.send_buffer_bytes {
        let _ = socket.set_send_buffer_size(bytes);
    }
    if let Some(bytes) = config.receive_buffer_bytes {
        let _ = socket.set_recv_buffer_size(bytes);
    }
}

/// Asks at our newest version; a broker that does not know it answers in version 0 with error 35 and its own range.
async fn negotiate(
    connection: &Arc<Connection>,
    config: &ClientConfig,
) -> Result<ApiVersionsResponse, ConnectionError> {
    let request = ApiVersionsRequest {
        client_software_name: SOFTWARE_NAME.into(),
        client_software_version: env!("CARGO_PKG_VERSION").into(),
        ..ApiVersionsRequest::default()
    };
    let newest = ApiVersionsRequest::API.versions.max;
    let mut version = newest;
    loop {
        let answer = connection.post(&request, version)?.raw(config.request_timeout).await?;
        let unsupported = ErrorCode::UnsupportedVersion.to_wire();
        let fell_back = version > 0 && error_code(&answer) == Some(unsupported);
        let body_version = if fell_back { 0 } else { version };
        let response = frames::decode::<ApiVersionsRequest>(answer, body_version)
            .map_err(|detail| connection.protocol(detail))?;
        if fell_back {
            let own = response.api_keys.iter().find(|a| a.api_key == ApiVersionsRequest::API.key);
            version = own.map_or(0, |a| a.max_version.clamp(0, version - 1));
            continue;
        }
        return match ErrorCode::from_wire(response.error_code) {
            ErrorCode::None => Ok(response),
            code => Err(connection.protocol(format!("ApiVersions answered {code}"))),
        };
    }
}

/// The error code of any version's answer: it follows the correlation id.
fn error_code(frame: &[u8]) -> Option<i16> {
    let code = frame.get(4..6)?;
    Some(i16::from_be_bytes([code[0], code[1]]))
}
