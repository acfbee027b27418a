//! A client without manners: it sends the bytes that a test wants, in the order that it wants.

#[path = "../support/connection.rs"]
mod connection;

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::{Duration, Instant};

use bytes::Bytes;
use klog::base::TopicId;
use klog::record::{BatchBuilder, BatchOptions};
use klog::wire::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsTopic,
};
use klog::wire::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponseTopic};
use klog::wire::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, TopicProduceData,
};
use klog::wire::{Records, Request};
use socket2::{Domain, Socket, Type};

use connection::DEADLINE;
pub use connection::Raw;

/// The last Produce version that names topics.
pub const PRODUCE: i16 = 12;

impl Raw {
    /// A connection that comes from `source`, an address of this machine.
    pub fn connect_from(source: Ipv4Addr, address: &str) -> Raw {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddrV4::new(source, 0).into()).expect("an address of this machine");
        let address: SocketAddr = address.parse().expect("an address and a port");
        socket.connect(&address.into()).expect("the broker accepts connections");
        Raw::over(socket.into())
    }

    /// Sends `body` after a request's header.
    pub fn send_body<R: Request>(&mut self, version: i16, body: &[u8]) {
        let frame = self.frame_around::<R>(version, body);
        self.send_bytes(&frame);
    }

    /// Whether the broker closes the connection without another byte.
    pub fn is_closed(&mut self) -> bool {
        match self.stream.read(&mut [0; 1]) {
            Ok(count) => count == 0,
            Err(error) => {
                matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
            }
        }
    }

    /// Whether the broker closes the connection within `patience`, without another byte.
    pub fn is_closed_within(&mut self, patience: Duration) -> bool {
        self.stream.set_read_timeout(Some(patience)).expect("a deadline can be set");
        let closed = self.is_closed();
        self.stream.set_read_timeout(Some(DEADLINE)).expect("a deadline can be set");
        closed
    }

    /// Whether the connection ends, after whatever was still on its way.
    pub fn ends(&mut self) -> bool {
        let mut piece = vec![0; 1 << 16];
        loop {
            match self.stream.read(&mut piece) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == ErrorKind::ConnectionReset,
            }
        }
    }

    /// Whether the broker stops reading before `most` copies of a request are sent.
    pub fn is_not_read_to_the_end<R: Request>(
        &mut self,
        version: i16,
        request: &R,
        most: usize,
    ) -> bool {
        self.stream.set_write_timeout(Some(Duration::from_secs(1))).expect("a deadline can be set");
        let frame = self.framed(version, request);
        (0..most).any(|_| {
            let sent = self.stream.write_all(&frame);
            sent.is_err_and(|error| {
                matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
            })
        })
    }

    /// What Metadata says of a topic, which is made if need be.
    pub fn describe(&mut self, name: &str) -> MetadataResponseTopic {
        let topic = MetadataRequestTopic { name: Some(name.into()), ..Default::default() };
        let request = MetadataRequest { topics: Some(vec![topic]), ..Default::default() };
        self.call(12, &request).topics.remove(0)
    }

    /// What ListOffsets says of partition 0.
    pub fn list(
        &mut self,
        topic: &str,
        timestamp: i64,
        epoch: i32,
    ) -> ListOffsetsPartitionResponse {
        let partition =
            ListOffsetsPartition { timestamp, current_leader_epoch: epoch, ..Default::default() };
        let partitions = vec![partition];
        let topic = ListOffsetsTopic { name: topic.into(), partitions, ..Default::default() };
        let request =
            ListOffsetsRequest { replica_id: -1, topics: vec![topic], ..Default::default() };
        self.call(8, &request).topics.remove(0).partitions.remove(0)
    }

    /// The end of partition 0.
    pub fn latest(&mut self, topic: &str) -> i64 {
        self.list(topic, -1, -1).offset
    }

    /// Makes a topic of one partition by asking for it, and waits until its leader serves it: Kafka names it before.
    pub fn make_topic(&mut self, name: &str) -> TopicId {
        let end = Instant::now() + DEADLINE;
        loop {
            let topic = self.describe(name);
            let led = topic.partitions.first().is_some_and(|first| first.leader_id >= 0);
            if topic.error_code == 0 && led && self.list(name, -1, -1).error_code == 0 {
                return topic.topic_id;
            }
            assert!(Instant::now() < end, "no leader for {name}: {topic:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Produces to partition 0 with acks=all.
    pub fn produce(&mut self, topic: &str, records: &[u8]) -> PartitionProduceResponse {
        let response = self.call(PRODUCE, &produce_request(topic, -1, records));
        response.responses[0].partition_responses[0].clone()
    }
}

/// A request with `records` for one partition, acks=1.
pub fn produce_to(topic: &str, partition: i32, records: &[u8]) -> ProduceRequest {
    let mut request = produce_request(topic, 1, records);
    request.topic_data[0].partition_data[0].index = partition;
    request
}

/// A request with `records` for partition 0.
pub fn produce_request(topic: &str, acks: i16, records: &[u8]) -> ProduceRequest {
    let records = Some(Records::Bytes(Bytes::copy_from_slice(records)));
    let partition_data = vec![PartitionProduceData { index: 0, records, ..Default::default() }];
    let topic = TopicProduceData { name: topic.into(), partition_data, ..Default::default() };
    ProduceRequest { acks, timeout_ms: 10_000, topic_data: vec![topic], ..Default::default() }
}

/// A batch as a producer sends it, with a record for each value.
pub fn batch(values: &[&[u8]]) -> Vec<u8> {
    batch_of(values, BatchOptions::default())
}

pub fn batch_of(values: &[&[u8]], options: BatchOptions) -> Vec<u8> {
    batch_at(1_700_000_000_000, values, options)
}

/// A batch whose first record has the timestamp `first`; each other one is a ms younger.
pub fn batch_at(first: i64, values: &[&[u8]], options: BatchOptions) -> Vec<u8> {
    let mut builder = BatchBuilder::new(options);
    for (timestamp, value) in (first..).zip(values) {
        builder.append(timestamp, None, Some(value), []).expect("a record");
    }
    builder.build().expect("a batch").to_vec()
}
