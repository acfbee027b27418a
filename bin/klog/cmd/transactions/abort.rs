//! `klog transactions abort`

use anyhow::Context as _;
use klog::base::{ErrorCode, Millis, TopicName};
use klog::client::{Admin, OpenTransaction, TransactionFilter};

use super::describe::missing;
use super::done::Done;
use crate::admin_args::{Common, Destroy, admin};
use crate::cluster;
use crate::connect::explain;
use crate::exit::advise;
use crate::output::Outcome;
use crate::values;

/// Abort transactions: by their id, or one that hangs at a partition
///
/// By ID the coordinator aborts what is open, and fences the producer: whatever it sends from then on is refused, and it has to be
/// started anew. At a partition a marker is written that nobody else will write; one whose coordinator still has it is refused.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog transactions abort billing-1 --dry-run
  klog transactions abort --topic orders --partition 3 --producer-id 4007 --yes")]
pub struct Args {
    /// Transactional ids; their producers are fenced
    #[arg(value_name = "ID", required_unless_present = "topic", conflicts_with = "topic", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    ids: Vec<String>,
    /// The topic in which a transaction hangs
    #[arg(long, value_name = "T", requires_all = ["partition", "producer_id"], value_parser = values::topic)]
    topic: Option<TopicName>,
    /// The partition of it
    #[arg(long, value_name = "P", requires = "topic", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,
    /// The producer whose transaction it is
    #[arg(long, value_name = "N", requires = "topic")]
    producer_id: Option<i64>,
    #[command(flatten)]
    destroy: Destroy,
    #[command(flatten)]
    common: Common,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let admin = admin(&args.common).await?;
    match (&args.topic, args.partition, args.producer_id) {
        (Some(topic), Some(partition), Some(producer_id)) => {
            at_partition(&args, &admin, (topic.clone(), partition), producer_id).await
        }
        _ => by_id(&args, &admin).await,
    }
}

async fn by_id(args: &Args, admin: &Admin) -> anyhow::Result<()> {
    let dry_run = args.destroy.change.dry_run;
    let mut outcome = Outcome::new(dry_run, args.common.format);
    let mut known = Vec::new();
    // An id that nobody knows would be made by fencing it.
    for (id, told) in admin.describe_transactions(&args.ids).await {
        match told {
            Ok(_) => known.push(id),
            Err(error) if error.code() == Some(ErrorCode::TransactionalIdNotFound) => {
                outcome.failed(missing(&id));
            }
            Err(error) => outcome.failed(explain(error)),
        }
    }
    if dry_run {
        for id in &known {
            let would = format!("abort what {id} has open, and fence its producer");
            outcome.done(done_by_id(id), would, String::new())?;
        }
        return outcome.finish();
    }
    if known.is_empty() {
        return outcome.finish();
    }
    args.destroy.confirm(&format!("fence the producers of {}?", known.join(", "))).await?;
    for (id, told) in admin.fence_producers(&known).await {
        match told {
            Ok(fenced) => {
                let done = Done {
                    producer_id: Some(fenced.producer_id),
                    producer_epoch: Some(fenced.producer_epoch.into()),
                    ..done_by_id(&id)
                };
                outcome.done(done, String::new(), format!("fenced the producer of {id}"))?;
            }
            Err(error) => {
                outcome.failed(explain(error).context(format!("{id} was not aborted")));
            }
        }
    }
    outcome.finish()
}

fn done_by_id(id: &str) -> Done<'_> {
    Done { transactional_id: Some(id), change: "abort", ..Done::default() }
}

async fn at_partition(
    args: &Args,
    admin: &Admin,
    (topic, partition): cluster::Partition,
    producer_id: i64,
) -> anyhow::Result<()> {
    let here = format!("{topic}[{partition}]");
    cluster::partitions_of(admin, &topic, &[partition]).await?;
    let open = find(admin, &(topic.clone(), partition), producer_id).await?;
    let open = open.ok_or_else(|| {
        let error = anyhow::anyhow!("producer {producer_id} has no transaction open in {here}");
        advise(error, format!("`klog transactions hanging --topic {topic}` shows what hangs"))
    })?;
    must_hang(admin, &open).await?;
    let done = Done {
        topic: Some(&topic),
        partition: Some(partition),
        producer_id: Some(producer_id),
        producer_epoch: Some(open.producer.producer_epoch),
        change: "abort",
        ..Done::default()
    };
    let dry_run = args.destroy.change.dry_run;
    let mut outcome = Outcome::new(dry_run, args.common.format);
    let what = format!("the transaction of producer {producer_id} in {here}");
    if !dry_run {
        args.destroy.confirm(&format!("abort {what}?")).await?;
        let aborted = admin.abort_open_transaction(&open).await.map_err(explain);
        aborted.with_context(|| format!("{what} was not aborted"))?;
    }
    outcome.done(done, format!("abort {what}"), format!("aborted {what}"))?;
    outcome.finish()
}

async fn find(
    admin: &Admin,
    partition: &cluster::Partition,
    producer_id: i64,
) -> anyhow::Result<Option<OpenTransaction>> {
    let all = Millis(i64::MAX);
    let open = admin.open_transactions(std::slice::from_ref(partition), None, all).await;
    let open = open.map_err(explain)?;
    Ok(open.into_iter().find(|open| open.producer.producer_id == producer_id))
}

/// What its coordinator knows of may still be committed elsewhere: half of it would then be missing here.
async fn must_hang(admin: &Admin, open: &OpenTransaction) -> anyhow::Result<()> {
    let hanging = admin.hanging_transactions(vec![open.clone()]).await.map_err(explain)?;
    if !hanging.is_empty() {
        return Ok(());
    }
    let producer_ids = vec![open.producer.producer_id];
    let filter = TransactionFilter { producer_ids, ..TransactionFilter::default() };
    let owner = admin.list_transactions(&filter).await.map_err(explain)?.into_iter().next();
    let id = owner.map_or_else(|| "ID".to_owned(), |owner| owner.transactional_id);
    let error = anyhow::anyhow!("the transaction does not hang: it is one of {id}, and under way");
    Err(advise(error, format!("`klog transactions abort {id}` fences its producer")))
}
