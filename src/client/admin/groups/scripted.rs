//! A broker that answers what a test tells it to: for what real ones do rarely, or no longer.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::super::super::config::ClientConfig;
use super::super::super::handle::Client;
use super::super::Admin;
use crate::base::Cursor;
use crate::wire::api_versions::{ApiVersion, ApiVersionsRequest, ApiVersionsResponse};
use crate::wire::metadata::{MetadataRequest, MetadataResponse, MetadataResponseBroker};
use crate::wire::{Api, Encoder, Opening, Request, decode_client_id, encode_response_header};

/// A body for the request with this key, version and body.
type Answer = Box<dyn FnMut(i16, Bytes) -> Bytes + Send>;

/// What it serves, and how.
#[derive(Default)]
pub(super) struct Script {
    served: BTreeMap<i16, (Api, i16, Answer)>,
}

impl Script {
    /// Serves an API up to a version.
    pub(super) fn serve<R: Request>(
        mut self,
        up_to: i16,
        mut answer: impl FnMut(R) -> R::Response + Send + 'static,
    ) -> Script {
        let encoded: Answer = Box::new(move |version, body| {
            let request = R::decode(version, body).expect("the request is well formed");
            let mut out = Encoder::with_capacity(256);
            R::encode_response(&answer(request), version, &mut out).expect("it can be written");
            out.into_bytes().expect("no holes")
        });
        self.served.insert(R::API.key, (R::API, up_to, encoded));
        self
    }

    /// An admin client of a broker, node 1, that follows this script. It gives up after `within_ms`.
    pub(super) async fn admin(self, within_ms: u64) -> Admin {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let node = MetadataResponseBroker {
            node_id: 1,
            host: address.ip().to_string().into(),
            port: address.port().into(),
            ..MetadataResponseBroker::default()
        };
        let cluster = MetadataResponse { brokers: vec![node], ..MetadataResponse::default() };
        let script = self.serve::<MetadataRequest>(9, move |_| cluster.clone());
        let range = |(api, up_to, _): &(Api, i16, Answer)| ApiVersion {
            api_key: api.key,
            min_version: api.versions.min,
            max_version: *up_to,
            ..ApiVersion::default()
        };
        let newest = ApiVersionsRequest::API.versions.max;
        let versions = ApiVersionsResponse {
            api_keys: script.served.values().map(range).collect(),
            ..ApiVersionsResponse::default()
        };
        let script = script.serve::<ApiVersionsRequest>(newest, move |_| versions.clone());
        let script = Arc::new(Mutex::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, script.clone()));
            }
        });
        let config = ClientConfig {
            bootstrap: vec![address.to_string()],
            api_timeout: std::time::Duration::from_millis(within_ms),
            ..ClientConfig::default()
        };
        Admin::new(&Client::connect(config).await.expect("it answers"))
    }
}

/// Answers until the client goes.
async fn converse(mut stream: TcpStream, script: Arc<Mutex<Script>>) {
    while let Ok(size) = stream.read_i32().await {
        let mut frame = BytesMut::zeroed(size as usize);
        if stream.read_exact(&mut frame).await.is_err() {
            return;
        }
        let mut input = Cursor::new(frame.freeze());
        let opening = Opening::decode(&mut input).expect("a header");
        let answer = {
            let mut script = script.lock();
            let served = script.served.get_mut(&opening.api_key);
            let (api, up_to, answer) = served.expect("only what is served is asked for");
            let version = opening.api_version;
            assert!(version <= *up_to, "{} v{version}", api.name);
            decode_client_id(api.flexible(version), &mut input).expect("a client id");
            let mut out = Encoder::with_capacity(256);
            encode_response_header(*api, version, opening.correlation_id, &mut out);
            out.fields().extend_from_slice(&answer(version, input.rest().clone()));
            out.into_bytes().expect("no holes")
        };
        let size = (answer.len() as i32).to_be_bytes();
        if stream.write_all(&[&size[..], &answer].concat()).await.is_err() {
            return;
        }
    }
}
