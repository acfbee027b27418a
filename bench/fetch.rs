//! A fetcher that drops the bytes, so that what is measured is the broker. It can, where all batches of a partition are alike: the length of an
//! answer then tells how many it has.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::ensure;
use klog::wire::fetch::{FetchPartition, FetchRequest, FetchTopic};

use crate::broker::Broker;
use crate::clients::BATCH;
use crate::closed::{self, Load, Until};
use crate::raw::{batch, check_produced, create_served, frame, produce_frame};

/// The last version that names topics.
const FETCH: i16 = 12;
/// Bytes of an answer at most: so large that the wait for the next one hardly counts.
const ANSWER: usize = 8 << 20;
const AT_ONCE: usize = 1 << 20;
const STALL: Duration = Duration::from_secs(60);

/// Partition 0 of a topic that holds batches of 64 KiB, all of them alike.
pub struct Uniform {
    topic: String,
    frame: Vec<u8>,
    pub batch_bytes: usize,
    batch_records: usize,
    pub batches: u64,
}

impl Uniform {
    /// Makes the topic for so much data in records of `size` bytes.
    pub fn create(broker: &mut Broker, topic: &str, size: usize, mib: u64) -> anyhow::Result<Self> {
        create_served(broker, topic, 1, &[])?;
        let batch_records = (BATCH / (size + 8)).max(1);
        let batch = batch(batch_records, size)?;
        let frame = produce_frame(topic, 0..1, &batch)?;
        let batches = ((mib << 20) / batch.len() as u64).max(1);
        Ok(Uniform { topic: topic.into(), frame, batch_bytes: batch.len(), batch_records, batches })
    }

    pub fn bytes(&self) -> u64 {
        self.batches * self.batch_bytes as u64
    }

    pub fn records(&self) -> u64 {
        self.batches * self.batch_records as u64
    }

    /// Writes the data, one request in flight on each of so many connections.
    pub fn write(&self, address: &str, connections: usize) -> anyhow::Result<()> {
        let load =
            Load { frames: vec![vec![self.frame.clone()]; connections], check: check_produced };
        closed::run(address, &load, Until::Requests(self.batches))?;
        Ok(())
    }

    /// Reads all of it, from the first record on; what is not yet written is waited for.
    pub fn fetch(&self, address: &str) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(STALL))?;
        let (mut read, mut last, mut buffer) = (0, Instant::now(), vec![0; AT_ONCE]);
        while read < self.batches {
            stream.write_all(&self.request(read)?)?;
            stream.read_exact(&mut buffer[..4])?;
            let length = u32::from_be_bytes([buffer[0], buffer[1], buffer[2], buffer[3]]) as usize;
            let mut left = length;
            while left > 0 {
                let most = left.min(AT_ONCE);
                let count = stream.read(&mut buffer[..most])?;
                ensure!(count > 0, "the broker closed a connection");
                left -= count;
            }
            let more = length / self.batch_bytes;
            if more > 0 {
                (read, last) = (read + more as u64, Instant::now());
            }
            ensure!(last.elapsed() < STALL, "only {read} of {} batches came", self.batches);
        }
        Ok(())
    }

    fn request(&self, from: u64) -> anyhow::Result<Vec<u8>> {
        // So many whole batches: Kafka would send a part of the next one as well.
        let most = i32::try_from(ANSWER / self.batch_bytes * self.batch_bytes)?;
        let partition = FetchPartition {
            partition: 0,
            fetch_offset: i64::try_from(from)? * self.batch_records as i64,
            partition_max_bytes: most,
            ..Default::default()
        };
        let topic = FetchTopic {
            topic: self.topic.as_str().into(),
            partitions: vec![partition],
            ..Default::default()
        };
        let request = FetchRequest {
            max_wait_ms: 500,
            min_bytes: 1,
            max_bytes: i32::MAX,
            topics: vec![topic],
            ..Default::default()
        };
        frame(FETCH, &request)
    }
}
