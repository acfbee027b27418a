//! The requests whose cost is counted.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bytes::Bytes;
use klog::record::{BatchBuilder, BatchOptions};
use klog::wire::fetch::FetchRequest;
use klog::wire::produce::{ProduceRequest, ProduceResponse};

use crate::connection::Raw;
use crate::counts::Counts;
use crate::requests::{FETCH, PRODUCE, create, fetch, produce};
use crate::watched::Watched;

/// A kind of request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Case {
    /// A batch of one record of 100 bytes, acks=1, one request at a time.
    ProduceSmall,
    /// A batch of 16 KiB, which is as long as clients make them by default.
    ProduceFull,
    /// A small one again, so many at a time as a client has in flight.
    ProducePipelined,
    /// A batch of 64 KiB with one record.
    ProduceOneRecord,
    /// A batch of 64 KiB with [`MANY`] records.
    ProduceManyRecords,
    /// One small batch.
    FetchSmall,
    /// A batch of 64 KiB with one record.
    FetchOneRecord,
    /// A batch of 64 KiB with [`MANY`] records.
    FetchManyRecords,
    /// A MiB in batches of 64 KiB.
    FetchLong,
    /// Nothing is there, and nothing comes in time.
    FetchWaiting,
}

/// Records in a batch of many.
pub const MANY: usize = 1000;
/// The default of `batch.size`.
const FULL: usize = 16 << 10;
/// Bytes in a long batch, about.
const LONG: usize = 64 << 10;
/// Requests in flight, more than the Java client's five: what is shared shows.
const PIPELINE: usize = 20;
/// How long a fetch waits that waits in vain: longer than it takes here to be parked.
const WAIT_MS: i32 = 20;

/// What every kind of request costs, counted once for all tests.
pub fn costs() -> &'static BTreeMap<Case, Counts> {
    static COSTS: OnceLock<BTreeMap<Case, Counts>> = OnceLock::new();
    COSTS.get_or_init(count)
}

pub fn cost(case: Case) -> &'static Counts {
    &costs()[&case]
}

/// A batch of so many records with values of so many bytes.
fn batch(records: usize, value: usize) -> Bytes {
    let mut batch = BatchBuilder::new(BatchOptions::default());
    for _ in 0..records {
        batch.append(1_700_000_000_000, None, Some(&vec![7; value]), []).expect("it fits");
    }
    batch.build().expect("it has records")
}

/// How many requests are made of each kind; `KLOG_LONG` makes more.
fn times(requests: usize) -> usize {
    if std::env::var_os("KLOG_LONG").is_some() { 4 * requests } else { requests }
}

fn count() -> BTreeMap<Case, Counts> {
    let (small, full) = (batch(1, 100), batch(15, 1079));
    assert!(full.len() <= FULL && full.len() > FULL - 15, "{}", full.len());
    let (one, many) = (batch(1, LONG - 100), batch(MANY, 57));
    assert!(one.len().abs_diff(many.len()) < LONG / 50, "{} and {}", one.len(), many.len());
    let mut broker = Watched::start(|mut kafka| {
        create(&mut kafka, ["small", "full", "one", "many", "long", "empty"]);
        for (topic, batch) in [("small", &small), ("full", &full), ("one", &one), ("many", &many)] {
            produced(kafka.call(PRODUCE, &acks_1(topic, batch)));
        }
        (0..17).for_each(|_| produced(kafka.call(PRODUCE, &acks_1("long", &one))));
    });
    let mut kafka = broker.connect();
    let mut costs = BTreeMap::new();
    let mut note = |case, cost| assert!(costs.insert(case, cost).is_none(), "{case:?} twice");

    for (case, topic, batch, requests) in [
        (Case::ProduceSmall, "small", &small, times(100)),
        (Case::ProduceFull, "full", &full, times(50)),
        (Case::ProduceOneRecord, "one", &one, times(50)),
        (Case::ProduceManyRecords, "many", &many, times(20)),
    ] {
        let request = acks_1(topic, batch);
        let ask = || (0..requests).for_each(|_| produced(kafka.call(PRODUCE, &request)));
        note(case, broker.cost_of(requests, ask));
    }
    let (requests, request) = (times(5 * PIPELINE), acks_1("small", &small));
    let ask = || (0..requests / PIPELINE).for_each(|_| pipeline(&mut kafka, &request));
    note(Case::ProducePipelined, broker.cost_of(requests, ask));

    for (case, topic, max_bytes, expected, requests) in [
        (Case::FetchSmall, "small", 1, small.len(), times(50)),
        (Case::FetchOneRecord, "one", 1, one.len(), times(50)),
        (Case::FetchManyRecords, "many", 1, many.len(), times(50)),
        (Case::FetchLong, "long", 1 << 20, 16 * one.len(), times(50)),
        (Case::FetchWaiting, "empty", 1, 0, times(20)),
    ] {
        let request = fetch_most(topic, max_bytes);
        let ask = || (0..requests).for_each(|_| fetched(&mut kafka, &request, expected));
        note(case, broker.cost_of(requests, ask));
    }
    costs
}

fn acks_1(topic: &str, batch: &Bytes) -> ProduceRequest {
    ProduceRequest { acks: 1, ..produce(topic, 0, batch.clone()) }
}

fn produced(response: ProduceResponse) {
    let partition = &response.responses[0].partition_responses[0];
    assert_eq!(partition.error_code, 0, "{partition:?}");
}

/// Sends requests in one write, then reads all answers.
fn pipeline(kafka: &mut Raw, request: &ProduceRequest) {
    let frames: Vec<u8> = (0..PIPELINE).flat_map(|_| kafka.framed(PRODUCE, request)).collect();
    kafka.send_bytes(&frames);
    (0..PIPELINE).for_each(|_| produced(kafka.receive::<ProduceRequest>(PRODUCE).1));
}

/// From the beginning, as many whole batches as fit into so many bytes, but one at least.
fn fetch_most(topic: &str, max_bytes: i32) -> FetchRequest {
    let mut request = fetch(topic, 0, WAIT_MS);
    request.topics[0].partitions[0].partition_max_bytes = max_bytes;
    request
}

fn fetched(kafka: &mut Raw, request: &FetchRequest, expected: usize) {
    let response = kafka.call(FETCH, request);
    let partition = &response.responses[0].partitions[0];
    let records = partition.records.as_ref().map_or(0, |records| records.len());
    assert_eq!((partition.error_code, records), (0, expected));
}
