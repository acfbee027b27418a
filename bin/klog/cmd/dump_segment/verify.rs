//! `klog dump-segment --verify`

use super::Args;
use crate::logging::LogArgs;

pub fn run(_args: &Args, _log: &LogArgs) -> anyhow::Result<()> {
    anyhow::bail!("nothing can be checked yet")
}
