//! A broker that only acknowledges: what goes to it measures who sends, and the loopback.

use std::io;
use std::net::TcpListener;
use std::thread;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::base::{Cursor, TopicId};
use crate::wire::api_versions::{ApiVersion, ApiVersionsRequest, ApiVersionsResponse};
use crate::wire::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use crate::wire::metadata::{
    MetadataRequest, MetadataResponse, MetadataResponseBroker, MetadataResponsePartition,
    MetadataResponseTopic,
};
use crate::wire::produce::{
    PartitionProduceResponse, ProduceRequest, ProduceResponse, TopicProduceResponse,
};
use crate::wire::{Api, Encoder, Opening, Request, decode_client_id, encode_response_header};

/// What one read asks for.
const READ: usize = 256 << 10;
/// A longer frame ends the connection.
const MOST: usize = 64 << 20;
/// What it serves.
const SERVED: [Api; 4] = [
    ProduceRequest::API,
    MetadataRequest::API,
    ApiVersionsRequest::API,
    InitProducerIdRequest::API,
];

/// Listens on a free port of 127.0.0.1, until dropped. Every topic is there, with so many partitions; nothing is kept.
pub struct Sink {
    address: String,
    _stop: DropGuard,
}

#[derive(Clone, Copy)]
struct Told {
    port: i32,
    partitions: i32,
}

impl Sink {
    /// Starts it, in one thread of its own.
    ///
    /// # Errors
    /// If the system has no port or thread left.
    pub fn start(partitions: i32) -> io::Result<Sink> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let at = listener.local_addr()?;
        let told = Told { port: at.port().into(), partitions };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let serve =
            move || runtime.block_on(stopped.run_until_cancelled_owned(told.accept(listener)));
        thread::Builder::new().name("sink".into()).spawn(serve)?;
        Ok(Sink { address: at.to_string(), _stop: stop.drop_guard() })
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Told {
    async fn accept(self, listener: TcpListener) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(async move {
                if let Err(error) = self.serve(stream).await {
                    tracing::debug!(%error, "a connection of the sink ended");
                }
            });
        }
    }

    async fn serve(self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut buffer = BytesMut::new();
        let mut answers = Vec::new();
        loop {
            buffer.reserve(READ);
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            while let Some(frame) = whole_frame(&mut buffer)? {
                self.answer(frame, &mut answers)?;
            }
            stream.write_all(&answers).await?;
            answers.clear();
        }
    }

    fn answer(self, frame: Bytes, answers: &mut Vec<u8>) -> io::Result<()> {
        let mut input = Cursor::new(frame);
        let opening = Opening::decode(&mut input).map_err(io::Error::other)?;
        let asked = SERVED.iter().find(|api| api.key == opening.api_key);
        let api = asked.ok_or_else(|| io::Error::other("an API that the sink does not serve"))?;
        let flexible = api.flexible(opening.api_version);
        decode_client_id(flexible, &mut input).map_err(io::Error::other)?;
        let body = input.rest().clone();
        match opening.api_key {
            key if key == ProduceRequest::API.key => {
                let request = ProduceRequest::decode(opening.api_version, body);
                let request = request.map_err(io::Error::other)?;
                if request.acks == 0 {
                    return Ok(());
                }
                put::<ProduceRequest>(opening, &acknowledged(request), answers)
            }
            key if key == MetadataRequest::API.key => {
                let request = MetadataRequest::decode(opening.api_version, body);
                let told = self.metadata(request.map_err(io::Error::other)?);
                put::<MetadataRequest>(opening, &told, answers)
            }
            key if key == InitProducerIdRequest::API.key => {
                let identity = InitProducerIdResponse { producer_id: 1, ..Default::default() };
                put::<InitProducerIdRequest>(opening, &identity, answers)
            }
            _ => put::<ApiVersionsRequest>(opening, &served(), answers),
        }
    }

    fn metadata(self, request: MetadataRequest) -> MetadataResponse {
        let partition = |partition_index| MetadataResponsePartition {
            partition_index,
            leader_epoch: 0,
            replica_nodes: vec![0],
            isr_nodes: vec![0],
            ..Default::default()
        };
        let topics = request.topics.into_iter().flatten().map(|topic| MetadataResponseTopic {
            name: topic.name,
            topic_id: TopicId([1; 16]),
            partitions: (0..self.partitions).map(partition).collect(),
            ..Default::default()
        });
        let broker = MetadataResponseBroker {
            host: "127.0.0.1".into(),
            port: self.port,
            ..Default::default()
        };
        let topics = topics.collect();
        MetadataResponse { brokers: vec![broker], controller_id: 0, topics, ..Default::default() }
    }
}

