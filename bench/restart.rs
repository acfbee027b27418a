//! A start with data: after kill -9 in the middle of writing, and after a clean stop. The page cache stays as it is.

use crate::broker::{Broker, Subject};
use crate::closed::{self, Load, Until};
use crate::options::Options;
use crate::raw::{batch, check_produced, create_served, produce_frame};
use crate::start::timed_start;
use crate::table::Figure;

const TOPIC: &str = "data";
const PARTITIONS: i32 = 8;
const BATCH_RECORDS: usize = 64;
const RECORD: usize = 1024;

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut broker = Broker::start(subject, &options.dir)?;
    create_served(&mut broker, TOPIC, PARTITIONS, &[])?;
    let frame = produce_frame(TOPIC, 0..PARTITIONS, &batch(BATCH_RECORDS, RECORD)?)?;
    let requests = (options.gib << 30) / frame.len() as u64;
    let load = Load { frames: vec![vec![frame]; 2], check: check_produced };
    closed::run(broker.address(), &load, Until::Requests(requests.max(1)))?;
    broker.kill()?;
    let after_kill = timed_start(&mut broker, TOPIC)?;
    broker.stop()?;
    let after_stop = timed_start(&mut broker, TOPIC)?;
    let name = |after: &str| format!("{} GiB, after {after}: start to first ack, s", options.gib);
    Ok(vec![
        Figure::new(name("kill -9"), after_kill.as_secs_f64()),
        Figure::new(name("a clean stop"), after_stop.as_secs_f64()),
    ])
}
