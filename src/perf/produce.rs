//! Producers at a rate, or as fast as they are let.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::clock::{Clock, Timer};
use super::end_to_end::{Producing, Tally};
use super::failure::Failure;
use super::outlet::{Account, LOOK, Outlet, Way};
use super::payload::{Payload, Source};
use super::run::Run;
use super::schedule::{Length, Schedule, share};
use super::stamp::Stamp;
use crate::base::TopicName;
use crate::client::{Client, ProducerConfig, ProducerRecord};

/// Records of an open loop that are late and sent without letting others have the thread.
const AT_ONCE: u64 = 64;
/// The same of a closed loop, where a pause costs throughput: about half a millisecond's worth.
const AT_ONCE_CLOSED: u64 = 1024;

/// When records are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// So many a second over all producers, whatever becomes of them; at least 1.
    Open(u64),
    /// Each producer one after the other, as soon as there is room for it.
    Closed,
}

/// What producers are to do.
#[derive(Clone, Debug)]
pub struct ProduceLoad {
    /// Where to.
    pub topic: TopicName,
    /// How each of them is configured. A transactional id gets a number per producer.
    pub producer: ProducerConfig,
    /// When.
    pub pace: Pace,
    /// How long.
    pub length: Length,
    /// What.
    pub payload: Payload,
    /// Records per transaction, at least 1; they count once it is committed. Needs a transactional id.
    pub transaction_size: Option<u64>,
}

/// Starts a producer per client.
///
/// # Errors
/// If a transactional id cannot be taken, or the system has no timer left.
pub async fn produce(clients: &[Client], load: &ProduceLoad) -> Result<Run, Failure> {
    let ways = open(clients, load).await?;
    let mut run = Run::start(load.length.warm_up);
    start(&mut run, ways, load, None)?;
    Ok(run)
}

/// The producers, ready before the run's time begins.
pub(super) async fn open(clients: &[Client], load: &ProduceLoad) -> Result<Vec<Way>, Failure> {
    let mut ways = Vec::with_capacity(clients.len());
    for (number, client) in clients.iter().enumerate() {
        let mut config = load.producer.clone();
        config.transactional_id = config.transactional_id.map(|id| format!("{id}-{number}"));
        ways.push(Way::open(client, config, load.transaction_size).await?);
    }
    Ok(ways)
}

/// Starts their loops. With `onward` records are stamped, and count once they are read.
pub(super) fn start(
    run: &mut Run,
    ways: Vec<Way>,
    load: &ProduceLoad,
    onward: Option<(Stamp, &Arc<Tally>)>,
) -> Result<(), Failure> {
    let among = ways.len();
    for (number, way) in ways.into_iter().enumerate() {
        let (stamp, tally) = onward.unzip();
        let onward = tally.map(Producing::new);
        let clock = run.clock();
        let worker = Worker {
            outlet: Outlet::new(way, Account { meter: run.meter(), clock, onward }),
            source: load.payload.source(),
            stamp,
            topic: load.topic.clone(),
            clock,
            stop: run.stopped(),
        };
        let length = load.length;
        match load.pace {
            Pace::Open(per_second) => {
                let numbers = (number as u64..).step_by(among);
                let schedule = Schedule::new(per_second, length);
                run.spawn(worker.open_loop(numbers, schedule, Timer::new()?));
            }
            Pace::Closed => {
                let until = length.duration.map(|duration| clock.measured_from + duration);
                run.spawn(worker.closed_loop(share(length.records, number, among), until));
            }
        }
    }
    Ok(())
}

/// One producer and what it sends.
struct Worker {
    outlet: Outlet,
    source: Source,
    stamp: Option<Stamp>,
    topic: TopicName,
    clock: Clock,
    stop: CancellationToken,
}

impl Worker {
    /// Sends each record once it is due, or as soon after as it can.
    async fn open_loop(
        mut self,
        numbers: impl Iterator<Item = u64>,
        schedule: Schedule,
        mut timer: Timer,
    ) -> Result<(), Failure> {
        let mut at_once = 0;
        let stop = self.stop.clone();
        let mut stopped = pin!(stop.cancelled());
        for due in numbers.map_while(|number| schedule.due(number)) {
            let due = self.clock.started + due;
            while let Some(pause) = due.checked_duration_since(Instant::now()) {
                at_once = 0;
                self.outlet.look();
                tokio::select! {
                    () = &mut stopped => return self.outlet.finish().await,
                    slept = timer.sleep(pause.min(LOOK)) => slept?,
                }
            }
            self.send(due).await?;
            at_once += 1;
            if at_once % AT_ONCE == 0 {
                self.breathe().await;
                if self.stop.is_cancelled() {
                    break;
                }
            }
        }
        self.outlet.finish().await
    }

    /// Sends one record after the other until so many count, or until then.
    async fn closed_loop(
        mut self,
        records: Option<u64>,
        until: Option<Instant>,
    ) -> Result<(), Failure> {
        let mut counted = 0;
        for sent in 0_u64.. {
            if sent % AT_ONCE_CLOSED == 0 {
                self.breathe().await;
                if self.stop.is_cancelled() {
                    break;
                }
            }
            let now = Instant::now();
            if until.is_some_and(|until| now >= until) || records.is_some_and(|all| counted >= all)
            {
                break;
            }
            counted += u64::from(now >= self.clock.measured_from);
            self.send(now).await?;
        }
        self.outlet.finish().await
    }

    /// Lets others have the thread.
    async fn breathe(&mut self) {
        self.outlet.look();
        tokio::task::yield_now().await;
    }

    async fn send(&mut self, due: Instant) -> Result<(), Failure> {
        let mut record = ProducerRecord::new(self.topic.clone(), self.source.next());
        record.timestamp = Some(self.clock.millis(due));
        record.headers.extend(self.stamp.map(|stamp| stamp.header(due)));
        self.outlet.send(record, due).await
    }
}