fn served() -> ApiVersionsResponse {
    let served = SERVED.iter().map(|api| ApiVersion {
        api_key: api.key,
        min_version: api.versions.min,
        max_version: api.versions.max,
        ..Default::default()
    });
    ApiVersionsResponse { api_keys: served.collect(), ..Default::default() }
}

fn acknowledged(request: ProduceRequest) -> ProduceResponse {
    let responses = request.topic_data.into_iter().map(|topic| TopicProduceResponse {
        name: topic.name,
        topic_id: topic.topic_id,
        partition_responses: topic
            .partition_data
            .iter()
            .map(|data| PartitionProduceResponse { index: data.index, ..Default::default() })
            .collect(),
        ..Default::default()
    });
    ProduceResponse { responses: responses.collect(), ..Default::default() }
}

/// Appends an answer's frame.
fn put<R: Request>(opening: Opening, response: &R::Response, out: &mut Vec<u8>) -> io::Result<()> {
    let mut body = Encoder::with_capacity(128);
    encode_response_header(R::API, opening.api_version, opening.correlation_id, &mut body);
    R::encode_response(response, opening.api_version, &mut body).map_err(io::Error::other)?;
    let body = body.into_bytes().ok_or_else(|| io::Error::other("an answer with holes"))?;
    out.extend_from_slice(&(body.len() as u32).to_be_bytes());
    out.extend_from_slice(&body);
    Ok(())
}

/// Cuts a frame off, without its length.
fn whole_frame(buffer: &mut BytesMut) -> io::Result<Option<Bytes>> {
    let Some(length) = buffer.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes) as usize)
    else {
        return Ok(None);
    };
    if length > MOST {
        return Err(io::Error::other("a frame that is too long"));
    }
    if buffer.len() < 4 + length {
        return Ok(None);
    }
    buffer.advance(4);
    Ok(Some(buffer.split_to(length).freeze()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::TopicName;
    use crate::client::{Client, ClientConfig, ProducerConfig};
    use crate::perf::{Length, Pace, Payload, ProduceLoad, Summary, produce};

    #[tokio::test]
    async fn the_sink_acknowledges_all_that_producers_send() {
        let sink = Sink::start(3).unwrap();
        let bootstrap = vec![sink.address().to_owned()];
        let client = Client::connect(ClientConfig { bootstrap, ..Default::default() });
        let client = client.await.unwrap();
        let load = ProduceLoad {
            topic: TopicName::new("any").unwrap(),
            producer: ProducerConfig::default(),
            pace: Pace::Closed,
            length: Length { warm_up: Duration::ZERO, records: Some(5001), duration: None },
            payload: Payload::Random(100),
            transaction_size: None,
        };
        let mut run = produce(&[client.clone(), client], &load).await.unwrap();
        let mut summary = Summary::default();
        while let Some(interval) = run.next().await {
            summary.add(interval);
        }
        run.outcome().unwrap();
        assert_eq!((summary.counts.records, summary.counts.failed()), (5001, 0));
        assert_eq!((summary.counts.bytes, summary.counts.latencies.len()), (500_100, 5001));
    }
}
