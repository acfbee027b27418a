//! `klog transactions describe`

use klog::base::{ErrorCode, Millis};
use klog::client::TransactionDescription;
use serde::Serialize;

use crate::admin_args::{Common, admin};
use crate::connect::explain;
use crate::exit::advise;
use crate::output::{Failures, Partitions, Row, Rows, by_topic, in_short, or_dash};
use crate::values;

/// Show what transactions reach, and for how long they are open
#[derive(clap::Args, Debug)]
#[command(after_long_help = "A line per transactional id:
  coordinator     the node that coordinates it
  producer_epoch  a producer of a lower one is fenced
  duration_ms     for how long its transaction is open
  partitions      where a marker is still to be written, `__consumer_offsets` for offsets of groups

Examples:
  klog transactions describe billing-1
  klog transactions describe billing-1 billing-2 --format json")]
pub struct Args {
    /// The transactional ids
    #[arg(required = true, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    ids: Vec<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Described {
    transactional_id: String,
    coordinator: i32,
    state: String,
    producer_id: i64,
    producer_epoch: i16,
    timeout_ms: u64,
    started_ms: Option<i64>,
    duration_ms: Option<i64>,
    partitions: Vec<Partitions>,
}

impl Row for Described {
    const HEADER: &'static [&'static str] = &[
        "transactional_id",
        "coordinator",
        "state",
        "producer_id",
        "producer_epoch",
        "timeout_ms",
        "started_ms",
        "duration_ms",
        "partitions",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.transactional_id.clone(),
            self.coordinator.to_string(),
            self.state.clone(),
            self.producer_id.to_string(),
            self.producer_epoch.to_string(),
            self.timeout_ms.to_string(),
            or_dash(&self.started_ms),
            or_dash(&self.duration_ms),
            in_short(&self.partitions),
        ]
    }
}

fn row(told: TransactionDescription, now: Millis) -> Described {
    let started_ms = told.started_at.map(|at| at.0);
    Described {
        coordinator: told.coordinator,
        state: told.state.to_string(),
        producer_id: told.producer_id,
        producer_epoch: told.producer_epoch,
        timeout_ms: u64::try_from(told.timeout.as_millis()).unwrap_or(u64::MAX),
        started_ms,
        duration_ms: started_ms.map(|at| now.0.saturating_sub(at).max(0)),
        partitions: by_topic(&told.partitions),
        transactional_id: told.transactional_id,
    }
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let admin = admin(&args.common).await?;
    let (mut rows, mut failures) = (Rows::new(args.common.format), Failures::default());
    for (id, told) in admin.describe_transactions(&args.ids).await {
        match told {
            Ok(told) => rows.push(row(told, values::now()))?,
            Err(error) if error.code() == Some(ErrorCode::TransactionalIdNotFound) => {
                failures.add(missing(&id));
            }
            Err(error) => failures.add(explain(error)),
        }
    }
    rows.finish()?;
    failures.finish()
}

/// No coordinator knows the id.
pub fn missing(id: &str) -> anyhow::Error {
    let error = anyhow::anyhow!("transactional id {id} does not exist");
    advise(error, "`klog transactions list` shows what there is")
}
