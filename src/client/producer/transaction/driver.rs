//! The task that ends transactions and says what they reach: asks what [`Machine::step`] says is due.
//!
//! [`Machine::step`]: super::machine::Machine::step

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::super::super::connection::Connection;
use super::super::super::coordinator::{Coordinator, Kind};
use super::super::super::entropy::backoff;
use super::super::super::error::ClientError;
use super::super::super::handle::Lane;
use super::super::Shared;
use super::Transaction;
use super::machine::{Step, Then, Told};
use super::requests::{self, Asking};

/// The first waits for a transaction that is just being completed, as Kafka's producer waits for it.
const SHORT: Duration = Duration::from_millis(20);
/// How many of them are so short.
const SHORT_ONES: u32 = 5;

/// The coordinators that a transaction deals with.
struct Coordinators {
    own: Coordinator,
    /// The last group's.
    group: Option<Coordinator>,
}

/// Runs until the producer is dropped.
pub(super) async fn run(
    producer: Arc<Shared>,
    transaction: Arc<Transaction>,
    stop: CancellationToken,
) {
    let id = transaction.id.as_str().into();
    let own = Coordinator::of(Kind::Transaction, id);
    let mut coordinators = Coordinators { own, group: None };
    let mut failures = 0;
    loop {
        let incomplete = !producer.unfinished.lock().is_empty();
        let step = transaction.machine.lock().step(incomplete);
        transaction.settle(&producer); // a step may have ended a transaction without any request
        let Some(step) = step else {
            tokio::select! {
                () = transaction.news.notified() => continue,
                () = stop.cancelled() => return,
            }
        };
        let told = tokio::select! {
            told = ask(&producer, &transaction, &mut coordinators, &step) => told,
            () = stop.cancelled() => return,
        };
        let then = transaction.machine.lock().on_answer(&step, told);
        transaction.settle(&producer);
        if then == Then::Go {
            failures = 0;
            continue;
        }
        if then == Then::FindAgain {
            coordinators.forget(&step);
        }
        let pause = match (then, failures) {
            (Then::Pause, 0..SHORT_ONES) => SHORT,
            _ => {
                let config = producer.client.config();
                backoff(config.retry_backoff, config.retry_backoff_max, failures)
            }
        };
        failures += 1;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

impl Coordinators {
    /// Who is asked for a step.
    fn of(&mut self, step: &Step) -> &Coordinator {
        let Step::CommitOffsets { group, .. } = step else { return &self.own };
        let id = &group.group_id;
        let known = self.group.take().filter(|known| known.is_of(id));
        self.group.insert(known.unwrap_or_else(|| Coordinator::of(Kind::Group, id.as_str().into())))
    }

    fn forget(&mut self, step: &Step) {
        self.of(step).forget();
    }
}

async fn ask(
    producer: &Shared,
    transaction: &Transaction,
    coordinators: &mut Coordinators,
    step: &Step,
) -> Told {
    let client = &producer.client;
    let found = coordinators.of(step).connection(client, Lane::General).await;
    let connection: Arc<Connection> = match found {
        Ok(connection) => connection,
        Err(cause) if cause.retriable() => {
            transaction.note(&cause);
            return Told::Lost;
        }
        Err(cause) => return Told::Impossible(cause),
    };
    let protocol = {
        let mut machine = transaction.machine.lock();
        if !matches!(step, Step::CommitOffsets { .. }) {
            machine.observe(requests::abilities(&connection));
        }
        machine.protocol()
    };
    let asking = Asking {
        transactional_id: &transaction.id,
        transaction_timeout: producer.config.transaction_timeout,
        within: client.config().request_timeout,
    };
    let told = requests::send(&asking, &connection, protocol, step).await;
    if let Told::Answer { codes, .. } = &told
        && let Some(code) = codes.iter().find(|code| !code.is_none())
    {
        let what = format!("transactional id {}", transaction.id);
        transaction.note(&ClientError::Refused { what, code: *code, message: None });
    }
    told
}
