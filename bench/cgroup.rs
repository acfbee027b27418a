//! A cgroup that bounds the memory of a broker with its page cache: of version 2 where it has the memory controller, else of version 1.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};

const V2: &str = "/sys/fs/cgroup";
const V1: &str = "/sys/fs/cgroup/memory";

/// Removed when dropped: what runs in it must have ended.
pub struct Cgroup {
    folder: PathBuf,
}

impl Cgroup {
    /// # Errors
    /// If this is not root, or the system has no memory controller.
    pub fn with_memory(bytes: u64) -> anyhow::Result<Cgroup> {
        let name = format!("klog-bench-{}", std::process::id());
        let controllers = fs::read_to_string(Path::new(V2).join("cgroup.controllers"));
        let (root, limit) = if controllers.is_ok_and(|all| all.contains("memory")) {
            fs::write(Path::new(V2).join("cgroup.subtree_control"), "+memory")
                .context("handing the memory controller to a new cgroup")?;
            (V2, "memory.max")
        } else if Path::new(V1).join("memory.limit_in_bytes").exists() {
            (V1, "memory.limit_in_bytes")
        } else {
            bail!("the system has no cgroup with a memory controller");
        };
        let folder = Path::new(root).join(name);
        let made = fs::create_dir(&folder);
        made.with_context(|| format!("making a cgroup in {root} (are you root?)"))?;
        let cgroup = Cgroup { folder };
        fs::write(cgroup.folder.join(limit), bytes.to_string()).context("bounding its memory")?;
        Ok(cgroup)
    }

    /// The same command, run in here.
    pub fn within(&self, command: &Command) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo $$ >\"$0\" && exec \"$@\""]).arg(self.folder.join("cgroup.procs"));
        shell.arg(command.get_program()).args(command.get_args());
        shell
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // A process that was waited for may still stand in it for a moment.
        for _ in 0..100 {
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        eprintln!("{} could not be removed", self.folder.display());
    }
}
