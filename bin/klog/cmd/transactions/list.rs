//! `klog transactions list`

use std::time::Duration;

use klog::client::{TransactionFilter, TransactionListing, TransactionState};
use serde::Serialize;

use crate::admin_args::{Common, admin};
use crate::connect::explain;
use crate::output::{Row, Rows};
use crate::values;

/// Show which transactional ids there are
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog transactions list --state Ongoing --older-than 10m
  klog transactions list 'billing-.*' --format json")]
pub struct Args {
    /// Only ids that match this regular expression as a whole
    #[arg(value_name = "PATTERN")]
    pattern: Option<String>,
    /// Only those in this state; several are separated by commas
    ///
    /// Empty, Ongoing, PrepareCommit and PrepareAbort (markers are being written), CompleteCommit, CompleteAbort,
    /// PrepareEpochFence, Dead.
    #[arg(long = "state", value_name = "S[,…]", value_delimiter = ',', value_parser = state)]
    states: Vec<TransactionState>,
    /// Only those of this producer; several are separated by commas
    #[arg(long = "producer-id", value_name = "N[,…]", value_delimiter = ',')]
    producer_ids: Vec<i64>,
    /// Only those whose transaction began longer ago
    ///
    /// Also one that has ended since: --state Ongoing lets only those through that are open.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    older_than: Option<Duration>,
    #[command(flatten)]
    common: Common,
}

fn state(text: &str) -> Result<TransactionState, String> {
    text.parse()
}

#[derive(Serialize)]
struct Listed {
    transactional_id: String,
    coordinator: i32,
    producer_id: i64,
    state: String,
}

impl Row for Listed {
    const HEADER: &'static [&'static str] =
        &["transactional_id", "coordinator", "producer_id", "state"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.transactional_id.clone(),
            self.coordinator.to_string(),
            self.producer_id.to_string(),
            self.state.clone(),
        ]
    }
}

impl From<TransactionListing> for Listed {
    fn from(told: TransactionListing) -> Listed {
        Listed {
            transactional_id: told.transactional_id,
            coordinator: told.coordinator,
            producer_id: told.producer_id,
            state: told.state.to_string(),
        }
    }
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let admin = admin(&args.common).await?;
    let filter = TransactionFilter {
        states: args.states,
        producer_ids: args.producer_ids,
        older_than: args.older_than,
        pattern: args.pattern,
    };
    let mut rows = Rows::new(args.common.format);
    for told in admin.list_transactions(&filter).await.map_err(explain)? {
        rows.push(Listed::from(told))?;
    }
    rows.finish()
}
