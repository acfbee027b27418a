//! What the commands that administer have in common: how to print, whether to do anything at all, whether to ask before
//! something is destroyed; and how they run.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use klog::client::{Admin, Client, Role};

use crate::client_args::ClientArgs;
use crate::connect::{self, Properties};
use crate::exit::{Ended, Hint as _, usage};
use crate::logging::{self, LogArgs};
use crate::output::ListFormat;
use crate::signals::Signals;

/// What every subcommand takes.
#[derive(clap::Args, Debug, Clone)]
pub struct Common {
    /// How to print
    #[arg(long, value_enum, default_value = "table", display_order = 700)]
    pub format: ListFormat,
    #[command(flatten)]
    pub client: ClientArgs,
}

/// What every subcommand that changes something takes too.
#[derive(clap::Args, Debug, Clone)]
pub struct Change {
    /// Say what would be done, and do nothing
    #[arg(long, display_order = 600)]
    pub dry_run: bool,
}

/// What every subcommand that destroys takes too.
#[derive(clap::Args, Debug, Clone)]
pub struct Destroy {
    #[command(flatten)]
    pub change: Change,
    /// Do not ask
    ///
    /// Needed where stdin or stderr is no terminal.
    #[arg(short, long, display_order = 601)]
    pub yes: bool,
}

/// Does the work of a command that administers; a signal ends it.
///
/// # Errors
/// What the work met, or the signal.
pub fn run(log: &LogArgs, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    logging::start(log);
    klog::client::runtime()?.block_on(async {
        let mut signals = Signals::install()?;
        tokio::select! {
            done = work => done,
            kind = signals.stop() => Err(Ended::Signal(kind).into()),
        }
    })
}

/// Finds the cluster.
///
/// # Errors
/// If a property is not taken, or no broker answers in time.
pub async fn client(args: &ClientArgs) -> anyhow::Result<Client> {
    let properties = Properties::gather(args)?;
    let (config, ()) = properties.configs(Role::Admin, args.timeout, |_| Ok(()))?;
    connect::connect(config).await
}

/// [`client`], for what needs nothing but to administer.
///
/// # Errors
/// As [`client`].
pub async fn admin(common: &Common) -> anyhow::Result<Admin> {
    Ok(Admin::new(&client(&common.client).await?))
}

impl Destroy {
    /// Asks on a terminal; without one --yes must have been given.
    ///
    /// # Errors
    /// If the answer is no, or nobody can be asked.
    pub async fn confirm(&self, question: &str) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return Err(usage(format!("nobody can be asked: {question}")))
                .hint("--yes does it without asking, --dry-run shows what it would do");
        }
        anstream::eprint!("{question} [y/N] ");
        let answer = read_answer().await.context("cannot read the answer")?;
        match answer.trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => Err(anyhow::anyhow!("nothing was done")),
        }
    }
}

/// A line of stdin. A thread of its own waits for it, which nobody waits for: Ctrl-C ends the command also here.
async fn read_answer() -> std::io::Result<String> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::Builder::new().name("answer".into()).spawn(move || {
        let mut answer = String::new();
        let _ = tell.send(std::io::stdin().read_line(&mut answer).map(|_| answer));
    })?;
    told.await.unwrap_or_else(|_| Ok(String::new()))
}
